import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ValidationRequest, validateCorpus } from "../../../lambdas/s3-validator/validate-corpus.ts";
import { CorpusManifest } from "../../../pipeline/artifacts.ts";
import { type EmulatedS3, startEmulatedS3 } from "../emulated-s3.ts";

let s3: EmulatedS3;
let runNumber = 0;
let run = "";

beforeAll(async () => {
  s3 = await startEmulatedS3();
});
afterAll(() => s3.stop());
beforeEach(() => {
  runNumber += 1;
  run = `runs/${runNumber}/`;
});

function validate(key: string, options: Partial<ValidationRequest> = {}) {
  return validateCorpus(s3.client, {
    corpus: { bucket: s3.bucket, key },
    run: { bucket: s3.bucket, key: run },
    maxDocuments: 1_000_000,
    maxInvalidDocuments: 0,
    remainingMs: () => 900_000,
    ...options,
  });
}

async function validateBody(body: string | Uint8Array, key = "corpus.jsonl", options: Partial<ValidationRequest> = {}) {
  await s3.put(key, body);
  return validate(key, options);
}

async function written(): Promise<{ manifest: CorpusManifest; documents: { id: string; text: string }[] }> {
  const manifest = CorpusManifest.parse(JSON.parse(await s3.text(`${run}corpus/manifest.json`)));
  const documents = [];
  for (let part = 0; part < manifest.part_count; part += 1) {
    documents.push(...(await s3.jsonl(`${run}corpus/part-${String(part).padStart(5, "0")}.jsonl`)));
  }
  return { manifest, documents: documents as { id: string; text: string }[] };
}

describe("validateCorpus", () => {
  it("writes the corpus with ids, from lines of every tolerated form", async () => {
    const body = [
      '\uFEFF{"id":"a","text":"first"}\r',
      "",
      '{"text":"no id"}',
      "   \r",
      '{"id":7,"text":"numeric id","title":"ignored"}',
      '{"id":"a","text":"same id"}',
      '{"id":"a#2","text":"takes the suffix of the one before"}',
      '{"id":"a","text":"third"}',
      '{"id":"e","text":"  \\n "}',
      '{"id":"","text":"empty id"}',
      '{"text":"other order","id":"o"}',
      '{"id":"cr",\r"text":"carriage return between fields"}',
      '{"id":"z","text":"half a pair \\ud83d, line\\u2028separator, no newline at the end"}',
    ].join("\n");
    const result = await validateBody(body);
    const { manifest, documents } = await written();
    expect(documents.map(({ id }) => id)).toEqual([
      "a",
      "line-3",
      "7",
      "a#2",
      "a#2#2",
      "a#3",
      "line-10",
      "o",
      "cr",
      "z",
    ]);
    expect(await s3.text(`${run}corpus/part-00000.jsonl`)).not.toContain("\r");
    expect(documents.at(-1)?.text).toBe("half a pair \ufffd, line\u2028separator, no newline at the end");
    expect(manifest).toEqual({
      document_count: 10,
      empty_documents: 1,
      missing_ids: 2,
      duplicate_ids: 3,
      invalid_documents: 0,
      invalid_lines: [],
      part_count: 1,
      truncated: false,
      source: `s3://${s3.bucket}/corpus.jsonl`,
    });
    expect(result).toEqual({
      complete: true,
      cursor: null,
      corpus_uri: `s3://${s3.bucket}/${run}corpus/`,
      document_count: 10,
    });
  });

  it("names the first twenty bad lines with the reason, and the total, and keeps nothing", async () => {
    const good = '{"text":"fine"}';
    const bad = [
      "not json",
      '{"text":"cut',
      '["text"]',
      "null",
      '"text"',
      '{"id":"x"}',
      '{"text":5}',
      '{"text":{}}',
      '{"text":"t","id":{"a":1}}',
      '{"text":"t","id":false}',
      ...Array.from({ length: 9 }, () => '{"id":"z"}'),
      "last",
    ];
    const body = Buffer.concat([
      Buffer.from(`${good}\n`),
      Buffer.from([0x7b, 0xc3, 0x28, 0x0a]),
      Buffer.from([...bad, good].join("\n")),
    ]);
    await expect(validateBody(body)).rejects.toMatchObject({
      name: "InvalidCorpusError",
      message: expect.stringMatching(
        /^21 of 23 lines of s3:.*corpus\.jsonl cannot be used; max_invalid_documents allows 0\./,
      ),
    });
    const { message } = (await validate("corpus.jsonl").catch((error: Error) => error as Error)) as Error;
    expect(message.split("\n").slice(1)).toEqual([
      "line 2: not valid UTF-8",
      "line 3: not valid JSON",
      expect.stringMatching(/^line 4: not valid JSON( at position \d+)?$/),
      "line 5: an array, not a JSON object",
      "line 6: null, not a JSON object",
      "line 7: a string, not a JSON object",
      'line 8: no "text" field',
      'line 9: "text" is a number, not a string',
      'line 10: "text" is an object, not a string',
      'line 11: "id" is an object, not a string or a number',
      'line 12: "id" is a boolean, not a string or a number',
      ...Array.from({ length: 9 }, (_, n) => `line ${13 + n}: no "text" field`),
      "... and 1 more",
    ]);
    expect(message).not.toContain("last");
    expect(await s3.keys(run)).toEqual([]);
  });

  it("leaves out as many bad lines as the user allows, and names them; one more ends the run", async () => {
    const body =
      '{"id":"a","text":"first"}\nnot json\n{"id":"b","text":"second"}\n{"id":"c"}\n{"id":"d","text":"third"}\n';
    expect(await validateBody(body, "corpus.jsonl", { maxInvalidDocuments: 2 })).toMatchObject({ document_count: 3 });
    const { manifest, documents } = await written();
    expect(documents.map(({ id }) => id)).toEqual(["a", "b", "d"]);
    expect(manifest).toMatchObject({
      document_count: 3,
      invalid_documents: 2,
      invalid_lines: [expect.stringMatching(/^line 2: not valid JSON/), 'line 4: no "text" field'],
    });
    await expect(validateBody(body, "corpus.jsonl", { maxInvalidDocuments: 1 })).rejects.toMatchObject({
      name: "InvalidCorpusError",
      message: expect.stringMatching(/^2 of 5 lines .*max_invalid_documents allows 1\./),
    });
    expect(await s3.keys(run)).toEqual([]);
    await expect(validateBody("not json\n", "corpus.jsonl", { maxInvalidDocuments: 1 })).rejects.toMatchObject({
      name: "EmptyCorpusError",
      message: expect.stringContaining("1 that cannot be used"),
    });
  });

  it("takes 1,000 documents of which one has null for a text", async () => {
    const lines = Array.from({ length: 1000 }, (_, n) =>
      JSON.stringify({ id: n, text: n === 500 ? null : `text ${n}` }),
    );
    expect(await validateBody(lines.join("\n"))).toMatchObject({ document_count: 999 });
    expect((await written()).manifest).toMatchObject({ document_count: 999, empty_documents: 1 });
  });

  it("takes a document that is longer than what is read at once, and an empty line after it", async () => {
    const document = { id: "d1", text: "x".repeat(70_000) };
    expect(await validateBody(`${JSON.stringify(document)}\n\n`)).toMatchObject({ document_count: 1 });
    expect((await written()).documents).toEqual([document]);
  });

  it("takes a BEIR corpus as it is", async () => {
    await validateBody(
      [
        '\uFEFF{"_id": "p-17", "title": "Fog lamps", "text": "They may be switched on."}',
        '{"_id": "p-19", "title": "Warning triangle", "text": ""}',
        '{"_id": "p-20", "title": "", "text": "It expires.\u2028Soon.", "metadata": {"url": "x"}}',
      ].join("\n"),
    );
    expect((await written()).documents).toEqual([
      { id: "p-17", text: "Fog lamps\nThey may be switched on." },
      { id: "p-19", text: "Warning triangle" },
      { id: "p-20", text: "It expires.\u2028Soon." },
    ]);
  });

  it("finds one bad line in 10,000", async () => {
    const lines = Array.from({ length: 10_000 }, (_, index) =>
      JSON.stringify({ id: index, text: `document ${index}` }),
    );
    lines[7_776] = lines[7_776]?.slice(0, -1) ?? "";
    await expect(validateBody(lines.join("\n"))).rejects.toThrow(
      /^1 of 10000 lines [\s\S]*\nline 7777: not valid JSON/,
    );
    expect(await s3.keys(run)).toEqual([]);
  });

  it("reads gzip, also of several members, and says when it is cut short", async () => {
    const text = Array.from({ length: 5000 }, (_, index) => `{"id":"${index}","text":"text ${index * 7919}"}\n`).join(
      "",
    );
    const members = Buffer.concat([gzipSync(text.slice(0, 9_999)), gzipSync(text.slice(9_999))]);
    expect(await validateBody(members, "corpus.jsonl.gz")).toMatchObject({ document_count: 5000 });
    await expect(validateBody(members.subarray(0, -30), "corpus.jsonl.gz")).rejects.toMatchObject({
      name: "InvalidCorpusError",
      message: expect.stringContaining("not a complete gzip file"),
    });
  });

  it("takes lines of 5 MB and refuses those above 20 MB", async () => {
    const five = JSON.stringify({ id: "five", text: "x".repeat(5_000_000) });
    const body = [five, five, '{"text":"small"}'].join("\n");
    expect(await validateBody(body)).toMatchObject({ document_count: 3 });
    const huge = JSON.stringify({ text: "x".repeat(21 * 1024 * 1024) });
    await expect(validateBody(`${five}\n${huge}\n`)).rejects.toThrow(/\nline 2: longer than 20971520 bytes$/);
  });

  it("stops at the limit and says so; a limit that is just met truncates nothing", async () => {
    const body = '{"text":"a"}\n{"text":"b"}\n{"text":"c"}\n\n';
    expect(await validateBody(`${body}not json`, "corpus.jsonl", { maxDocuments: 2 })).toMatchObject({
      document_count: 2,
    });
    expect((await written()).manifest).toMatchObject({ document_count: 2, truncated: true });
    await validateBody(body, "corpus.jsonl", { maxDocuments: 3 });
    expect((await written()).manifest).toMatchObject({ document_count: 3, truncated: false });
  });

  it("removes what an earlier attempt of the run left", async () => {
    await s3.put(`${run}corpus/part-00007.jsonl`, '{"id":"stale","text":"stale"}\n');
    await validateBody('{"text":"a"}');
    expect(await s3.keys(run)).toEqual([`${run}corpus/manifest.json`, `${run}corpus/part-00000.jsonl`]);
  });

  it.each([
    ["an empty object", ""],
    ["blank lines only", "\n \n"],
    ["empty texts only", '{"text":""}\n{"text":" "}\n{"text":null}\n{"text":"\\u200b\\u0301"}'],
  ])("says that there is nothing to train on: %s", async (_, body) => {
    await expect(validateBody(body)).rejects.toMatchObject({ name: "EmptyCorpusError" });
  });

  it("says which object is not there", async () => {
    await expect(validate("absent.jsonl")).rejects.toMatchObject({
      name: "S3ObjectUnavailableError",
      message: expect.stringContaining(`s3://${s3.bucket}/absent.jsonl does not exist`),
    });
    await expect(
      validate("x.jsonl", { corpus: { bucket: "no-such-bucket-here", key: "x.jsonl" } }),
    ).rejects.toMatchObject({ name: "S3ObjectUnavailableError" });
  });

  it("refuses names that are not JSON Lines", async () => {
    await expect(validateBody("{}", "corpus.csv")).rejects.toMatchObject({ name: "InvalidCorpusError" });
  });

  it("gives up in words before the Lambda limit, and leaves nothing", async () => {
    await expect(validateBody('{"text":"a"}\n', "corpus.jsonl", { remainingMs: () => 10_000 })).rejects.toMatchObject({
      name: "CorpusTooLargeError",
      message: expect.stringContaining("Lower max_corpus_documents below that number"),
    });
    expect(await s3.keys(run)).toEqual([]);
  });
});
