import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import type { S3Client } from "@aws-sdk/client-s3";
import type { CorpusResult } from "../../pipeline/artifacts.ts";
import { readObject } from "../shared/aws/s3-objects.ts";
import { formatS3Uri, type S3Location } from "../shared/aws/s3-uri.ts";
import { CorpusTooLargeError, EmptyCorpusError, messageOf } from "../shared/lambda/errors.ts";
import { logger } from "../shared/lambda/logger.ts";
import { corpusLine, corpusPrefix, corpusWriter, discardCorpus, writeCorpusManifest } from "../shared/lines/corpus.ts";
import { type LineBlock, readLineBlocks, type UnreadableLine } from "../shared/lines/line-blocks.ts";
import { BadLine, isBlank, parseCorpusLine } from "./corpus-line.ts";
import { DocumentIds } from "./document-ids.ts";

/** Lines of the corpus are not what they must be. */
export class InvalidCorpusError extends Error {
  override readonly name = "InvalidCorpusError";
}

/** A longer line is no document; refusing it keeps memory bounded. */
const MAX_LINE_BYTES = 20 * 1024 * 1024;
const BAD_LINES_NAMED = 20;
/** Enough to delete what was written and to report. */
const DEADLINE_RESERVE_MS = 15_000;

export interface ValidationRequest {
  readonly corpus: S3Location;
  readonly run: S3Location;
  readonly maxDocuments: number;
  /** Lines that may be unusable. */
  readonly maxInvalidDocuments: number;
  /** Milliseconds until the Lambda runtime ends this invocation. */
  remainingMs(): number;
}

async function* decompressed(source: AsyncIterable<Buffer>, uri: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  let downloadError: Error | undefined;
  const downloaded = async function* () {
    try {
      // Its input waits in a queue, longer than a chunk is there.
      for await (const chunk of source) yield Buffer.from(chunk);
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

/** Takes the lines of a corpus one after the other, counts what they are, and makes lines of the corpus of them. */
class CorpusReader {
  readonly ids = new DocumentIds();
  readonly badLines: string[] = [];
  badLineCount = 0;
  lineCount = 0;
  documents = 0;
  emptyDocuments = 0;
  missingIds = 0;
  /** There is a line beyond the limit. */
  truncated = false;
  readonly #maxDocuments: number;

  constructor(maxDocuments: number) {
    this.#maxDocuments = maxDocuments;
  }

  /** The corpus lines that a block of lines gives. */
  read({ firstLine, lines }: LineBlock): string[] {
    const taken: string[] = [];
    for (const [index, line] of lines.entries()) {
      if (isBlank(line)) continue;
      if (this.documents === this.#maxDocuments) {
        this.truncated = true;
        break;
      }
      const document = this.#take(line, firstLine + index);
      if (document !== undefined) taken.push(document);
    }
    return taken;
  }

  #take(line: string | UnreadableLine, number: number): string | undefined {
    this.lineCount += 1;
    const parsed = parseCorpusLine(line);
    if (parsed instanceof BadLine) {
      this.badLineCount += 1;
      if (this.badLines.length < BAD_LINES_NAMED) this.badLines.push(`line ${number}: ${parsed.reason}`);
      return undefined;
    }
    if (parsed.text === "") {
      this.emptyDocuments += 1;
      return undefined;
    }
    if (parsed.id === null) this.missingIds += 1;
    this.documents += 1;
    return corpusLine(this.ids.unique(parsed.id ?? `line-${number}`), parsed.text);
  }
}

/**
 * Checks a JSONL corpus in S3 and writes it in the form the later stages read, in constant memory but for the ids'
 * hashes. Stops at `maxDocuments`; what comes after is not looked at.
 *
 * @throws InvalidCorpusError naming the first twenty bad lines, when there are more than `maxInvalidDocuments`; nothing of
 *   the corpus is kept then.
 * @throws EmptyCorpusError when there is no document with text.
 * @throws CorpusTooLargeError when the invocation's time does not suffice.
 * @throws S3ObjectUnavailableError when the corpus is absent or access is denied.
 */
export async function validateCorpus(s3: S3Client, request: ValidationRequest): Promise<CorpusResult> {
  const { corpus, run, maxDocuments, maxInvalidDocuments } = request;
  const uri = formatS3Uri(corpus);
  const compressed = corpus.key.endsWith(".jsonl.gz");
  if (!compressed && !corpus.key.endsWith(".jsonl")) {
    throw new InvalidCorpusError(`${uri} must be JSON Lines: a name that ends in .jsonl or .jsonl.gz.`);
  }

  await discardCorpus(s3, run);
  const writer = corpusWriter(s3, run);
  const reader = new CorpusReader(maxDocuments);

  try {
    const bytes = readObject(s3, corpus);
    for await (const block of readLineBlocks(compressed ? decompressed(bytes, uri) : bytes, MAX_LINE_BYTES)) {
      const lines = reader.read(block);
      if (reader.badLineCount <= maxInvalidDocuments) await writer.append(lines);
      if (reader.truncated) break;
      if (request.remainingMs() < DEADLINE_RESERVE_MS) {
        throw new CorpusTooLargeError(
          `${uri} could not be read in the time a Lambda function has, which was enough for ${reader.documents} documents. Lower max_corpus_documents below that number, or ${
            compressed ? "upload the corpus uncompressed (.jsonl), which is read faster" : "split the corpus"
          }.`,
        );
      }
    }
    const { badLines, badLineCount, lineCount, documents, emptyDocuments } = reader;
    if (badLineCount > maxInvalidDocuments) {
      const more = badLineCount > badLines.length ? `\n... and ${badLineCount - badLines.length} more` : "";
      throw new InvalidCorpusError(
        `${badLineCount} of ${lineCount} lines of ${uri} cannot be used; max_invalid_documents allows ${maxInvalidDocuments}. Correct them and upload the corpus again, or raise max_invalid_documents to leave them out. Each line must be a JSON object with a string "text" (and, optionally, an "id"), in UTF-8:\n${badLines.join("\n")}${more}`,
      );
    }
    if (badLineCount > 0) {
      logger.warn("lines that cannot be used are left out", { corpus: uri, invalid_documents: badLineCount, badLines });
    }
    if (documents === 0) {
      throw new EmptyCorpusError(
        `${uri} has no document with text (${emptyDocuments} with an empty "text", ${badLineCount} that cannot be used). Set s3_corpus_path to a corpus that has some.`,
      );
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    await discardCorpus(s3, run);
    throw error;
  }

  const { documents } = reader;
  await writeCorpusManifest(s3, run, {
    document_count: documents,
    empty_documents: reader.emptyDocuments,
    missing_ids: reader.missingIds,
    duplicate_ids: reader.ids.duplicates,
    invalid_documents: reader.badLineCount,
    invalid_lines: reader.badLines,
    part_count: writer.nextPart,
    truncated: reader.truncated,
    source: uri,
  });
  return { complete: true, cursor: null, corpus_uri: formatS3Uri(corpusPrefix(run)), document_count: documents };
}
