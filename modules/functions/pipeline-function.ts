import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { LambdaFunction } from "@cdktf/provider-aws/lib/lambda-function";
import { Construct } from "constructs";
import type { Principal } from "../../pipeline/functions.ts";
import type { AccessScope } from "../access/access-scope.ts";
import { type ConditionalStatements, ServiceRole, type Statement } from "../access/service-role.ts";
import { decryptEnvironment, functionInNetwork, TRACING, useKeyThroughS3 } from "../access/statements.ts";
import { Asset } from "../terraform/asset.ts";
import type { AwsContext } from "../terraform/aws-context.ts";
import { attributeOfOne, type Condition, oneIf, orNull } from "../terraform/conditions.ts";
import { nodeOptions } from "./node-options.ts";

/** One Lambda function of the pipeline. */
export interface PipelineFunctionProps {
  readonly functionName: string;
  /** Under this name `existing_role_arns` may give its role. */
  readonly principal: Principal;
  readonly access: AccessScope;
  readonly description: string;
  /** @default - the function's name */
  readonly roleName?: string;
  readonly aws: AwsContext;
  /** The deployment package: a zip with `index.js`. */
  readonly code: Uint8Array;
  /** MB; CPU comes in proportion. */
  readonly memorySize: number;
  /** Seconds, at most 900. */
  readonly timeout: number;
  readonly logRetentionDays: number;
  /** Variables of the function besides powertools' own. @default - none */
  readonly environment?: Readonly<Record<string, string>>;
  /** What the function may do besides writing its logs and traces. */
  readonly statements: readonly Statement[];
  /** What it may do besides only in some deployments. @default - none */
  readonly conditionalStatements?: readonly ConditionalStatements[];
  /** Whether there is such a function. @default - in every deployment */
  readonly when?: Condition;
}

/** A Node.js function with a role of its own, a log group that expires, and tracing. */
export class PipelineFunction extends Construct {
  readonly arn: string;
  readonly functionName: string;
  readonly roleArn: string;
  /** Seconds after which Lambda ends an invocation. */
  readonly timeout: number;

  constructor(scope: Construct, id: string, props: PipelineFunctionProps) {
    super(scope, id);
    const { aws, functionName, when } = props;
    const count = when === undefined ? {} : { count: oneIf(when) };
    const { key, network, roles } = props.access;
    const logs = new CloudwatchLogGroup(this, "logs", {
      ...count,
      name: `/aws/lambda/${functionName}`,
      retentionInDays: props.logRetentionDays,
      kmsKeyId: orNull(key.arn),
    });
    const role = new ServiceRole(this, "role", {
      name: props.roleName ?? functionName,
      principal: props.principal,
      settings: roles,
      description: `Runs the function ${functionName}`,
      aws,
      service: "lambda.amazonaws.com",
      sourceArn: aws.arn("lambda", `function:${functionName}`),
      conditionalStatements: [
        useKeyThroughS3(aws, key),
        decryptEnvironment(aws, key),
        functionInNetwork(aws, network),
        ...(props.conditionalStatements ?? []),
      ],
      statements: [
        {
          sid: "Logs",
          actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
          resources: [aws.arn("logs", `log-group:/aws/lambda/${functionName}:*`)],
        },
        TRACING,
        ...props.statements,
      ],
      ...(when === undefined ? {} : { when }),
    });
    const code = new Asset(this, "code", { fileName: `${id}.zip`, content: props.code });
    const lambda = new LambdaFunction(this, "Default", {
      ...count,
      functionName,
      description: props.description,
      role: role.arn,
      runtime: "nodejs22.x",
      handler: "index.handler",
      filename: code.path,
      sourceCodeHash: code.base64Sha256,
      memorySize: props.memorySize,
      timeout: props.timeout,
      tracingConfig: { mode: "Active" },
      environment: {
        variables: {
          POWERTOOLS_SERVICE_NAME: functionName,
          NODE_OPTIONS: nodeOptions(props.memorySize),
          ...props.environment,
        },
      },
      kmsKeyArn: orNull(key.arn),
      // Of empty lists the provider makes no VPC.
      vpcConfig: { subnetIds: network.subnetIds, securityGroupIds: network.securityGroupIds },
      // Without the group, Lambda makes one that never expires.
      dependsOn: [logs, ...role.policies],
    });
    this.arn = when === undefined ? lambda.arn : attributeOfOne(lambda, "arn");
    this.functionName = when === undefined ? lambda.functionName : attributeOfOne(lambda, "function_name");
    this.roleArn = role.arn;
    this.timeout = props.timeout;
  }
}
