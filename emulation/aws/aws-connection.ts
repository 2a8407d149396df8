import { BedrockClient } from "@aws-sdk/client-bedrock";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SageMakerClient } from "@aws-sdk/client-sagemaker";
import { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";

/** Where emulated AWS answers, and with which identity it is called. */
export interface AwsConnection {
  readonly region: string;
  /** S3, IAM, Lambda, Step Functions, CloudWatch Logs … */
  readonly gateway: string;
  /** SageMaker's control plane and runtime. */
  readonly sageMaker: string;
  readonly bedrock: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
  };
}

export interface AwsClients {
  readonly s3: S3Client;
  readonly stepFunctions: SFNClient;
  readonly lambda: LambdaClient;
  readonly logs: CloudWatchLogsClient;
  readonly sns: SNSClient;
  readonly sageMaker: SageMakerClient;
  readonly sageMakerRuntime: SageMakerRuntimeClient;
  readonly bedrock: BedrockClient;
  destroy(): void;
}

/** The SDK clients with which the harness looks at what the deployment did. */
export function awsClients({ region, credentials, gateway, sageMaker, bedrock }: AwsConnection): AwsClients {
  const s3 = new S3Client({ region, credentials, endpoint: gateway, forcePathStyle: true });
  const stepFunctions = new SFNClient({ region, credentials, endpoint: gateway });
  const lambda = new LambdaClient({ region, credentials, endpoint: gateway });
  const logs = new CloudWatchLogsClient({ region, credentials, endpoint: gateway });
  const sns = new SNSClient({ region, credentials, endpoint: gateway });
  const control = new SageMakerClient({ region, credentials, endpoint: sageMaker });
  const runtime = new SageMakerRuntimeClient({ region, credentials, endpoint: sageMaker });
  const batches = new BedrockClient({ region, credentials, endpoint: bedrock });
  return {
    s3,
    stepFunctions,
    lambda,
    logs,
    sns,
    sageMaker: control,
    sageMakerRuntime: runtime,
    bedrock: batches,
    destroy() {
      for (const client of [s3, stepFunctions, lambda, logs, sns, control, runtime, batches]) client.destroy();
    },
  };
}

/** The environment in which an AWS SDK of any language, or Terraform, reaches emulated AWS. */
export function awsEnvironment({ region, gateway, sageMaker, bedrock, credentials }: AwsConnection) {
  return {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    AWS_ENDPOINT_URL: gateway,
    AWS_ENDPOINT_URL_SAGEMAKER: sageMaker,
    AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: sageMaker,
    AWS_ENDPOINT_URL_BEDROCK: bedrock,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock,
    AWS_EC2_METADATA_DISABLED: "true",
  };
}
