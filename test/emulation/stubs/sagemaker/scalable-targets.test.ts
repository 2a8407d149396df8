import { describe, expect, it } from "vitest";
import { ScalableTargets } from "../../../../emulation/stubs/sagemaker/scalable-targets.ts";

const VARIANT = {
  ServiceNamespace: "sagemaker",
  ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
  ResourceId: "endpoint/live/variant/AllTraffic",
};
const POLICY = {
  ...VARIANT,
  PolicyName: "requests",
  PolicyType: "TargetTrackingScaling",
  TargetTrackingScalingPolicyConfiguration: {
    TargetValue: 600,
    PredefinedMetricSpecification: { PredefinedMetricType: "SageMakerVariantInvocationsPerInstance" },
  },
};

describe("scalable targets", () => {
  const account = () => {
    const targets = new ScalableTargets((name) => (name === "live" ? ["AllTraffic"] : undefined));
    const call = (operation: string, input: object) => targets.operations[operation]?.(input);
    return { targets, call };
  };

  it("are registered, scale by a policy, and are forgotten with their endpoint", () => {
    const { targets, call } = account();
    call("RegisterScalableTarget", { ...VARIANT, MinCapacity: 1, MaxCapacity: 4 });
    call("PutScalingPolicy", POLICY);
    expect(targets.has("live", "AllTraffic")).toBe(true);
    expect(call("DescribeScalableTargets", { ServiceNamespace: "sagemaker" })).toMatchObject({
      ScalableTargets: [{ MinCapacity: 1, MaxCapacity: 4 }],
    });
    expect(call("DescribeScalingPolicies", { ServiceNamespace: "sagemaker" })).toMatchObject({
      ScalingPolicies: [{ PolicyName: "requests" }],
    });
    targets.forget("live");
    expect(targets.has("live", "AllTraffic")).toBe(false);
  });

  it("take tags when they are new only", () => {
    const { call } = account();
    const register = (changes: object) =>
      call("RegisterScalableTarget", { ...VARIANT, MinCapacity: 1, MaxCapacity: 4, ...changes });
    register({ Tags: { team: "search" } });
    expect(() => register({ Tags: { team: "search" } })).toThrow("you tried to tag already exists");
    register({ MaxCapacity: 8 });
    expect(call("DescribeScalableTargets", { ServiceNamespace: "sagemaker" })).toMatchObject({
      ScalableTargets: [{ MaxCapacity: 8 }],
    });
  });

  it("are refused as the service refuses them", () => {
    const { call } = account();
    const register = (changes: object) =>
      call("RegisterScalableTarget", { ...VARIANT, MinCapacity: 1, MaxCapacity: 4, ...changes });
    expect(() => register({ MaxCapacity: 0 })).toThrow("Maximum capacity cannot be less than minimum capacity");
    expect(() => register({ ResourceId: "endpoint/gone/variant/AllTraffic" })).toThrow(
      'Could not find endpoint "gone"',
    );
    expect(() => register({ ResourceId: "endpoint/live/variant/Other" })).toThrow('Could not find variant "Other"');
    expect(() => register({ ResourceId: "live" })).toThrow("'resourceId' failed to satisfy constraint");
    expect(() => call("PutScalingPolicy", POLICY)).toThrow("No scalable target found");
    expect(() => call("DeregisterScalableTarget", VARIANT)).toThrow("No scalable target found");
  });
});
