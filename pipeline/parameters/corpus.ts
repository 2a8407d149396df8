import { integer, type Parameter, S3_BUCKET } from "./parameter.ts";

export const CORPUS_PARAMETERS = {
  opensearch_endpoint: {
    type: "string",
    default: "",
    rule: {
      pattern: "^(https://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$",
    },
    must: "empty or the https URL of the domain, without a path",
    write: "for example https://search-products-abc123.us-east-1.es.amazonaws.com",
    description: "URL of the OpenSearch domain. Reading an index and registering the model need it.",
    scope: "execution",
  },
  opensearch_index_name: {
    type: "string",
    default: "",
    rule: { pattern: "^([a-z0-9.][a-z0-9._-]{0,254})?$" },
    must: "empty or the name of one index or alias in lower case",
    write: "for example products",
    description: "Index or alias whose documents are the corpus.",
    scope: "execution",
  },
  text_field_names: {
    type: "string",
    default: "content",
    rule: { pattern: "^[^,\\s]+(,[^,\\s]+)*$" },
    must: "field names separated by commas, without spaces",
    write: "for example title,text or product.description",
    description:
      "Fields of the index that make up a document's text, joined in this order. A dot reaches into an object.",
    scope: "execution",
  },
  s3_corpus_path: {
    type: "string",
    default: "",
    rule: { pattern: `^(s3://${S3_BUCKET}/.+\\.jsonl(\\.gz)?)?$` },
    must: "empty or the S3 URI of a .jsonl or .jsonl.gz object",
    write: "for example s3://my-bucket/corpus.jsonl",
    description:
      "Corpus in S3, as JSONL: one object a line with a string `text` and optionally an `id`, or BEIR's `_id`, `title` and `text`.",
    scope: "execution",
  },
  max_corpus_documents: {
    ...integer(10_000_000, 1000, 10_000_000, "Most documents that are read from the corpus."),
    jobs: ["mining"],
  },
} as const satisfies Record<string, Parameter>;
