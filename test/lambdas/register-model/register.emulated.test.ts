import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type StartedFrontDoor, startFrontDoor } from "../../../emulation/opensearch/front-door.ts";
import { OpenSearchNode, type StartedOpenSearchNode } from "../../../emulation/opensearch/node.ts";
import { handler } from "../../../lambdas/register-model/index.ts";
import { type RegistrationRequest, registerModel } from "../../../lambdas/register-model/register.ts";
import { patternOf } from "../../../lambdas/register-model/trusted-endpoints.ts";
import { OpenSearch } from "../../../lambdas/shared/open-search/open-search.ts";

const SETTING = "plugins.ml_commons.trusted_connector_endpoints_regex";
const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };

let directory = "";
let node: StartedOpenSearchNode;
let domain: StartedFrontDoor;
let openSearch: OpenSearch;
let endpoint: http.Server;
let runtimeUrl = "";
let invocations: { url: string | undefined; body: unknown }[] = [];
let answer: (inputs: string[]) => { status: number; body: unknown };

async function call(method: string, pathAndQuery: string, body?: unknown) {
  const response = await fetch(node.url + pathAndQuery, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as Record<string, unknown>;
}

async function trusted(): Promise<{ persistent: string[] | undefined; defaults: string[] }> {
  const settings = (await call("GET", "/_cluster/settings?include_defaults=true&flat_settings=true")) as Record<
    string,
    Record<string, string[]>
  >;
  return { persistent: settings.persistent?.[SETTING], defaults: settings.defaults?.[SETTING] ?? [] };
}

beforeAll(async () => {
  process.env.AWS_ACCESS_KEY_ID = CREDENTIALS.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = CREDENTIALS.secretAccessKey;
  delete process.env.AWS_SESSION_TOKEN;
  process.env.AWS_REGION = "us-east-1";
  directory = await mkdtemp(path.join(tmpdir(), "register-model-"));
  endpoint = http.createServer(async (request, response) => {
    const body = (await json(request)) as { inputs: string[] };
    invocations.push({ url: request.url, body });
    const { status, body: answered } = answer(body.inputs);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(answered));
  });
  endpoint.listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  runtimeUrl = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`;
  node = await new OpenSearchNode().withHeapMb(384).withWorkDirectory(directory).start();
  domain = await startFrontDoor({
    target: node.url,
    region: "us-east-1",
    credentials: CREDENTIALS,
    connectorCredentials: CREDENTIALS,
  });
  openSearch = new OpenSearch({ endpoint: domain.url, neededPermissions: "ml_full_access", retryDelayMs: 50 });
}, 120_000);

afterAll(async () => {
  await openSearch?.close();
  await domain?.stop();
  await node?.stop();
  endpoint.close();
  endpoint.closeAllConnections();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(() => {
  invocations = [];
  answer = (inputs) => ({ status: 200, body: inputs.map(() => [0.25, -0.5, 0.75]) });
});

function register(options: Partial<RegistrationRequest> = {}) {
  return registerModel(openSearch, {
    endpointName: "docs-endpoint",
    modelName: "docs",
    runId: "run-1",
    connectorRoleArn: "arn:aws:iam::000000000000:role/connector",
    queryPrompt: "",
    documentPrompt: "",
    modelType: "dense",
    region: "us-east-1",
    runtimeUrl,
    pollMs: 100,
    remainingMs: () => 900_000,
    ...options,
  });
}

describe("registerModel", () => {
  it("makes the endpoint a deployed model, trusting its URL and nothing else in addition", async () => {
    const before = await trusted();
    expect(before.persistent).toBeUndefined();
    const registration = await register();
    expect(registration).toMatchObject({ dimension: 3, query_model_id: registration.model_id });
    expect(await call("GET", `/_plugins/_ml/models/${registration.model_id}`)).toMatchObject({
      name: "docs",
      algorithm: "REMOTE",
      model_state: "DEPLOYED",
      model_group_id: registration.model_group_id,
      connector_id: registration.connector_id,
    });
    const url = `${runtimeUrl}/endpoints/docs-endpoint/invocations`;
    expect((await trusted()).persistent).toEqual([...before.defaults, patternOf(url)]);
    expect(invocations).toEqual([
      { url: "/endpoints/docs-endpoint/invocations", body: { inputs: ["a text to embed"], truncate: true } },
    ]);
  });

  it("finds everything again when the same run is repeated", async () => {
    const first = await register();
    const settings = await trusted();
    expect(await register()).toEqual(first);
    expect(await trusted()).toEqual(settings);
  });

  it("registers another run as the next version in the same group, through the same connector", async () => {
    const first = await register();
    const second = await register({ runId: "run-2" });
    expect(second).toEqual({
      ...first,
      model_id: expect.not.stringMatching(first.model_id),
      query_model_id: second.model_id,
    });
    expect(await call("GET", `/_plugins/_ml/models/${second.model_id}`)).toMatchObject({ model_version: "2" });
  });

  it("deploys a model that was found undeployed", async () => {
    const { model_id } = await register();
    await call("POST", `/_plugins/_ml/models/${model_id}/_undeploy`);
    expect((await register()).model_id).toBe(model_id);
    expect(await call("GET", `/_plugins/_ml/models/${model_id}`)).toMatchObject({ model_state: "DEPLOYED" });
  });

  it("makes another connector for another role, endpoint or model name", async () => {
    const first = await register();
    const ids = [
      first,
      await register({ connectorRoleArn: "arn:aws:iam::000000000000:role/other" }),
      await register({ endpointName: "docs-endpoint-b" }),
      await register({ modelName: "docs-b" }),
    ].map(({ connector_id }) => connector_id);
    expect(new Set(ids).size).toBe(4);
  });

  it("registers a model that expects prompts once for documents and once for queries", async () => {
    const prompts = { runId: "prompts", queryPrompt: "query: ", documentPrompt: "passage: " };
    const registration = await register(prompts);
    const [documents, queries] = [registration.model_id, registration.query_model_id];
    expect(queries).not.toBe(documents);
    expect(invocations.map(({ body }) => body)).toEqual([
      { inputs: ["a text to embed"], truncate: true, prompt_name: "document" },
      { inputs: ["a text to embed"], truncate: true, prompt_name: "query" },
    ]);
    for (const id of [documents, queries]) {
      expect(await call("GET", `/_plugins/_ml/models/${id}`)).toMatchObject({
        model_state: "DEPLOYED",
        model_group_id: registration.model_group_id,
      });
    }
    expect(await register(prompts)).toEqual(registration);
    const next = await register({ ...prompts, runId: "prompts-2" });
    expect(next.connector_id).toBe(registration.connector_id);
    expect([documents, queries]).not.toContain(next.query_model_id);
  });

  it.each([
    [{ queryPrompt: "query: " }, [undefined, "query"]],
    [{ documentPrompt: "passage: " }, ["document", undefined]],
  ])("asks the endpoint for no prompt on the side that has none: %j", async (prompts, names) => {
    const registration = await register({ runId: JSON.stringify(prompts), ...prompts });
    expect(registration.query_model_id).not.toBe(registration.model_id);
    expect(invocations.map(({ body }) => (body as { prompt_name?: string }).prompt_name)).toEqual(names);
  });

  it("registers a sparse encoder once for documents and once for queries, whose answers stay maps of weights", async () => {
    answer = (inputs) => ({ status: 200, body: inputs.map((text) => ({ [text]: 1.5, ".": 0.25 })) });
    const sparse = { runId: "sparse", endpointName: "sparse", modelType: "sparse" } as const;
    const registration = await register(sparse);
    expect(registration.dimension).toBeNull();
    expect(registration.query_model_id).not.toBe(registration.model_id);
    expect(invocations.map(({ body }) => (body as { prompt_name?: string }).prompt_name)).toEqual([
      "document",
      "query",
    ]);
    const texts = { text_docs: ["river", "bridge"], return_number: true, target_response: ["sentence_embedding"] };
    const predicted = await call("POST", `/_plugins/_ml/_predict/text_embedding/${registration.model_id}`, texts);
    expect(predicted).toMatchObject({
      inference_results: [
        {
          output: [
            {
              dataAsMap: {
                response: [
                  { river: 1.5, ".": 0.25 },
                  { bridge: 1.5, ".": 0.25 },
                ],
              },
            },
          ],
        },
      ],
    });
    expect(await register(sparse)).toEqual(registration);
  });

  it("keeps what others have added to the trusted endpoints, and in its place", async () => {
    const other = "^https://api\\.example\\.com/.*$";
    await call("PUT", "/_cluster/settings", { persistent: { [SETTING]: [other] } });
    await register({ endpointName: "later" });
    const list = [other, patternOf(`${runtimeUrl}/endpoints/later/invocations`)];
    expect((await trusted()).persistent).toEqual(list);

    await call("PUT", "/_cluster/settings", { transient: { [SETTING]: [other] } });
    await register({ endpointName: "transient" });
    const settings = (await call("GET", "/_cluster/settings?flat_settings=true")) as Record<
      string,
      Record<string, string[]>
    >;
    expect(settings.persistent?.[SETTING]).toEqual(list);
    expect(settings.transient?.[SETTING]).toEqual([other, patternOf(`${runtimeUrl}/endpoints/transient/invocations`)]);
    await call("PUT", "/_cluster/settings", {
      transient: { [SETTING]: null },
      persistent: { [SETTING]: [`^${runtimeUrl}/.*$`] },
    });
    await register({ endpointName: "allowed" });
    expect((await trusted()).persistent).toEqual([`^${runtimeUrl}/.*$`]);
  });

  it("fails when the endpoint's answer is no embedding, or none comes", async () => {
    answer = () => ({ status: 200, body: { error: "not a vector" } });
    await expect(register({ runId: "strange" })).rejects.toMatchObject({ name: "ModelPredictionError" });
    await expect(register({ runId: "strange", endpointName: "s", modelType: "sparse" })).rejects.toMatchObject({
      name: "ModelPredictionError",
      message: expect.stringContaining("no map of words to weights"),
    });
    answer = () => ({ status: 500, body: { message: "out of memory" } });
    await expect(register({ runId: "broken", pollMs: 1 })).rejects.toMatchObject({
      name: "ModelPredictionError",
      message: expect.stringContaining("out of memory"),
    });
  });

  it("waits for an endpoint that is not ready at first", async () => {
    let calls = 0;
    answer = (inputs) => {
      calls += 1;
      return calls < 3
        ? { status: 503, body: { message: "loading" } }
        : { status: 200, body: inputs.map(() => [1, 2]) };
    };
    expect(await register({ runId: "slow", pollMs: 1 })).toMatchObject({ dimension: 2 });
  });

  it("says which permission is missing when the domain refuses", async () => {
    const stranger = await startFrontDoor({
      target: node.url,
      region: "us-east-1",
      credentials: { accessKeyId: "someone", secretAccessKey: "else" },
      connectorCredentials: CREDENTIALS,
    });
    try {
      const event = {
        opensearch_endpoint: stranger.url,
        sagemaker_endpoint_name: "docs-endpoint",
        model_name: "docs",
        run_id: "run-1",
        connector_role_arn: "arn:aws:iam::000000000000:role/connector",
        query_prompt: "",
        document_prompt: "",
        model_type: "dense",
      };
      await expect(
        handler(event, { awsRequestId: "1", getRemainingTimeInMillis: () => 900_000 }),
      ).rejects.toMatchObject({
        name: "OpenSearchAccessDeniedError",
        message: expect.stringContaining("ml_full_access"),
      });
    } finally {
      await stranger.stop();
    }
  });
});
