import { MetricUnit } from "@aws-lambda-powertools/metrics";
import {
  DescribeExecutionCommand,
  type HistoryEvent,
  paginateGetExecutionHistory,
  type SFNClient,
} from "@aws-sdk/client-sfn";
import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import { redrivePauses, secondsByStage, stateTimings } from "../../pipeline/execution-history.ts";
import { stageOfTask } from "../../pipeline/stages.ts";
import { metrics } from "../shared/lambda/metrics.ts";
import { type EndedExecution, endedExecution } from "./execution.ts";
import { executionMessage } from "./message.ts";

/** What a report is made with and where it goes. */
export interface ReportSettings {
  readonly stepFunctions: SFNClient;
  readonly sns: SNSClient;
  readonly topicArn: string;
  /** Name of the model unless the execution's input gives another. */
  readonly modelName: string;
}

/**
 * Reports an execution that has ended: how long its stages took and what the evaluation found as metrics, and everything that
 * matters to people as a message. The state machine's history knows all this of any execution, also of one that was stopped.
 *
 * @throws ExecutionRunningError
 */
export async function reportExecution(executionArn: string, settings: ReportSettings): Promise<void> {
  const { stepFunctions, sns, topicArn, modelName } = settings;
  const described = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
  const lastEvents = described.status === "SUCCEEDED" ? [] : await eventsSinceLastTask(stepFunctions, executionArn);
  const execution = endedExecution(described, modelName, lastEvents);
  const events = await history(stepFunctions, executionArn);
  const seconds = secondsByStage(stateTimings(events), described.stopDate?.getTime(), redrivePauses(events));
  publishMetrics(execution, seconds);
  const { subject, text } = executionMessage(execution, seconds);
  await sns.send(new PublishCommand({ TopicArn: topicArn, Subject: subject, Message: text }));
}

async function history(client: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  // Of each state's input and output only the times are wanted.
  const request = { executionArn, maxResults: 1000, includeExecutionData: false };
  for await (const page of paginateGetExecutionHistory({ client }, request)) events.push(...(page.events ?? []));
  return events;
}

/** The last events, with all that they tell, back to where a task of a stage was entered. */
async function eventsSinceLastTask(client: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  const request = { executionArn, maxResults: 100, reverseOrder: true, includeExecutionData: true };
  for await (const page of paginateGetExecutionHistory({ client }, request)) {
    events.push(...(page.events ?? []));
    if (events.some(({ stateEnteredEventDetails: entered }) => stageOfTask(entered?.name ?? ""))) break;
  }
  return events;
}

function publishMetrics({ end }: EndedExecution, stageSeconds: ReadonlyMap<string, number>): void {
  for (const [stage, seconds] of stageSeconds) {
    metrics.singleMetric().addDimension("stage", stage).addMetric("StageSeconds", MetricUnit.Seconds, seconds);
  }
  if (end.status !== "SUCCEEDED") return;
  metrics.addMetric("NdcgBase", MetricUnit.NoUnit, end.output.gate.ndcg_base);
  metrics.addMetric("NdcgTuned", MetricUnit.NoUnit, end.output.gate.ndcg_tuned);
  metrics.publishStoredMetrics();
}
