import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type StartedFrontDoor, startFrontDoor } from "../../../emulation/opensearch/front-door.ts";
import { OpenSearchNode, type StartedOpenSearchNode } from "../../../emulation/opensearch/node.ts";
import { type ExtractionRequest, extractCorpus } from "../../../lambdas/data-extractor/extract.ts";
import { handler } from "../../../lambdas/data-extractor/index.ts";
import { ExtractionCursor } from "../../../lambdas/data-extractor/progress.ts";
import { OpenSearch } from "../../../lambdas/shared/open-search/open-search.ts";
import { CorpusManifest } from "../../../pipeline/artifacts.ts";
import { type EmulatedS3, startEmulatedS3 } from "../emulated-s3.ts";

/** More than a page of 1,000 in each of three shards; the index gives no larger ones. */
const DOCUMENTS = 4003;
const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };

let s3: EmulatedS3;
let node: StartedOpenSearchNode;
let domain: StartedFrontDoor;
let openSearch: OpenSearch;
let directory = "";
let runNumber = 0;
let run = "";

async function call(method: string, pathAndQuery: string, body?: unknown): Promise<Record<string, unknown>> {
  const lines = Array.isArray(body) ? body.map((line) => `${JSON.stringify(line)}\n`).join("") : JSON.stringify(body);
  const response = await fetch(node.url + pathAndQuery, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: lines }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok || answer.errors === true) throw new Error(`${method} ${pathAndQuery}: ${JSON.stringify(answer)}`);
  return answer;
}

async function fill(
  index: string,
  shards: number,
  documents: readonly { id: string; source: unknown }[],
  mappings = {},
  settings = {},
) {
  const exists = (await fetch(`${node.url}/${index}`, { method: "HEAD" })).ok;
  if (!exists) {
    const all = { number_of_shards: shards, number_of_replicas: 0, ...settings };
    await call("PUT", `/${index}`, { settings: all, mappings });
  }
  for (let start = 0; start < documents.length; start += 1000) {
    await call(
      "POST",
      `/${index}/_bulk`,
      documents.slice(start, start + 1000).flatMap(({ id, source }) => [{ index: { _id: id } }, source]),
    );
  }
  await call("POST", `/${index}/_refresh`);
}

function numbered(count: number, prefix = "d") {
  return Array.from({ length: count }, (_, n) => ({
    id: `${prefix}${n}`,
    source: { title: `Title ${n}`, body: { text: [`first ${n}`, `second ${n}`] }, secret: "x".repeat(50), year: 1990 },
  }));
}

async function openContexts(): Promise<number> {
  const stats = (await call("GET", "/_nodes/stats/indices/search")) as {
    nodes: Record<string, { indices: { search: { point_in_time_current: number } } }>;
  };
  return Object.values(stats.nodes).reduce((sum, { indices }) => sum + indices.search.point_in_time_current, 0);
}

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "extractor-"));
  [s3, node] = await Promise.all([
    startEmulatedS3(),
    new OpenSearchNode().withHeapMb(384).withWorkDirectory(directory).start(),
  ]);
  process.env.AWS_ACCESS_KEY_ID = CREDENTIALS.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = CREDENTIALS.secretAccessKey;
  delete process.env.AWS_SESSION_TOKEN;
  domain = await startFrontDoor({
    target: node.url,
    region: "us-east-1",
    credentials: CREDENTIALS,
    connectorCredentials: CREDENTIALS,
  });
  openSearch = new OpenSearch({ endpoint: domain.url, neededPermissions: "read access", retryDelayMs: 10 });
  await fill("articles", 3, numbered(DOCUMENTS), {}, { max_result_window: 1000 });
  await fill("single", 1, numbered(1100, "s"), {}, { max_result_window: 1000 });
  await fill("mixed", 2, [
    { id: "flat", source: { "body.text": "dotted key", year: 2001, open: false } },
    { id: "objects", source: { body: [{ text: "one" }, { text: ["two", null, 3] }], title: "last" } },
    { id: "none", source: { other: "irrelevant" } },
    { id: "blank", source: { title: "  ", body: { text: [] } } },
  ]);
  await fill("empty", 2, []);
  await fill("sourceless", 1, [{ id: "1", source: { title: "gone" } }], { _source: { enabled: false } });
}, 120_000);

afterAll(async () => {
  await openSearch?.close();
  await domain?.stop();
  await Promise.all([s3?.stop(), node?.stop()]);
  await rm(directory, { recursive: true, force: true });
});

beforeEach(() => {
  runNumber += 1;
  run = `runs/${runNumber}/`;
});

function extract(options: Partial<ExtractionRequest> = {}) {
  return extractCorpus(s3.client, openSearch, {
    index: "articles",
    fields: ["title", "body.text"],
    maxDocuments: 1_000_000,
    run: { bucket: s3.bucket, key: run },
    cursor: null,
    remainingMs: () => 900_000,
    ...options,
  });
}

async function written() {
  const keys = await s3.keys(`${run}corpus/`);
  const parts = keys.filter((key) => key.includes("/part-"));
  const documents = (await Promise.all(parts.map((key) => s3.jsonl(key)))).flat() as { id: string; text: string }[];
  const manifest = keys.some((key) => key.endsWith("manifest.json"))
    ? CorpusManifest.parse(JSON.parse(await s3.text(`${run}corpus/manifest.json`)))
    : undefined;
  return { parts, documents, manifest, ids: documents.map(({ id }) => id) };
}

function inOrder(documents: readonly { id: string }[]) {
  return [...documents].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function sha256(documents: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(documents)).digest("hex");
}

/** Time that is up after so many looks at the clock, whatever the machine's speed. */
function clockWithLooks(looks: number): () => number {
  let left = looks;
  return () => {
    left -= 1;
    return left >= 0 ? 900_000 : 1000;
  };
}

describe("extractCorpus", () => {
  it("writes every document of all shards exactly once, with the fields in their order and nothing else", async () => {
    const result = await extract();
    const { documents, manifest, ids } = await written();
    expect(result).toEqual({
      complete: true,
      cursor: null,
      corpus_uri: `s3://${s3.bucket}/${run}corpus/`,
      document_count: DOCUMENTS,
    });
    expect(ids.length).toBe(DOCUMENTS);
    expect(new Set(ids)).toEqual(new Set(numbered(DOCUMENTS).map(({ id }) => id)));
    for (const { id, text } of documents) {
      const n = id.slice(1);
      if (text !== `Title ${n} first ${n} second ${n}`) expect.fail(`${id}: ${text}`);
    }
    expect(manifest).toEqual({
      document_count: DOCUMENTS,
      empty_documents: 0,
      missing_ids: 0,
      duplicate_ids: 0,
      invalid_documents: 0,
      invalid_lines: [],
      part_count: 1,
      truncated: false,
      source: `${domain.url}/articles`,
    });
    expect(await openContexts()).toBe(0);
  });

  it("reads an index of one shard over several pages", async () => {
    await extract({ index: "single" });
    expect(new Set((await written()).ids).size).toBe(1100);
  });

  it("goes on over several invocations without losing or repeating a document", async () => {
    let cursor: ExtractionCursor | null = null;
    let invocations = 0;
    for (let complete = false; !complete; invocations += 1) {
      const result = await extract({ cursor, remainingMs: clockWithLooks(1) });
      complete = result.complete;
      // The state machine carries the cursor as JSON.
      cursor = ExtractionCursor.nullable().parse(JSON.parse(JSON.stringify(result.cursor)));
      if (!complete) expect((await written()).manifest).toBeUndefined();
    }
    const { ids, manifest, parts } = await written();
    expect(invocations).toBeGreaterThan(1);
    expect(ids.length).toBe(DOCUMENTS);
    expect(new Set(ids).size).toBe(DOCUMENTS);
    expect(manifest).toMatchObject({ document_count: DOCUMENTS, part_count: parts.length });
    expect(await openContexts()).toBe(0);
  });

  it("repeats an invocation that was cut off after it had written parts", async () => {
    const first = await extract({ remainingMs: clockWithLooks(1) });
    const cursor = ExtractionCursor.parse(first.cursor);
    const before = JSON.parse(JSON.stringify(cursor));
    await s3.put(`${run}corpus/part-${String(cursor.next_part).padStart(5, "0")}.jsonl`, '{"id":"stale","text":"s"}\n');
    await s3.put(`${run}corpus/part-00042.jsonl`, '{"id":"stale too","text":"s"}\n');
    let result = await extract({ cursor: before });
    expect(result.complete).toBe(true);
    const { ids } = await written();
    expect(ids.length).toBe(DOCUMENTS);
    expect(new Set(ids).size).toBe(DOCUMENTS);
    result = await extract();
    expect((await written()).ids.length).toBe(DOCUMENTS);
  });

  it("resumes after it was killed, and gives what an undisturbed extraction does", async () => {
    // A part takes 50,000, and pages are small, so that the second invocation has some to read after its first part.
    const count = 80_000;
    await fill(
      "many",
      3,
      Array.from({ length: count }, (_, n) => ({ id: `m${n}`, source: { title: `Title ${n}` } })),
      { dynamic: false },
      { max_result_window: 2000 },
    );
    const options = { index: "many", fields: ["title"] };
    expect((await extract(options)).complete).toBe(true);
    const undisturbed = await written();

    run = `runs/${runNumber}-killed/`;
    const script = path.join(import.meta.dirname, "slow-extraction.ts");
    const job = execa(
      process.execPath,
      ["--import", "tsx", script, s3.endpoint, domain.url, "many", `s3://${s3.bucket}/${run}`],
      { reject: false, ipc: true, stdout: "ignore", stderr: "inherit" },
    );
    const partsOf = async () => (await s3.keys(`${run}corpus/`)).length;
    try {
      const { next_part } = ExtractionCursor.parse(await job.getOneMessage());
      // A part of the second invocation is there, and another one is being written.
      await expect.poll(partsOf, { interval: 10, timeout: 20_000 }).toBeGreaterThan(next_part);
    } finally {
      job.kill("SIGKILL");
    }
    const { ipcOutput, signal } = await job;
    expect(signal).toBe("SIGKILL");
    expect(ipcOutput.length).toBe(1);
    expect((await written()).manifest).toBeUndefined();

    // Step Functions repeats the invocation that died, with the input it was given.
    const cursor = ExtractionCursor.parse(ipcOutput[0]);
    expect(await extract({ ...options, cursor })).toMatchObject({ complete: true, document_count: count });
    const { documents, manifest, parts } = await written();
    expect(sha256(inOrder(documents))).toBe(sha256(inOrder(undisturbed.documents)));
    expect(manifest).toEqual({ ...undisturbed.manifest, part_count: parts.length });
    expect(await openContexts()).toBe(0);
  }, 120_000);

  it("goes on where it was when the snapshot was lost and the index is as it was", async () => {
    await extract();
    const undisturbed = await written();
    const first = await extract({ remainingMs: clockWithLooks(1) });
    expect(first.complete).toBe(false);
    const before = await written();
    await call("DELETE", "/_search/point_in_time/_all");
    const second = await extract({ cursor: ExtractionCursor.parse(first.cursor) });
    const { ids, parts, documents } = await written();
    expect(second).toMatchObject({ complete: true, document_count: DOCUMENTS });
    expect(ids.slice(0, before.ids.length)).toEqual(before.ids);
    expect(parts.length).toBe(before.parts.length + 1);
    expect(inOrder(documents)).toEqual(inOrder(undisturbed.documents));
    expect(await openContexts()).toBe(0);
  });

  it.each([
    ["a document was added", "PUT", "/changing/_doc/late?refresh=true", { title: "late" }, 1801],
    ["a document was written anew", "PUT", "/changing/_doc/c1?refresh=true", { title: "Title again" }, 1800],
    ["a document was deleted", "DELETE", "/changing/_doc/c1?refresh=true", undefined, 1799],
  ])("begins anew when the snapshot was lost and %s", async (_, method, path, body, count) => {
    await fill("changing", 1, numbered(1800, "c"), {}, { max_result_window: 500 });
    try {
      const first = await extract({ index: "changing", remainingMs: clockWithLooks(1) });
      expect(first.complete).toBe(false);
      await call("DELETE", "/_search/point_in_time/_all");
      await call(method, path, body);
      const second = await extract({ index: "changing", cursor: ExtractionCursor.parse(first.cursor) });
      const { ids } = await written();
      expect(second).toMatchObject({ complete: true, document_count: count });
      expect(ids.length).toBe(count);
      expect(new Set(ids).size).toBe(count);
    } finally {
      await call("DELETE", "/changing");
    }
  });

  it("gives up when the snapshot is lost again and again", async () => {
    await fill("shaky", 1, numbered(1800, "y"), {}, { max_result_window: 500 });
    const first = await extract({ index: "shaky", remainingMs: clockWithLooks(1) });
    await call("DELETE", "/_search/point_in_time/_all");
    await call("PUT", "/shaky/_doc/late?refresh=true", { title: "late" });
    const cursor = { ...ExtractionCursor.parse(first.cursor), restarts: 2 };
    await expect(extract({ index: "shaky", cursor })).rejects.toMatchObject({
      name: "PointInTimeLostError",
      message: expect.stringContaining("Start a new execution while nothing is written to it"),
    });
  });

  it("keeps to the pages that the index allows", async () => {
    await fill("narrow", 1, numbered(1800, "n"), {}, { max_result_window: 100 });
    expect(await extract({ index: "narrow" })).toMatchObject({ complete: true, document_count: 1800 });
  });

  it("reads ranges of one shard that was written to in any order", async () => {
    await fill("rewritten", 1, numbered(12_000, "r"));
    await fill(
      "rewritten",
      1,
      numbered(12_000, "r").filter((_, n) => n % 7 === 0),
    );
    const result = await extract({ index: "rewritten" });
    const { ids } = await written();
    expect(result.document_count).toBe(12_000);
    expect(new Set(ids).size).toBe(12_000);
  });

  it("reads what is indexed while it runs from its snapshot", async () => {
    await fill("moving", 1, numbered(1500, "m"), {}, { max_result_window: 1000 });
    const first = await extract({ index: "moving", remainingMs: clockWithLooks(1) });
    expect(first.complete).toBe(false);
    await call("DELETE", "/moving/_doc/m1499?refresh=true");
    await call("PUT", "/moving/_doc/late?refresh=true", { title: "late" });
    await extract({ index: "moving", cursor: ExtractionCursor.parse(first.cursor) });
    const { ids } = await written();
    expect(new Set(ids)).toEqual(new Set(numbered(1500, "m").map(({ id }) => id)));
  });

  it("tells documents of several indices apart, also when their ids are the same", async () => {
    await fill("logs-a", 2, numbered(700));
    await fill("logs-b", 3, numbered(800));
    await extract({ index: "logs-*" });
    const { ids } = await written();
    expect(ids.length).toBe(1500);
    expect(new Set(ids).size).toBe(1500);
    expect(ids.filter((id) => id.startsWith("logs-a/d")).length).toBe(700);
    expect(await extract({ index: "logs-a,logs-b" })).toMatchObject({ document_count: 1500 });
  });

  it("reads through a filtered alias over several indices what the alias shows", async () => {
    await fill("years-a", 2, [
      { id: "1", source: { title: "old", year: 1980 } },
      { id: "2", source: { title: "new", year: 2020 } },
    ]);
    await fill("years-b", 2, [{ id: "1", source: { title: "newer", year: 2021 } }]);
    await call("POST", "/_aliases", {
      actions: [{ add: { index: "years-*", alias: "recent", filter: { range: { year: { gte: 2000 } } } } }],
    });
    await extract({ index: "recent", fields: ["title"] });
    expect((await written()).ids.sort()).toEqual(["years-a/2", "years-b/1"]);
  });

  it("joins dotted paths, arrays, objects and plain values, and counts documents without text", async () => {
    await extract({ index: "mixed", fields: ["year", "body.text", "title", "open"] });
    const { documents, manifest } = await written();
    expect(Object.fromEntries(documents.map(({ id, text }) => [id, text]))).toEqual({
      flat: "2001 dotted key false",
      objects: "one two 3 last",
    });
    expect(manifest).toMatchObject({ document_count: 2, empty_documents: 2 });
  });

  it("keeps to the limit, with the same documents of every shard in every run", async () => {
    const limited = await extract({ maxDocuments: 100 });
    const first = await written();
    expect(limited.document_count).toBe(100);
    expect(first.manifest).toMatchObject({ document_count: 100, truncated: true, empty_documents: 0 });
    await extract({ maxDocuments: 100 });
    expect(new Set((await written()).ids)).toEqual(new Set(first.ids));
  });

  it("reads documents of several MB in pages that fit in memory", async () => {
    const large = Array.from({ length: 12 }, (_, n) => ({
      id: `big${n}`,
      source: { title: `${n} `.repeat(1_000_000) },
    }));
    await call("PUT", "/large", {
      settings: { number_of_shards: 1, number_of_replicas: 0 },
      mappings: { properties: { title: { type: "text", index: false } } },
    });
    for (const { id, source } of large) await call("PUT", `/large/_doc/${id}`, source);
    await call("POST", "/large/_refresh");
    const result = await extract({ index: "large", fields: ["title"] });
    expect(result.document_count).toBe(12);
  });

  it("says that an index is absent, and where", async () => {
    for (const index of ["absent", "absent-*"]) {
      await expect(extract({ index })).rejects.toMatchObject({
        name: "IndexNotFoundError",
        message: expect.stringContaining(`no index "${index}" at ${domain.url}`),
      });
    }
  });

  it("says which field is absent, and which there are", async () => {
    await expect(extract({ fields: ["title", "body.txt"] })).rejects.toMatchObject({
      name: "TextFieldNotFoundError",
      message: expect.stringMatching(
        /"articles" has no field "body\.txt"\. Its text fields are: body\.text, secret, title\./,
      ),
    });
    await expect(extract({ index: "sourceless", fields: ["title"] })).rejects.toMatchObject({
      name: "TextFieldNotFoundError",
      message: expect.stringContaining("_source is disabled"),
    });
    expect(await openContexts()).toBe(0);
  });

  it("takes the text of a field from where documents store it, and refuses one that they do not store", async () => {
    const text = { type: "text" };
    await fill(
      "elsewhere",
      1,
      [{ id: "1", source: { title: "fog lamps", body: "switch on", hidden: "gone", blank: "" } }],
      {
        _source: { excludes: ["hidden"] },
        properties: {
          title: { ...text, fields: { raw: { type: "keyword" } }, copy_to: "all" },
          body: { ...text, copy_to: ["all"] },
          all: text,
          hidden: text,
          never: text,
          blank: text,
          heading: { type: "alias", path: "title" },
        },
      },
    );
    const textOf = async (...fields: string[]) => {
      runNumber += 1;
      run = `runs/${runNumber}/`;
      await extract({ index: "elsewhere", fields });
      const [document] = await s3.jsonl(`${run}corpus/part-00000.jsonl`);
      return (document as { text: string }).text;
    };
    expect(await textOf("title.raw")).toBe("fog lamps");
    expect(await textOf("heading", "body")).toBe("fog lamps switch on");
    expect((await textOf("all")).split(" ").sort()).toEqual(["fog", "lamps", "on", "switch"]);
    expect(await textOf("title", "never", "blank")).toBe("fog lamps");
    await expect(extract({ index: "elsewhere", fields: ["title", "hidden"] })).rejects.toMatchObject({
      name: "TextFieldNotFoundError",
      message: expect.stringContaining('can be searched by "hidden", but do not store it'),
    });
    expect(await openContexts()).toBe(0);
  });

  it("finds fields that the mapping does not have", async () => {
    await fill("unmapped", 1, [{ id: "1", source: { title: "there" } }], { dynamic: false });
    expect(await extract({ index: "unmapped", fields: ["title"] })).toMatchObject({ document_count: 1 });
  });

  it("extracts nothing of an index of which a shard is away, and says so in a way that is tried again", async () => {
    const settings = { number_of_shards: 2, number_of_replicas: 0, "routing.allocation.total_shards_per_node": 1 };
    await call("PUT", "/red?wait_for_active_shards=0&timeout=1s", { settings });
    try {
      await expect(extract({ index: "red", fields: ["title"] })).rejects.toMatchObject({
        name: "OpenSearchUnavailableError",
        message: expect.stringContaining("health"),
      });
      expect(await s3.keys(run)).toEqual([]);
      expect(await openContexts()).toBe(0);
    } finally {
      await call("DELETE", "/red");
    }
  });

  it("extracts nothing when the node has no room for a snapshot of every shard", async () => {
    const limit = (most: number | null) =>
      call("PUT", "/_cluster/settings", { transient: { "search.max_open_pit_context": most } });
    await fill("six", 6, numbered(60, "x"));
    await limit(5);
    try {
      await expect(extract({ index: "six" })).rejects.toMatchObject({ name: "OpenSearchUnavailableError" });
    } finally {
      await limit(null);
    }
    await expect.poll(openContexts, { timeout: 10_000 }).toBe(0);
    expect(await extract({ index: "six" })).toMatchObject({ complete: true, document_count: 60 });
  });

  it("says that an index is closed", async () => {
    await fill("shut", 1, numbered(1));
    await call("POST", "/shut/_close");
    await expect(extract({ index: "shut" })).rejects.toMatchObject({
      name: "IndexClosedError",
      message: expect.stringContaining("opensearch_index_name"),
    });
  });

  it("keeps the digits of numbers", async () => {
    await call("PUT", "/digits", { settings: { number_of_shards: 1, number_of_replicas: 0 } });
    await fetch(`${node.url}/digits/_doc/1?refresh=true`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: '{"title":"Ball bearing","ean":9007199254740993,"order":1306415010221662247,"version":1.10,"price":100.0}',
    });
    await extract({ index: "digits", fields: ["title", "ean", "order", "version", "price"] });
    expect((await written()).documents).toEqual([
      { id: "1", text: "Ball bearing 9007199254740993 1306415010221662247 1.10 100.0" },
    ]);
  });

  it("says that there is nothing to train on", async () => {
    await expect(extract({ index: "empty" })).rejects.toMatchObject({ name: "EmptyCorpusError" });
    await fill("textless", 1, [{ id: "1", source: { title: " " } }]);
    await expect(extract({ index: "textless", fields: ["title"] })).rejects.toMatchObject({
      name: "EmptyCorpusError",
      message: expect.stringContaining("None of the 1 documents"),
    });
    expect(await openContexts()).toBe(0);
  });
});

describe("handler", () => {
  it("refuses an event without fields", async () => {
    const event = {
      opensearch_endpoint: node.url,
      index_name: "articles",
      text_fields: " , ",
      max_documents: 5,
      run_uri: "s3://bucket/run/",
      cursor: null,
    };
    await expect(handler(event, { awsRequestId: "1", getRemainingTimeInMillis: () => 1000 })).rejects.toThrow(
      /names no field/,
    );
  });
});
