import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { copyOfStack } from "./shared-stack.ts";
import { type AppliedStack, applyMocked, readStack, temporaryDirectory } from "./stack-fixture.ts";
import { allStates } from "./workflow/asl.ts";

const KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"];
const SECURITY_GROUPS = ["sg-0123456789abcdef0"];
const BOUNDARY = "arn:aws:iam::123456789012:policy/boundary";
const JOB_ROLE = "arn:aws:iam::123456789012:role/team/job";

const START_FUNCTION = "aws_lambda_function.pipeline_start_start-execution";
const START_ROLE = "aws_iam_role.pipeline_start_start-execution_role";

const BASE = {
  model_name: "products",
  s3_corpus_path: "s3://corpora/products.jsonl",
  register_connector: false,
};

const Statement = z.looseObject({
  Sid: z.string(),
  Action: z.array(z.string()),
  Resource: z.array(z.string()),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
/** A commit of a model that brings code of its own. */
const PINNED_COMMIT = "5617a9f61b028005a4858fdac845db406aefb181";

const statements = (policy: unknown) =>
  z.object({ Statement: z.array(Statement) }).parse(JSON.parse(z.string().parse(policy))).Statement;

function statesOf(applied: AppliedStack) {
  const [machine] = Object.values(applied.resources("aws_sfn_state_machine"));
  return allStates(JSON.parse(z.string().parse(machine?.definition)));
}

/** The parameters of the states that start jobs. */
function jobRequests(applied: AppliedStack) {
  const Job = z.looseObject({
    AlgorithmSpecification: z.unknown(),
    OutputDataConfig: z.looseObject({ KmsKeyId: z.string().optional() }),
    VpcConfig: z.unknown().optional(),
    RoleArn: z.string(),
  });
  return statesOf(applied).flatMap(([, { Parameters }]) => {
    const job = Job.safeParse(Parameters);
    return job.success ? [job.data] : [];
  });
}

function createModel(applied: AppliedStack) {
  const [, state] = statesOf(applied).find(([name]) => name === "CreateModel") ?? [];
  return z.looseObject({ EnableNetworkIsolation: z.boolean() }).parse(state?.Parameters);
}

/** Inline policies of the name, by the role's address. */
function policies(applied: AppliedStack, name: string) {
  const named = Object.entries(applied.resources("aws_iam_role_policy")).filter(([, policy]) => policy.name === name);
  return new Map(
    named.map(([address, { policy }]) => [
      address.replace("aws_iam_role_policy.pipeline_", "").replace(new RegExp(`_${name}_policy$`), ""),
      statements(policy),
    ]),
  );
}

describe("the deployed stack", () => {
  const work = temporaryDirectory();
  let directory: string;

  beforeAll(async () => {
    directory = copyOfStack(work.path);
  });
  afterAll(() => work.remove());

  describe("as it is by default", () => {
    let applied: AppliedStack;
    beforeAll(async () => {
      applied = await applyMocked(directory, BASE);
    });

    it("has no permission that only a key or a VPC needs", () => {
      const names = Object.values(applied.resources("aws_iam_role_policy")).map(({ name }) => name);
      expect(new Set(names)).toEqual(new Set(["permissions", "inputs"]));
    });

    it("starts nothing", () => {
      expect(applied.resources("aws_lambda_invocation")).toEqual({});
      expect(Object.keys(applied.resources("aws_lambda_function"))).not.toContain(START_FUNCTION);
      expect(Object.keys(applied.resources("aws_iam_role"))).not.toContain(START_ROLE);
      expect(applied.outputs.role_arns).not.toHaveProperty("start-execution");
    });

    it("asks for neither a key nor a VPC, and isolates the serving container", () => {
      const jobs = jobRequests(applied);
      expect(jobs).toHaveLength(4);
      for (const job of jobs) {
        expect(job).not.toHaveProperty("VpcConfig");
        expect(job.OutputDataConfig).not.toHaveProperty("KmsKeyId");
      }
      expect(createModel(applied)).not.toHaveProperty("VpcConfig");
      expect(createModel(applied).EnableNetworkIsolation).toBe(true);
      expect(applied.resources("aws_s3_bucket_logging")).toEqual({});
    });

    it("keeps what may be secret out of the functions' environment", () => {
      const harmless = ["MODEL_NAME", "NODE_OPTIONS", "POWERTOOLS_SERVICE_NAME", "TOPIC_ARN"];
      for (const { environment } of Object.values(applied.resources("aws_lambda_function"))) {
        const [{ variables } = {}] = z
          .array(z.object({ variables: z.record(z.string(), z.string()) }))
          .parse(environment);
        for (const name of Object.keys(variables ?? {})) expect(harmless).toContain(name);
      }
    });
  });

  describe("with a key, a VPC, a boundary and access logs", () => {
    let applied: AppliedStack;
    beforeAll(async () => {
      applied = await applyMocked(directory, {
        ...BASE,
        kms_key_arn: KEY,
        subnet_ids: SUBNETS,
        security_group_ids: SECURITY_GROUPS,
        permissions_boundary_arn: BOUNDARY,
        iam_path: "/finetuning/",
        access_log_bucket_name: "logs",
        trust_remote_code: true,
        base_model_revision: PINNED_COMMIT,
      });
    });

    it("encrypts bucket, logs, functions' environments and jobs' outputs with the key", () => {
      const [encryption] = Object.values(applied.resources("aws_s3_bucket_server_side_encryption_configuration"));
      expect(encryption).toMatchObject({
        rule: [
          {
            apply_server_side_encryption_by_default: [{ sse_algorithm: "aws:kms", kms_master_key_id: KEY }],
            bucket_key_enabled: true,
          },
        ],
      });
      const groups = Object.values(applied.resources("aws_cloudwatch_log_group"));
      expect(groups.length).toBeGreaterThan(5);
      for (const group of groups) expect(group.kms_key_id).toBe(KEY);
      for (const one of Object.values(applied.resources("aws_lambda_function"))) expect(one.kms_key_arn).toBe(KEY);
      for (const job of jobRequests(applied)) expect(job.OutputDataConfig.KmsKeyId).toBe(KEY);
    });

    it("encrypts the topic with the key, and lets the function that publishes use it", () => {
      expect(Object.values(applied.resources("aws_sns_topic"))).toMatchObject([{ kms_master_key_id: KEY }]);
      expect([...policies(applied, "notification")]).toEqual([
        [
          "observability_report-execution_role",
          [
            {
              Sid: "EncryptMessage",
              Effect: "Allow",
              Action: ["kms:Decrypt", "kms:GenerateDataKey"],
              Resource: [KEY],
              Condition: { StringEquals: { "kms:ViaService": "sns.us-east-1.amazonaws.com" } },
            },
          ],
        ],
      ]);
    });

    it("runs functions, jobs and the endpoint in the VPC", () => {
      for (const { vpc_config } of Object.values(applied.resources("aws_lambda_function"))) {
        expect(vpc_config).toMatchObject([{ subnet_ids: SUBNETS, security_group_ids: SECURITY_GROUPS }]);
      }
      const vpcConfig = { Subnets: SUBNETS, SecurityGroupIds: SECURITY_GROUPS };
      for (const { VpcConfig } of [...jobRequests(applied), createModel(applied)]) expect(VpcConfig).toEqual(vpcConfig);
    });

    it("lets the roles use that key only, and make interfaces in those subnets only", () => {
      const encryption = policies(applied, "encryption");
      expect([...encryption.keys()].sort()).toEqual(
        expect.arrayContaining(["roles_bedrock", "roles_job", "roles_serving", "workflow_role"]),
      );
      expect(encryption.has("roles_connector")).toBe(false);
      for (const [statement] of encryption.values()) {
        expect(statement).toEqual({
          Sid: "UseKey",
          Effect: "Allow",
          Action: ["kms:Decrypt", "kms:GenerateDataKey"],
          Resource: [KEY],
          Condition: { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } },
        });
      }
      const network = policies(applied, "network");
      expect(network.size).toBeGreaterThan(5);
      for (const all of network.values()) {
        expect(all.find(({ Sid }) => Sid === "CreateInterfaces")?.Resource).toEqual([
          "arn:aws:ec2:us-east-1:123456789012:network-interface/*",
          ...SUBNETS.map((id) => `arn:aws:ec2:us-east-1:123456789012:subnet/${id}`),
          ...SECURITY_GROUPS.map((id) => `arn:aws:ec2:us-east-1:123456789012:security-group/${id}`),
        ]);
      }
    });

    it("bounds every role and puts it under the path", () => {
      for (const role of Object.values(applied.resources("aws_iam_role"))) {
        expect(role).toMatchObject({ permissions_boundary: BOUNDARY, path: "/finetuning/" });
      }
    });

    it("writes access logs", () => {
      expect(Object.values(applied.resources("aws_s3_bucket_logging"))).toMatchObject([{ target_bucket: "logs" }]);
    });

    it("lets executions trust the pinned code", () => {
      const [, resolve] = statesOf(applied).find(([name]) => name === "ResolveParameters") ?? [];
      const { Payload } = z
        .object({
          Payload: z.object({ defaults: z.looseObject({ trust_remote_code: z.boolean() }) }),
        })
        .parse(resolve?.Parameters);
      expect(Payload.defaults).toMatchObject({ trust_remote_code: true, base_model_revision: PINNED_COMMIT });
    });
  });

  describe("with start_on_apply", () => {
    let applied: AppliedStack;
    beforeAll(async () => {
      applied = await applyMocked(directory, { ...BASE, start_on_apply: true });
    });

    it("invokes, once, a function that may start this state machine and nothing else", () => {
      const functions = applied.resources("aws_lambda_function");
      expect(Object.values(applied.resources("aws_lambda_invocation"))).toMatchObject([
        { function_name: functions[START_FUNCTION]?.function_name, input: "{}", lifecycle_scope: "CREATE_ONLY" },
      ]);
      const [machine] = Object.values(applied.resources("aws_sfn_state_machine"));
      expect(functions[START_FUNCTION]?.environment).toMatchObject([
        { variables: { STATE_MACHINE_ARN: machine?.arn } },
      ]);
      const granted = statements(
        applied.resources("aws_iam_role_policy")[`${START_ROLE.replace("role", "role_policy")}_policy`]?.policy,
      );
      expect(granted.map(({ Sid }) => Sid)).toEqual(["Logs", "Tracing", "Start"]);
      expect(granted.at(-1)).toMatchObject({
        Action: ["states:StartExecution"],
        Resource: ["arn:aws:states:us-east-1:123456789012:stateMachine:opensearch-finetuning"],
      });
    });

    it("puts out that function's role beside the others", () => {
      expect(applied.outputs.role_arns).toMatchObject({
        "start-execution": applied.resources("aws_iam_role")[START_ROLE]?.arn,
        "report-execution": expect.stringContaining("arn:aws:iam::"),
      });
    });

    it("invokes it when everything else is there", () => {
      const { resource } = readStack(directory);
      const [invocation] = Object.values(resource.aws_lambda_invocation ?? {});
      const addresses = Object.entries(resource).flatMap(([type, byName]) =>
        Object.keys(byName).map((name) => `${type}.${name}`),
      );
      const others = addresses.filter((address) => !/^[a-z_]+[.]pipeline_start_/.test(address));
      expect(others.length).toBeGreaterThan(50);
      expect(invocation?.depends_on).toEqual(expect.arrayContaining(others));
    });
  });

  describe("with an index, and a bucket and a role of the user's own", () => {
    let applied: AppliedStack;
    beforeAll(async () => {
      applied = await applyMocked(directory, {
        ...BASE,
        input_type: "opensearch",
        s3_corpus_path: "",
        opensearch_endpoint: "https://search-products-abcdefghijklmnopqrstuvwxyz.us-east-1.es.amazonaws.com",
        opensearch_index_name: "products",
        existing_bucket_name: "my-data",
        existing_role_arns: { job: JOB_ROLE },
      });
    });

    it("reads no bucket for inputs", () => {
      const names = Object.values(applied.resources("aws_iam_role_policy")).map(({ name }) => name);
      expect(names).not.toContain("inputs");
    });

    it("leaves the bucket's settings to its owner and puts the code into it", () => {
      for (const type of ["", "_policy", "_versioning", "_lifecycle_configuration", "_public_access_block"]) {
        expect(applied.resources(`aws_s3_bucket${type}`)).toEqual({});
      }
      for (const { bucket } of Object.values(applied.resources("aws_s3_object"))) expect(bucket).toBe("my-data");
      expect(applied.outputs.data_bucket_name).toBe("my-data");
      const granted = Object.values(applied.resources("aws_iam_role_policy")).flatMap(({ policy }) =>
        statements(policy),
      );
      const writes = granted.filter(({ Action }) => Action.includes("s3:PutObject"));
      expect(writes.length).toBeGreaterThan(2);
      for (const { Resource } of writes) for (const arn of Resource) expect(arn).toMatch(/^arn:aws:s3:::my-data\//);
    });

    it("makes every role but the given one, which jobs run under and the state machine may pass", () => {
      const roles = Object.keys(applied.resources("aws_iam_role"));
      expect(roles).not.toContain("aws_iam_role.pipeline_roles_job");
      expect(roles).toContain("aws_iam_role.pipeline_roles_serving");
      expect(Object.keys(applied.resources("aws_iam_role_policy"))).not.toContain(
        "aws_iam_role_policy.pipeline_roles_job_policy",
      );
      for (const { RoleArn } of jobRequests(applied)) expect(RoleArn).toBe(JOB_ROLE);
      const workflow = applied.resources("aws_iam_role_policy")["aws_iam_role_policy.pipeline_workflow_role_policy"];
      const pass = statements(workflow?.policy).find(({ Action }) => Action.includes("iam:PassRole"));
      expect(pass?.Resource).toContain(JOB_ROLE);
      expect(applied.outputs.role_arns).toMatchObject({ job: JOB_ROLE });
    });
  });
});
