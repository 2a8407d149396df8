import { logger } from "../shared/logger.ts";
import type { OpenSearch } from "../shared/open-search.ts";
import { ensureConnector } from "./connector.ts";
import { embeddingDimension, ensureDeployedModel, ensureModelGroup, type Patience } from "./model.ts";

export interface RegistrationRequest extends Patience {
  readonly endpointName: string;
  readonly modelName: string;
  /** The execution; a repeated one finds what it registered. */
  readonly runId: string;
  readonly connectorRoleArn: string;
  readonly region: string;
  /** Base address of SageMaker's runtime API. */
  readonly runtimeUrl: string;
}

export interface Registration {
  readonly connector_id: string;
  readonly model_group_id: string;
  readonly model_id: string;
  /** Length of the model's vectors, for the mapping of a k-NN field. */
  readonly dimension: number;
}

/**
 * Makes a SageMaker endpoint usable as a text-embedding model of OpenSearch: connector, model group, a new version of the
 * model, deployed and tried. Safe to repeat: what is there already is used.
 *
 * @throws OpenSearchAccessDeniedError, TrustedEndpointError, ModelRegistrationError, ModelPredictionError
 */
export async function registerModel(openSearch: OpenSearch, request: RegistrationRequest): Promise<Registration> {
  const connectorId = await ensureConnector(openSearch, {
    name: `${request.modelName}-connector`,
    url: `${request.runtimeUrl.replace(/\/$/, "")}/endpoints/${request.endpointName}/invocations`,
    region: request.region,
    roleArn: request.connectorRoleArn,
  });
  const groupId = await ensureModelGroup(openSearch, `${request.modelName}-group`);
  const modelId = await ensureDeployedModel(
    openSearch,
    { name: request.modelName, groupId, connectorId, runId: request.runId },
    request,
  );
  const dimension = await embeddingDimension(openSearch, modelId, request);
  logger.info("registered", { connector_id: connectorId, model_group_id: groupId, model_id: modelId, dimension });
  return { connector_id: connectorId, model_group_id: groupId, model_id: modelId, dimension };
}
