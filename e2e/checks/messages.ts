import { setTimeout as sleep } from "node:timers/promises";
import type { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  type LambdaClient,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import { type SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { zipSync } from "fflate";
import { z } from "zod";
import { type Check, Checks } from "./check.ts";
import { logMessages } from "./logs.ts";

/** A function that stands for a person: it is told what subscribers to the topic are told. */
const SUBSCRIBER = "e2e-message-subscriber";
const SUBSCRIBER_SOURCE =
  "exports.handler = async ({ Records }) => { for (const { Sns } of Records) console.log('message', JSON.stringify({ subject: Sns.Subject, text: Sns.Message })); };";
const ARRIVAL_TIMEOUT_MS = 20_000;

const Message = z.object({ subject: z.string(), text: z.string() });
type Message = z.infer<typeof Message>;

/** What a message on an execution has to say. */
export interface ExpectedMessage {
  readonly execution: string;
  readonly subject: string;
  /** Each has to stand in the text. */
  readonly text: readonly string[];
}

/** Subscribes to the topic of messages, so that {@link verifyMessages} can read them. */
export async function subscribe(lambda: LambdaClient, sns: SNSClient, topicArn: string): Promise<void> {
  const { FunctionArn } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: SUBSCRIBER,
      Runtime: "nodejs22.x",
      Handler: "index.handler",
      Role: "arn:aws:iam::000000000000:role/e2e-message-subscriber",
      Code: { ZipFile: zipSync({ "index.js": Buffer.from(SUBSCRIBER_SOURCE) }) },
    }),
  );
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 60 }, { FunctionName: SUBSCRIBER });
  await lambda.send(
    new AddPermissionCommand({
      FunctionName: SUBSCRIBER,
      StatementId: "topic",
      Action: "lambda:InvokeFunction",
      Principal: "sns.amazonaws.com",
      SourceArn: topicArn,
    }),
  );
  await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: "lambda", Endpoint: FunctionArn }));
}

/**
 * The message on each execution arrived, names the model and says what happened, in the subject of an e-mail too.
 *
 * @param timeoutMs how long messages may take.
 */
export async function verifyMessages(
  logs: CloudWatchLogsClient,
  expected: readonly ExpectedMessage[],
  timeoutMs = ARRIVAL_TIMEOUT_MS,
): Promise<Check[]> {
  const checks = new Checks("messages");
  const arrived = await messagesOn(
    logs,
    expected.map(({ execution }) => execution),
    timeoutMs,
  );
  for (const { execution, subject, text } of expected) {
    const message = arrived.get(execution);
    const missing = text.filter((part) => !message?.text.includes(part));
    checks.expect(
      messageCheck(execution),
      message?.subject === subject && missing.length === 0,
      message === undefined
        ? "no message arrived"
        : `"${message.subject}"${missing.length === 0 ? "" : `, without: ${missing.join("; ")}`}`,
    );
  }
  return checks.results;
}

/** For an execution that did not end as it had to: its message cannot say what is expected. */
export function messageNotRun(execution: string): Check {
  const checks = new Checks("messages");
  checks.notRun(messageCheck(execution), `${execution} did not end as expected`);
  return checks.results[0] as Check;
}

function messageCheck(execution: string): string {
  return `a person is told how ${execution} ended`;
}

/** The messages by execution, once all are there or it is clear that they do not come. */
async function messagesOn(
  logs: CloudWatchLogsClient,
  executions: readonly string[],
  timeoutMs: number,
): Promise<ReadonlyMap<string, Message>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = new Map<string, Message>();
    for (const line of await logMessages(logs, `/aws/lambda/${SUBSCRIBER}`)) {
      const json = /message (\{.*\})/.exec(line)?.[1];
      if (json === undefined) continue;
      const message = Message.parse(JSON.parse(json));
      const execution = executions.find((name) => message.text.includes(`Execution ${name}, `));
      if (execution !== undefined) found.set(execution, message);
    }
    if (executions.every((name) => found.has(name)) || Date.now() > deadline) return found;
    await sleep(500);
  }
}
