import { readFile } from "node:fs/promises";
import { CreateBucketCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Client } from "@opensearch-project/opensearch";
import { z } from "zod";
import { type Collection, type CollectionFiles, passageText } from "../../emulation/collections/collection.ts";

const BulkResult = z.object({ errors: z.boolean() });

/** The user's index: several shards, so that an extraction that loses documents between shards would show. */
export const SOURCE_INDEX = "documentation";
const SHARDS = 3;

/** A bucket of the user's own, apart from the stack's data bucket. */
export const USER_BUCKET = "user-corpus";

/** Where the user's corpus and judgements are, besides the index; the names do not depend on what is uploaded. */
export interface GivenCorpus {
  /** For `s3_corpus_path`. */
  readonly corpusUri: string;
  /** For `judgements_uri`; its `queries.jsonl` is what `sample_query_uri` takes, too. */
  readonly judgementsUri: string;
}

/** Where {@link giveCorpus} puts things. */
export const GIVEN_CORPUS: GivenCorpus = {
  corpusUri: `s3://${USER_BUCKET}/corpus.jsonl`,
  judgementsUri: `s3://${USER_BUCKET}/judgements/`,
};

/** Does what a user has done before they deploy: fills an index, and a bucket of their own with the same and the judgements. */
export async function giveCorpus(
  s3: S3Client,
  domain: Client,
  collection: Collection,
  files: CollectionFiles,
): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: USER_BUCKET }));
  await indexCollection(domain, collection);
  await uploadJudgements(s3, files);
  await uploadCollection(s3, collection);
}

/** Puts the human judgements into the user's bucket in BEIR format. */
async function uploadJudgements(s3: S3Client, files: CollectionFiles): Promise<void> {
  const names = [
    [files.queriesFile, "queries.jsonl"],
    [files.qrelsFile, "qrels.tsv"],
    [files.excludeFile, "exclude.tsv"],
  ] as const;
  for (const [file, name] of names) {
    await s3.send(new PutObjectCommand({ Bucket: USER_BUCKET, Key: `judgements/${name}`, Body: await readFile(file) }));
  }
}

/** Indexes the collection as a user would have it: `title` and `content` fields. */
async function indexCollection(client: Client, collection: Collection): Promise<void> {
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

/** Puts the collection into a bucket as the JSONL that `input_type = "s3"` takes. */
async function uploadCollection(s3: S3Client, collection: Collection): Promise<void> {
  const lines = collection.documents.map((document) =>
    JSON.stringify({ id: document.id, text: passageText(document) }),
  );
  await s3.send(new PutObjectCommand({ Bucket: USER_BUCKET, Key: "corpus.jsonl", Body: `${lines.join("\n")}\n` }));
}
