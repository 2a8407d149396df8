import { TerraformResource } from "cdktf";
import { Construct } from "constructs";
import { FUNCTION_NAMES, REPORT_FUNCTION, START_FUNCTION } from "../pipeline/functions.ts";
import { forEachImage, imageParameter } from "../pipeline/images.ts";
import { EXECUTION_PARAMETER_NAMES, propName } from "../pipeline/parameters/table.ts";
import { accessScope } from "./access/access-scope.ts";
import { PipelineRoles } from "./access/pipeline-roles.ts";
import { bundleFunctions } from "./functions/bundle.ts";
import { PipelineFunctions } from "./functions/pipeline-functions.ts";
import { imagesKnown, regionalImages } from "./jobs/images.ts";
import { TrainingCodeObjects } from "./jobs/training-code-objects.ts";
import { Observability } from "./observability/observability.ts";
import { checkedParameters } from "./parameters/checks.ts";
import type { FineTuningPipelineProps } from "./parameters/props.ts";
import { DataBucket } from "./storage/data-bucket.ts";
import { AwsContext } from "./terraform/aws-context.ts";
import { executionTags, tagResources } from "./terraform/tags.ts";
import { PipelineStateMachine } from "./workflow/pipeline-state-machine.ts";
import { StartOnApply } from "./workflow/start-on-apply.ts";

export type { FineTuningPipelineProps } from "./parameters/props.ts";

/** Where the code that the pipeline runs lies. */
export interface PipelineSources {
  /** Holds `<function name>/index.ts`. */
  readonly lambdas: string;
  /** Holds the training scripts and `requirements/<stage>.txt`. */
  readonly trainingScripts: string;
}

/**
 * Fine-tunes a retrieval model on a corpus and puts it behind OpenSearch: the data bucket, the training code, the functions, one
 * role a principal, the state machine that orders them, and what people see of it. Nothing starts by itself unless `startOnApply`
 * is true.
 */
export class FineTuningPipeline extends Construct {
  readonly bucket: DataBucket;
  readonly roles: PipelineRoles;
  readonly functions: PipelineFunctions;
  readonly stateMachine: PipelineStateMachine;
  readonly observability: Observability;
  readonly start: StartOnApply;

  /** @throws InvalidPropsError */
  constructor(scope: Construct, id: string, props: FineTuningPipelineProps, sources: PipelineSources) {
    super(scope, id);
    const parameters = checkedParameters(props);
    tagResources(this, parameters.tags);
    const aws = new AwsContext(this, "aws");

    this.bucket = new DataBucket(this, "data", {
      name: `${parameters.namePrefix}-${aws.accountId}-${aws.region}`,
      partition: aws.partition,
      existingName: parameters.existingBucketName,
      kmsKeyArn: parameters.kmsKeyArn,
      accessLogBucketName: parameters.accessLogBucketName,
      intermediateRetentionDays: parameters.intermediateRetentionDays,
    });
    const code = new TrainingCodeObjects(this, "training_code", {
      bucket: this.bucket,
      directory: sources.trainingScripts,
    });
    const givenImages = forEachImage((purpose) => parameters[propName(imageParameter(purpose))]);
    const images = regionalImages(this, aws, givenImages);
    const access = accessScope(this, aws, parameters);
    this.roles = new PipelineRoles(this, "roles", { aws, bucket: this.bucket, images, parameters, access });
    const zips = bundleFunctions(sources.lambdas, [...FUNCTION_NAMES, REPORT_FUNCTION, START_FUNCTION]);
    this.functions = new PipelineFunctions(this, "functions", {
      aws,
      bucket: this.bucket,
      roles: this.roles,
      parameters,
      access,
      code: zips,
    });

    const values: Readonly<Record<string, unknown>> = { ...parameters };
    this.stateMachine = new PipelineStateMachine(this, "workflow", {
      name: parameters.namePrefix,
      aws,
      bucket: this.bucket,
      roles: this.roles,
      access,
      modelName: parameters.modelName,
      logRetentionDays: parameters.logRetentionDays,
      preconditions: [imagesKnown(aws, givenImages)],
      definition: {
        deployment: parameters.namePrefix,
        bucketName: this.bucket.name,
        functions: this.functions.byName,
        jobRoleArn: this.roles.job.arn,
        servingRoleArn: this.roles.serving.arn,
        bedrockRoleArn: this.roles.bedrock.arn,
        connectorRoleArn: this.roles.connector.arn,
        codeUris: code.uris,
        images,
        defaults: Object.fromEntries(EXECUTION_PARAMETER_NAMES.map((name) => [name, values[propName(name)]])),
        network: access.network,
        key: access.key,
        tags: executionTags(parameters.namePrefix, parameters.tags),
        queryPollSeconds: parameters.queryPollSeconds,
        endpointPollSeconds: parameters.endpointPollSeconds,
      },
    });
    this.observability = new Observability(this, "observability", {
      aws,
      access,
      parameters,
      stateMachineArn: this.stateMachine.arn,
      code: zips[REPORT_FUNCTION],
    });
    this.start = new StartOnApply(this, "start", {
      aws,
      access,
      parameters,
      stateMachineArn: this.stateMachine.arn,
      code: zips[START_FUNCTION],
      after: this.node.findAll().filter((node) => TerraformResource.isTerraformResource(node)),
    });
  }
}
