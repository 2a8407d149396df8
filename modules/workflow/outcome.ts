import { JOB_STAGES } from "../../pipeline/stages.ts";
import type { State, States } from "./states.ts";

/** How an execution that did not fail can end. */
const OUTCOMES = {
  RejectedByGate: "rejected_by_gate",
  TrainedOnly: "trained",
  Deployed: "deployed",
  Registered: "registered",
} as const;

/** Says in the execution's output what came of it. */
export function outcomeStates(): States {
  const outcomes = Object.entries(OUTCOMES).map(([id, outcome]): [string, State] => [
    id,
    { Type: "Pass", Result: outcome, ResultPath: "$.outcome", Next: "Summarise" },
  ]);
  const jobs = JOB_STAGES.map((stage) => [`${stage}.$`, `$.${stage}.job_name`]);
  return {
    ...Object.fromEntries(outcomes),
    Summarise: {
      Type: "Pass",
      Parameters: {
        "outcome.$": "$.outcome",
        "model_name.$": "$.parameters.model_name",
        "run_uri.$": "$.run.uri",
        "corpus_documents.$": "$.corpus.document_count",
        "query_records.$": "$.queries.record_count",
        "model_artifact_uri.$": "$.training.artifact_uri",
        "report_uri.$":
          "States.Format('{}evaluation/{}/output/model/report.json', $.run.results_uri, $.evaluation.job_name)",
        "gate.$": "$.gate.decision",
        "endpoint_name.$": "$.names.endpoint",
        "connector_id.$": "$.registration.connector_id",
        "model_group_id.$": "$.registration.model_group_id",
        "model_id.$": "$.registration.model_id",
        "query_model_id.$": "$.registration.query_model_id",
        "embedding_dimension.$": "$.registration.dimension",
        jobs: Object.fromEntries(jobs),
      },
      Next: "Succeeded",
    },
    Succeeded: { Type: "Succeed" },
  };
}
