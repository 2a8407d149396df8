import { z } from "zod";
import type { StateResource } from "../../emulation/terraform/terraform.ts";

const OneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const Statement = z.looseObject({
  Sid: z.string(),
  Effect: z.enum(["Allow", "Deny"]),
  Action: OneOrMore,
});
const Document = z.looseObject({ Version: z.literal("2012-10-17"), Statement: z.array(Statement) });
const PolicyText = z.string().transform((text) => Document.parse(JSON.parse(text)));

/** A statement as it was deployed. */
export type DeployedStatement = z.infer<typeof Statement>;
/** A policy document as it was deployed. */
export type PolicyDocument = z.infer<typeof Document>;

/** A policy of a role, a resource, or the trust of a role. */
export interface DeployedPolicy {
  /** Whose it is: the ARN of the role, bucket, topic or function. */
  readonly owner: string;
  /** `permissions`, `encryption` … of a role; `trust` of one; `resource` of anything else. */
  readonly name: string;
  readonly document: PolicyDocument;
}

/** Everything in a deployment that decides what may be called. */
export interface DeployedAccess {
  /** Role ARN -> what it is called in the output `role_arns`. */
  readonly principals: ReadonlyMap<string, string>;
  readonly identityPolicies: readonly DeployedPolicy[];
  readonly trustPolicies: readonly DeployedPolicy[];
  readonly resourcePolicies: readonly DeployedPolicy[];
  /** Function ARN -> role ARN and log group. */
  readonly functions: readonly { readonly arn: string; readonly role: string; readonly logGroup: string }[];
  readonly stateMachine: { readonly arn: string; readonly role: string };
  /** Alarms that publish to a topic: ARN of each. */
  readonly alarms: readonly { readonly arn: string; readonly topics: readonly string[] }[];
  /** Rules that invoke a function. */
  readonly ruleTargets: readonly { readonly rule: string; readonly target: string }[];
}

/** The deployment has access of a kind that the proof does not read; it would prove too little. */
export class UnreadAccessError extends Error {
  override readonly name = "UnreadAccessError";
}

const Role = z.object({
  arn: z.string(),
  name: z.string(),
  assume_role_policy: PolicyText,
  permissions_boundary: z.string().nullish(),
});
const RolePolicy = z.object({ role: z.string(), name: z.string(), policy: PolicyText });
const BucketPolicy = z.object({ bucket: z.string(), policy: PolicyText });
const TopicPolicy = z.object({ arn: z.string(), policy: PolicyText });
const Permission = z.object({
  statement_id: z.string(),
  action: z.string(),
  function_name: z.string(),
  principal: z.string(),
  source_arn: z.string(),
});
const Lambda = z.object({ arn: z.string(), function_name: z.string(), role: z.string() });
const StateMachine = z.object({ arn: z.string(), role_arn: z.string() });
const Alarm = z.object({ arn: z.string(), alarm_actions: z.array(z.string()).nullish() });
const Rule = z.object({ name: z.string(), arn: z.string() });
const Target = z.object({ rule: z.string(), arn: z.string(), role_arn: z.string().nullish() });

/** Types that give access and are not read here. */
const UNREAD = ["aws_iam_policy", "aws_iam_role_policy_attachment", "aws_iam_policy_attachment", "aws_kms_key_policy"];

/**
 * Reads a deployment's policies from its state.
 *
 * @param roleArns of the output `role_arns`.
 * @throws UnreadAccessError
 */
export function deployedAccess(
  resources: readonly StateResource[],
  roleArns: Readonly<Record<string, string>>,
): DeployedAccess {
  const managed = resources.filter(({ mode }) => mode === "managed");
  const of = <T>(type: string, schema: z.ZodType<T>): T[] =>
    managed.filter((resource) => resource.type === type).map(({ values }) => schema.parse(values));
  const [unread] = managed.filter(({ type }) => UNREAD.includes(type));
  if (unread !== undefined) throw new UnreadAccessError(`${unread.address} gives access that the proof does not read`);
  const roles = of("aws_iam_role", Role);
  const bounded = roles.find(({ permissions_boundary: boundary }) => boundary);
  if (bounded !== undefined) {
    throw new UnreadAccessError(
      `the permissions boundary of ${bounded.name} is not in the state, so it cannot be read`,
    );
  }
  const roleNamed = (name: string): string => {
    const role = roles.find((candidate) => candidate.name === name);
    if (role === undefined)
      throw new UnreadAccessError(`a policy belongs to the role ${name}, which is not in the state`);
    return role.arn;
  };
  const lambdas = of("aws_lambda_function", Lambda);
  const [stateMachine] = of("aws_sfn_state_machine", StateMachine);
  if (stateMachine === undefined) throw new UnreadAccessError("the state has no state machine");
  const rules = new Map(of("aws_cloudwatch_event_rule", Rule).map(({ name, arn }) => [name, arn]));
  const resourcePolicy = (owner: string, document: PolicyDocument) => ({ owner, name: "resource", document });
  return {
    principals: new Map(Object.entries(roleArns).map(([principal, arn]) => [arn, principal])),
    identityPolicies: of("aws_iam_role_policy", RolePolicy).map(({ role, name, policy }) => ({
      owner: roleNamed(role),
      name,
      document: policy,
    })),
    trustPolicies: roles.map(({ arn, assume_role_policy: document }) => ({ owner: arn, name: "trust", document })),
    resourcePolicies: [
      ...of("aws_s3_bucket_policy", BucketPolicy).map(({ bucket, policy }) =>
        resourcePolicy(`arn:aws:s3:::${bucket}`, policy),
      ),
      ...of("aws_sns_topic_policy", TopicPolicy).map(({ arn, policy }) => resourcePolicy(arn, policy)),
      ...of("aws_lambda_permission", Permission).map((permission) => {
        const lambda = lambdas.find(({ function_name: name }) => name === permission.function_name);
        if (lambda === undefined) {
          throw new UnreadAccessError(`a permission is for ${permission.function_name}, which is not in the state`);
        }
        return resourcePolicy(lambda.arn, permissionDocument(permission, lambda.arn));
      }),
    ],
    functions: lambdas.map(({ arn, function_name: name, role }) => ({ arn, role, logGroup: `/aws/lambda/${name}` })),
    stateMachine: { arn: stateMachine.arn, role: stateMachine.role_arn },
    alarms: of("aws_cloudwatch_metric_alarm", Alarm).map(({ arn, alarm_actions: topics }) => ({
      arn,
      topics: topics ?? [],
    })),
    ruleTargets: of("aws_cloudwatch_event_target", Target).map(({ rule, arn }) => ({
      rule: rules.get(rule) ?? rule,
      target: arn,
    })),
  };
}

/** The statement that Lambda adds to a function's policy. */
function permissionDocument(permission: z.infer<typeof Permission>, functionArn: string): PolicyDocument {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: permission.statement_id,
        Effect: "Allow",
        Principal: { Service: permission.principal },
        Action: [permission.action],
        Resource: functionArn,
        Condition: { ArnLike: { "AWS:SourceArn": permission.source_arn } },
      },
    ],
  };
}
