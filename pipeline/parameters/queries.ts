import { integer, type Parameter, S3_BUCKET } from "./parameter.ts";

export const QUERIES_PARAMETERS = {
  sample_query_uri: {
    type: "string",
    default: "",
    rule: { pattern: `^(s3://${S3_BUCKET}/.+\\.jsonl)?$` },
    must: "empty or the S3 URI of a .jsonl object",
    write: "for example s3://my-bucket/queries.jsonl",
    description:
      "Real queries for the synthetic ones to resemble, as JSONL: one object a line with `text`, `query` or `anchor`.",
    scope: "execution",
  },
  bedrock_model_id: {
    type: "string",
    default: "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    rule: { pattern: "^[a-z0-9-]+(\\.[a-zA-Z0-9:_-]+)+$" },
    must: "a Bedrock model id or inference-profile id",
    write: "for example us.anthropic.claude-haiku-4-5-20251001-v1:0",
    description: "Bedrock model that writes the synthetic queries. The roles may call no other.",
    scope: "fixed",
    fixedBecause: "the deployment's roles may call this model only",
  },
  max_query_documents: integer(
    20_000,
    100,
    100_000,
    "Most documents for which queries are generated. They are sampled over the whole corpus.",
  ),
  queries_per_document: integer(5, 1, 10, "Queries asked for each sampled document."),
} as const satisfies Record<string, Parameter>;
