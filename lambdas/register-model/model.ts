import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type OpenSearch, OpenSearchRequestError } from "../shared/open-search/open-search.ts";
import { searchMlIndex } from "./ml-search.ts";

/** ML Commons did not register or deploy the model. */
export class ModelRegistrationError extends Error {
  override readonly name = "ModelRegistrationError";
}

/** The registered model gives no embedding, or no weights of words. */
export class ModelPredictionError extends Error {
  override readonly name = "ModelPredictionError";
}

/** How ML Commons is waited for. */
export interface Patience {
  /** Milliseconds until the Lambda runtime ends this invocation. */
  remainingMs(): number;
  /** Milliseconds between two looks. */
  readonly pollMs: number;
}

const DEADLINE_RESERVE_MS = 10_000;
/** A new role needs some seconds until SageMaker knows it. */
const PREDICT_ATTEMPTS = 5;
const FINISHED = new Set(["COMPLETED", "FAILED", "CANCELLED", "COMPLETED_WITH_ERROR"]);

/** The id of the model group of that name, which is made when there is none: names of groups are unique. */
export async function ensureModelGroup(openSearch: OpenSearch, name: string): Promise<string> {
  const groups = await searchMlIndex(
    openSearch,
    "model_groups",
    { match_phrase: { name } },
    z.object({ name: z.string() }),
  );
  const existing = groups.find(({ source }) => source.name === name);
  if (existing !== undefined) return existing.id;
  const { body } = await openSearch.request(
    {
      method: "POST",
      path: "/_plugins/_ml/model_groups/_register",
      body: { name, description: "Versions of a fine-tuned retrieval model" },
    },
    z.object({ model_group_id: z.string() }),
  );
  return body.model_group_id;
}

const Task = z.object({ state: z.string(), model_id: z.string().optional(), error: z.unknown().optional() });

/** Waits for a task of ML Commons and gives the id of its model. */
async function finishTask(openSearch: OpenSearch, taskId: string, patience: Patience): Promise<string> {
  for (;;) {
    const { body } = await openSearch.request({ method: "GET", path: `/_plugins/_ml/tasks/${taskId}` }, Task);
    if (FINISHED.has(body.state)) {
      if (body.state === "COMPLETED" && body.model_id !== undefined) return body.model_id;
      throw new ModelRegistrationError(
        `Task ${taskId} of ML Commons at ${openSearch.endpoint} ended as ${body.state}: ${JSON.stringify(body.error ?? "no reason given")}. Correct on the domain what the reason names, and redrive the execution.`,
      );
    }
    if (patience.remainingMs() < DEADLINE_RESERVE_MS) {
      throw new ModelRegistrationError(
        `Task ${taskId} of ML Commons at ${openSearch.endpoint} is still ${body.state} when this function's time is up. Look at the load and health of the domain's ML nodes, and redrive the execution when they are well.`,
      );
    }
    await sleep(patience.pollMs);
  }
}

const StoredModel = z.object({
  description: z.string().optional(),
  model_state: z.string().optional(),
  connector_id: z.string().optional(),
});

/** A version of a model group that a run of the pipeline registers. */
export interface ModelVersion {
  readonly name: string;
  readonly groupId: string;
  readonly connectorId: string;
  /** What is the same when a run is repeated, and nothing else's: which run registers it. */
  readonly description: string;
}

/** Registers the run's model as a new version of its group, and deploys it; a repeated run finds its model. */
export async function ensureDeployedModel(
  openSearch: OpenSearch,
  version: ModelVersion,
  patience: Patience,
): Promise<string> {
  const { description } = version;
  const registered = await searchMlIndex(
    openSearch,
    "models",
    { bool: { filter: [{ term: { model_group_id: version.groupId } }, { match_phrase: { description } }] } },
    StoredModel,
  );
  const existing = registered.find(
    ({ source }) => source.description === description && source.connector_id === version.connectorId,
  );
  let modelId = existing?.id;
  if (modelId === undefined) {
    const { body } = await openSearch.request(
      {
        method: "POST",
        path: "/_plugins/_ml/models/_register",
        body: {
          name: version.name,
          function_name: "remote",
          description,
          model_group_id: version.groupId,
          connector_id: version.connectorId,
        },
      },
      z.object({ task_id: z.string() }),
    );
    modelId = await finishTask(openSearch, body.task_id, patience);
  }
  if (existing?.source.model_state !== "DEPLOYED") {
    const { body } = await openSearch.request(
      { method: "POST", path: `/_plugins/_ml/models/${modelId}/_deploy` },
      z.object({ task_id: z.string() }),
    );
    await finishTask(openSearch, body.task_id, patience);
  }
  return modelId;
}

const Embedding = z.object({
  inference_results: z.tuple([z.object({ output: z.tuple([z.looseObject({ data: z.array(z.number()).min(1) })]) })]),
});

/** What neural sparse search reads of a model's answer: the weights of a text's words. */
const WordWeights = z.object({
  inference_results: z.tuple([
    z.object({
      output: z.tuple([
        z.looseObject({ dataAsMap: z.object({ response: z.tuple([z.record(z.string(), z.number().positive())]) }) }),
      ]),
    }),
  ]),
});

/**
 * Has the model embed a text, through the connector and the endpoint.
 *
 * @returns the embedding's dimension.
 * @throws ModelPredictionError
 */
export async function embeddingDimension(openSearch: OpenSearch, modelId: string, patience: Patience): Promise<number> {
  const embedding = await predict(openSearch, modelId, { schema: Embedding, answer: "embedding" }, patience);
  return embedding.inference_results[0].output[0].data.length;
}

/**
 * Has the model weigh the words of a text, through the connector and the endpoint.
 *
 * @throws ModelPredictionError when it does not.
 */
export async function requireWordWeights(openSearch: OpenSearch, modelId: string, patience: Patience): Promise<void> {
  await predict(openSearch, modelId, { schema: WordWeights, answer: "map of words to weights" }, patience);
}

async function predict<Schema extends z.ZodType>(
  openSearch: OpenSearch,
  modelId: string,
  { schema, answer }: { schema: Schema; answer: string },
  patience: Patience,
): Promise<z.output<Schema>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { body } = await openSearch.request(
        {
          method: "POST",
          path: `/_plugins/_ml/models/${modelId}/_predict`,
          body: { parameters: { input: ["a text to embed"] } },
        },
        z.unknown(),
      );
      const prediction = schema.safeParse(body);
      if (prediction.success) return prediction.data;
      throw new ModelPredictionError(
        `Model ${modelId} at ${openSearch.endpoint} is deployed but its endpoint's answer is no ${answer}: ${JSON.stringify(body).slice(0, 300)}. Set the serving image of its kind (serving_image_gpu, serving_image_cpu or those of sparse encoders) to one that serves such models, or leave it out.`,
      );
    } catch (error) {
      if (!(error instanceof OpenSearchRequestError)) throw error;
      if (attempt >= PREDICT_ATTEMPTS || patience.remainingMs() < DEADLINE_RESERVE_MS) {
        throw new ModelPredictionError(
          `Model ${modelId} at ${openSearch.endpoint} is deployed but cannot be used: ${error.reason} Check that the connector's role may invoke the endpoint and that OpenSearch may assume it.`,
          { cause: error },
        );
      }
      await sleep(patience.pollMs);
    }
  }
}
