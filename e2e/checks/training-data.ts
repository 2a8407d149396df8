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

/**
 * The queries' splits are disjoint by document, nothing held out reaches the training data, and every pair has a teacher
 * score.
 *
 * @param corpusIds the documents that a query or a negative may come from.
 */
export async function verifyTrainingData(
  artifacts: RunArtifacts,
  corpusIds: ReadonlySet<string>,
  expectations: { readonly queriesPerDocument: number; readonly scoringMaxNegatives: number },
): Promise<{ checks: Check[]; counts: TrainingDataCounts }> {
  const queryChecks = new Checks("queries");
  const splitOf = new Map<string, Split>();
  const records = new Set<string>();
  const wrongStyleCount: string[] = [];
  for await (const record of artifacts.lines(await artifacts.list("queries/records/"), QueryRecord)) {
    records.add(record.record_id);
    splitOf.set(record.doc_id, record.split);
    if (record.styles.length !== expectations.queriesPerDocument) wrongStyleCount.push(record.record_id);
  }
  const queries = await artifacts.json("queries/manifest.json", QueriesManifest);
  queryChecks.expect(
    "one record a document",
    records.size === splitOf.size && records.size === queries.record_count,
    `${records.size} records`,
  );
  queryChecks.expectNone(
    "queries_per_document honoured",
    wrongStyleCount,
    `${expectations.queriesPerDocument} a document`,
  );
  queryChecks.expectNone(
    "documents are the corpus's",
    [...splitOf.keys()].filter((id) => !corpusIds.has(id)),
    `${queries.train_documents} train, ${queries.dev_documents} dev, ${queries.test_documents} test`,
  );

  const miningChecks = new Checks("hard negatives");
  const miningFolder = await folderOf(artifacts, "training-data/");
  const mining = await artifacts.json(`${miningFolder}manifest.json`, MiningManifest);
  const heldOut = new Set<string>();
  const misplaced: string[] = [];
  let testQueries = 0;
  for await (const query of artifacts.lines([`${miningFolder}test.jsonl`], HeldOutQuery)) {
    testQueries += 1;
    heldOut.add(normalised(query.query));
    if (splitOf.get(query.doc_id) !== "test") misplaced.push(query.query_id);
  }
  const leaked: string[] = [];
  const badNegatives: string[] = [];
  const mined = new Map<string, MinedQuery>();
  const queriesOf = { train: 0, dev: 0 };
  let negatives = 0;
  for (const split of ["train", "dev"] as const) {
    for await (const query of artifacts.lines([`${miningFolder}${split}.jsonl`], MinedQuery)) {
      mined.set(query.query_id, query);
      queriesOf[split] += 1;
      negatives += query.negative_ids.length;
      if (splitOf.get(query.doc_id) !== split) misplaced.push(query.query_id);
      if (split === "train" && heldOut.has(normalised(query.query))) leaked.push(query.query);
      if (query.negative_ids.some((id) => id === query.doc_id || !corpusIds.has(id))) badNegatives.push(query.query_id);
    }
  }
  miningChecks.expectNone(
    "queries are in the split of their document",
    misplaced,
    `${queriesOf.train} train, ${queriesOf.dev} dev, ${testQueries} test queries`,
  );
  miningChecks.expectNone("no held-out query in the training data", leaked, `${heldOut.size} held-out queries`);
  miningChecks.expectNone("negatives are other documents of the corpus", badNegatives, `${negatives} negatives`);
  miningChecks.expect(
    "manifest counts what is there",
    mining.train_queries === queriesOf.train &&
      mining.dev_queries === queriesOf.dev &&
      mining.test_queries === testQueries &&
      mining.negatives === negatives,
    Object.entries(mining.queries_by_style)
      .map(([style, count]) => `${count} ${style}`)
      .join(", "),
  );
  miningChecks.expect(
    "records that Bedrock failed were asked for again",
    mining.records_failed === 0,
    `${mining.records_read} answered, ${mining.records_unparsable} unparsable`,
  );

  const scoringChecks = new Checks("teacher scores");
  const scoresFolder = await folderOf(artifacts, "scores/");
  const scoring = await artifacts.json(`${scoresFolder}manifest.json`, ScoringManifest);
  const incomplete: string[] = [];
  const scored = new Set<string>();
  let pairs = 0;
  for await (const query of artifacts.lines([`${scoresFolder}train.jsonl`, `${scoresFolder}dev.jsonl`], ScoredQuery)) {
    scored.add(query.query_id);
    pairs += query.scores.length;
    const source = mined.get(query.query_id);
    const wanted = 1 + Math.min(expectations.scoringMaxNegatives, source?.negative_ids.length ?? 0);
    const complete =
      source !== undefined &&
      query.doc_ids[0] === source.doc_id &&
      query.doc_ids.length === wanted &&
      query.scores.length === wanted &&
      query.scores.every(Number.isFinite);
    if (!complete) incomplete.push(query.query_id);
  }
  scoringChecks.expectNone("a finite score for every pair", incomplete, `${pairs} pairs`);
  scoringChecks.expectNone(
    "every mined query scored",
    [...mined.values()].filter((q) => q.negative_ids.length > 0 && !scored.has(q.query_id)).map((q) => q.query_id),
    `${scored.size} queries`,
  );
  scoringChecks.expect("manifest counts what is there", scoring.pairs === pairs, scoring.teacher_model_id);

  return {
    checks: [...queryChecks.results, ...miningChecks.results, ...scoringChecks.results],
    counts: {
      records: records.size,
      trainQueries: queriesOf.train,
      devQueries: queriesOf.dev,
      testQueries,
      negatives,
      queriesDropped: mining.queries_dropped,
      scoredPairs: pairs,
    },
  };
}

/** The folder of the one job that wrote below `stage`, e.g. `scores/<job>/output/model/`. */
async function folderOf(artifacts: RunArtifacts, stage: string): Promise<string> {
  return (await artifacts.find(stage, "/output/model/manifest.json")).slice(0, -"manifest.json".length);
}

function normalised(query: string): string {
  return query.toLowerCase().replace(/\s+/g, " ").trim();
}
