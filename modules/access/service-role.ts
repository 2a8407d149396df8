import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import { Construct } from "constructs";
import type { AwsContext } from "../aws-context.ts";
import { encodeJson } from "../json.ts";

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

/** What a role is for and may do. */
export interface ServiceRoleProps {
  readonly name: string;
  readonly description: string;
  readonly aws: AwsContext;
  /** Service that may assume the role, e.g. `lambda.amazonaws.com`. */
  readonly service: string;
  /**
   * ARN pattern of the resource on whose behalf the service may assume the role.
   *
   * @default - any resource of this account
   */
  readonly sourceArn?: string;
  readonly statements: readonly Statement[];
}

/**
 * The role of one principal, with one inline policy. It can be assumed by its service on behalf of this account only, so that
 * nobody else's resource makes the service act here (the confused-deputy problem).
 */
export class ServiceRole extends Construct {
  readonly arn: string;
  /** What must be there before the role is used. */
  readonly policy: IamRolePolicy;

  constructor(scope: Construct, id: string, props: ServiceRoleProps) {
    super(scope, id);
    const { aws, sourceArn } = props;
    const role = new IamRole(this, "Default", {
      name: props.name,
      description: props.description,
      assumeRolePolicy: policyDocument([
        {
          Sid: "AssumeRole",
          Effect: "Allow",
          Action: "sts:AssumeRole",
          Principal: { Service: props.service },
          Condition: {
            StringEquals: { "aws:SourceAccount": aws.accountId },
            ...(sourceArn === undefined ? {} : { ArnLike: { "aws:SourceArn": sourceArn } }),
          },
        },
      ]),
    });
    this.arn = role.arn;
    this.policy = new IamRolePolicy(this, "policy", {
      name: "permissions",
      role: role.id,
      policy: policyDocument(
        props.statements.map(({ sid, actions, resources, conditions }) => ({
          Sid: sid,
          Effect: "Allow",
          Action: actions,
          Resource: resources,
          ...(conditions === undefined ? {} : { Condition: conditions }),
        })),
      ),
    });
  }
}

function policyDocument(statements: readonly object[]): string {
  return encodeJson({ Version: "2012-10-17", Statement: statements });
}
