import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { z } from "zod";
import { lambdaHandler } from "../shared/lambda/handler.ts";
import { reportExecution } from "./report.ts";

const Environment = z.object({ TOPIC_ARN: z.string().min(1), MODEL_NAME: z.string().min(1) });
const Event = z.object({ detail: z.object({ executionArn: z.string().min(1) }) });

const stepFunctions = new SFNClient({});
const sns = new SNSClient({});

/** Takes EventBridge's "Step Functions Execution Status Change" of an execution that ended, and tells people. */
export const handler = lambdaHandler("report-execution", Event, async ({ detail }) => {
  const { TOPIC_ARN, MODEL_NAME } = Environment.parse(process.env);
  await reportExecution(detail.executionArn, { stepFunctions, sns, topicArn: TOPIC_ARN, modelName: MODEL_NAME });
});
