import { logger } from "../shared/lambda/logger.ts";
import type { OpenSearch } from "../shared/open-search/open-search.ts";
import { ensureConnector, type ModelType, type PromptName } from "./connector.ts";
import {
  embeddingDimension,
  ensureDeployedModel,
  ensureModelGroup,
  type Patience,
  requireWordWeights,
} from "./model.ts";

export interface RegistrationRequest extends Patience {
  readonly endpointName: string;
  readonly modelName: string;
  /** The execution; a repeated one finds what it registered. */
  readonly runId: string;
  readonly connectorRoleArn: string;
  /** What the model expects before a query; empty for nothing. */
  readonly queryPrompt: string;
  /** What the model expects before a document; empty for nothing. */
  readonly documentPrompt: string;
  readonly modelType: ModelType;
  readonly region: string;
  /** Base address of SageMaker's runtime API. */
  readonly runtimeUrl: string;
}

export interface Registration {
  readonly connector_id: string;
  readonly model_group_id: string;
  /** Embeds documents: for the ingest pipeline, in a `text_embedding` or a `sparse_encoding` processor. */
  readonly model_id: string;
  /** Embeds queries: for `neural` or `neural_sparse` queries. A dense model without prompts embeds both. */
  readonly query_model_id: string;
  /** Length of a dense model's vectors, for the mapping of a k-NN field; null for a sparse encoder. */
  readonly dimension: number | null;
}

/**
 * Makes a SageMaker endpoint usable as a text-embedding or sparse-encoding model of OpenSearch: connector, model group, a new
 * version of the model, deployed and tried. A remote model sends the same request for whatever it embeds, so a model that expects
 * a prompt before queries or documents is registered twice, each time through a connector that asks the endpoint for its side's
 * prompt; so is a sparse encoder, which may look queries up in a table.
 * Safe to repeat: what is there already is used.
 *
 * @throws OpenSearchAccessDeniedError, TrustedEndpointError, ModelRegistrationError, ModelPredictionError
 */
export async function registerModel(openSearch: OpenSearch, request: RegistrationRequest): Promise<Registration> {
  const groupId = await ensureModelGroup(openSearch, `${request.modelName}-group`);
  const sparse = request.modelType === "sparse";
  const prompted = {
    document: sparse || request.documentPrompt !== "",
    query: sparse || request.queryPrompt !== "",
  };
  const documents = await registerSide(openSearch, request, groupId, {
    name: request.modelName,
    description: `Fine-tuned by run ${request.runId}`,
    promptName: prompted.document ? "document" : undefined,
  });
  const queries =
    prompted.document || prompted.query
      ? await registerSide(openSearch, request, groupId, {
          name: `${request.modelName}-query`,
          description: `Fine-tuned by run ${request.runId}, for queries`,
          promptName: prompted.query ? "query" : undefined,
        })
      : documents;
  const registration = {
    connector_id: documents.connectorId,
    model_group_id: groupId,
    model_id: documents.modelId,
    query_model_id: queries.modelId,
    dimension: documents.dimension,
  };
  logger.info("registered", registration);
  return registration;
}

/** The endpoint as a model for one kind of text. */
interface Side {
  readonly name: string;
  readonly description: string;
  readonly promptName: PromptName | undefined;
}

async function registerSide(openSearch: OpenSearch, request: RegistrationRequest, groupId: string, side: Side) {
  const connectorId = await ensureConnector(openSearch, {
    name: `${side.name}-connector`,
    url: `${request.runtimeUrl.replace(/\/$/, "")}/endpoints/${request.endpointName}/invocations`,
    region: request.region,
    roleArn: request.connectorRoleArn,
    promptName: side.promptName,
    modelType: request.modelType,
  });
  const version = { name: side.name, groupId, connectorId, description: side.description };
  const modelId = await ensureDeployedModel(openSearch, version, request);
  if (request.modelType === "dense") {
    return { connectorId, modelId, dimension: await embeddingDimension(openSearch, modelId, request) };
  }
  await requireWordWeights(openSearch, modelId, request);
  return { connectorId, modelId, dimension: null };
}
