import type { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { readObject } from "../shared/aws/s3-objects.ts";
import { formatS3Uri, type S3Location } from "../shared/aws/s3-uri.ts";
import { readLineBlocks } from "../shared/lines/line-blocks.ts";

/** The user's sample queries are not what they must be. */
export class InvalidSampleQueriesError extends Error {
  override readonly name = "InvalidSampleQueriesError";
}

/** Queries that are read at most. */
const MAX_SAMPLE_QUERIES = 100;
/** A longer one is a document, not a query. */
const MAX_QUERY_LENGTH = 500;
const MAX_LINE_BYTES = 1024 * 1024;

const SampleQuery = z
  .object({ text: z.string().optional(), query: z.string().optional(), anchor: z.string().optional() })
  .transform(({ text, query, anchor }) => (text ?? query ?? anchor ?? "").replace(/\s+/g, " ").trim())
  .refine((query) => query !== "" && query.length <= MAX_QUERY_LENGTH);

/**
 * Reads up to 100 queries of real users from a JSONL object whose lines have `text`, `query` or `anchor`.
 *
 * @throws InvalidSampleQueriesError naming the first line that is not so.
 */
export async function readSampleQueries(s3: S3Client, location: S3Location): Promise<string[]> {
  const uri = formatS3Uri(location);
  const queries: string[] = [];
  for await (const { firstLine, lines } of readLineBlocks(readObject(s3, location), MAX_LINE_BYTES)) {
    for (const [index, line] of lines.entries()) {
      if (line === "" || queries.length === MAX_SAMPLE_QUERIES) continue;
      let parsed: string | undefined;
      try {
        parsed = typeof line === "string" ? SampleQuery.safeParse(JSON.parse(line)).data : undefined;
      } catch {
        parsed = undefined;
      }
      if (parsed === undefined) {
        throw new InvalidSampleQueriesError(
          `Line ${firstLine + index} of ${uri} is no sample query. Each line must be a JSON object with a string "text", "query" or "anchor" of at most ${MAX_QUERY_LENGTH} characters.`,
        );
      }
      queries.push(parsed);
    }
    if (queries.length === MAX_SAMPLE_QUERIES) break;
  }
  if (queries.length === 0) throw new InvalidSampleQueriesError(`${uri} has no queries; leave sample_query_uri empty.`);
  return queries;
}
