import { Logger } from "@aws-lambda-powertools/logger";

/** Structured JSON logs. Counts, names and addresses only: no text of a user's document at INFO. */
export const logger = new Logger({ serviceName: process.env.POWERTOOLS_SERVICE_NAME ?? "opensearch-finetuning" });
