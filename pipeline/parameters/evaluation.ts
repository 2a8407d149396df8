import { FLAG, integer, OPTIONAL_HUGGING_FACE_ID, type Parameter, real, S3_BUCKET } from "./parameter.ts";

export const EVALUATION_PARAMETERS = {
  judgements_uri: {
    type: "string",
    default: "",
    rule: { pattern: `^(s3://${S3_BUCKET}/(.+/)?)?$` },
    must: "empty or the S3 URI of a folder, ending in /",
    write: "for example s3://my-bucket/judgements/",
    description:
      "Folder in S3 with your own judged queries for the evaluation, in BEIR format: `queries.jsonl`, `qrels.tsv`, optionally `exclude.tsv`.",
    scope: "execution",
  },
  judge_model_id: {
    type: "string",
    default: "",
    rule: { pattern: OPTIONAL_HUGGING_FACE_ID },
    must: "empty or a Hugging Face model id",
    write: "for example BAAI/bge-reranker-v2-m3",
    description:
      "Judge of the evaluation: a cross-encoder or an embedding model, not the teacher. It scores the results of all rankers for up to 300 held-out queries. Empty uses no judge.",
    scope: "execution",
    jobs: ["evaluation"],
  },
  general_collection_uri: {
    type: "string",
    default: "",
    rule: { pattern: `^(s3://${S3_BUCKET}/(.+/)?)?$` },
    must: "empty or the S3 URI of a folder, ending in /",
    write: "for example s3://my-bucket/general/",
    description:
      "Folder in S3 with a judged collection of another kind, on which the model must not get worse, in BEIR format: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv`.",
    scope: "execution",
  },
  max_evaluation_documents: {
    ...integer(100_000, 100, 10_000_000, "Most documents over which the evaluation ranks."),
    jobs: ["evaluation"],
  },
  min_ndcg_gain: {
    ...real(0, -1, 1, "Gate: the lower end of the 95 % interval of the gain in nDCG@10 must be above this."),
    jobs: ["evaluation"],
  },
  max_general_drop: {
    ...real(0.01, 0, 1, "Gate: largest loss in nDCG@10 on the general collection."),
    jobs: ["evaluation"],
  },
  force_deploy: {
    ...FLAG,
    default: false,
    description: "Gate: deploy whatever the evaluation finds.",
    scope: "execution",
    jobs: ["evaluation"],
  },
} as const satisfies Record<string, Parameter>;
