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
    description: "URL of the OpenSearch domain; needed to read an index and to register the model.",
    scope: "execution",
  },
  opensearch_index_name: {
    type: "string",
    default: "",
    rule: { pattern: "^([a-z0-9.][a-z0-9._-]{0,254})?$" },
    must: "empty or the name of one index or alias in lower case",
    write: "for example products",
    description: "Index whose documents are the corpus.",
    scope: "execution",
  },
  text_field_names: {
    type: "string",
    default: "content",
    rule: { pattern: "^[^,\\s]+(,[^,\\s]+)*$" },
    must: "field names separated by commas, without spaces",
    write: "for example title,text or product.description",
    description: "Fields of the index that make up a document's text, joined in this order; dots reach into objects.",
    scope: "execution",
  },
  s3_corpus_path: {
    type: "string",
    default: "",
    rule: { pattern: `^(s3://${S3_BUCKET}/.+\\.jsonl(\\.gz)?)?$` },
    must: "empty or the S3 URI of a .jsonl or .jsonl.gz object",
    write: "for example s3://my-bucket/corpus.jsonl",
    description: "Corpus in S3: JSONL, one object a line with a string `text` and optionally an `id`.",
    scope: "execution",
  },
  max_corpus_documents: {
    ...integer(10_000_000, 1000, 10_000_000, "Documents read from the corpus at most."),
    jobs: ["mining"],
  },
} as const satisfies Record<string, Parameter>;
