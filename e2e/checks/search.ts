import type { Client } from "@opensearch-project/opensearch";
import { z } from "zod";
import { type Collection, passageText } from "../../emulation/collections/collection.ts";
import type { Progress } from "../progress.ts";
import { type Check, Checks } from "./check.ts";
import {
  type Embedding,
  Embeddings,
  largestDifference,
  SAME_EMBEDDING_TOLERANCE,
  type VerifiedModel,
} from "./model.ts";
import { ndcg } from "./ranking.ts";

const INDEX = "finetuned-passages";
const PIPELINE = "finetuned-passages-embedding";
/** Text Embeddings Inference takes at most 32 texts a request unless told otherwise. */
const TEXTS_PER_REQUEST = 32;

const ModelState = z.object({ model_state: z.string() });
/** Vectors, or, passed on as the endpoint answered, weights by word. */
const Prediction = z.object({
  inference_results: z.array(
    z.object({
      output: z.array(
        z.union([
          z.object({ data: z.array(z.number()) }).transform(({ data }) => [data]),
          z.object({ dataAsMap: z.object({ response: Embeddings }) }).transform(({ dataAsMap }) => dataAsMap.response),
        ]),
      ),
    }),
  ),
});
const BulkResult = z.object({
  errors: z.boolean(),
  items: z.array(z.object({ index: z.object({ error: z.unknown().optional() }) })),
});
const SearchHits = z.object({ hits: z.object({ hits: z.array(z.object({ _id: z.string() })) }) });

/** The tuned model as registered; one model for both where it is dense and has no prompts. */
export interface RegisteredModel {
  /** Embeds documents. */
  readonly modelId: string;
  /** Embeds queries. */
  readonly queryModelId: string;
}

/**
 * The models are DEPLOYED in ML Commons and predict through their connectors what the artifact computes for documents and for
 * queries.
 *
 * @param twofold whether the tuned model treats queries differently from documents, and needs two models therefore.
 */
export async function verifyRegistration(
  client: Client,
  { modelId, queryModelId }: RegisteredModel,
  model: VerifiedModel,
  twofold: boolean,
): Promise<Check[]> {
  const checks = new Checks("registration");
  checks.expect(
    "queries have a model of their own only where they need one",
    (queryModelId !== modelId) === twofold,
    `${modelId} for documents, ${queryModelId} for queries`,
  );
  for (const [use, id] of [
    ["document", modelId],
    ["query", queryModelId],
  ] as const) {
    const state = ModelState.parse((await client.http.get({ path: `/_plugins/_ml/models/${id}` })).body);
    checks.expect(`${use} model is deployed`, state.model_state === "DEPLOYED", `${id} is ${state.model_state}`);
    const prediction = Prediction.parse(
      (
        await client.http.post({
          path: `/_plugins/_ml/_predict/text_embedding/${id}`,
          body: { text_docs: model.probeTexts, return_number: true, target_response: ["sentence_embedding"] },
        })
      ).body,
    );
    const embeddings: Embeddings = prediction.inference_results.flatMap(({ output }) => output.flat());
    const difference = largestDifference(embeddings, model.probeEmbeddings[use]);
    checks.expect(
      `_predict gives the artifact's ${use} embeddings`,
      difference <= SAME_EMBEDDING_TOLERANCE,
      `largest difference ${difference.toExponential(1)}`,
    );
  }
  return checks.results;
}

/** How OpenSearch finds passages with a model. */
export interface SearchMethod {
  readonly name: string;
  readonly processor: "text_embedding" | "sparse_encoding";
  readonly indexSettings: Readonly<Record<string, unknown>>;
  /** Mapping of the field `embedding`. */
  readonly mapping: Readonly<Record<string, unknown>>;
  /** A query for the passages of a text without the `excluded` ones. */
  query(text: string, modelId: string, excluded: readonly string[]): Readonly<Record<string, unknown>>;
  /** Hits, of ten asked for, that the shortest list must have: a sparse query finds only what shares a word with it. */
  readonly leastHits: number;
}

/** The search that fits the kind of embedding that a model makes. */
export function searchMethod(embedding: Embedding): SearchMethod {
  const ids = (excluded: readonly string[]) => (excluded.length === 0 ? [] : [{ ids: { values: excluded } }]);
  if (!Array.isArray(embedding)) {
    return {
      name: "neural sparse",
      processor: "sparse_encoding",
      indexSettings: {},
      mapping: { type: "rank_features" },
      query: (query_text, model_id, excluded) => ({
        bool: { must: [{ neural_sparse: { embedding: { query_text, model_id } } }], must_not: ids(excluded) },
      }),
      leastHits: 1,
    };
  }
  return {
    name: "k-NN",
    processor: "text_embedding",
    indexSettings: { "index.knn": true },
    mapping: {
      type: "knn_vector",
      dimension: embedding.length,
      method: { name: "hnsw", engine: "lucene", space_type: "cosinesimil", parameters: { ef_construction: 128 } },
    },
    query: (query_text, model_id, excluded) => ({
      neural: {
        embedding: {
          query_text,
          model_id,
          k: 100,
          ...(excluded.length === 0 ? {} : { filter: { bool: { must_not: ids(excluded) } } }),
        },
      },
    }),
    leastHits: 10,
  };
}

/**
 * Fills an index with the tuned model through an ingest pipeline and ranks the human queries with the method's queries.
 *
 * @returns the mean nDCG@10 (0..1) over the queries that have judgements.
 */
export async function searchWithTunedModel(
  client: Client,
  { modelId, queryModelId }: RegisteredModel,
  collection: Collection,
  method: SearchMethod,
  onProgress: (progress: Progress) => void,
): Promise<{ checks: Check[]; ndcgAt10: number }> {
  const checks = new Checks("search");
  await makeIndex(client, modelId, method);
  const filled = await fillIndex(client, collection, onProgress);
  checks.expect(
    `${method.name} index filled through the ingest pipeline`,
    filled === collection.documents.length,
    `${filled} of ${collection.documents.length} passages`,
  );
  const { ndcgAt10, answered } = await rankHumanQueries(client, queryModelId, collection, method, onProgress);
  checks.expect(
    `${method.name} queries answered`,
    answered === collection.judgements.size,
    `${answered} of ${collection.judgements.size} with at least ${method.leastHits} of ten passages`,
  );
  return { checks: checks.results, ndcgAt10 };
}

async function makeIndex(client: Client, modelId: string, method: SearchMethod): Promise<void> {
  await client.ingest.putPipeline({
    id: PIPELINE,
    body: {
      description: "Embeds passages with the fine-tuned model",
      processors: [
        {
          [method.processor]: {
            model_id: modelId,
            field_map: { passage: "embedding" },
            batch_size: TEXTS_PER_REQUEST,
          },
        },
      ],
    },
  });
  await client.indices.delete({ index: INDEX, ignore_unavailable: true });
  await client.indices.create({
    index: INDEX,
    body: {
      settings: { ...method.indexSettings, number_of_replicas: 0, default_pipeline: PIPELINE },
      mappings: {
        properties: {
          passage: { type: "text" },
          embedding: method.mapping,
        },
      },
    } as Record<string, unknown>,
  });
}

/** @returns how many passages are in the index */
async function fillIndex(
  client: Client,
  { documents }: Collection,
  onProgress: (progress: Progress) => void,
): Promise<number> {
  let filled = 0;
  for (let at = 0; at < documents.length; at += 8 * TEXTS_PER_REQUEST) {
    const batch = documents.slice(at, at + 8 * TEXTS_PER_REQUEST);
    const result = BulkResult.parse(
      (
        await client.bulk({
          index: INDEX,
          body: batch.flatMap((document) => [{ index: { _id: document.id } }, { passage: passageText(document) }]),
        })
      ).body,
    );
    filled += result.items.filter(({ index }) => index.error === undefined).length;
    onProgress({ done: at + batch.length, total: documents.length, unit: "documents" });
  }
  await client.indices.refresh({ index: INDEX });
  return filled;
}

/** Mean nDCG@10 (0..1) over the queries that have judgements, and how many of them found enough. */
async function rankHumanQueries(
  client: Client,
  modelId: string,
  { queries, judgements, excluded }: Collection,
  method: SearchMethod,
  onProgress: (progress: Progress) => void,
): Promise<{ ndcgAt10: number; answered: number }> {
  let sum = 0;
  let answered = 0;
  let done = 0;
  for (const [queryId, judged] of judgements) {
    onProgress({ done: ++done, total: judgements.size, unit: "human queries" });
    const query = queries.get(queryId);
    if (query === undefined) continue;
    const leftOut = [...(excluded.get(queryId) ?? [])];
    const body = { size: 10, _source: false, query: method.query(query, modelId, leftOut) };
    const found = await client.search({ index: INDEX, body: body as Record<string, unknown> });
    const ranking = SearchHits.parse(found.body).hits.hits.map(({ _id }) => _id);
    if (ranking.length >= method.leastHits) answered += 1;
    sum += ndcg(ranking, judged);
  }
  return { ndcgAt10: sum / judgements.size, answered };
}
