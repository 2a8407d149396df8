import type { DefinitionInputs } from "./definition-inputs.ts";
import { invokeFunction, type States } from "./states.ts";

/** Reads the corpus, from OpenSearch or from S3, by as many invocations as it takes. */
export function corpusStates({ functions }: DefinitionInputs, next: string): States {
  const result = { fields: ["complete", "cursor", "corpus_uri", "document_count"], path: "$.corpus" };
  return {
    BeginCorpus: {
      Type: "Pass",
      Result: { cursor: null, complete: false },
      ResultPath: "$.corpus",
      Next: "CorpusSource",
    },
    CorpusSource: {
      Type: "Choice",
      Choices: [
        { Variable: "$.corpus.complete", BooleanEquals: true, Next: next },
        { Variable: "$.parameters.input_type", StringEquals: "opensearch", Next: "ExtractDocuments" },
      ],
      Default: "ValidateCorpus",
    },
    ExtractDocuments: invokeFunction(
      functions["data-extractor"],
      {
        "opensearch_endpoint.$": "$.parameters.opensearch_endpoint",
        "index_name.$": "$.parameters.opensearch_index_name",
        "text_fields.$": "$.parameters.text_field_names",
        "max_documents.$": "$.parameters.max_corpus_documents",
        "run_uri.$": "$.run.uri",
        "cursor.$": "$.corpus.cursor",
      },
      result,
      "CorpusSource",
    ),
    ValidateCorpus: invokeFunction(
      functions["s3-validator"],
      {
        "s3_corpus_path.$": "$.parameters.s3_corpus_path",
        "max_documents.$": "$.parameters.max_corpus_documents",
        "run_uri.$": "$.run.uri",
        "cursor.$": "$.corpus.cursor",
      },
      result,
      "CorpusSource",
    ),
  };
}
