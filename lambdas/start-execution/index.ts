import { SFNClient } from "@aws-sdk/client-sfn";
import { z } from "zod";
import { lambdaHandler } from "../shared/lambda/handler.ts";
import { startExecution } from "./start.ts";

const Environment = z.object({ STATE_MACHINE_ARN: z.string().min(1) });
const Event = z.object({});

const stepFunctions = new SFNClient({});

/** Takes the one invocation that Terraform makes: {} to {execution_arn}. */
export const handler = lambdaHandler("start-execution", Event, async (_event, { awsRequestId }) => {
  const { STATE_MACHINE_ARN } = Environment.parse(process.env);
  return { execution_arn: await startExecution(stepFunctions, STATE_MACHINE_ARN, awsRequestId) };
});
