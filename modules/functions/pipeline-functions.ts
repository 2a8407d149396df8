import { Construct } from "constructs";
import { FUNCTION_NAMES, type FunctionName } from "../../pipeline/functions.ts";
import type { AccessScope } from "../access/access-scope.ts";
import type { PipelineRoles } from "../access/pipeline-roles.ts";
import type { ConditionalStatements, Statement } from "../access/service-role.ts";
import { passRole, readObjects, replacePrefix } from "../access/statements.ts";
import type { PipelineParameters } from "../parameters/props.ts";
import { type DataBucket, RUNS_PREFIX } from "../storage/data-bucket.ts";
import type { AwsContext } from "../terraform/aws-context.ts";
import { PipelineFunction } from "./pipeline-function.ts";

interface FunctionSettings {
  readonly description: string;
  /** MB. Reading and writing are streams, so memory buys CPU and network, not room for the corpus. */
  readonly memorySize: number;
  /** Seconds. */
  readonly timeout: number;
  readonly roleName?: string;
  readonly conditionalStatements?: readonly ConditionalStatements[];
  readonly statements: readonly Statement[];
}

/** The functions that the state machine calls. */
export class PipelineFunctions extends Construct {
  readonly byName: Readonly<Record<FunctionName, PipelineFunction>>;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly aws: AwsContext;
      readonly bucket: DataBucket;
      readonly roles: PipelineRoles;
      readonly parameters: PipelineParameters;
      readonly access: AccessScope;
      /** Zips by function name. */
      readonly code: Readonly<Record<FunctionName, Uint8Array>>;
    },
  ) {
    super(scope, id);
    const { aws, bucket, roles, parameters, code } = props;
    const { domainArn, bedrockModelArns, readInputs } = props.access;
    const replaceInRuns = (folder: string) => replacePrefix(aws, bucket.arn, `${RUNS_PREFIX}*/${folder}/*`);
    const settings: Readonly<Record<FunctionName, FunctionSettings>> = {
      "resolve-parameters": {
        description: "Merges an execution's input with the deployment's defaults and checks it",
        memorySize: 256,
        timeout: 30,
        statements: [],
      },
      "data-extractor": {
        description: "Stage 1: reads the corpus from an OpenSearch index",
        memorySize: 2048,
        timeout: 900,
        roleName: parameters.lambdaRoleName,
        statements: [
          ...replaceInRuns("corpus"),
          {
            sid: "ReadIndex",
            actions: ["es:ESHttpDelete", "es:ESHttpGet", "es:ESHttpPost"],
            resources: [`${domainArn}/*`],
          },
        ],
      },
      "s3-validator": {
        description: "Stage 1: checks and normalises a corpus in S3",
        memorySize: 2048,
        timeout: 900,
        conditionalStatements: [readInputs],
        statements: replaceInRuns("corpus"),
      },
      "bedrock-orchestrator": {
        description: "Stage 2: has Bedrock write queries for sampled documents",
        memorySize: 2048,
        timeout: 900,
        conditionalStatements: [readInputs],
        statements: [
          readObjects(aws, "ReadRun", bucket.arn, [`${RUNS_PREFIX}*/corpus/*`, `${RUNS_PREFIX}*/queries/*`]),
          ...replaceInRuns("queries"),
          {
            sid: "RunBatchJobs",
            actions: ["bedrock:CreateModelInvocationJob", "bedrock:GetModelInvocationJob"],
            resources: [...bedrockModelArns, aws.arn("bedrock", "model-invocation-job/*")],
          },
          { sid: "InvokeModel", actions: ["bedrock:InvokeModel"], resources: bedrockModelArns },
          // Quotas of Bedrock are found by their names, and listing takes no resource.
          {
            sid: "ReadQuotas",
            actions: ["servicequotas:ListAWSDefaultServiceQuotas", "servicequotas:ListServiceQuotas"],
            resources: ["*"],
          },
          passRole("PassBatchRole", [roles.bedrock.arn], ["bedrock.amazonaws.com"]),
        ],
      },
      "plan-jobs": {
        description: "Plans the instances and the time limits of the SageMaker jobs",
        memorySize: 256,
        timeout: 30,
        statements: [],
      },
      "delete-superseded-models": {
        description: "Stage 7: deletes the models that no endpoint serves any more, but the last one",
        memorySize: 256,
        timeout: 300,
        statements: [
          // Listing takes no resource.
          { sid: "ListConfigs", actions: ["sagemaker:ListEndpointConfigs"], resources: ["*"] },
          {
            sid: "DeleteConfigs",
            actions: ["sagemaker:DeleteEndpointConfig", "sagemaker:DescribeEndpointConfig"],
            resources: props.access.sageMakerArns("endpoint-config"),
          },
          { sid: "DeleteModels", actions: ["sagemaker:DeleteModel"], resources: props.access.sageMakerArns("model") },
        ],
      },
      "register-model": {
        description: "Stage 8: registers the endpoint as a remote model in OpenSearch",
        memorySize: 512,
        timeout: 900,
        roleName: `${parameters.lambdaRoleName}-Registration`,
        statements: [
          {
            sid: "CallMlCommons",
            actions: ["es:ESHttpGet", "es:ESHttpPost", "es:ESHttpPut"],
            resources: [`${domainArn}/*`],
          },
          passRole("PassConnectorRole", [roles.connector.arn], ["es.amazonaws.com", "opensearchservice.amazonaws.com"]),
        ],
      },
    };
    const functions = FUNCTION_NAMES.map((name) => [
      name,
      new PipelineFunction(this, name, {
        ...settings[name],
        functionName: `${parameters.namePrefix}-${name}`,
        principal: name,
        access: props.access,
        aws,
        code: code[name],
        logRetentionDays: parameters.logRetentionDays,
      }),
    ]);
    this.byName = Object.fromEntries(functions) as Record<FunctionName, PipelineFunction>;
  }
}
