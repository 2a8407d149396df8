import type { AwsContext } from "../aws-context.ts";
import type { Statement } from "./service-role.ts";

/** Reads and lists objects below prefixes of a bucket of this account. */
export function readPrefixes(
  aws: AwsContext,
  sid: string,
  bucketArn: string,
  prefixes: readonly string[],
): Statement[] {
  return [
    {
      sid: `${sid}Objects`,
      actions: ["s3:GetObject"],
      resources: prefixes.map((prefix) => `${bucketArn}/${prefix}`),
      conditions: { StringEquals: { "aws:ResourceAccount": aws.accountId } },
    },
    listPrefixes(aws, `${sid}List`, bucketArn, prefixes),
  ];
}

function listPrefixes(aws: AwsContext, sid: string, bucketArn: string, prefixes: readonly string[]): Statement {
  return {
    sid,
    actions: ["s3:ListBucket"],
    resources: [bucketArn],
    conditions: { StringEquals: { "aws:ResourceAccount": aws.accountId }, StringLike: { "s3:prefix": prefixes } },
  };
}

/** Writes objects below prefixes of a bucket of this account, in parts where they are large. */
export function writePrefixes(aws: AwsContext, sid: string, bucketArn: string, prefixes: readonly string[]): Statement {
  return {
    sid,
    actions: ["s3:PutObject", "s3:AbortMultipartUpload"],
    resources: prefixes.map((prefix) => `${bucketArn}/${prefix}`),
    conditions: { StringEquals: { "aws:ResourceAccount": aws.accountId } },
  };
}

/** Writes as {@link writePrefixes}, and first removes what an earlier attempt of the same stage left there. */
export function replacePrefix(aws: AwsContext, bucketArn: string, prefix: string): Statement[] {
  const write = writePrefixes(aws, "Write", bucketArn, [prefix]);
  return [
    { ...write, actions: [...write.actions, "s3:DeleteObject"] },
    listPrefixes(aws, "ListWritten", bucketArn, [prefix]),
  ];
}

/** Hands a role over to one service. */
export function passRole(sid: string, roleArns: readonly string[], services: readonly string[]): Statement {
  return {
    sid,
    actions: ["iam:PassRole"],
    resources: roleArns,
    conditions: { StringEquals: { "iam:PassedToService": services } },
  };
}

/** Pulls images from repositories. */
export function pullImages(repositoryArns: readonly string[]): Statement[] {
  return [
    // This action has no resource: the token is the account's.
    { sid: "RegistryToken", actions: ["ecr:GetAuthorizationToken"], resources: ["*"] },
    {
      sid: "PullImages",
      actions: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      resources: repositoryArns,
    },
  ];
}

/** Writes logs and metrics as a SageMaker container does. */
export function sageMakerTelemetry(aws: AwsContext, logGroupPrefix: string): Statement[] {
  return [
    {
      sid: "Logs",
      actions: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
      resources: [aws.arn("logs", `log-group:${logGroupPrefix}*`)],
    },
    {
      // This action has no resource; the namespaces narrow it.
      sid: "Metrics",
      actions: ["cloudwatch:PutMetricData"],
      resources: ["*"],
      conditions: {
        StringLike: { "cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*", "AWS/SageMaker"] },
      },
    },
  ];
}

/** Sends traces to X-Ray. The actions have no resource. */
export const TRACING: Statement = {
  sid: "Tracing",
  actions: ["xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"],
  resources: ["*"],
};
