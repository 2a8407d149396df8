import path from "node:path";
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  ListEndpointConfigsCommand,
  ListModelsCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from "@aws-sdk/client-sagemaker";
import { InvokeEndpointCommand, SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type StartedStub, startSageMakerStub } from "../../../../emulation/stubs/sagemaker/server.ts";
import { tarball } from "../archive.ts";
import { credentials, type EmulatedAws, eventually, region, startEmulatedAws } from "../emulated-aws.ts";

const inference = (version: string) => `
import json, os, time
def model_fn(model_dir):
    return open(os.path.join(model_dir, "weights.txt")).read()
def input_fn(body, content_type):
    if content_type != "application/json":
        raise ValueError("send JSON, not " + content_type)
    return json.loads(body)["inputs"]
def predict_fn(inputs, model):
    if inputs == ["slow"]:
        time.sleep(1.3)
    return [[float(len(text)), ${version}] for text in inputs]
def output_fn(prediction, accept):
    return json.dumps(prediction), accept
`;

describe("endpoints", () => {
  let aws: EmulatedAws;
  let stub: StartedStub;
  let client: SageMakerClient;
  let runtime: SageMakerRuntimeClient;

  beforeAll(async () => {
    aws = await startEmulatedAws();
    stub = await startSageMakerStub({
      s3Endpoint: aws.endpoint,
      python: aws.python,
      workDirectory: path.join(aws.workDirectory, "sagemaker"),
      jobEnvironment: {},
      invocationTimeoutMs: 1_000,
    });
    client = new SageMakerClient({ endpoint: stub.url, region, credentials, maxAttempts: 1 });
    runtime = new SageMakerRuntimeClient({ endpoint: stub.url, region, credentials, maxAttempts: 1 });
    for (const version of ["1", "2"]) {
      const files = { "code/inference.py": inference(version), "weights.txt": version };
      await aws.put(`models/${version}/model.tar.gz`, await tarball(files));
    }
    await aws.put(
      "models/broken/model.tar.gz",
      await tarball({ "code/inference.py": "raise RuntimeError('no weights')" }),
    );
    for (const name of ["1", "2", "broken"]) await createModel(name);
  });

  afterAll(async () => {
    client?.destroy();
    runtime?.destroy();
    await stub?.stop();
    await aws?.stop();
  });

  async function createModel(name: string): Promise<void> {
    await client.send(
      new CreateModelCommand({
        ModelName: `model-${name}`,
        ExecutionRoleArn: "arn:aws:iam::000000000000:role/SageMakerRole",
        PrimaryContainer: {
          Image: "tei:1",
          ModelDataUrl: `s3://${aws.bucket}/models/${name}/model.tar.gz`,
          Environment: { HF_MODEL_ID: "/opt/ml/model" },
        },
      }),
    );
    await client.send(
      new CreateEndpointConfigCommand({
        EndpointConfigName: `config-${name}`,
        ProductionVariants: [
          {
            VariantName: "AllTraffic",
            ModelName: `model-${name}`,
            InstanceType: "ml.g5.xlarge",
            InitialInstanceCount: 1,
          },
        ],
      }),
    );
  }

  async function settled(name: string) {
    return eventually(async () => {
      const described = await client.send(new DescribeEndpointCommand({ EndpointName: name }));
      return ["Creating", "Updating"].includes(described.EndpointStatus ?? "") ? undefined : described;
    });
  }

  async function invoke(endpoint: string, inputs: unknown, contentType = "application/json") {
    const response = await runtime.send(
      new InvokeEndpointCommand({ EndpointName: endpoint, ContentType: contentType, Body: JSON.stringify({ inputs }) }),
    );
    return { ...response, parsed: JSON.parse(Buffer.from(response.Body).toString("utf8")) };
  }

  it("serves the artifact, switches to a new one without a gap, and goes away", async () => {
    await client.send(new CreateEndpointCommand({ EndpointName: "live", EndpointConfigName: "config-1" }));
    await expect(invoke("live", ["abc"])).rejects.toMatchObject({ name: "ValidationError" });
    expect(await settled("live")).toMatchObject({
      EndpointStatus: "InService",
      EndpointConfigName: "config-1",
      ProductionVariants: [{ VariantName: "AllTraffic", CurrentInstanceCount: 1, CurrentWeight: 1 }],
    });
    const answer = await invoke("live", ["abc", "de"]);
    expect(answer.parsed).toEqual([
      [3, 1],
      [2, 1],
    ]);
    expect(answer).toMatchObject({ ContentType: "application/json", InvokedProductionVariant: "AllTraffic" });

    await client.send(new UpdateEndpointCommand({ EndpointName: "live", EndpointConfigName: "config-2" }));
    await expect(
      client.send(new UpdateEndpointCommand({ EndpointName: "live", EndpointConfigName: "config-2" })),
    ).rejects.toMatchObject({ name: "ValidationException", message: expect.stringContaining("in-progress endpoint") });
    const versions: number[] = [];
    await eventually(async () => {
      versions.push((await invoke("live", ["abc"])).parsed[0][1]);
      return versions.at(-1) === 2 ? true : undefined;
    });
    expect(versions[0]).toBe(1);
    expect(await settled("live")).toMatchObject({ EndpointStatus: "InService", EndpointConfigName: "config-2" });

    await client.send(new DeleteEndpointCommand({ EndpointName: "live" }));
    await eventually(() =>
      client.send(new DescribeEndpointCommand({ EndpointName: "live" })).then(
        () => undefined,
        (error: Error) => error.message.startsWith('Could not find endpoint "arn:aws:sagemaker:') || undefined,
      ),
    );
  });

  it("fails an endpoint whose script fails, and rolls an update to it back", async () => {
    await client.send(new CreateEndpointCommand({ EndpointName: "broken", EndpointConfigName: "config-broken" }));
    const failed = await settled("broken");
    expect(failed.EndpointStatus).toBe("Failed");
    expect(failed.FailureReason).toMatch(/did not pass the ping health check.*RuntimeError: no weights/s);

    await client.send(new CreateEndpointCommand({ EndpointName: "kept", EndpointConfigName: "config-1" }));
    await settled("kept");
    await client.send(new UpdateEndpointCommand({ EndpointName: "kept", EndpointConfigName: "config-broken" }));
    expect(await settled("kept")).toMatchObject({
      EndpointStatus: "InService",
      EndpointConfigName: "config-1",
      FailureReason: expect.stringContaining("no weights"),
    });
    expect((await invoke("kept", ["abc"])).parsed).toEqual([[3, 1]]);
  });

  it("hands the container's errors on as ModelError", async () => {
    await expect(invoke("kept", ["abc"], "text/csv")).rejects.toMatchObject({
      name: "ModelError",
      OriginalStatusCode: 500,
      OriginalMessage: expect.stringContaining("send JSON, not text/csv"),
      $metadata: { httpStatusCode: 424 },
    });
    await expect(invoke("kept", ["slow"])).rejects.toMatchObject({
      name: "ModelError",
      message: expect.stringContaining("timed out while waiting for a response from container primary"),
    });
  });

  it("refuses what the runtime refuses", async () => {
    await expect(invoke("absent", ["a"])).rejects.toMatchObject({
      name: "ValidationError",
      message: "Endpoint absent of account 000000000000 not found.",
    });
    await expect(invoke("kept", ["x".repeat(6 * 1024 * 1024)])).rejects.toMatchObject({ name: "ValidationError" });
    const send = async (authorization: string) => {
      const response = await fetch(`${stub.url}/endpoints/kept/invocations`, {
        method: "POST",
        headers: { authorization, "x-amz-date": "20261124T000000Z", "content-type": "application/json" },
        body: '{"inputs":["abcd"]}',
      });
      return [response.status, response.headers.get("x-amzn-errortype"), await response.text()];
    };
    const signature = (service: string) =>
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/us-east-1/${service}/aws4_request, SignedHeaders=content-length;content-type;host;x-amz-date, Signature=${"0".repeat(64)}`;
    expect(await send(signature("sagemaker"))).toEqual([200, null, "[[4.0, 1]]"]);
    expect((await send("")).slice(0, 2)).toEqual([403, "MissingAuthenticationTokenException"]);
    expect((await send(signature("es"))).slice(0, 2)).toEqual([403, "InvalidSignatureException"]);
    expect((await send(signature("sagemaker").slice(0, -1))).slice(0, 2)).toEqual([
      403,
      "IncompleteSignatureException",
    ]);
  });

  it("keeps models and configurations by name", async () => {
    await expect(createModel("1")).rejects.toMatchObject({
      name: "ValidationException",
      message: 'Cannot create already existing model "arn:aws:sagemaker:us-east-1:000000000000:model/model-1".',
    });
    expect(await client.send(new DescribeModelCommand({ ModelName: "model-1" }))).toMatchObject({
      PrimaryContainer: { Image: "tei:1" },
      CreationTime: expect.any(Date),
    });
    expect(await client.send(new DescribeEndpointConfigCommand({ EndpointConfigName: "config-1" }))).toMatchObject({
      ProductionVariants: [{ ModelName: "model-1" }],
    });
    const { EndpointConfigs = [] } = await client.send(new ListEndpointConfigsCommand({ NameContains: "nfig-b" }));
    expect(EndpointConfigs).toMatchObject([
      { EndpointConfigName: "config-broken", CreationTime: expect.any(Date), EndpointConfigArn: expect.any(String) },
    ]);
    const { Models = [] } = await client.send(new ListModelsCommand({ NameContains: "model-2" }));
    expect(Models).toMatchObject([{ ModelName: "model-2", CreationTime: expect.any(Date) }]);
    await client.send(new DeleteEndpointConfigCommand({ EndpointConfigName: "config-broken" }));
    await client.send(new DeleteModelCommand({ ModelName: "model-broken" }));
    await expect(client.send(new DescribeModelCommand({ ModelName: "model-broken" }))).rejects.toThrow(
      'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/model-broken".',
    );
    await expect(
      client.send(new CreateEndpointCommand({ EndpointName: "new", EndpointConfigName: "config-broken" })),
    ).rejects.toThrow(/^Could not find endpoint configuration/);
  });
});
