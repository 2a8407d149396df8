import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import { Fn, TerraformLocal, Token } from "cdktf";
import { Construct } from "constructs";
import type { Principal } from "../../pipeline/functions.ts";
import type { AwsContext } from "../terraform/aws-context.ts";
import { and, attributeOfOne, type Condition, not, oneIf, orNull } from "../terraform/conditions.ts";
import { encodeJson } from "../terraform/json.ts";

/** Values a condition compares a key with. */
type ConditionValues = string | readonly string[];

/** An Allow statement of a policy. */
export interface Statement {
  readonly sid: string;
  readonly actions: readonly string[];
  /** ARNs, or one Terraform expression of a list of them. */
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, ConditionValues>>>>;
}

/** Statements that are there only in some deployments: a policy of their own. */
export interface ConditionalStatements {
  readonly name: string;
  readonly when: Condition;
  readonly statements: readonly Statement[];
}

/** What holds for every role of a deployment. */
export interface RoleSettings {
  /** Path of the roles' names and ARNs. */
  readonly path: string;
  /** ARN of a policy that bounds what any role may do; empty for none. */
  readonly permissionsBoundaryArn: string;
  /** ARNs of roles that are there already, by principal; may be a Terraform expression. */
  readonly existingRoleArns: Readonly<Record<string, string>>;
}

/** What a role is for and may do. */
export interface ServiceRoleProps {
  readonly name: string;
  /** Who takes it: under this name `existing_role_arns` may give a role instead. */
  readonly principal: Principal;
  readonly settings: RoleSettings;
  readonly description: string;
  readonly aws: AwsContext;
  /** Service that may assume the role, e.g. `lambda.amazonaws.com`. */
  readonly service: string;
  /** ARN pattern of the resource on whose behalf the service may assume the role. */
  readonly sourceArn: string;
  readonly statements: readonly Statement[];
  /** Whether there is anything that takes the role. @default true */
  readonly when?: Condition;
  /** @default - none */
  readonly conditionalStatements?: readonly ConditionalStatements[];
}

/**
 * The role of one principal, with inline policies, unless the user gives a role for it. It can be assumed by its service on behalf of this account only, so that
 * nobody else's resource makes the service act here (the confused-deputy problem).
 */
export class ServiceRole extends Construct {
  readonly arn: string;
  /** What must be there before the role is used. */
  readonly policies: readonly IamRolePolicy[];

  constructor(scope: Construct, id: string, props: ServiceRoleProps) {
    super(scope, id);
    const { aws, principal, settings } = props;
    const given: Condition = Token.isUnresolved(settings.existingRoleArns)
      ? Token.asAny(Fn.contains(Fn.keys(settings.existingRoleArns), principal))
      : principal in settings.existingRoleArns;
    const isMade = and(not(given), props.when ?? true);
    const role = new IamRole(this, "Default", {
      count: oneIf(isMade),
      name: props.name,
      path: settings.path,
      permissionsBoundary: orNull(settings.permissionsBoundaryArn),
      description: props.description,
      assumeRolePolicy: policyDocument([
        {
          Sid: "AssumeRole",
          Effect: "Allow",
          Action: "sts:AssumeRole",
          Principal: { Service: props.service },
          Condition: {
            StringEquals: { "aws:SourceAccount": aws.accountId },
            ArnLike: { "aws:SourceArn": props.sourceArn },
          },
        },
      ]),
    });
    // Only what is made has the attribute, and what is given is known before anything is made.
    this.arn = new TerraformLocal(
      this,
      "arn",
      Fn.lookup(settings.existingRoleArns, principal, attributeOfOne(role, "arn")),
    ).asString;
    const inlinePolicy = (id: string, name: string, when: Condition, statements: readonly Statement[]) =>
      new IamRolePolicy(this, id, {
        count: oneIf(and(isMade, when)),
        name,
        role: attributeOfOne(role, "id"),
        policy: policyDocument(statements.map(allow)),
      });
    this.policies = [
      inlinePolicy("policy", "permissions", true, props.statements),
      ...(props.conditionalStatements ?? []).map(({ name, when, statements }) =>
        inlinePolicy(`${name}_policy`, name, when, statements),
      ),
    ];
  }
}

function allow({ sid, actions, resources, conditions }: Statement): object {
  return {
    Sid: sid,
    Effect: "Allow",
    Action: actions,
    Resource: resources,
    ...(conditions === undefined ? {} : { Condition: conditions }),
  };
}

function policyDocument(statements: readonly object[]): string {
  return encodeJson({ Version: "2012-10-17", Statement: statements });
}
