import { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { S3Prefix, S3Uri } from "../shared/aws/s3-uri.ts";
import { lambdaHandler } from "../shared/lambda/handler.ts";
import { publishCounts } from "../shared/lambda/metrics.ts";
import { validateCorpus } from "./validate-corpus.ts";

const s3 = new S3Client({});

const Event = z.object({
  s3_corpus_path: S3Uri,
  max_documents: z.number().int().positive(),
  max_invalid_documents: z.number().int().nonnegative(),
  run_uri: S3Prefix,
  cursor: z.null(),
});

/** Stage 1 for input_type=s3: the event's fields to a CorpusResult. */
export const handler = lambdaHandler("s3-validator", Event, async (event, context) => {
  const result = await validateCorpus(s3, {
    corpus: event.s3_corpus_path,
    run: event.run_uri,
    maxDocuments: event.max_documents,
    maxInvalidDocuments: event.max_invalid_documents,
    remainingMs: () => context.getRemainingTimeInMillis(),
  });
  publishCounts({ Documents: result.document_count });
  return result;
});
