import { SageMakerClient } from "@aws-sdk/client-sagemaker";
import { z } from "zod";
import { lambdaHandler } from "../shared/lambda/handler.ts";
import { logger } from "../shared/lambda/logger.ts";
import { deleteSuperseded } from "./superseded.ts";

const Event = z.object({ model_name: z.string().min(1), previous_config_name: z.string().min(1) });

const sageMaker = new SageMakerClient({});

/** At the end of stage 7: {model_name, previous_config_name} to {deleted_configs}. */
export const handler = lambdaHandler("delete-superseded-models", Event, async (event) => {
  const deleted = await deleteSuperseded(sageMaker, event.model_name, event.previous_config_name);
  logger.info("deleted what earlier executions left", { configs: deleted });
  return { deleted_configs: deleted };
});
