import { FLAG, type Parameter } from "./parameter.ts";

/** Longest model name: the longest job name, `<model name>-evaluation-<8 hex>`, then stays within SageMaker's 63 characters. */
const MODEL_NAME_MAX_LENGTH = 40;

export const GENERAL_PARAMETERS = {
  model_name: {
    type: "string",
    rule: { pattern: `^[a-zA-Z0-9]([a-zA-Z0-9-]{0,${MODEL_NAME_MAX_LENGTH - 2}}[a-zA-Z0-9])?$` },
    must: `1 to ${MODEL_NAME_MAX_LENGTH} letters, digits and hyphens, with no hyphen at either end`,
    write: "for example products-retriever",
    description:
      "Name of the model. Jobs, endpoint and connector begin with it. An execution may add a suffix (`products` -> `products-de`).",
    scope: "suffixed",
  },
  input_type: {
    type: "string",
    default: "s3",
    rule: { oneOf: ["s3", "opensearch"] },
    must: "s3 or opensearch",
    write: "s3 to read a JSONL corpus, opensearch to read an index",
    description: "Source of the corpus: `s3` for a JSONL object, `opensearch` for an index.",
    scope: "execution",
  },
  deploy_endpoint: {
    ...FLAG,
    default: true,
    description: "Deploy the tuned model to a SageMaker endpoint when it passes the evaluation gate.",
    scope: "execution",
  },
  register_connector: {
    ...FLAG,
    default: true,
    description: "Register the endpoint as a remote model in OpenSearch.",
    scope: "execution",
  },
} as const satisfies Record<string, Parameter>;
