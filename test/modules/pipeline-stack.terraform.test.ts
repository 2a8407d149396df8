import path from "node:path";
import aslValidator from "asl-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { EXECUTION_PARAMETER_NAMES, parameter } from "../../pipeline/parameters/table.ts";
import { JOB_STAGES } from "../../pipeline/stages.ts";
import { copyOfStack } from "./shared-stack.ts";
import {
  type AppliedStack,
  applyMocked,
  readStack,
  type SynthesizedStack,
  temporaryDirectory,
  terraform,
} from "./stack-fixture.ts";
import { allStates } from "./workflow/asl.ts";

const VARIABLES = {
  model_name: "Products",
  s3_corpus_path: "s3://corpora/products.jsonl",
  input_bucket_names: ["judgements"],
  opensearch_endpoint: "https://search-products-aaaaaaaaaaaaaaaaaaaaaaaaaa.us-east-1.es.amazonaws.com",
  training_image_cpu: "999999999999.dkr.ecr.eu-west-1.amazonaws.com/team/training:1.0",
  tags: { team: "search" },
};

const Statement = z.looseObject({
  Sid: z.string(),
  Effect: z.enum(["Allow", "Deny"]),
  Action: z.union([z.string().transform((action) => [action]), z.array(z.string())]),
  Resource: z.array(z.string()).default([]),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  Principal: z.unknown().optional(),
});
type Statement = z.infer<typeof Statement>;
const Policy = z.object({ Version: z.literal("2012-10-17"), Statement: z.array(Statement) });

const statements = (json: unknown): Statement[] => Policy.parse(JSON.parse(z.string().parse(json))).Statement;

/** Actions that AWS does not let a policy narrow to a resource, and why the pipeline needs them. */
const WITHOUT_RESOURCE: Readonly<Record<string, string>> = {
  "cloudwatch:PutMetricData": "metrics of SageMaker containers; narrowed by namespace",
  "ecr:GetAuthorizationToken": "the account's token for pulling images",
  "logs:CreateLogDelivery": "log delivery of the state machine",
  "logs:DeleteLogDelivery": "log delivery of the state machine",
  "logs:DescribeLogGroups": "log delivery of the state machine",
  "logs:DescribeResourcePolicies": "log delivery of the state machine",
  "logs:GetLogDelivery": "log delivery of the state machine",
  "logs:ListLogDeliveries": "log delivery of the state machine",
  "logs:PutResourcePolicy": "log delivery of the state machine",
  "logs:UpdateLogDelivery": "log delivery of the state machine",
  "sagemaker:ListEndpointConfigs": "configurations of earlier executions, found by name",
  "servicequotas:ListAWSDefaultServiceQuotas": "Bedrock's quotas are found by name",
  "servicequotas:ListServiceQuotas": "Bedrock's quotas are found by name",
  "xray:GetSamplingRules": "tracing",
  "xray:GetSamplingTargets": "tracing",
  "xray:PutTelemetryRecords": "tracing",
  "xray:PutTraceSegments": "tracing",
};

describe("the deployed stack", () => {
  const work = temporaryDirectory();
  let directory: string;
  let stack: SynthesizedStack;
  let applied: AppliedStack;
  let policies: Record<string, Statement[]>;

  beforeAll(async () => {
    directory = copyOfStack(work.path);
    stack = readStack(directory);
    applied = await applyMocked(directory, VARIABLES);
    policies = Object.fromEntries(
      Object.entries(applied.resources("aws_iam_role_policy")).map(([address, { policy }]) => [
        address.replace("aws_iam_role_policy.pipeline_", "").replace(/_policy$/, ""),
        statements(policy),
      ]),
    );
  });
  afterAll(() => work.remove());

  const statement = (role: string, sid: string): Statement => {
    const found = policies[role]?.find(({ Sid }) => Sid === sid);
    if (found === undefined) throw new Error(`${role} has no statement ${sid}`);
    return found;
  };

  it("is valid for Terraform", async () => {
    await expect(terraform(directory, ["validate", "-json"])).resolves.toContain('"valid": true');
  });

  it("pins nothing that the user has to decide", () => {
    expect(stack.terraform.required_version).toBe(">= 1.9.0");
    expect(stack.terraform.required_providers).toEqual({ aws: { source: "hashicorp/aws", version: "~> 5.90" } });
    expect(stack.terraform.backend).toEqual({ local: { path: "terraform.opensearch-finetuning.tfstate" } });
  });

  it("names no path of this machine", () => {
    const text = JSON.stringify(stack);
    expect(text).not.toContain(process.cwd());
    expect(text).not.toContain(work.path);
    expect(text).not.toContain(path.dirname(work.path));
  });

  it("has addresses that do not change when a construct moves", () => {
    for (const resources of Object.values(stack.resource)) {
      for (const name of Object.keys(resources)) expect(name).not.toMatch(/_[0-9A-F]{8}$/);
    }
  });

  describe("its roles", () => {
    it("are one for each principal, each assumed by its own service on behalf of this account only", () => {
      const roles = applied.resources("aws_iam_role");
      const services = Object.fromEntries(
        Object.values(roles).map(({ name, assume_role_policy }) => {
          const [trust] = statements(assume_role_policy);
          expect(trust?.Condition).toEqual({
            StringEquals: { "aws:SourceAccount": "123456789012" },
            ArnLike: { "aws:SourceArn": expect.stringMatching(/^arn:aws:[a-z]+:us-east-1:123456789012:/) },
          });
          return [name, z.object({ Service: z.string() }).parse(trust?.Principal).Service];
        }),
      );
      expect(services).toEqual({
        "FineTuning-LambdaInvokeOpenSearchRole": "lambda.amazonaws.com",
        "FineTuning-LambdaInvokeOpenSearchRole-Registration": "lambda.amazonaws.com",
        "opensearch-finetuning-bedrock": "bedrock.amazonaws.com",
        "opensearch-finetuning-bedrock-orchestrator": "lambda.amazonaws.com",
        "opensearch-finetuning-connector": "es.amazonaws.com",
        "opensearch-finetuning-delete-superseded-models": "lambda.amazonaws.com",
        "opensearch-finetuning-job": "sagemaker.amazonaws.com",
        "opensearch-finetuning-plan-jobs": "lambda.amazonaws.com",
        "opensearch-finetuning-report-execution": "lambda.amazonaws.com",
        "opensearch-finetuning-resolve-parameters": "lambda.amazonaws.com",
        "opensearch-finetuning-s3-validator": "lambda.amazonaws.com",
        "opensearch-finetuning-serving": "sagemaker.amazonaws.com",
        "opensearch-finetuning-workflow": "states.amazonaws.com",
      });
    });

    it("allow no action by wildcard, and every resource only where AWS knows no narrower one", () => {
      for (const [role, all] of Object.entries(policies)) {
        for (const { Sid, Action, Resource, Effect } of all) {
          expect(Effect).toBe("Allow");
          expect(Resource.length, `${role} ${Sid}`).toBeGreaterThan(0);
          for (const action of Action) {
            expect(action, `${role} ${Sid}`).not.toContain("*");
            if (Resource.includes("*")) expect(WITHOUT_RESOURCE, `${role} ${Sid}`).toHaveProperty(action);
          }
        }
      }
    });

    it("hand a role over to its own service only", () => {
      const passes = Object.values(policies).flatMap((all) =>
        all.filter(({ Action }) => Action.includes("iam:PassRole")),
      );
      const passed = passes.map(({ Resource, Condition }) => [
        Resource,
        Condition?.StringEquals?.["iam:PassedToService"],
      ]);
      expect(passed).toHaveLength(3);
      expect(passed).toEqual(
        expect.arrayContaining([
          [["arn:aws:iam::123456789012:role/pipeline_roles_bedrock"], ["bedrock.amazonaws.com"]],
          [
            ["arn:aws:iam::123456789012:role/pipeline_roles_connector"],
            ["es.amazonaws.com", "opensearchservice.amazonaws.com"],
          ],
          [
            [
              "arn:aws:iam::123456789012:role/pipeline_roles_job",
              "arn:aws:iam::123456789012:role/pipeline_roles_serving",
            ],
            ["sagemaker.amazonaws.com"],
          ],
        ]),
      );
    });

    it("reach the domain of the endpoint, and no other", () => {
      const domain = "arn:aws:es:us-east-1:123456789012:domain/products/*";
      expect(statement("functions_data-extractor_role", "ReadIndex").Resource).toEqual([domain]);
      expect(statement("functions_register-model_role", "CallMlCommons").Resource).toEqual([domain]);
      expect(statement("functions_data-extractor_role", "ReadIndex").Action).not.toContain("es:ESHttpPut");
    });

    it("read the buckets that the inputs come from, and of the data bucket what the stage before made", () => {
      expect(statement("functions_s3-validator_role_inputs", "ReadInputs").Resource).toEqual([
        "arn:aws:s3:::judgements/*",
        "arn:aws:s3:::corpora/*",
      ]);
      expect(statement("functions_bedrock-orchestrator_role", "ReadRun").Resource).toEqual([
        "arn:aws:s3:::pipeline_data_bucket/runs/*/corpus/*",
        "arn:aws:s3:::pipeline_data_bucket/runs/*/queries/*",
      ]);
    });

    it("call one Bedrock model, wherever its profile routes to", () => {
      expect(statement("roles_bedrock", "InvokeModel").Resource).toEqual([
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "arn:aws:bedrock:*::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
        "arn:aws:bedrock:::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
      ]);
    });

    it("reach SageMaker's resources by the model's name, also in the lower case of their ARNs", () => {
      expect(statement("roles_connector", "InvokeEndpoint").Resource).toEqual([
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint/Products-*",
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint/products-*",
      ]);
      expect(statement("workflow_role", "RunJobs").Resource).toEqual([
        "arn:aws:sagemaker:us-east-1:123456789012:training-job/Products-*",
        "arn:aws:sagemaker:us-east-1:123456789012:training-job/products-*",
      ]);
    });

    it("scale the model's endpoints only, and make the one role that scaling needs", () => {
      expect(statement("workflow_role", "Scale").Condition).toEqual({
        StringEquals: {
          "application-autoscaling:service-namespace": "sagemaker",
          "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
        },
      });
      expect(statement("workflow_role", "ScaleVariants").Resource).toEqual(
        ["endpoint", "endpoint-config"].flatMap((type) =>
          ["Products", "products"].map((name) => `arn:aws:sagemaker:us-east-1:123456789012:${type}/${name}-*`),
        ),
      );
      expect(statement("workflow_role", "ScalingAlarms").Resource).toEqual([
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:TargetTracking-endpoint/Products-*",
      ]);
      expect(statement("workflow_role", "ScalingRole")).toMatchObject({
        Resource: [
          "arn:aws:iam::123456789012:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        ],
        Condition: { StringEquals: { "iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com" } },
      });
    });

    it("delete models and configurations of this deployment's model only", () => {
      const role = "functions_delete-superseded-models_role";
      expect(statement(role, "DeleteModels").Resource).toEqual([
        "arn:aws:sagemaker:us-east-1:123456789012:model/Products-*",
        "arn:aws:sagemaker:us-east-1:123456789012:model/products-*",
      ]);
      expect(statement(role, "DeleteConfigs").Resource).toEqual([
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/Products-*",
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/products-*",
      ]);
    });

    it("pull from the repositories of the images in use, the user's own too", () => {
      expect(statement("roles_job", "PullImages").Resource).toEqual([
        "arn:aws:ecr:us-east-1:763104351884:repository/pytorch-training",
        "arn:aws:ecr:eu-west-1:999999999999:repository/team/training",
      ]);
      expect(statement("roles_serving", "PullImages").Resource).toEqual([
        "arn:aws:ecr:us-east-1:683313688378:repository/tei",
        "arn:aws:ecr:us-east-1:683313688378:repository/tei-cpu",
        "arn:aws:ecr:us-east-1:763104351884:repository/pytorch-inference",
        "arn:aws:ecr:us-east-1:763104351884:repository/pytorch-inference",
      ]);
    });

    it("write below runs/ and results/, never the code", () => {
      const writes = Object.values(policies).flatMap((all) =>
        all.filter(({ Action }) => Action.includes("s3:PutObject")),
      );
      expect(writes).toHaveLength(5);
      for (const { Resource } of writes) {
        for (const arn of Resource)
          expect(arn).toMatch(
            /^arn:aws:s3:::pipeline_data_bucket\/(runs|results)\/(\*|\*\/(corpus|queries|queries\/output)\/\*)$/,
          );
      }
    });

    it("let the state machine learn from the managed rule that a job ended", () => {
      expect(statement("workflow_role", "JobEvents").Resource).toEqual([
        "arn:aws:events:us-east-1:123456789012:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule",
      ]);
    });
  });

  describe("its data bucket", () => {
    it("is private, versioned, encrypted and refuses plain HTTP", () => {
      expect(Object.values(applied.resources("aws_s3_bucket_public_access_block"))[0]).toMatchObject({
        block_public_acls: true,
        block_public_policy: true,
        ignore_public_acls: true,
        restrict_public_buckets: true,
      });
      expect(Object.values(applied.resources("aws_s3_bucket_versioning"))[0]).toMatchObject({
        versioning_configuration: [{ status: "Enabled" }],
      });
      expect(Object.values(applied.resources("aws_s3_bucket_server_side_encryption_configuration"))[0]).toMatchObject({
        rule: [{ apply_server_side_encryption_by_default: [{ sse_algorithm: "AES256" }] }],
      });
      const [policy] = Object.values(applied.resources("aws_s3_bucket_policy"));
      expect(statements(policy?.policy)).toEqual([
        expect.objectContaining({
          Effect: "Deny",
          Action: ["s3:*"],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        }),
        expect.objectContaining({
          Effect: "Deny",
          Action: ["s3:*"],
          Condition: { NumericLessThan: { "s3:TlsVersion": "1.2" } },
        }),
      ]);
      const [bucket] = Object.values(applied.resources("aws_s3_bucket"));
      expect(bucket?.bucket).toBe("opensearch-finetuning-123456789012-us-east-1");
    });

    it("expires what a run works with, and keeps models, reports and code", () => {
      const [configuration] = Object.values(applied.resources("aws_s3_bucket_lifecycle_configuration"));
      const Rule = z.looseObject({
        id: z.string(),
        filter: z.array(z.looseObject({ prefix: z.string() })),
        expiration: z.array(z.looseObject({ days: z.number().nullable() })),
      });
      const rules = z.array(Rule).parse(configuration?.rule);
      const expiring = rules.filter(({ expiration }) => expiration.some(({ days }) => (days ?? 0) > 0));
      expect(expiring.map(({ filter }) => filter[0]?.prefix)).toEqual(["runs/"]);
      expect(expiring[0]?.expiration[0]?.days).toBe(30);
      expect(rules.map(({ id }) => id)).toContain("abort-broken-uploads");
    });
  });

  it("has every function on Node.js 22 with tracing and a log group that expires", () => {
    const functions = Object.values(applied.resources("aws_lambda_function"));
    expect(functions.map(({ function_name }) => function_name).sort()).toEqual([
      "opensearch-finetuning-bedrock-orchestrator",
      "opensearch-finetuning-data-extractor",
      "opensearch-finetuning-delete-superseded-models",
      "opensearch-finetuning-plan-jobs",
      "opensearch-finetuning-register-model",
      "opensearch-finetuning-report-execution",
      "opensearch-finetuning-resolve-parameters",
      "opensearch-finetuning-s3-validator",
    ]);
    const groups = Object.values(applied.resources("aws_cloudwatch_log_group"));
    for (const one of functions) {
      expect(one).toMatchObject({
        runtime: "nodejs22.x",
        handler: "index.handler",
        tracing_config: [{ mode: "Active" }],
      });
      expect(groups).toContainEqual(
        expect.objectContaining({ name: `/aws/lambda/${one.function_name}`, retention_in_days: 30 }),
      );
    }
    expect(groups).toContainEqual(
      expect.objectContaining({ name: "/aws/vendedlogs/states/opensearch-finetuning", retention_in_days: 30 }),
    );
  });

  describe("its state machine", () => {
    const definition = () =>
      JSON.parse(z.string().parse(Object.values(applied.resources("aws_sfn_state_machine"))[0]?.definition));

    it("logs, traces, and is valid with every expression evaluated", () => {
      const [machine] = Object.values(applied.resources("aws_sfn_state_machine"));
      expect(machine).toMatchObject({
        logging_configuration: [
          {
            level: "ERROR",
            include_execution_data: false,
            log_destination: "arn:aws:logs:us-east-1:123456789012:log-group:pipeline_workflow_logs:*",
          },
        ],
        tracing_configuration: [{ enabled: true }],
      });
      expect(aslValidator(definition()).errors).toEqual([]);
    });

    it("resolves parameters from the variables' values and types", () => {
      const [, resolve] = allStates(definition()).find(([name]) => name === "ResolveParameters") ?? [];
      const { Payload } = z
        .object({
          Payload: z.object({
            defaults: z.record(z.string(), z.unknown()),
            images: z.record(z.string(), z.string()),
          }),
        })
        .parse(resolve?.Parameters);
      const expected = Object.fromEntries(EXECUTION_PARAMETER_NAMES.map((name) => [name, parameter(name).default]));
      const { model_name, s3_corpus_path, opensearch_endpoint } = VARIABLES;
      expect(Payload.defaults).toEqual({ ...expected, model_name, s3_corpus_path, opensearch_endpoint });
      expect(Payload.images).toEqual({
        training_gpu:
          "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.10.0-gpu-py313-cu130-ubuntu22.04-sagemaker",
        training_cpu: "999999999999.dkr.ecr.eu-west-1.amazonaws.com/team/training:1.0",
        serving_gpu: "683313688378.dkr.ecr.us-east-1.amazonaws.com/tei:2.0.1-tei1.8.2-gpu-py310-cu122-ubuntu22.04",
        serving_cpu: "683313688378.dkr.ecr.us-east-1.amazonaws.com/tei-cpu:2.0.1-tei1.8.2-cpu-py310-ubuntu22.04",
        sparse_serving_gpu:
          "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker",
        sparse_serving_cpu:
          "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0-cpu-py312-ubuntu22.04-sagemaker",
      });
    });

    it("tags jobs, models and endpoints with the deployment, the execution and the user's tags", () => {
      const tagged = allStates(definition()).flatMap(([name, { Parameters }]) => {
        const parsed = z.looseObject({ Tags: z.array(z.record(z.string(), z.string())) }).safeParse(Parameters);
        return parsed.success ? [[name, parsed.data.Tags] as const] : [];
      });
      expect(tagged).toHaveLength(8);
      for (const [, tags] of tagged) {
        expect(tags).toEqual([
          { Key: "opensearch-finetuning:deployment", Value: "opensearch-finetuning" },
          { Key: "opensearch-finetuning:execution", "Value.$": "$$.Execution.Name" },
          { Key: "team", Value: "search" },
        ]);
      }
    });

    it("tags what scales with the same", () => {
      const state = allStates(definition()).find(([name]) => name === "LimitInstances")?.[1];
      expect(state?.Parameters).toMatchObject({
        Tags: {
          "opensearch-finetuning:deployment": "opensearch-finetuning",
          "opensearch-finetuning:execution.$": "$$.Execution.Name",
          team: "search",
        },
      });
    });

    it("runs the code that was uploaded", () => {
      const uploaded = Object.values(applied.resources("aws_s3_object")).map(
        ({ bucket, key }) => `s3://${bucket}/${key}`,
      );
      const [, resolve] = allStates(definition()).find(([name]) => name === "ResolveParameters") ?? [];
      const { Payload } = z
        .object({ Payload: z.object({ code_uris: z.record(z.string(), z.string()) }) })
        .parse(resolve?.Parameters);
      expect(Object.keys(Payload.code_uris).toSorted()).toEqual(JOB_STAGES.toSorted());
      const used = Object.values(Payload.code_uris);
      expect(used).toHaveLength(4);
      expect(used.sort()).toEqual(uploaded.sort());
    });
  });

  it("puts out what a user needs to start", () => {
    expect(Object.keys(applied.outputs).sort()).toEqual([
      "dashboard_name",
      "data_bucket_name",
      "example_execution_input",
      "function_arns",
      "notifications_topic_arn",
      "opensearch_role_mapping",
      "role_arns",
      "state_machine_arn",
    ]);
    const example = JSON.parse(z.string().parse(applied.outputs.example_execution_input));
    for (const name of Object.keys(example)) expect(EXECUTION_PARAMETER_NAMES).toContain(name);
    expect(applied.outputs.opensearch_role_mapping).toEqual({
      read_access: "arn:aws:iam::123456789012:role/pipeline_functions_data-extractor_role",
      ml_full_access: "arn:aws:iam::123456789012:role/pipeline_functions_register-model_role",
    });
  });
});
