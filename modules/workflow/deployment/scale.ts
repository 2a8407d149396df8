import { callSdk, goOnAfter, invokeFunction, type States } from "../states.ts";
import type { DeploymentInputs } from "./inputs.ts";
import { SCALABLE_TARGET } from "./names.ts";

const INSTANCE_LIMITS = {
  ...SCALABLE_TARGET,
  "MinCapacity.$": "$.parameters.initial_instance_count",
  "MaxCapacity.$": "$.parameters.max_instance_count",
};
const SCALING_POLICY_NAME = "requests-per-instance";
/** Seconds after an instance was added or removed until the next one may be. */
const SCALE_OUT_COOLDOWN = 60;
const SCALE_IN_COOLDOWN = 300;

/** Lets the endpoint scale if it shall, and deletes what only the models before the last one needed. */
export function scaleStates({ tags, deleteSuperseded }: DeploymentInputs, next: string): States {
  return {
    ShouldScale: {
      Type: "Choice",
      Choices: [
        {
          Variable: "$.parameters.max_instance_count",
          NumericGreaterThanPath: "$.parameters.initial_instance_count",
          Next: "LimitInstances",
        },
      ],
      Default: "HasSuperseded",
    },
    // Tags are taken of a new target only, and refused of one that is there, as when the request is repeated.
    LimitInstances: goOnAfter(
      callSdk(
        "applicationautoscaling:registerScalableTarget",
        { ...INSTANCE_LIMITS, Tags: tags.object },
        { path: null },
        "ScaleByRequests",
      ),
      ["ApplicationAutoScaling.ValidationException"],
      "LimitTaggedInstances",
    ),
    LimitTaggedInstances: callSdk(
      "applicationautoscaling:registerScalableTarget",
      INSTANCE_LIMITS,
      { path: null },
      "ScaleByRequests",
    ),
    ScaleByRequests: callSdk(
      "applicationautoscaling:putScalingPolicy",
      {
        ...SCALABLE_TARGET,
        PolicyName: SCALING_POLICY_NAME,
        PolicyType: "TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration: {
          "TargetValue.$": "$.parameters.target_requests_per_minute",
          PredefinedMetricSpecification: { PredefinedMetricType: "SageMakerVariantInvocationsPerInstance" },
          ScaleOutCooldown: SCALE_OUT_COOLDOWN,
          ScaleInCooldown: SCALE_IN_COOLDOWN,
        },
      },
      { path: null },
      "HasSuperseded",
    ),
    HasSuperseded: {
      Type: "Choice",
      Choices: [{ Variable: "$.names.previous_config", IsNull: true, Next: next }],
      Default: "DeleteSuperseded",
    },
    // The endpoint serves the new model, so what cannot be deleted, which costs nothing, does not make the execution fail.
    DeleteSuperseded: goOnAfter(
      invokeFunction(
        deleteSuperseded,
        { "model_name.$": "$.parameters.model_name", "previous_config_name.$": "$.names.previous_config" },
        { fields: ["deleted_configs"], path: "$.superseded" },
        next,
      ),
      ["States.ALL"],
      next,
    ),
  };
}
