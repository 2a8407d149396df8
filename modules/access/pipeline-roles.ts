import { Fn, propertyAccess, TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import type { Images } from "../../pipeline/images.ts";
import { repositoryArn } from "../jobs/images.ts";
import type { PipelineParameters } from "../parameters/props.ts";
import { CODE_PREFIX, type DataBucket, RESULTS_PREFIX, RUNS_PREFIX } from "../storage/data-bucket.ts";
import type { AwsContext } from "../terraform/aws-context.ts";
import { isGiven } from "../terraform/json.ts";
import { type ConditionalStatements, type RoleSettings, ServiceRole } from "./service-role.ts";
import {
  containersInNetwork,
  type DataKey,
  dataKey,
  encryptJobs,
  type Network,
  network,
  pullImages,
  readPrefixes,
  sageMakerTelemetry,
  useKeyThroughS3,
  writePrefixes,
} from "./statements.ts";

/** What several roles are narrowed to, and what holds for all of them. */
export interface Reach {
  readonly roles: RoleSettings;
  readonly key: DataKey;
  readonly network: Network;
  /** Reading what users give: corpora, sample queries, judged queries. */
  readonly readInputs: ConditionalStatements;
  /** The OpenSearch domain. */
  readonly domainArn: string;
  /** The model that writes queries: its inference profile and the foundation model behind it, wherever the profile routes to. */
  readonly bedrockModelArns: string[];
  /** ARNs of SageMaker resources of a type whose name begins with the model's. */
  sageMakerArns(resourceType: string): string[];
}

const BUCKET_OF_URI = "^s3://([^/]+)/";
const DOMAIN_OF_ENDPOINT = "^https://(?:search|vpc)-(.+)-[a-z0-9]{26}[.]";
/** Geographies of inference profiles; the foundation model's id is what follows. */
const PROFILE_GEOGRAPHY = "/^(us|us-gov|eu|apac|jp|au|ca|global)[.]/";

/** What this deployment's parameters let the roles reach, as locals of the stack. */
export function reach(scope: Construct, aws: AwsContext, parameters: PipelineParameters): Reach {
  const firstGroup = (pattern: string, text: string, otherwise: string): string =>
    Fn.try([propertyAccess(Fn.regex(pattern, text), [0]), otherwise]);
  const uris = [
    parameters.s3CorpusPath,
    parameters.sampleQueryUri,
    parameters.judgementsUri,
    parameters.generalCollectionUri,
  ];
  const inputBuckets = new TerraformLocal(
    scope,
    "input_buckets",
    Fn.distinct(
      Fn.compact(Fn.concat([parameters.inputBucketNames, uris.map((uri) => firstGroup(BUCKET_OF_URI, uri, ""))])),
    ),
  ).asList;
  const domainArn = new TerraformLocal(
    scope,
    "domain_arn",
    Fn.coalesce([
      parameters.opensearchDomainArn,
      Fn.format("arn:%s:es:%s:%s:domain/%s", [
        aws.partition,
        aws.region,
        aws.accountId,
        firstGroup(DOMAIN_OF_ENDPOINT, parameters.opensearchEndpoint, "*"),
      ]),
    ]),
  ).asString;
  const foundationModel = new TerraformLocal(
    scope,
    "foundation_model_id",
    Fn.replace(parameters.bedrockModelId, PROFILE_GEOGRAPHY, ""),
  ).asString;
  // SageMaker's ARNs carry names in lower case.
  const lowerModelName = new TerraformLocal(scope, "lower_model_name", Fn.lower(parameters.modelName)).asString;
  return {
    roles: {
      path: parameters.iamPath,
      permissionsBoundaryArn: parameters.permissionsBoundaryArn,
      existingRoleArns: parameters.existingRoleArns,
    },
    key: dataKey(parameters.kmsKeyArn),
    network: network(parameters.subnetIds, parameters.securityGroupIds),
    readInputs: {
      name: "inputs",
      when: isGiven(inputBuckets),
      statements: [
        {
          sid: "ReadInputs",
          actions: ["s3:GetObject"],
          resources: Fn.formatlist("arn:%s:s3:::%s/*", [aws.partition, inputBuckets]),
        },
        {
          // Without it S3 would say of an input that is not there that access is denied.
          sid: "ListInputs",
          actions: ["s3:ListBucket"],
          resources: Fn.formatlist("arn:%s:s3:::%s", [aws.partition, inputBuckets]),
        },
      ],
    },
    domainArn,
    bedrockModelArns: [
      aws.arn("bedrock", `inference-profile/${parameters.bedrockModelId}`),
      `arn:${aws.partition}:bedrock:*::foundation-model/${foundationModel}`,
      `arn:${aws.partition}:bedrock:::foundation-model/${foundationModel}`,
    ],
    sageMakerArns: (resourceType) => [
      aws.arn("sagemaker", `${resourceType}/${parameters.modelName}-*`),
      aws.arn("sagemaker", `${resourceType}/${lowerModelName}-*`),
    ],
  };
}

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
      readonly reach: Reach;
    },
  ) {
    super(scope, id);
    const { aws, bucket, images, parameters } = props;
    const { key, network: net, roles: settings } = props.reach;
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
      conditionalStatements: [props.reach.readInputs, throughS3, encryptJobs(key), inNetwork],
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
        { sid: "InvokeModel", actions: ["bedrock:InvokeModel"], resources: props.reach.bedrockModelArns },
      ],
    });
    this.connector = new ServiceRole(this, "connector", {
      name: name("connector"),
      principal: "connector",
      settings,
      description: "Lets OpenSearch call the endpoint",
      aws,
      service: "es.amazonaws.com",
      sourceArn: props.reach.domainArn,
      statements: [
        {
          sid: "InvokeEndpoint",
          actions: ["sagemaker:InvokeEndpoint"],
          resources: props.reach.sageMakerArns("endpoint"),
        },
      ],
    });
  }
}
