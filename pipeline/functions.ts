/** Names of the functions that the state machine calls; the folders below `lambdas/`. */
export const FUNCTION_NAMES = [
  "resolve-parameters",
  "data-extractor",
  "s3-validator",
  "bedrock-orchestrator",
  "plan-jobs",
  "delete-superseded-models",
  "register-model",
] as const;
/** The function that is called for each execution that ended; a folder below `lambdas/` too. */
export const REPORT_FUNCTION = "report-execution";
/** The function that starts the first execution where `start_on_apply` is true; a folder below `lambdas/` too. */
export const START_FUNCTION = "start-execution";
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** Principals that have a role of their own: whose role may be given instead of made. */
export const PRINCIPALS = [
  "job",
  "serving",
  "bedrock",
  "connector",
  "workflow",
  ...FUNCTION_NAMES,
  REPORT_FUNCTION,
  START_FUNCTION,
] as const;
export type Principal = (typeof PRINCIPALS)[number];

/** CloudWatch namespace of the functions' own metrics. */
export const METRICS_NAMESPACE = "OpenSearchFineTuning";
