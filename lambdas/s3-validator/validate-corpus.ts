import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import type { S3Client } from "@aws-sdk/client-s3";
import type { CorpusResult } from "../shared/contract.ts";
import { corpusLine, corpusPrefix, corpusWriter, discardCorpus, writeCorpusManifest } from "../shared/corpus.ts";
import { CorpusTooLargeError, EmptyCorpusError, messageOf } from "../shared/errors.ts";
import { readLineBlocks } from "../shared/line-blocks.ts";
import { readObject } from "../shared/s3-objects.ts";
import { formatS3Uri, type S3Location } from "../shared/s3-uri.ts";
import { BadLine, isBlank, parseCorpusLine } from "./corpus-line.ts";
import { DocumentIds } from "./document-ids.ts";

/** Lines of the corpus are not what they must be. */
export class InvalidCorpusError extends Error {
  override readonly name = "InvalidCorpusError";
}

/** A longer line is no document; refusing it keeps memory bounded. */
const MAX_LINE_BYTES = 20 * 1024 * 1024;
const BAD_LINES_NAMED = 10;
/** Enough to delete what was written and to report. */
const DEADLINE_RESERVE_MS = 15_000;

export interface ValidationRequest {
  readonly corpus: S3Location;
  readonly run: S3Location;
  readonly maxDocuments: number;
  /** Milliseconds until the Lambda runtime ends this invocation. */
  remainingMs(): number;
}

async function* decompressed(source: AsyncIterable<Buffer>, uri: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  let downloadError: Error | undefined;
  const downloaded = async function* () {
    try {
      yield* source;
    } catch (error) {
      downloadError = error as Error;
      throw error;
    }
  };
  pipeline(downloaded, gunzip, () => {});
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } catch (error) {
    if (downloadError !== undefined) throw downloadError;
    throw new InvalidCorpusError(
      `${uri} is not a complete gzip file (${messageOf(error)}); compress and upload it again.`,
      {
        cause: error,
      },
    );
  }
}

/**
 * Checks a JSONL corpus in S3 and writes it in the form the later stages read, in constant memory but for the ids'
 * hashes. Stops at `maxDocuments`; what comes after is not looked at.
 *
 * @throws InvalidCorpusError naming the first ten bad lines; nothing of the corpus is kept then.
 * @throws EmptyCorpusError when there is no document with text.
 * @throws CorpusTooLargeError when the invocation's time does not suffice.
 * @throws S3ObjectUnavailableError when the corpus is absent or access is denied.
 */
export async function validateCorpus(s3: S3Client, request: ValidationRequest): Promise<CorpusResult> {
  const { corpus, run, maxDocuments } = request;
  const uri = formatS3Uri(corpus);
  const compressed = corpus.key.endsWith(".jsonl.gz");
  if (!compressed && !corpus.key.endsWith(".jsonl")) {
    throw new InvalidCorpusError(`${uri} must be JSON Lines: a name that ends in .jsonl or .jsonl.gz.`);
  }

  await discardCorpus(s3, run);
  const writer = corpusWriter(s3, run);
  const ids = new DocumentIds();
  const badLines: string[] = [];
  let badLineCount = 0;
  let lineCount = 0;
  let documents = 0;
  let emptyDocuments = 0;
  let missingIds = 0;
  let truncated = false;

  try {
    const bytes = readObject(s3, corpus);
    reading: for await (const block of readLineBlocks(compressed ? decompressed(bytes, uri) : bytes, MAX_LINE_BYTES)) {
      const kept: string[] = [];
      for (const [index, line] of block.lines.entries()) {
        if (isBlank(line)) continue;
        if (documents === maxDocuments) {
          truncated = true;
          await writer.append(kept);
          break reading;
        }
        const number = block.firstLine + index;
        lineCount += 1;
        const parsed = parseCorpusLine(line);
        if (parsed instanceof BadLine) {
          badLineCount += 1;
          if (badLines.length < BAD_LINES_NAMED) badLines.push(`line ${number}: ${parsed.reason}`);
          continue;
        }
        if (parsed.text === "") {
          emptyDocuments += 1;
          continue;
        }
        if (parsed.id === null) missingIds += 1;
        const id = ids.unique(parsed.id ?? `line-${number}`);
        const unchanged = parsed.canonical && id === parsed.id && typeof line === "string";
        kept.push(unchanged ? line : corpusLine(id, parsed.text));
        documents += 1;
      }
      if (badLineCount === 0) await writer.append(kept);
      if (request.remainingMs() < DEADLINE_RESERVE_MS) {
        throw new CorpusTooLargeError(
          `${uri} could not be read to its end in the time a Lambda function has (${documents} documents so far). ${
            compressed ? "Upload it uncompressed (.jsonl)" : "Give the function more memory, which brings more CPU"
          }, or shorten it to max_corpus_documents documents.`,
        );
      }
    }
    if (badLineCount > 0) {
      const more = badLineCount > badLines.length ? `\n... and ${badLineCount - badLines.length} more` : "";
      throw new InvalidCorpusError(
        `${badLineCount} of ${lineCount} lines of ${uri} cannot be used. Each line must be a JSON object with a string "text" (and, optionally, an "id"), in UTF-8:\n${badLines.join("\n")}${more}`,
      );
    }
    if (documents === 0) {
      throw new EmptyCorpusError(
        `${uri} has no document with text${emptyDocuments > 0 ? ` (${emptyDocuments} with an empty "text")` : ""}.`,
      );
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    await discardCorpus(s3, run);
    throw error;
  }

  await writeCorpusManifest(s3, run, {
    document_count: documents,
    empty_documents: emptyDocuments,
    missing_ids: missingIds,
    duplicate_ids: ids.duplicates,
    part_count: writer.nextPart,
    truncated,
    source: uri,
  });
  return { complete: true, cursor: null, corpus_uri: formatS3Uri(corpusPrefix(run)), document_count: documents };
}
