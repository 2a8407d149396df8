import { HUGGING_FACE_ID, instanceType, integer, type Parameter, revision } from "./parameter.ts";

export const SCORING_PARAMETERS = {
  scoring_instance_type: instanceType(
    "ml.g5.2xlarge",
    "Instance that runs the teacher and the evaluation.",
    "ml.g5.2xlarge or ml.p4d.24xlarge",
  ),
  scoring_instance_count: integer(1, 1, 20, "Instances that score. Each takes its share of the queries."),
  teacher_model_id: {
    type: "string",
    default: "BAAI/bge-reranker-v2.5-gemma2-lightweight",
    rule: { pattern: HUGGING_FACE_ID },
    must: "a Hugging Face model id",
    write: "for example BAAI/bge-reranker-v2.5-gemma2-lightweight",
    description: "Teacher: this reranker, a sentence-transformers CrossEncoder, or an embedding model.",
    scope: "execution",
    jobs: ["scoring", "evaluation"],
  },
  teacher_revision: {
    ...revision(
      "Commit, tag or branch of the teacher on the Hugging Face Hub. The default teacher brings code of its own: pin it to a commit.",
    ),
    jobs: ["scoring"],
  },
  scoring_max_negatives: {
    ...integer(4, 1, 200, "Hard negatives of each query that the teacher scores. At most num_hard_negatives."),
    jobs: ["scoring"],
  },
} as const satisfies Record<string, Parameter>;
