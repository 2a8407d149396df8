import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { validateCorpus } from "../../lambdas/s3-validator/validate-corpus.ts";
import { S3Prefix, S3Uri } from "../../lambdas/shared/aws/s3-uri.ts";
import { measured } from "./measured.ts";

const [variant, corpus, run] = z.tuple([z.enum(["ours", "baseline"]), S3Uri, S3Prefix]).parse(process.argv.slice(2));
const s3 = new S3Client({ forcePathStyle: true });

/** Line by line into a list, ids in a set, everything written with one request. */
async function baseline(): Promise<number> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: corpus.bucket, Key: corpus.key }));
  const ids = new Set<string>();
  const lines: Buffer[] = [];
  for await (const line of createInterface({ input: Body as Readable, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === "") continue;
    const document = JSON.parse(line);
    if (typeof document.text !== "string") throw new Error(`no text: ${line}`);
    if (document.text.trim() === "") continue;
    let id = String(document.id ?? `line-${lines.length}`);
    if (ids.has(id)) id = `${id}#${lines.length}`;
    ids.add(id);
    lines.push(Buffer.from(`${JSON.stringify({ id, text: document.text })}\n`));
  }
  await s3.send(
    new PutObjectCommand({
      Bucket: run.bucket,
      Key: `${run.key}corpus/documents.jsonl`,
      Body: Buffer.concat(lines),
    }),
  );
  return lines.length;
}

async function ours(): Promise<number> {
  const { document_count } = await validateCorpus(s3, {
    corpus,
    run,
    maxDocuments: 10_000_000,
    maxInvalidDocuments: 0,
    remainingMs: () => 900_000,
  });
  return document_count;
}

await measured(async () => ({ items: await (variant === "ours" ? ours() : baseline()), unit: "documents" }));
