import { Construct } from "constructs";
import type { Images } from "../../pipeline/images.ts";
import { repositoryArn } from "../jobs/images.ts";
import type { PipelineParameters } from "../parameters/props.ts";
import { CODE_PREFIX, type DataBucket, RESULTS_PREFIX, RUNS_PREFIX } from "../storage/data-bucket.ts";
import type { AwsContext } from "../terraform/aws-context.ts";
import type { AccessScope } from "./access-scope.ts";
import { ServiceRole } from "./service-role.ts";
import {
  containersInNetwork,
  encryptJobs,
  pullImages,
  readPrefixes,
  sageMakerTelemetry,
  useKeyThroughS3,
  writePrefixes,
} from "./statements.ts";

/** The roles that AWS services take on the pipeline's behalf. */
export class PipelineRoles extends Construct {
  /** SageMaker's training jobs. */
  readonly job: ServiceRole;
  /** The container behind the endpoint. */
  readonly serving: ServiceRole;
  /** Bedrock's batch jobs. */
  readonly bedrock: ServiceRole;
  /** OpenSearch, when it calls the endpoint through the connector. */
  readonly connector: ServiceRole;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly aws: AwsContext;
      readonly bucket: DataBucket;
      readonly images: Images;
      readonly parameters: PipelineParameters;
      readonly access: AccessScope;
    },
  ) {
    super(scope, id);
    const { aws, bucket, images, parameters } = props;
    const { key, network: net, roles: settings } = props.access;
    const throughS3 = useKeyThroughS3(aws, key);
    const inNetwork = containersInNetwork(aws, net);
    const name = (suffix: string) => `${parameters.namePrefix}-${suffix}`;
    this.job = new ServiceRole(this, "job", {
      name: name("job"),
      principal: "job",
      settings,
      description: "Runs the pipeline's SageMaker jobs",
      aws,
      service: "sagemaker.amazonaws.com",
      sourceArn: aws.arn("sagemaker", "*"),
      conditionalStatements: [props.access.readInputs, throughS3, encryptJobs(key), inNetwork],
      statements: [
        ...readPrefixes(aws, "Read", bucket.arn, [`${CODE_PREFIX}*`, `${RUNS_PREFIX}*`, `${RESULTS_PREFIX}*`]),
        writePrefixes(aws, "Write", bucket.arn, [`${RUNS_PREFIX}*`, `${RESULTS_PREFIX}*`]),
        ...pullImages([repositoryArn(aws, images.training_gpu), repositoryArn(aws, images.training_cpu)]),
        ...sageMakerTelemetry(aws, "/aws/sagemaker/TrainingJobs"),
      ],
    });
    this.serving = new ServiceRole(this, "serving", {
      name: name("serving"),
      principal: "serving",
      settings,
      description: "Runs the container behind the endpoint",
      aws,
      service: "sagemaker.amazonaws.com",
      sourceArn: aws.arn("sagemaker", "*"),
      conditionalStatements: [throughS3, inNetwork],
      statements: [
        ...readPrefixes(aws, "ReadModel", bucket.arn, [`${RESULTS_PREFIX}*`]),
        ...pullImages(
          [images.serving_gpu, images.serving_cpu, images.sparse_serving_gpu, images.sparse_serving_cpu].map((image) =>
            repositoryArn(aws, image),
          ),
        ),
        ...sageMakerTelemetry(aws, "/aws/sagemaker/Endpoints"),
      ],
    });
    this.bedrock = new ServiceRole(this, "bedrock", {
      name: name("bedrock"),
      principal: "bedrock",
      settings,
      description: "Runs the pipeline's Bedrock batch jobs",
      aws,
      service: "bedrock.amazonaws.com",
      sourceArn: aws.arn("bedrock", "model-invocation-job/*"),
      conditionalStatements: [throughS3],
      statements: [
        ...readPrefixes(aws, "Read", bucket.arn, [`${RUNS_PREFIX}*/queries/*`]),
        writePrefixes(aws, "Write", bucket.arn, [`${RUNS_PREFIX}*/queries/output/*`]),
        { sid: "InvokeModel", actions: ["bedrock:InvokeModel"], resources: props.access.bedrockModelArns },
      ],
    });
    this.connector = new ServiceRole(this, "connector", {
      name: name("connector"),
      principal: "connector",
      settings,
      description: "Lets OpenSearch call the endpoint",
      aws,
      service: "es.amazonaws.com",
      sourceArn: props.access.domainArn,
      statements: [
        {
          sid: "InvokeEndpoint",
          actions: ["sagemaker:InvokeEndpoint"],
          resources: props.access.sageMakerArns("endpoint"),
        },
      ],
    });
  }
}
