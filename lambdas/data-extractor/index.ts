import { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { S3Prefix } from "../shared/aws/s3-uri.ts";
import { lambdaHandler } from "../shared/lambda/handler.ts";
import { publishCounts } from "../shared/lambda/metrics.ts";
import { OpenSearch } from "../shared/open-search/open-search.ts";
import { extractCorpus } from "./extract.ts";
import { ExtractionCursor } from "./progress.ts";
import { TextFields } from "./text-fields.ts";

const s3 = new S3Client({});

const Event = z.object({
  opensearch_endpoint: z.string().min(1),
  index_name: z.string().min(1),
  text_fields: TextFields,
  max_documents: z.number().int().positive(),
  run_uri: S3Prefix,
  cursor: ExtractionCursor.nullable(),
});

/** Stage 1 for input_type=opensearch: {opensearch_endpoint, index_name, text_fields, max_documents, run_uri, cursor} to a CorpusResult. */
export const handler = lambdaHandler("data-extractor", Event, async (event, context) => {
  const openSearch = new OpenSearch({
    endpoint: event.opensearch_endpoint,
    neededPermissions: `read access ("read") to the index "${event.index_name}"`,
  });
  try {
    const result = await extractCorpus(s3, openSearch, {
      index: event.index_name,
      fields: event.text_fields,
      maxDocuments: event.max_documents,
      run: event.run_uri,
      cursor: event.cursor,
      remainingMs: () => context.getRemainingTimeInMillis(),
    });
    if (result.complete) publishCounts({ Documents: result.document_count });
    return result;
  } finally {
    await openSearch.close();
  }
});
