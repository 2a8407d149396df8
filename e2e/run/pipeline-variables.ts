import { type GivenCorpus, SOURCE_INDEX } from "../user/source-corpus.ts";
import type { RunOptions } from "./run-options.ts";

/** What the run calls the tuned model. */
export const MODEL_NAME = "django-docs";
const TEACHER = "BAAI/bge-small-en-v1.5";

/** What fits two cores and still shows the gain, and what only proves the path: a few steps earn no deployment, so they force it. */
const SCALE = {
  full: { documents: undefined, queriesPerDocument: 3, maxSteps: 80, forceDeploy: false },
  small: { documents: 250, queriesPerDocument: 2, maxSteps: 4, forceDeploy: true },
} as const;

/** How much a run works through. */
export function scaleOf({ small }: Pick<RunOptions, "small">): (typeof SCALE)["full" | "small"] {
  return small ? SCALE.small : SCALE.full;
}

/**
 * Settings for models of MiniLM's size, where they differ from the parameters' defaults, which are for bge-m3 on a GPU; see
 * docs/quality.md for how they were chosen.
 */
const SMALL_MODEL_TRAINING = {
  max_seq_length: 128,
  train_batch_size: 16,
  total_batch_size: 16,
  learning_rate: 1e-4,
  dense_candidates: true,
  max_source_rank: 20,
};

/** The Terraform variables of the deployment. */
export function pipelineVariables(
  options: RunOptions,
  domain: { readonly openSearchEndpoint: string; readonly arn: string },
  { corpusUri, judgementsUri }: GivenCorpus,
): Record<string, unknown> {
  const { queriesPerDocument, maxSteps, forceDeploy } = scaleOf(options);
  return {
    model_name: MODEL_NAME,
    input_type: options.input,
    opensearch_endpoint: domain.openSearchEndpoint,
    opensearch_domain_arn: domain.arn,
    opensearch_index_name: options.input === "opensearch" ? SOURCE_INDEX : "",
    text_field_names: "title,content",
    s3_corpus_path: options.input === "s3" ? corpusUri : "",
    judgements_uri: judgementsUri,
    model_type: options.modelType,
    base_model_id: options.base,
    teacher_model_id: TEACHER,
    deploy_endpoint: !options.trainingOnly,
    register_connector: !options.trainingOnly,
    ...SMALL_MODEL_TRAINING,
    query_poll_seconds: 60,
    max_steps: maxSteps,
    force_deploy: forceDeploy,
    queries_per_document: queriesPerDocument,
    seed: options.seed,
    max_instance_count: 2,
  };
}
