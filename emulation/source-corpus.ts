import { CreateBucketCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Client } from "@opensearch-project/opensearch";
import { z } from "zod";
import { type Collection, passageText } from "./collection.ts";

const BulkResult = z.object({ errors: z.boolean() });

/** The user's index: several shards, so that an extraction that loses documents between shards would show. */
export const SOURCE_INDEX = "documentation";
const SHARDS = 3;

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
  const bucket = "user-corpus";
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const lines = collection.documents.map((document) =>
    JSON.stringify({ id: document.id, text: passageText(document) }),
  );
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "corpus.jsonl", Body: `${lines.join("\n")}\n` }));
  return `s3://${bucket}/corpus.jsonl`;
}
