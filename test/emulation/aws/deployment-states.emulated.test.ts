/** The part of the state machine that deploys, on both emulators, against an account whose answers the test gives. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { failureOf } from "../../../lambdas/report-execution/failure.ts";
import { network } from "../../../modules/access/placement.ts";
import { DEPLOYMENT_START, deploymentStates } from "../../../modules/workflow/deployment/deployment.ts";
import { type EmulatedAws, type StubAnswer, startStub } from "./emulated-aws.ts";
import { type Emulator, emulators } from "./emulators.ts";

const FUNCTION = "delete-superseded-models";
const TARGET = "endpoint/products-endpoint/variant/AllTraffic";
const INSTANCE_TYPE_CHANGES = "must be deregistered as scalable targets";

const definition = {
  StartAt: DEPLOYMENT_START,
  States: {
    ...deploymentStates(
      {
        servingRoleArn: "arn:aws:iam::000000000000:role/serving",
        network: network([], []),
        tags: { list: [], object: { team: "search", "execution.$": "$$.Execution.Name" } },
        pollSeconds: 1,
        deleteSuperseded: { arn: FUNCTION, timeout: 10 },
      },
      "Deployed",
    ),
    Deployed: { Type: "Succeed" },
  },
};

/** An account with an endpoint, or none. */
interface Account {
  endpoint: { config: string; instances: number } | undefined;
  scales: boolean;
  /** Why the endpoint does not come up. @default - it does */
  failureReason?: string;
  /** Whether what scales is there already, as when an answer was lost. */
  tagged?: boolean;
}

const refusal = (type: string, message: string): StubAnswer => ({ status: 400, body: { __type: type, message } });

let account: Account;
let stub: Awaited<ReturnType<typeof startStub>>;

beforeAll(async () => {
  stub = await startStub(({ action, body }) => {
    const { endpoint } = account;
    switch (action) {
      case "DescribeEndpoint":
        if (endpoint === undefined)
          return refusal("ValidationException", 'Could not find endpoint "products-endpoint".');
        return {
          body: {
            EndpointName: "products-endpoint",
            ...(account.failureReason === undefined
              ? { EndpointStatus: "InService" }
              : { EndpointStatus: "Failed", FailureReason: account.failureReason }),
            EndpointConfigName: endpoint.config,
            ProductionVariants: [{ VariantName: "AllTraffic", DesiredInstanceCount: endpoint.instances }],
          },
        };
      case "CreateEndpoint":
      case "UpdateEndpoint":
        if (account.scales) return refusal("ValidationException", INSTANCE_TYPE_CHANGES);
        account.endpoint = { config: String(body.EndpointConfigName), instances: endpoint?.instances ?? 1 };
        return { body: { EndpointArn: "arn:endpoint" } };
      case "DeregisterScalableTarget":
        if (!account.scales) return refusal("ObjectNotFoundException", "No scalable target found");
        account.scales = false;
        return { body: {} };
      case "RegisterScalableTarget":
        if (body.Tags !== undefined && account.tagged) {
          return refusal("ValidationException", "The scalable target that you tried to tag already exists.");
        }
        return { body: {} };
      default:
        return { body: {} };
    }
  });
});
afterAll(() => stub?.stop());

describe.each<Emulator>(emulators)("$name", ({ available, unavailableBecause, start }) => {
  describe.skipIf(!available)(available ? "deploys" : `left out: ${unavailableBecause}`, () => {
    let aws: EmulatedAws;
    beforeAll(async () => {
      aws = await start({ sagemaker: stub.url, "application-autoscaling": stub.url });
      await aws.deploy(FUNCTION, "exports.handler = async (event) => ({ deleted_configs: [event] })");
    }, 120_000);
    afterAll(() => aws?.stop());
    afterEach(() => {
      stub.requests.length = 0;
    });

    const requests = (action: string) => stub.requests.filter((request) => request.action === action);

    const input = (max_instance_count: number) => ({
      parameters: {
        model_name: "products",
        model_type: "dense",
        inference_instance_type: "ml.g5.xlarge",
        initial_instance_count: 1,
        max_instance_count,
        target_requests_per_minute: 600,
      },
      images: { serving: "image" },
      training: { artifact_uri: "s3://bucket/model.tar.gz" },
    });

    async function deploy(max_instance_count: number) {
      const { status, output, error, cause } = await aws.run(definition, input(max_instance_count));
      expect({ status, error, cause }).toEqual({ status: "SUCCEEDED", error: undefined, cause: undefined });
      return output;
    }

    it("a new endpoint with as many instances as the parameters say, and deletes nothing", async () => {
      account = { endpoint: undefined, scales: false };
      expect(await deploy(0)).not.toHaveProperty("superseded");
      expect(stub.actions()).toEqual([
        "CreateModel",
        "CreateEndpointConfig",
        "DescribeEndpoint",
        "CreateEndpoint",
        "DescribeEndpoint",
      ]);
    });

    it("a new endpoint that scales between the two counts", async () => {
      account = { endpoint: undefined, scales: false };
      await deploy(4);
      expect(stub.actions().slice(-2)).toEqual(["RegisterScalableTarget", "PutScalingPolicy"]);
      expect(requests("RegisterScalableTarget")[0]?.body).toEqual({
        ServiceNamespace: "sagemaker",
        ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
        ResourceId: TARGET,
        MinCapacity: 1,
        MaxCapacity: 4,
        Tags: { team: "search", execution: expect.stringMatching(/./) },
      });
      expect(requests("PutScalingPolicy")[0]?.body).toMatchObject({
        ResourceId: TARGET,
        PolicyType: "TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration: {
          TargetValue: 600,
          PredefinedMetricSpecification: { PredefinedMetricType: "SageMakerVariantInvocationsPerInstance" },
        },
      });
    });

    it("a new endpoint that scales, where the first request came through and its answer did not", async () => {
      account = { endpoint: undefined, scales: false, tagged: true };
      await deploy(4);
      expect(stub.actions().slice(-3)).toEqual([
        "RegisterScalableTarget",
        "RegisterScalableTarget",
        "PutScalingPolicy",
      ]);
      expect(requests("RegisterScalableTarget")[1]?.body).not.toHaveProperty("Tags");
    });

    it("to an endpoint that scales: it stops for the update, and what has grown keeps its instances", async () => {
      account = { endpoint: { config: "products-config-00000001", instances: 3 }, scales: true };
      const output = await deploy(4);
      expect(stub.actions().slice(2)).toEqual([
        "DescribeEndpoint",
        "DeregisterScalableTarget",
        "UpdateEndpoint",
        "DescribeEndpoint",
        "RegisterScalableTarget",
        "PutScalingPolicy",
      ]);
      expect(requests("UpdateEndpoint")[0]?.body).toMatchObject({ RetainAllVariantProperties: true });
      expect(output).toMatchObject({
        superseded: {
          deleted_configs: [{ model_name: "products", previous_config_name: "products-config-00000001" }],
        },
      });
    });

    it("to an endpoint that shall scale no longer, with as many instances as the parameters say", async () => {
      account = { endpoint: { config: "products-config-00000001", instances: 3 }, scales: true };
      await deploy(0);
      expect(requests("UpdateEndpoint")[0]?.body).not.toHaveProperty("RetainAllVariantProperties");
      expect(stub.actions()).not.toContain("RegisterScalableTarget");
    });

    it("and fails where the endpoint does not come up, with SageMaker's reason where the report finds it", async () => {
      account = { endpoint: undefined, scales: false, failureReason: "no capacity" };
      const arn = await aws.startExecution(definition, input(0));
      const { status, error, cause } = await aws.finished(arn);
      expect({ status, error }).toEqual({ status: "FAILED", error: "States.NoChoiceMatched" });
      expect(failureOf({ status: "FAILED", error, cause }, await aws.history(arn))).toEqual({
        stage: "deployment",
        task: "CheckEndpoint",
        error: "EndpointFailed",
        cause: "no capacity",
      });
    });

    it("to an endpoint that never scaled", async () => {
      account = { endpoint: { config: "products-config-00000001", instances: 1 }, scales: false };
      await deploy(2);
      expect(requests("UpdateEndpoint")[0]?.body).not.toHaveProperty("RetainAllVariantProperties");
      expect(stub.actions().slice(-2)).toEqual(["RegisterScalableTarget", "PutScalingPolicy"]);
    });
  });
});
