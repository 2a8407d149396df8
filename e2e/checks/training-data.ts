import {
  HeldOutQuery,
  MinedQuery,
  MiningManifest,
  QueriesManifest,
  QueryRecord,
  ScoredQuery,
  ScoringManifest,
  type Split,
} from "../../pipeline/artifacts.ts";
import { type Check, Checks } from "./check.ts";
import type { RunArtifacts } from "./run-artifacts.ts";

/** What the query, mining and scoring stages made, for the table at the end. */
export interface TrainingDataCounts {
  readonly records: number;
  readonly trainQueries: number;
  readonly devQueries: number;
  readonly testQueries: number;
  readonly negatives: number;
  /** Queries that mining left out, by reason. */
  readonly queriesDropped: Readonly<Record<string, number>>;
  readonly scoredPairs: number;
}

/** What the run's parameters promise about the training data. */
export interface TrainingDataExpectations {
  readonly queriesPerDocument: number;
  readonly scoringMaxNegatives: number;
}

/**
 * The queries' splits are disjoint by document, nothing held out reaches the training data, and every pair has a teacher
 * score.
 *
 * @param corpusIds the documents that a query or a negative may come from.
 */
export async function verifyTrainingData(
  artifacts: RunArtifacts,
  corpusIds: ReadonlySet<string>,
  { queriesPerDocument, scoringMaxNegatives }: TrainingDataExpectations,
): Promise<{ checks: Check[]; counts: TrainingDataCounts }> {
  const queries = await verifyQueryRecords(artifacts, corpusIds, queriesPerDocument);
  const mining = await verifyMining(artifacts, corpusIds, queries.splitOf);
  const scoring = await verifyScoring(artifacts, mining.mined, scoringMaxNegatives);
  return {
    checks: [...queries.checks, ...mining.checks, ...scoring.checks],
    counts: { records: queries.records, ...mining.counts, scoredPairs: scoring.pairs },
  };
}

/** One record a document of the corpus. @returns the split of each document too */
async function verifyQueryRecords(
  artifacts: RunArtifacts,
  corpusIds: ReadonlySet<string>,
  queriesPerDocument: number,
): Promise<{ checks: Check[]; records: number; splitOf: ReadonlyMap<string, Split> }> {
  const checks = new Checks("queries");
  const splitOf = new Map<string, Split>();
  const records = new Set<string>();
  const wrongStyleCount: string[] = [];
  for await (const record of artifacts.lines(await artifacts.list("queries/records/"), QueryRecord)) {
    records.add(record.record_id);
    splitOf.set(record.doc_id, record.split);
    if (record.styles.length !== queriesPerDocument) wrongStyleCount.push(record.record_id);
  }
  const manifest = await artifacts.json("queries/manifest.json", QueriesManifest);
  checks.expect(
    "one record a document",
    records.size === splitOf.size && records.size === manifest.record_count,
    `${records.size} records`,
  );
  checks.expectNone("queries_per_document honoured", wrongStyleCount, `${queriesPerDocument} a document`);
  checks.expectNone(
    "documents are the corpus's",
    [...splitOf.keys()].filter((id) => !corpusIds.has(id)),
    `${manifest.train_documents} train, ${manifest.dev_documents} dev, ${manifest.test_documents} test`,
  );
  return { checks: checks.results, records: records.size, splitOf };
}

/** What mining left, counted, and what offends in it. */
interface MinedData {
  readonly mined: Map<string, MinedQuery>;
  readonly heldOut: Set<string>;
  readonly queries: Record<Split, number>;
  negatives: number;
  readonly misplaced: string[];
  readonly leaked: string[];
  readonly badNegatives: string[];
}

async function verifyMining(
  artifacts: RunArtifacts,
  corpusIds: ReadonlySet<string>,
  splitOf: ReadonlyMap<string, Split>,
) {
  const checks = new Checks("hard negatives");
  const folder = await folderOf(artifacts, "training-data/");
  const manifest = await artifacts.json(`${folder}manifest.json`, MiningManifest);
  const { mined, heldOut, queries, negatives, ...found } = await readMining(artifacts, folder, corpusIds, splitOf);
  checks.expectNone(
    "queries are in the split of their document",
    found.misplaced,
    `${queries.train} train, ${queries.dev} dev, ${queries.test} test queries`,
  );
  checks.expectNone("no held-out query in the training data", found.leaked, `${heldOut.size} held-out queries`);
  checks.expectNone("negatives are other documents of the corpus", found.badNegatives, `${negatives} negatives`);
  checks.expect(
    "manifest counts what is there",
    manifest.train_queries === queries.train &&
      manifest.dev_queries === queries.dev &&
      manifest.test_queries === queries.test &&
      manifest.negatives === negatives,
    Object.entries(manifest.queries_by_style)
      .map(([style, count]) => `${count} ${style}`)
      .join(", "),
  );
  checks.expect(
    "records that Bedrock failed were asked for again",
    manifest.records_failed === 0,
    `${manifest.records_read} answered, ${manifest.records_unparsable} unparsable`,
  );
  const counts = {
    trainQueries: queries.train,
    devQueries: queries.dev,
    testQueries: queries.test,
    negatives,
    queriesDropped: manifest.queries_dropped,
  };
  return { checks: checks.results, mined, counts };
}

async function readMining(
  artifacts: RunArtifacts,
  folder: string,
  corpusIds: ReadonlySet<string>,
  splitOf: ReadonlyMap<string, Split>,
): Promise<MinedData> {
  const data: MinedData = {
    mined: new Map(),
    heldOut: new Set(),
    queries: { train: 0, dev: 0, test: 0 },
    negatives: 0,
    misplaced: [],
    leaked: [],
    badNegatives: [],
  };
  const take = (split: Split, query: { readonly query_id: string; readonly doc_id: string }) => {
    data.queries[split] += 1;
    if (splitOf.get(query.doc_id) !== split) data.misplaced.push(query.query_id);
  };
  for await (const query of artifacts.lines([`${folder}test.jsonl`], HeldOutQuery)) {
    take("test", query);
    data.heldOut.add(normalised(query.query));
  }
  for (const split of ["train", "dev"] as const) {
    for await (const query of artifacts.lines([`${folder}${split}.jsonl`], MinedQuery)) {
      take(split, query);
      data.mined.set(query.query_id, query);
      data.negatives += query.negative_ids.length;
      if (split === "train" && data.heldOut.has(normalised(query.query))) data.leaked.push(query.query);
      if (query.negative_ids.some((id) => id === query.doc_id || !corpusIds.has(id))) {
        data.badNegatives.push(query.query_id);
      }
    }
  }
  return data;
}

async function verifyScoring(
  artifacts: RunArtifacts,
  mined: ReadonlyMap<string, MinedQuery>,
  maxNegatives: number,
): Promise<{ checks: Check[]; pairs: number }> {
  const checks = new Checks("teacher scores");
  const folder = await folderOf(artifacts, "scores/");
  const manifest = await artifacts.json(`${folder}manifest.json`, ScoringManifest);
  const incomplete: string[] = [];
  const scored = new Set<string>();
  let pairs = 0;
  for await (const query of artifacts.lines([`${folder}train.jsonl`, `${folder}dev.jsonl`], ScoredQuery)) {
    scored.add(query.query_id);
    pairs += query.scores.length;
    if (!isComplete(query, mined.get(query.query_id), maxNegatives)) incomplete.push(query.query_id);
  }
  checks.expectNone("a finite score for every pair", incomplete, `${pairs} pairs`);
  checks.expectNone(
    "every mined query scored",
    [...mined.values()].filter((q) => q.negative_ids.length > 0 && !scored.has(q.query_id)).map((q) => q.query_id),
    `${scored.size} queries`,
  );
  checks.expect("manifest counts what is there", manifest.pairs === pairs, manifest.teacher_model_id);
  return { checks: checks.results, pairs };
}

function isComplete(query: ScoredQuery, source: MinedQuery | undefined, maxNegatives: number): boolean {
  const wanted = 1 + Math.min(maxNegatives, source?.negative_ids.length ?? 0);
  return (
    source !== undefined &&
    query.doc_ids[0] === source.doc_id &&
    query.doc_ids.length === wanted &&
    query.scores.length === wanted &&
    query.scores.every(Number.isFinite)
  );
}

/** The folder of the one job that wrote below `stage`, e.g. `scores/<job>/output/model/`. */
async function folderOf(artifacts: RunArtifacts, stage: string): Promise<string> {
  return (await artifacts.find(stage, "/output/model/manifest.json")).slice(0, -"manifest.json".length);
}

function normalised(query: string): string {
  return query.toLowerCase().replace(/\s+/g, " ").trim();
}
