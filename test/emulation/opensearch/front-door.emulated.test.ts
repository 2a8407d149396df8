import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client, errors } from "@opensearch-project/opensearch";
import { AwsSigv4Signer } from "@opensearch-project/opensearch/aws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type StartedFrontDoor, startFrontDoor } from "../../../emulation/opensearch/front-door.ts";
import { OpenSearchNode, type StartedOpenSearchNode } from "../../../emulation/opensearch/node.ts";
import type { AwsCredentials } from "../../../emulation/opensearch/sigv4.ts";

const REGION = "eu-central-1";
const CREDENTIALS: AwsCredentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "token" };

let workDirectory: string;
let node: StartedOpenSearchNode;
let frontDoor: StartedFrontDoor;

beforeAll(async () => {
  workDirectory = await mkdtemp(path.join(tmpdir(), "front-door-"));
  node = await new OpenSearchNode().withHeapMb(256).withWorkDirectory(workDirectory).start();
  frontDoor = await startFrontDoor({
    target: node.url,
    credentials: CREDENTIALS,
    region: REGION,
    connectorCredentials: { accessKeyId: "connector", secretAccessKey: "connector-secret" },
  });
}, 300_000);

afterAll(async () => {
  await frontDoor?.stop();
  await node?.stop();
  await rm(workDirectory, { recursive: true, force: true });
});

function signedClient(credentials: AwsCredentials = CREDENTIALS, region = REGION): Client {
  return new Client({
    ...AwsSigv4Signer({
      region,
      service: "es",
      getCredentials: async () => ({ sessionToken: "", ...credentials }),
    }),
    node: frontDoor.url,
    maxRetries: 0,
  });
}

async function refusal(request: Promise<unknown>): Promise<{ status: number | undefined; message: string }> {
  const error = await request.then(
    () => expect.unreachable("the request was not refused"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof errors.ResponseError)) throw error;
  return { status: error.statusCode, message: String(error.body.message) };
}

const CONNECTOR = {
  name: "probe",
  description: "probe",
  version: "1",
  protocol: "aws_sigv4",
  parameters: { region: REGION, service_name: "sagemaker" },
  credential: { roleArn: "arn:aws:iam::000000000000:role/connector" },
  actions: [
    {
      action_type: "predict",
      method: "POST",
      url: "http://127.0.0.1:9/endpoints/probe/invocations",
      request_body: '{"inputs": ${parameters.input}}',
    },
  ],
};

async function createConnector(address: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`${address}/_plugins/_ml/connectors/_create`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(CONNECTOR),
  });
  return { status: response.status, body: await response.text() };
}

describe("the node", () => {
  it("holds vectors for the Lucene engine and finds the nearest", async () => {
    const client = new Client({ node: node.url });
    const method = { name: "hnsw", engine: "lucene", space_type: "cosinesimil" };
    await client.indices.create({
      index: "vectors",
      body: {
        settings: { index: { knn: true } },
        mappings: { properties: { v: { type: "knn_vector", dimension: 2, method } } },
      },
    });
    for (const [id, v] of Object.entries({ east: [1, 0], north: [0, 1] })) {
      await client.index({ index: "vectors", id, body: { v }, refresh: true });
    }
    const found = await client.search({
      index: "vectors",
      body: { query: { knn: { v: { vector: [0.9, 0.1], k: 1 } } } },
    });
    expect(found.body.hits.hits[0]?._id).toBe("east");
  });

  it("trusts no connector endpoint on this machine, and has no keys to sign with when there is but a role", async () => {
    const refused = await createConnector(node.url);
    expect(refused.status).toBe(400);
    expect(refused.body).toMatch(/Missing credential|not matching the trusted connector endpoint regex/);
  });
});

describe("the front door", () => {
  it("lets signed requests through, with queries, escaped paths and bodies", async () => {
    const client = signedClient();
    const health = await client.cluster.health({ wait_for_status: "yellow", timeout: "5s" });
    expect(health.body.cluster_name).toBe("emulation");
    const text = "Grüße, “world” 🚀";
    await client.index({ index: "letters", id: "a b/ü+c", body: { text }, refresh: true });
    const read = await client.get({ index: "letters", id: "a b/ü+c" });
    expect(read.body._source).toEqual({ text });
    const found = await client.search({ index: "letters", q: "text:grüße AND text:world", size: 1 });
    expect(found.body.hits.hits).toHaveLength(1);
  });

  it("passes the node's errors on", async () => {
    await expect(signedClient().indices.get({ index: "absent" })).rejects.toMatchObject({ statusCode: 404 });
  });

  it("carries bulk requests of several megabytes", async () => {
    const filler = "x".repeat(20_000);
    const operations = Array.from({ length: 200 }, (_, i) => [
      { index: { _index: "large", _id: String(i) } },
      { filler },
    ]).flat();
    const answer = await signedClient().bulk({ body: operations, refresh: true });
    expect(answer.body.errors).toBe(false);
    const counted = await signedClient().count({ index: "large" });
    expect(counted.body.count).toBe(200);
  });

  it("refuses an unsigned request as the service does", async () => {
    const response = await fetch(`${frontDoor.url}/_cat/indices`);
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({
      message:
        "User: anonymous is not authorized to perform: es:ESHttpGet because no resource-based policy allows the es:ESHttpGet action",
    });
  });

  it.each([
    ["another secret", { ...CREDENTIALS, secretAccessKey: "wrong" }, REGION, /signature we calculated does not match/],
    ["an unknown key", { ...CREDENTIALS, accessKeyId: "AKIDOTHER" }, REGION, /security token .* is invalid/],
    ["another session token", { ...CREDENTIALS, sessionToken: "old" }, REGION, /security token .* is invalid/],
    ["another region", CREDENTIALS, "us-west-2", /scoped to region 'eu-central-1'/],
  ])("refuses a request signed with %s", async (_, credentials, region, message) => {
    const refused = await refusal(signedClient(credentials, region).cat.indices());
    expect(refused.status).toBe(403);
    expect(refused.message).toMatch(message);
  });

  it("gives a connector with a role keys, so that only the trusted-endpoint rule is left to stop it", async () => {
    const client = signedClient();
    const create = () =>
      client.transport.request({ method: "POST", path: "/_plugins/_ml/connectors/_create", body: CONNECTOR });
    const refused = await create().then(
      () => expect.unreachable("an untrusted endpoint was accepted"),
      (error: unknown) => error,
    );
    expect(JSON.stringify((refused as errors.ResponseError).body)).toMatch(/trusted connector endpoint regex/);
    await client.cluster.putSettings({
      body: {
        persistent: { "plugins.ml_commons.trusted_connector_endpoints_regex": ["^http://127\\.0\\.0\\.1:.*$"] },
      },
    });
    const created = await create();
    expect(created.body).toMatchObject({ connector_id: expect.any(String) });
    // Sent around the front door, the same connector has nothing to sign with.
    expect(await createConnector(node.url)).toMatchObject({
      status: 400,
      body: expect.stringContaining("Missing credential"),
    });
  });

  it("answers 503 when the node is gone", async () => {
    const orphan = await startFrontDoor({
      target: "http://127.0.0.1:9",
      credentials: CREDENTIALS,
      region: REGION,
      connectorCredentials: CREDENTIALS,
    });
    const client = new Client({
      ...AwsSigv4Signer({
        region: REGION,
        service: "es",
        getCredentials: async () => ({ sessionToken: "", ...CREDENTIALS }),
      }),
      node: orphan.url,
      maxRetries: 0,
    });
    expect((await refusal(client.cat.indices())).status).toBe(503);
    await orphan.stop();
  });
});
