// `slow-extraction.ts <S3 endpoint> <domain> <index> <run>`: extracts an index as the state machine does, one invocation after
// the other from the cursor of the one before, which it sends to its parent. The first ends after its first pages, the others wait before
// each request, so that there is time to kill this process in the middle of one.
import { setTimeout as sleep } from "node:timers/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { extractCorpus } from "../../../lambdas/data-extractor/extract.ts";
import { ExtractionCursor } from "../../../lambdas/data-extractor/progress.ts";
import { S3Prefix } from "../../../lambdas/shared/aws/s3-uri.ts";
import {
  OpenSearch,
  type OpenSearchAnswer,
  type OpenSearchCall,
} from "../../../lambdas/shared/open-search/open-search.ts";
import type { CorpusResult } from "../../../pipeline/artifacts.ts";

const REQUEST_DELAY_MS = 200;

class SlowOpenSearch extends OpenSearch {
  override async request<Schema extends z.ZodType>(
    call: OpenSearchCall,
    answer: Schema,
    parse?: (json: string) => unknown,
  ): Promise<OpenSearchAnswer<z.output<Schema>>> {
    await sleep(REQUEST_DELAY_MS);
    return super.request(call, answer, parse);
  }
}

const [endpoint, domain, index, run] = z.tuple([z.url(), z.url(), z.string(), S3Prefix]).parse(process.argv.slice(2));
const s3 = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true });

async function invoke(cursor: ExtractionCursor | null): Promise<CorpusResult> {
  const openSearch = new (cursor === null ? OpenSearch : SlowOpenSearch)({ endpoint: domain, neededPermissions: "" });
  let looks = 0;
  try {
    return await extractCorpus(s3, openSearch, {
      index,
      fields: ["title"],
      maxDocuments: 1_000_000,
      run,
      cursor,
      remainingMs: () => {
        looks += 1;
        return cursor === null && looks > 1 ? 1000 : 900_000;
      },
    });
  } finally {
    await openSearch.close();
  }
}

for (let cursor: ExtractionCursor | null = null, complete = false; !complete; ) {
  const result: CorpusResult = await invoke(cursor);
  cursor = ExtractionCursor.nullable().parse(result.cursor);
  complete = result.complete;
  process.send?.(cursor);
}
