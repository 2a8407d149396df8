import { readFile } from "node:fs/promises";
import { CreateBucketCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Client } from "@opensearch-project/opensearch";
import { z } from "zod";
import { type Collection, type CollectionFiles, passageText } from "./collection.ts";

const BulkResult = z.object({ errors: z.boolean() });

/** The user's index: several shards, so that an extraction that loses documents between shards would show. */
export const SOURCE_INDEX = "documentation";
const SHARDS = 3;

/** A bucket of the user's own, apart from the stack's data bucket. */
export const USER_BUCKET = "user-corpus";

/** Makes the user's bucket. */
export async function createUserBucket(s3: S3Client): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: USER_BUCKET }));
}

/**
 * Puts the human judgements into the user's bucket in BEIR format, and returns their URI for `judgements_uri`. Their
 * `queries.jsonl` is what `sample_query_uri` takes, too.
 */
export async function uploadJudgements(s3: S3Client, files: CollectionFiles): Promise<string> {
  const names = [
    [files.queriesFile, "queries.jsonl"],
    [files.qrelsFile, "qrels.tsv"],
    [files.excludeFile, "exclude.tsv"],
  ] as const;
  for (const [file, name] of names) {
    await s3.send(new PutObjectCommand({ Bucket: USER_BUCKET, Key: `judgements/${name}`, Body: await readFile(file) }));
  }
  return `s3://${USER_BUCKET}/judgements/`;
}

/** Indexes the collection as a user would have it: `title` and `content` fields. */
export async function indexCollection(client: Client, collection: Collection): Promise<void> {
  await client.indices.create({
    index: SOURCE_INDEX,
    body: {
      settings: { number_of_shards: SHARDS, number_of_replicas: 0 },
      mappings: { properties: { title: { type: "text" }, content: { type: "text" } } },
    },
  });
  for (let at = 0; at < collection.documents.length; at += 500) {
    const { body } = await client.bulk({
      index: SOURCE_INDEX,
      body: collection.documents
        .slice(at, at + 500)
        .flatMap(({ id, title, text }) => [{ index: { _id: id } }, { title, content: text }]),
    });
    if (BulkResult.parse(body).errors) throw new Error(`indexing the corpus failed: ${JSON.stringify(body)}`);
  }
  await client.indices.refresh({ index: SOURCE_INDEX });
}

/** Puts the collection into a bucket as the JSONL that `input_type = "s3"` takes, and returns its URI. */
export async function uploadCollection(s3: S3Client, collection: Collection): Promise<string> {
  const lines = collection.documents.map((document) =>
    JSON.stringify({ id: document.id, text: passageText(document) }),
  );
  await s3.send(new PutObjectCommand({ Bucket: USER_BUCKET, Key: "corpus.jsonl", Body: `${lines.join("\n")}\n` }));
  return `s3://${USER_BUCKET}/corpus.jsonl`;
}
