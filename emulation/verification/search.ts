import type { Client } from "@opensearch-project/opensearch";
import { z } from "zod";
import { type Collection, passageText } from "../collection.ts";
import { type Check, Checks } from "./check.ts";
import { type Embeddings, largestDifference, SAME_EMBEDDING_TOLERANCE, type VerifiedModel } from "./model.ts";
import { ndcg } from "./ranking.ts";

const INDEX = "finetuned-passages";
const PIPELINE = "finetuned-passages-embedding";
/** Text Embeddings Inference takes at most 32 texts a request unless told otherwise. */
const TEXTS_PER_REQUEST = 32;

const ModelState = z.object({ model_state: z.string() });
const Prediction = z.object({
  inference_results: z.array(z.object({ output: z.array(z.object({ data: z.array(z.number()) })) })),
});
const BulkResult = z.object({
  errors: z.boolean(),
  items: z.array(z.object({ index: z.object({ error: z.unknown().optional() }) })),
});
const SearchHits = z.object({ hits: z.object({ hits: z.array(z.object({ _id: z.string() })) }) });

/** The tuned model as registered; one model for both where it has no prompts. */
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
 * @param prompted whether the tuned model has a prompt, and needs two models therefore.
 */
export async function verifyRegistration(
  client: Client,
  { modelId, queryModelId }: RegisteredModel,
  model: VerifiedModel,
  prompted: boolean,
): Promise<Check[]> {
  const checks = new Checks("registration");
  checks.expect(
    "queries have a model of their own only where there are prompts",
    (queryModelId !== modelId) === prompted,
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
    const embeddings: Embeddings = prediction.inference_results.flatMap(({ output }) => output.map(({ data }) => data));
    const difference = largestDifference(embeddings, model.probeEmbeddings[use]);
    checks.expect(
      `_predict gives the artifact's ${use} embeddings`,
      difference <= SAME_EMBEDDING_TOLERANCE,
      `largest difference ${difference.toExponential(1)}`,
    );
  }
  return checks.results;
}

/**
 * Fills a k-NN index with the tuned model through an ingest pipeline and ranks the human queries with `neural` queries.
 *
 * @returns the mean nDCG@10 (0..1) over the queries that have judgements.
 */
export async function searchWithTunedModel(
  client: Client,
  { modelId, queryModelId }: RegisteredModel,
  collection: Collection,
  dimension: number,
): Promise<{ checks: Check[]; ndcgAt10: number }> {
  const checks = new Checks("search");
  await client.ingest.putPipeline({
    id: PIPELINE,
    body: {
      description: "Embeds passages with the fine-tuned model",
      processors: [
        { text_embedding: { model_id: modelId, field_map: { passage: "embedding" }, batch_size: TEXTS_PER_REQUEST } },
      ],
    },
  });
  await client.indices.delete({ index: INDEX, ignore_unavailable: true });
  await client.indices.create({
    index: INDEX,
    body: {
      settings: { "index.knn": true, number_of_replicas: 0, default_pipeline: PIPELINE },
      mappings: {
        properties: {
          passage: { type: "text" },
          embedding: {
            type: "knn_vector",
            dimension,
            method: { name: "hnsw", engine: "lucene", space_type: "cosinesimil", parameters: { ef_construction: 128 } },
          },
        },
      },
    },
  });
  let failed = 0;
  for (let at = 0; at < collection.documents.length; at += 8 * TEXTS_PER_REQUEST) {
    const documents = collection.documents.slice(at, at + 8 * TEXTS_PER_REQUEST);
    const result = BulkResult.parse(
      (
        await client.bulk({
          index: INDEX,
          body: documents.flatMap((document) => [{ index: { _id: document.id } }, { passage: passageText(document) }]),
        })
      ).body,
    );
    failed += result.items.filter(({ index }) => index.error !== undefined).length;
  }
  await client.indices.refresh({ index: INDEX });
  checks.expect(
    "k-NN index filled through the ingest pipeline",
    failed === 0,
    `${collection.documents.length - failed} of ${collection.documents.length} passages`,
  );

  let sum = 0;
  let answered = 0;
  for (const [queryId, judgements] of collection.judgements) {
    const query = collection.queries.get(queryId);
    if (query === undefined) continue;
    const excluded = [...(collection.excluded.get(queryId) ?? [])];
    const hits = SearchHits.parse(
      (
        await client.search({
          index: INDEX,
          body: {
            size: 10,
            _source: false,
            query: {
              neural: {
                embedding: {
                  query_text: query,
                  model_id: queryModelId,
                  k: 100,
                  ...(excluded.length === 0 ? {} : { filter: { bool: { must_not: { ids: { values: excluded } } } } }),
                },
              },
            },
          } as Record<string, unknown>,
        })
      ).body,
    );
    const ranking = hits.hits.hits.map(({ _id }) => _id);
    if (ranking.length === 10) answered += 1;
    sum += ndcg(ranking, judgements);
  }
  checks.expect(
    "neural queries answered",
    answered === collection.judgements.size,
    `${answered} of ${collection.judgements.size} with ten passages`,
  );
  return { checks: checks.results, ndcgAt10: sum / collection.judgements.size };
}
