import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Client } from "@opensearch-project/opensearch";
import { z } from "zod";
import { extractCorpus } from "../../lambdas/data-extractor/extract.ts";
import { S3Prefix } from "../../lambdas/shared/aws/s3-uri.ts";
import { OpenSearch } from "../../lambdas/shared/open-search/open-search.ts";
import { measured } from "./measured.ts";
import { delayRequestsTo, NETWORK_NAMES, NETWORKS } from "./network.ts";

const [variant, node, index, run, network] = z
  .tuple([z.enum(["ours", "baseline"]), z.url(), z.string(), S3Prefix, z.enum(NETWORK_NAMES)])
  .parse(process.argv.slice(2));
const s3 = new S3Client({ forcePathStyle: true });
const FIELDS = ["title", "text"];

/** A point in time, 1,000 documents a page, everything in a list, written with one request. */
async function baseline(): Promise<number> {
  const client = new Client({ node });
  const opened = await client.createPit({ index: [index], keep_alive: "5m" });
  const pit = opened.body.pit_id ?? "";
  // A slice a shard, because paging over several shards by `_doc` loses documents.
  const lines: Buffer[] = [];
  const shards = opened.body._shards?.total ?? 1;
  for (let id = 0; id < shards; id += 1) {
    let searchAfter: unknown[] | undefined;
    for (;;) {
      const { body } = await client.transport.request({
        method: "POST",
        path: "/_search",
        body: {
          pit: { id: pit, keep_alive: "5m" },
          size: 1000,
          sort: ["_doc"],
          ...(shards > 1 ? { slice: { id, max: shards } } : {}),
          ...(searchAfter === undefined ? {} : { search_after: searchAfter }),
        },
      });
      const { hits } = (body as { hits: { hits: { _id: string; _source: Record<string, string>; sort: unknown[] }[] } })
        .hits;
      for (const { _id, _source } of hits) {
        const text = FIELDS.map((field) => _source[field] ?? "").join(" ");
        lines.push(Buffer.from(`${JSON.stringify({ id: _id, text })}\n`));
      }
      searchAfter = hits.at(-1)?.sort;
      if (searchAfter === undefined) break;
    }
  }
  await client.transport.request({ method: "DELETE", path: "/_search/point_in_time", body: { pit_id: [pit] } });
  await client.close();
  const Body = Buffer.concat(lines);
  await s3.send(new PutObjectCommand({ Bucket: run.bucket, Key: `${run.key}corpus/documents.jsonl`, Body }));
  return lines.length;
}

async function ours(): Promise<number> {
  const openSearch = new OpenSearch({ endpoint: node, neededPermissions: "read access" });
  const { document_count } = await extractCorpus(s3, openSearch, {
    index,
    fields: FIELDS,
    maxDocuments: 10_000_000,
    run,
    cursor: null,
    remainingMs: () => 900_000,
  });
  await openSearch.close();
  return document_count;
}

delayRequestsTo(node, NETWORKS[network].openSearchMs);
await measured(async () => ({ items: await (variant === "baseline" ? baseline() : ours()), unit: "documents" }));
