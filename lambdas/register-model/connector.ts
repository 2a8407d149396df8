import { z } from "zod";
import { logger } from "../shared/lambda/logger.ts";
import { type OpenSearch, OpenSearchRequestError } from "../shared/open-search/open-search.ts";
import { searchMlIndex } from "./ml-search.ts";
import { trustConnectorUrl } from "./trusted-endpoints.ts";

/** How OpenSearch reaches the model. */
export interface ConnectorDefinition {
  readonly name: string;
  /** Address that takes the SageMaker endpoint's invocations. */
  readonly url: string;
  readonly region: string;
  /** Role that OpenSearch assumes to invoke the endpoint. */
  readonly roleArn: string;
  /** Which of the model's prompts the endpoint puts before each text; undefined for none. */
  readonly promptName: PromptName | undefined;
  readonly modelType: ModelType;
}

/** What the endpoint answers a text with: a vector, or words with their weights. */
export type ModelType = "dense" | "sparse";

/** The prompts that a model's artifact names. */
export type PromptName = "query" | "document";

/** TEI and our own inference handler: texts in, one vector or map of weights for each out, texts that are too long cut. */
function requestBodyOf({ promptName }: ConnectorDefinition): string {
  const prompt = promptName === undefined ? "" : `, "prompt_name": "${promptName}"`;
  return `{"inputs": \${parameters.input}, "truncate": true${prompt}}`;
}

const StoredConnector = z.object({
  name: z.string(),
  description: z.string().optional(),
  actions: z.array(z.object({ url: z.string(), request_body: z.string().optional() })).default([]),
});

/** OpenSearch never shows a connector's credential, so the role is written down where it can be compared. */
function descriptionOf({ modelType, roleArn }: ConnectorDefinition): string {
  const answer = modelType === "sparse" ? "Weights of words" : "Embeddings";
  return `${answer} from a SageMaker endpoint, invoked as ${roleArn}`;
}

async function findConnector(openSearch: OpenSearch, definition: ConnectorDefinition): Promise<string | undefined> {
  const found = await searchMlIndex(
    openSearch,
    "connectors",
    { match_phrase: { name: definition.name } },
    StoredConnector,
  );
  return found.find(
    ({ source: { name, description, actions } }) =>
      name === definition.name &&
      description === descriptionOf(definition) &&
      actions.length === 1 &&
      actions[0]?.url === definition.url &&
      actions[0].request_body === requestBodyOf(definition),
  )?.id;
}

async function createConnector(openSearch: OpenSearch, definition: ConnectorDefinition): Promise<string> {
  const { body } = await openSearch.request(
    {
      method: "POST",
      path: "/_plugins/_ml/connectors/_create",
      body: {
        name: definition.name,
        description: descriptionOf(definition),
        version: 1,
        protocol: "aws_sigv4",
        credential: { roleArn: definition.roleArn },
        parameters: { region: definition.region, service_name: "sagemaker" },
        actions: [
          {
            action_type: "predict",
            method: "POST",
            url: definition.url,
            headers: { "content-type": "application/json" },
            request_body: requestBodyOf(definition),
            pre_process_function: "connector.pre_process.default.embedding",
            // Maps of weights are passed on as they come: that is what neural sparse search expects.
            ...(definition.modelType === "dense"
              ? { post_process_function: "connector.post_process.default.embedding" }
              : {}),
          },
        ],
      },
    },
    z.object({ connector_id: z.string() }),
  );
  return body.connector_id;
}

/**
 * The id of a connector as defined; one that is there already is used again. The cluster's list of trusted endpoints is
 * looked at only when OpenSearch refuses the connector for its sake: reading it needs a permission that few roles have.
 *
 * @throws TrustedEndpointError when the list must be added to and this role may not do so.
 */
export async function ensureConnector(openSearch: OpenSearch, definition: ConnectorDefinition): Promise<string> {
  const existing = await findConnector(openSearch, definition);
  if (existing !== undefined) return existing;
  try {
    return await createConnector(openSearch, definition);
  } catch (error) {
    const untrusted =
      error instanceof OpenSearchRequestError && error.reason.includes("trusted connector endpoint regex");
    if (!untrusted) throw error;
    logger.info("the connector's URL is not trusted yet", { url: definition.url });
    await trustConnectorUrl(openSearch, definition.url);
    return createConnector(openSearch, definition);
  }
}
