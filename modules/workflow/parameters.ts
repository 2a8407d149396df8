import type { DefinitionInputs } from "./definition-inputs.ts";
import { invokeFunction, type States } from "./states.ts";

/** Merges the execution's input with the deployment's defaults, checks it, and names where the run's artifacts go. */
export function parameterStates(
  { functions, defaults, images, codeUris, bucketName }: DefinitionInputs,
  next: string,
): States {
  return {
    ResolveParameters: invokeFunction(
      functions["resolve-parameters"],
      { "input.$": "$", defaults, images, code_uris: codeUris },
      { fields: ["parameters", "hyperparameters", "images"], path: "$" },
      "NameRun",
    ),
    NameRun: {
      Type: "Pass",
      Parameters: {
        "uri.$": `States.Format('s3://${bucketName}/runs/{}/', $$.Execution.Name)`,
        "results_uri.$": `States.Format('s3://${bucketName}/results/{}/', $$.Execution.Name)`,
      },
      ResultPath: "$.run",
      Next: next,
    },
  };
}
