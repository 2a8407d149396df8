import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { JsonOperations } from "../wire/protocols.ts";
import { ServiceError, validationException } from "../wire/service-error.ts";
import { matching, parseInput } from "../wire/validation.ts";

/** Application Auto Scaling, as requests name it. */
export const APPLICATION_AUTO_SCALING = "AnyScaleFrontendService";

const Variant = z.object({
  ServiceNamespace: z.enum(["sagemaker"]),
  ResourceId: matching(/endpoint\/[a-zA-Z0-9-]+\/variant\/[a-zA-Z0-9-]+/, { min: 1, max: 1600 }),
  ScalableDimension: z.enum(["sagemaker:variant:DesiredInstanceCount"]),
});
type Variant = z.infer<typeof Variant>;

const RegisterScalableTargetInput = Variant.extend({
  MinCapacity: z.number().int().min(0),
  MaxCapacity: z.number().int().min(0),
  Tags: z.record(z.string().min(1).max(128), z.string().max(256)).optional(),
});
const PutScalingPolicyInput = Variant.extend({
  PolicyName: z.string().min(1).max(256),
  PolicyType: z.enum(["TargetTrackingScaling"]),
  TargetTrackingScalingPolicyConfiguration: z.looseObject({
    TargetValue: z.number().positive(),
    PredefinedMetricSpecification: z.object({
      PredefinedMetricType: z.enum(["SageMakerVariantInvocationsPerInstance"]),
    }),
  }),
});
const DescribeInput = z.object({
  ServiceNamespace: z.enum(["sagemaker"]),
  ResourceIds: z.array(z.string()).optional(),
  ResourceId: z.string().optional(),
});

interface ScalableTarget {
  readonly target: Omit<z.infer<typeof RegisterScalableTargetInput>, "Tags">;
  policy: z.infer<typeof PutScalingPolicyInput> | undefined;
}

/** Which variants of endpoints scale, within which limits and by what. Nothing is scaled: the stub has no instances. */
export class ScalableTargets {
  readonly #variantNames: (endpointName: string) => readonly string[] | undefined;
  readonly #targets = new Map<string, ScalableTarget>();

  /** @param variantNames what an endpoint serves; undefined when there is no such endpoint. */
  constructor(variantNames: (endpointName: string) => readonly string[] | undefined) {
    this.#variantNames = variantNames;
  }

  /** Whether a variant scales. */
  has(endpointName: string, variantName: string): boolean {
    return this.#targets.has(`endpoint/${endpointName}/variant/${variantName}`);
  }

  /** Deregisters the variants of an endpoint that is deleted. */
  forget(endpointName: string): void {
    for (const id of this.#targets.keys()) if (id.startsWith(`endpoint/${endpointName}/`)) this.#targets.delete(id);
  }

  readonly operations: JsonOperations = {
    RegisterScalableTarget: (raw) => {
      const { Tags, ...target } = parseInput(RegisterScalableTargetInput, raw);
      if (target.MinCapacity > target.MaxCapacity) {
        throw validationException("Maximum capacity cannot be less than minimum capacity");
      }
      const [, endpointName = "", , variantName = ""] = target.ResourceId.split("/");
      const variants = this.#variantNames(endpointName);
      if (variants === undefined) throw validationException(`Could not find endpoint "${endpointName}".`);
      if (!variants.includes(variantName)) throw validationException(`Could not find variant "${variantName}".`);
      const existing = this.#targets.get(target.ResourceId);
      if (existing !== undefined && Tags !== undefined) {
        throw validationException(
          "The scalable target that you tried to tag already exists. To update tags on an existing scalable target, use the TagResource API.",
        );
      }
      this.#targets.set(target.ResourceId, { target, policy: existing?.policy });
      return {};
    },
    DeregisterScalableTarget: (raw) => {
      const variant = parseInput(Variant, raw);
      this.#find(variant);
      this.#targets.delete(variant.ResourceId);
      return {};
    },
    PutScalingPolicy: (raw) => {
      const policy = parseInput(PutScalingPolicyInput, raw);
      this.#find(policy).policy = policy;
      return { PolicyARN: `arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:${randomUUID()}`, Alarms: [] };
    },
    DescribeScalableTargets: (raw) => {
      const { ResourceIds } = parseInput(DescribeInput, raw);
      const found = [...this.#targets].filter(([id]) => ResourceIds?.includes(id) ?? true);
      return { ScalableTargets: found.map(([, { target }]) => target) };
    },
    DescribeScalingPolicies: (raw) => {
      const { ResourceId } = parseInput(DescribeInput, raw);
      const found = [...this.#targets].filter(([id]) => ResourceId === undefined || id === ResourceId);
      return { ScalingPolicies: found.flatMap(([, { policy }]) => policy ?? []) };
    },
  };

  #find({ ServiceNamespace, ResourceId, ScalableDimension }: Variant): ScalableTarget {
    const found = this.#targets.get(ResourceId);
    if (found === undefined) {
      throw new ServiceError(
        "ObjectNotFoundException",
        `No scalable target found for service namespace: ${ServiceNamespace}, resource ID: ${ResourceId}, scalable dimension: ${ScalableDimension}`,
      );
    }
    return found;
  }
}
