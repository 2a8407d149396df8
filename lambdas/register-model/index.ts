import { z } from "zod";
import { lambdaHandler } from "../shared/lambda/handler.ts";
import { OpenSearch } from "../shared/open-search/open-search.ts";
import { registerModel } from "./register.ts";

const Event = z.object({
  opensearch_endpoint: z.string().min(1),
  sagemaker_endpoint_name: z.string().min(1),
  model_name: z.string().min(1),
  run_id: z.string().min(1),
  connector_role_arn: z.string().min(1),
  query_prompt: z.string(),
  document_prompt: z.string(),
  model_type: z.enum(["dense", "sparse"]),
});

const Environment = z.object({
  AWS_REGION: z.string().min(1),
  AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: z.url().optional(),
});

const POLL_MS = 2000;

/**
 * Stage 8: {opensearch_endpoint, sagemaker_endpoint_name, model_name, run_id, connector_role_arn, query_prompt, document_prompt,
 * model_type} to {connector_id, model_group_id, model_id, query_model_id, dimension}.
 */
export const handler = lambdaHandler("register-model", Event, async (event, context) => {
  const environment = Environment.parse(process.env);
  const region = environment.AWS_REGION;
  const openSearch = new OpenSearch({
    endpoint: event.opensearch_endpoint,
    neededPermissions: 'full access to ML Commons ("ml_full_access")',
  });
  try {
    return await registerModel(openSearch, {
      endpointName: event.sagemaker_endpoint_name,
      modelName: event.model_name,
      runId: event.run_id,
      connectorRoleArn: event.connector_role_arn,
      queryPrompt: event.query_prompt,
      documentPrompt: event.document_prompt,
      modelType: event.model_type,
      region,
      runtimeUrl: environment.AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME ?? `https://runtime.sagemaker.${region}.amazonaws.com`,
      pollMs: POLL_MS,
      remainingMs: () => context.getRemainingTimeInMillis(),
    });
  } finally {
    await openSearch.close();
  }
});
