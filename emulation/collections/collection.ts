import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";

const BeirDocument = z.object({ _id: z.string(), title: z.string().default(""), text: z.string() });
const BeirQuery = z.object({ _id: z.string(), text: z.string() });

export interface CollectionDocument {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** A retrieval collection with human relevance judgements, in memory. */
export interface Collection {
  readonly documents: readonly CollectionDocument[];
  readonly queries: ReadonlyMap<string, string>;
  /** Query id -> document id -> relevance (1 and up). */
  readonly judgements: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Query id -> documents left out of its ranking. */
  readonly excluded: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Files of a collection in BEIR format. */
export interface CollectionFiles {
  readonly corpusFile: string;
  readonly queriesFile: string;
  readonly qrelsFile: string;
  /** May be absent: nothing is then left out. */
  readonly excludeFile: string;
}

/** Reads a collection in BEIR format. */
export async function readCollection(files: CollectionFiles): Promise<Collection> {
  const documents = (await jsonLines(files.corpusFile, BeirDocument)).map(({ _id, title, text }) => ({
    id: _id,
    title,
    text,
  }));
  const queries = new Map((await jsonLines(files.queriesFile, BeirQuery)).map(({ _id, text }) => [_id, text]));
  const judgements = new Map<string, Map<string, number>>();
  for (const [query, document, score] of await tsvRows(files.qrelsFile)) {
    if (query === undefined || document === undefined || score === undefined) continue;
    const judged = judgements.get(query) ?? new Map<string, number>();
    judgements.set(query, judged.set(document, Number(score)));
  }
  const excluded = new Map<string, Set<string>>();
  for (const [query, document] of existsSync(files.excludeFile) ? await tsvRows(files.excludeFile) : []) {
    if (query === undefined || document === undefined) continue;
    excluded.set(query, (excluded.get(query) ?? new Set()).add(document));
  }
  return { documents, queries, judgements, excluded };
}

/** The text the pipeline makes of a document: its fields in order, joined by a space, as the data extractor does. */
export function passageText({ title, text }: CollectionDocument): string {
  return [title, text].filter((field) => field !== "").join(" ");
}

async function jsonLines<T>(file: string, schema: z.ZodType<T>): Promise<T[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => schema.parse(JSON.parse(line)));
}

async function tsvRows(file: string): Promise<string[][]> {
  const [, ...rows] = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  return rows.map((row) => row.split("\t"));
}
