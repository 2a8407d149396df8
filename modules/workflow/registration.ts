import type { DefinitionInputs } from "./definition-inputs.ts";
import { invokeFunction, type States } from "./states.ts";

/** Registers the endpoint in OpenSearch, if that is asked for. */
export function registrationStates({ functions, connectorRoleArn }: DefinitionInputs): States {
  return {
    ShouldRegister: {
      Type: "Choice",
      Choices: [{ Variable: "$.parameters.register_connector", BooleanEquals: true, Next: "RegisterModel" }],
      Default: "Deployed",
    },
    RegisterModel: invokeFunction(
      functions["register-model"],
      {
        "opensearch_endpoint.$": "$.parameters.opensearch_endpoint",
        "sagemaker_endpoint_name.$": "$.names.endpoint",
        "model_name.$": "$.parameters.model_name",
        "run_id.$": "$$.Execution.Name",
        connector_role_arn: connectorRoleArn,
        "query_prompt.$": "$.gate.decision.query_prompt",
        "document_prompt.$": "$.gate.decision.document_prompt",
        "model_type.$": "$.parameters.model_type",
      },
      { fields: ["connector_id", "model_group_id", "model_id", "query_model_id", "dimension"], path: "$.registration" },
      "Registered",
    ),
  };
}
