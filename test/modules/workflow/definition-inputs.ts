import { dataKey, network } from "../../../modules/access/placement.ts";
import type { DefinitionInputs } from "../../../modules/workflow/definition-inputs.ts";
import { FUNCTION_NAMES } from "../../../pipeline/functions.ts";
import { JOB_STAGES } from "../../../pipeline/stages.ts";

/** What a definition is made with where a test does not look at it. */
export const DEFINITION_INPUTS: DefinitionInputs = {
  deployment: "finetuning",
  bucketName: "bucket",
  functions: Object.fromEntries(
    FUNCTION_NAMES.map((name) => [
      name,
      { arn: `arn:aws:lambda:us-east-1:123456789012:function:${name}`, timeout: 900 },
    ]),
  ) as DefinitionInputs["functions"],
  jobRoleArn: "arn:aws:iam::123456789012:role/job",
  servingRoleArn: "arn:aws:iam::123456789012:role/serving",
  bedrockRoleArn: "arn:aws:iam::123456789012:role/bedrock",
  connectorRoleArn: "arn:aws:iam::123456789012:role/connector",
  codeUris: Object.fromEntries(
    JOB_STAGES.map((stage) => [stage, `s3://bucket/code/${stage}.tar.gz`]),
  ) as DefinitionInputs["codeUris"],
  images: {
    training_gpu: "tg",
    training_cpu: "tc",
    serving_gpu: "sg",
    serving_cpu: "sc",
    sparse_serving_gpu: "ssg",
    sparse_serving_cpu: "ssc",
  },
  defaults: { model_name: "products" },
  network: network([], []),
  key: dataKey(""),
  tags: { list: [{ Key: "a", Value: "b" }], object: { a: "b" } },
  queryPollSeconds: 300,
  endpointPollSeconds: 30,
};
