import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_BATCH_LIMITS } from "../../../lambdas/bedrock-orchestrator/batch-limits.ts";
import {
  examplesFor,
  type PrepareRequest,
  prepareInput,
  stylesFor,
} from "../../../lambdas/bedrock-orchestrator/prepare-input.ts";
import { corpusLine, corpusPrefix, corpusWriter, writeCorpusManifest } from "../../../lambdas/shared/lines/corpus.ts";
import { QueriesManifest, QueryRecord } from "../../../pipeline/artifacts.ts";
import { type EmulatedS3, startEmulatedS3 } from "../emulated-s3.ts";

const DOCUMENTS = 1200;

let s3: EmulatedS3;
let runNumber = 0;
let run = { bucket: "", key: "" };
let corpus = { bucket: "", key: "" };

beforeAll(async () => {
  s3 = await startEmulatedS3();
  const home = { bucket: s3.bucket, key: "shared/" };
  const writer = corpusWriter(s3.client, home);
  await writer.append(Array.from({ length: DOCUMENTS }, (_, n) => corpusLine(`d${n}`, `text of document ${n}`)));
  await writer.finish();
  await writeCorpusManifest(s3.client, home, {
    document_count: DOCUMENTS,
    empty_documents: 0,
    missing_ids: 0,
    duplicate_ids: 0,
    invalid_documents: 0,
    invalid_lines: [],
    part_count: writer.nextPart,
    truncated: false,
    source: "test",
  });
  corpus = corpusPrefix(home);
});
afterAll(() => s3.stop());
beforeEach(() => {
  runNumber += 1;
  run = { bucket: s3.bucket, key: `runs/${runNumber}/` };
});

function prepare(options: Partial<PrepareRequest> = {}) {
  return prepareInput(s3.client, {
    run,
    corpus,
    documentCount: DOCUMENTS,
    maxDocuments: 20_000,
    queriesPerDocument: 5,
    sampleQueries: null,
    modelId: "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    limits: DEFAULT_BATCH_LIMITS,
    remainingMs: () => 900_000,
    ...options,
  });
}

async function all(folder: string): Promise<Record<string, never>[]> {
  const keys = await s3.keys(`${run.key}queries/${folder}/`);
  return (await Promise.all(keys.map((key) => s3.jsonl(key)))).flat() as Record<string, never>[];
}

describe("prepareInput", () => {
  it("writes a record for every document, that joins it to its prompt and its split", async () => {
    const prepared = await prepare();
    const records = (await all("records")).map((record) => QueryRecord.parse(record));
    const inputs = await all("input");
    expect(prepared).toEqual({
      batches: [
        {
          batch_index: 0,
          s3_input_uri: `s3://${s3.bucket}/${run.key}queries/input/batch-00000.jsonl`,
          record_count: DOCUMENTS,
          attempt: 1,
        },
      ],
      record_count: DOCUMENTS,
      records_uri: `s3://${s3.bucket}/${run.key}queries/records/`,
      output_uri: `s3://${s3.bucket}/${run.key}queries/output/`,
    });
    expect(new Set(records.map(({ doc_id }) => doc_id)).size).toBe(DOCUMENTS);
    expect(new Set(records.map(({ record_id }) => record_id)).size).toBe(DOCUMENTS);
    for (const [index, record] of records.entries()) {
      const text = JSON.stringify(inputs[index]);
      expect(text).toContain(record.record_id);
      expect(text).toContain(`text of document ${record.doc_id.slice(1)}\\n`);
      expect(record.styles).toHaveLength(5);
      expect(text).toContain(record.styles.map((style, position) => `${position + 1}. ${style}`).join("\\n"));
    }
    const manifest = QueriesManifest.parse(JSON.parse(await s3.text(`${run.key}queries/manifest.json`)));
    expect(manifest).toEqual({
      record_count: DOCUMENTS,
      corpus_documents: DOCUMENTS,
      distinct_texts: DOCUMENTS,
      queries_per_document: 5,
      train_documents: 960,
      dev_documents: 120,
      test_documents: 120,
      sample_queries: 0,
      batch_count: 1,
    });
    expect(records.filter(({ split }) => split === "test")).toHaveLength(120);
  });

  it("gives the same records for the same corpus, and replaces what an earlier attempt left", async () => {
    const once = await prepare({ maxDocuments: 150 });
    const first = await all("input");
    await s3.put(`${run.key}queries/input/batch-00009.jsonl`, "{}\n");
    expect(await prepare({ maxDocuments: 150 })).toEqual(once);
    expect(await all("input")).toEqual(first);
    expect(first).toHaveLength(150);
  });

  it("splits by Bedrock's limit on records, evenly, and on bytes", async () => {
    const byRecords = await prepare({ limits: { ...DEFAULT_BATCH_LIMITS, maxRecords: 500 } });
    expect(byRecords.batches.map(({ record_count }) => record_count)).toEqual([400, 400, 400]);
    const byBytes = await prepare({ limits: { ...DEFAULT_BATCH_LIMITS, maxFileBytes: 1_000_000 } });
    expect(byBytes.batches.length).toBeGreaterThan(1);
    expect(byBytes.batches.reduce((sum, { record_count }) => sum + record_count, 0)).toBe(DOCUMENTS);
    expect(byBytes.batches.map(({ batch_index }) => batch_index)).toEqual(byBytes.batches.map((_, index) => index));
  });

  it("shows sample queries as examples, of every form, a hundred at most", async () => {
    const forms = ['{"text":"query 0"}', '{"query":"query  1\\n"}', '{"anchor":"query 2"}', ""];
    const more = Array.from({ length: 150 }, (_, n) => `{"text":"query ${n + 3}"}`);
    await s3.put("samples.jsonl", [...forms, ...more].join("\r\n"));
    await prepare({ sampleQueries: { bucket: s3.bucket, key: "samples.jsonl" } });
    const shown = (await all("input")).map((input) =>
      [...JSON.stringify(input).matchAll(/- (query \d+)\\n/g)].map((m) => m[1]),
    );
    expect(shown.every((examples) => new Set(examples).size === 3)).toBe(true);
    const distinct = new Set(shown.flat());
    expect(distinct.size).toBe(100);
    expect(distinct).toContain("query 1");
    expect(distinct).not.toContain("query 100");
    expect(QueriesManifest.parse(JSON.parse(await s3.text(`${run.key}queries/manifest.json`))).sample_queries).toBe(
      100,
    );
  });

  it.each([
    ["not JSON", "{", /^Line 1 of/],
    ["no query", '{"text":"q"}\n{"title":"x"}', /^Line 2 of/],
    ["nothing", "\n", /has no queries/],
  ])("refuses sample queries that are %s", async (_, body, message) => {
    await s3.put("bad.jsonl", body);
    await expect(prepare({ sampleQueries: { bucket: s3.bucket, key: "bad.jsonl" } })).rejects.toMatchObject({
      name: "InvalidSampleQueriesError",
      message: expect.stringMatching(message),
    });
  });

  it("refuses what it cannot work with", async () => {
    await expect(prepare({ modelId: "cohere.command-r-v1:0" })).rejects.toMatchObject({
      name: "UnsupportedModelError",
    });
    await expect(prepare({ documentCount: 0 })).rejects.toMatchObject({ name: "EmptyCorpusError" });
    await expect(prepare({ documentCount: 5 })).rejects.toThrow(/has 1200 documents, not 5/);
    await expect(prepare({ remainingMs: () => 1000 })).rejects.toMatchObject({ name: "CorpusTooLargeError" });
  });
});

describe("choices within a document", () => {
  it("mix all styles over documents, whatever the number of queries", () => {
    for (const count of [1, 2, 5, 10]) {
      const used = [0, 1, 2, 3].flatMap((choice) => stylesFor(choice, count));
      expect(used).toHaveLength(4 * count);
      for (const style of ["question", "claim", "keywords", "title"]) {
        expect(used.filter((other) => other === style)).toHaveLength(count);
      }
    }
  });

  it("show no example twice when there are few", () => {
    expect(examplesFor(5, ["a", "b"])).toEqual(["b", "a"]);
    expect(examplesFor(5, [])).toEqual([]);
  });
});
