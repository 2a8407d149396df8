import type { DefinitionInputs } from "./definition-inputs.ts";
import { callSdk, type States } from "./states.ts";

/** Reads what the evaluation decided and goes on to the deployment, or to the outcome without one. */
export function gateStates({ bucketName }: DefinitionInputs, deploy: string): States {
  return {
    ReadGateDecision: callSdk(
      "s3:getObject",
      {
        Bucket: bucketName,
        "Key.$":
          "States.Format('results/{}/evaluation/{}/output/model/decision.json', $$.Execution.Name, $.evaluation.job_name)",
      },
      { selector: { "decision.$": "States.StringToJson($.Body)" }, path: "$.gate" },
      "BeginRegistration",
    ),
    // The output names every field, so each has to be there on every way to it.
    BeginRegistration: {
      Type: "Pass",
      Result: { connector_id: null, model_group_id: null, model_id: null, query_model_id: null, dimension: null },
      ResultPath: "$.registration",
      Next: "BeginNames",
    },
    BeginNames: { Type: "Pass", Result: { endpoint: null }, ResultPath: "$.names", Next: "ShouldDeploy" },
    ShouldDeploy: {
      Type: "Choice",
      Choices: [
        { Variable: "$.gate.decision.deploy", BooleanEquals: false, Next: "RejectedByGate" },
        { Variable: "$.parameters.deploy_endpoint", BooleanEquals: false, Next: "TrainedOnly" },
      ],
      Default: deploy,
    },
  };
}
