import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { DEFAULT_BATCH_LIMITS } from "../../lambdas/bedrock-orchestrator/batch-limits.ts";
import { maxOutputTokens, modelInputFormat } from "../../lambdas/bedrock-orchestrator/model-input.ts";
import { prepareInput, stylesFor } from "../../lambdas/bedrock-orchestrator/prepare-input.ts";
import { queryPrompt } from "../../lambdas/bedrock-orchestrator/prompt.ts";
import { S3Prefix } from "../../lambdas/shared/aws/s3-uri.ts";
import { measured } from "./measured.ts";

const [variant, documentCount, corpus, run] = z
  .tuple([z.enum(["ours", "baseline"]), z.coerce.number(), S3Prefix, S3Prefix])
  .parse(process.argv.slice(2));
const s3 = new S3Client({ forcePathStyle: true });
const MODEL_ID = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const MAX_DOCUMENTS = 20_000;
const QUERIES_PER_DOCUMENT = 5;

/** Every document into a list, a random sample of it, everything written with one request. */
async function baseline(): Promise<void> {
  const documents: { id: string; text: string }[] = [];
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: corpus.bucket, Key: `${corpus.key}documents.jsonl` }));
  const lines = createInterface({ input: Body as Readable });
  lines.on("line", (line) => documents.push(JSON.parse(line)));
  await once(lines, "close");
  for (let last = documents.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [documents[last], documents[other]] = [documents[other] as never, documents[last] as never];
  }
  const format = modelInputFormat(MODEL_ID);
  const records = documents.slice(0, MAX_DOCUMENTS).map(({ text }, index) => {
    const prompt = queryPrompt(text, stylesFor(index, QUERIES_PER_DOCUMENT), []);
    const modelInput = format(prompt, maxOutputTokens(QUERIES_PER_DOCUMENT));
    return `${JSON.stringify({ recordId: `record-${index}`, modelInput })}\n`;
  });
  const input = { Bucket: run.bucket, Key: `${run.key}queries/input.jsonl`, Body: records.join("") };
  await s3.send(new PutObjectCommand(input));
}

async function ours(): Promise<void> {
  await prepareInput(s3, {
    run,
    corpus,
    documentCount,
    maxDocuments: MAX_DOCUMENTS,
    queriesPerDocument: QUERIES_PER_DOCUMENT,
    sampleQueries: null,
    modelId: MODEL_ID,
    limits: DEFAULT_BATCH_LIMITS,
    remainingMs: () => 900_000,
  });
}

await measured(async () => {
  await (variant === "ours" ? ours() : baseline());
  return { items: documentCount, unit: "documents" };
});
