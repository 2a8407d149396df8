import { Fn } from "cdktf";
import type { AwsContext } from "../terraform/aws-context.ts";
import type { DataKey, Network } from "./placement.ts";
import type { ConditionalStatements, Statement } from "./service-role.ts";

/** Reads and lists objects below prefixes of a bucket of this account. */
export function readPrefixes(
  aws: AwsContext,
  sid: string,
  bucketArn: string,
  prefixes: readonly string[],
): Statement[] {
  return [readObjects(aws, `${sid}Objects`, bucketArn, prefixes), listPrefixes(aws, `${sid}List`, bucketArn, prefixes)];
}

/** Reads objects below prefixes of a bucket of this account, whose keys are known. */
export function readObjects(aws: AwsContext, sid: string, bucketArn: string, prefixes: readonly string[]): Statement {
  return {
    sid,
    actions: ["s3:GetObject"],
    resources: prefixes.map((prefix) => `${bucketArn}/${prefix}`),
    conditions: { StringEquals: { "aws:ResourceAccount": aws.accountId } },
  };
}

function listPrefixes(aws: AwsContext, sid: string, bucketArn: string, prefixes: readonly string[]): Statement {
  return {
    sid,
    actions: ["s3:ListBucket"],
    resources: [bucketArn],
    conditions: { StringEquals: { "aws:ResourceAccount": aws.accountId }, StringLike: { "s3:prefix": prefixes } },
  };
}

/** Writes objects below prefixes of a bucket of this account, in parts where they are large. Parts of an upload that broke off expire. */
export function writePrefixes(aws: AwsContext, sid: string, bucketArn: string, prefixes: readonly string[]): Statement {
  return {
    sid,
    actions: ["s3:PutObject"],
    resources: prefixes.map((prefix) => `${bucketArn}/${prefix}`),
    conditions: { StringEquals: { "aws:ResourceAccount": aws.accountId } },
  };
}

/** Writes as {@link writePrefixes}, gives up what cannot be written to its end, and first removes what an earlier attempt of the same stage left there. */
export function replacePrefix(aws: AwsContext, bucketArn: string, prefix: string): Statement[] {
  const write = writePrefixes(aws, "Write", bucketArn, [prefix]);
  return [
    { ...write, actions: [...write.actions, "s3:AbortMultipartUpload", "s3:DeleteObject"] },
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

/** Reads and writes objects of a bucket that the key encrypts: only through S3. */
export function useKeyThroughS3(aws: AwsContext, key: DataKey): ConditionalStatements {
  return {
    name: "encryption",
    when: key.given,
    statements: [
      {
        sid: "UseKey",
        actions: ["kms:Decrypt", "kms:GenerateDataKey"],
        resources: [key.arn],
        conditions: { StringEquals: { "kms:ViaService": `s3.${aws.region}.${aws.dnsSuffix}` } },
      },
    ],
  };
}

/** Encrypts a job's volume and output with the key: SageMaker grants the key to the instance's volume. */
export function encryptJobs(key: DataKey): ConditionalStatements {
  return {
    name: "job-encryption",
    when: key.given,
    statements: [
      { sid: "EncryptOutput", actions: ["kms:DescribeKey", "kms:Encrypt"], resources: [key.arn] },
      {
        sid: "EncryptVolume",
        actions: ["kms:CreateGrant"],
        resources: [key.arn],
        conditions: { Bool: { "kms:GrantIsForAWSResource": "true" } },
      },
    ],
  };
}

/** Decrypts a function's environment. */
export function decryptEnvironment(aws: AwsContext, key: DataKey): ConditionalStatements {
  return {
    name: "environment",
    when: key.given,
    statements: [
      {
        sid: "DecryptEnvironment",
        actions: ["kms:Decrypt"],
        resources: [key.arn],
        conditions: { StringEquals: { "kms:ViaService": `lambda.${aws.region}.${aws.dnsSuffix}` } },
      },
    ],
  };
}

/** Publishes to a topic that the key encrypts. */
export function publishEncrypted(aws: AwsContext, key: DataKey): ConditionalStatements {
  return {
    name: "notification",
    when: key.given,
    statements: [
      {
        sid: "EncryptMessage",
        actions: ["kms:Decrypt", "kms:GenerateDataKey"],
        resources: [key.arn],
        conditions: { StringEquals: { "kms:ViaService": `sns.${aws.region}.${aws.dnsSuffix}` } },
      },
    ],
  };
}

/** Looking at networks cannot be narrowed to resources. */
const DESCRIBE_NETWORK = {
  sid: "DescribeNetwork",
  resources: ["*"],
} as const;

/** Puts a function into a VPC: Lambda makes its network interfaces with the function's role. */
export function functionInNetwork(
  aws: AwsContext,
  { given, subnetIds, securityGroupIds }: Network,
): ConditionalStatements {
  return {
    name: "network",
    when: given,
    statements: [
      createInterfaces(aws, subnetIds, securityGroupIds),
      {
        // Lambda tries these before any interface is there, and then with no narrower resource than this.
        sid: "ManageInterfaces",
        actions: ["ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"],
        resources: [aws.arn("ec2", "*/*")],
      },
      { ...DESCRIBE_NETWORK, actions: ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"] },
    ],
  };
}

/** Puts SageMaker's containers into a VPC. */
export function containersInNetwork(
  aws: AwsContext,
  { given, subnetIds, securityGroupIds }: Network,
): ConditionalStatements {
  return {
    name: "network",
    when: given,
    statements: [
      createInterfaces(aws, subnetIds, securityGroupIds),
      {
        sid: "ManageInterfaces",
        actions: [
          "ec2:CreateNetworkInterfacePermission",
          "ec2:DeleteNetworkInterface",
          "ec2:DeleteNetworkInterfacePermission",
        ],
        resources: [aws.arn("ec2", "network-interface/*")],
      },
      {
        ...DESCRIBE_NETWORK,
        actions: [
          "ec2:DescribeDhcpOptions",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
          "ec2:DescribeVpcs",
        ],
      },
    ],
  };
}

function createInterfaces(aws: AwsContext, subnetIds: string[], securityGroupIds: string[]): Statement {
  const arns = (type: string, ids: string[]) =>
    Fn.formatlist(`arn:%s:ec2:%s:%s:${type}/%s`, [aws.partition, aws.region, aws.accountId, ids]);
  return {
    sid: "CreateInterfaces",
    actions: ["ec2:CreateNetworkInterface"],
    resources: Fn.concat([
      arns("network-interface", ["*"]),
      arns("subnet", subnetIds),
      arns("security-group", securityGroupIds),
    ]),
  };
}
