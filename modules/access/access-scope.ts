import { Fn, propertyAccess, TerraformLocal } from "cdktf";
import type { Construct } from "constructs";
import type { PipelineParameters } from "../parameters/props.ts";
import type { AwsContext } from "../terraform/aws-context.ts";
import { isGiven } from "../terraform/conditions.ts";
import { type DataKey, dataKey, type Network, network } from "./placement.ts";
import type { ConditionalStatements, RoleSettings } from "./service-role.ts";

/** What several roles are narrowed to, and what holds for all of them. */
export interface AccessScope {
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
export function accessScope(scope: Construct, aws: AwsContext, parameters: PipelineParameters): AccessScope {
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
