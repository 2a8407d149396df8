import { writeFile } from "node:fs/promises";
import path from "node:path";
import { paginateDescribeLogStreams } from "@aws-sdk/client-cloudwatch-logs";
import { paginateListExecutions, type SFNClient } from "@aws-sdk/client-sfn";
import type { AwsClients } from "../../emulation/aws/aws-connection.ts";
import type { CallRecorder } from "../../emulation/recording/call-recorder.ts";
import { recordedFunctionLog } from "../../emulation/recording/implied-calls.ts";
import type { RoleCall } from "../../emulation/recording/role-call.ts";
import { renderAccessReport } from "../access/access-report.ts";
import { type AccessReview, reviewAccess } from "../access/access-review.ts";
import { type DeployedAccess, deployedAccess } from "../access/deployed-access.ts";
import { historyCalls } from "../access/history-calls.ts";
import { JUSTIFICATIONS, type Justification } from "../access/justifications.ts";
import { executionHistory } from "../executions/execution.ts";
import type { Deployment } from "../run/stack-deployment.ts";
import { type Check, Checks } from "./check.ts";

export interface AccessVerificationOptions {
  readonly clients: AwsClients;
  readonly deployment: Deployment;
  readonly recorder: CallRecorder;
  /** Permissions of paths that the run's options leave out. */
  readonly leftOut: readonly Justification[];
  /** The report's path without its ending: Markdown and JSON are written. */
  readonly reportFile: string;
  /** Why calls are missing that a whole run makes; undefined when it was a whole run. */
  readonly incomplete: string | undefined;
}

/** Holds every call that roles made since the recorder began against the deployed policies, and writes the report. */
export async function verifyAccess(options: AccessVerificationOptions): Promise<Check[]> {
  const { clients, deployment, recorder, leftOut, reportFile } = options;
  const { account } = recorder.setting;
  const access = deployedAccess(await deployment.terraform.resources(), deployment.roleArns);
  await takeExecutions(clients.stepFunctions, access, recorder);
  await takeFunctions(clients, access, recorder);
  recorder.take("deployment", () => ({ calls: configuredCalls(access, account.id), sessions: [] }));
  const { calls, sessions, unknown } = recorder;
  const review = await reviewAccess({
    access,
    accountId: account.id,
    calls,
    sessions,
    justifications: [...JUSTIFICATIONS, ...leftOut],
  });
  await writeFile(`${reportFile}.md`, renderAccessReport({ review, access, sessions, unknown }));
  await writeFile(
    `${reportFile}.json`,
    `${JSON.stringify({ ...review, unknown, sessions, judged: calls }, null, 2)}\n`,
  );
  const roles = new Set(sessions.map(({ role }) => role)).size;
  return accessChecks(review, { unknown, roles, report: path.basename(`${reportFile}.md`) }, options.incomplete);
}

/**
 * What a review found.
 *
 * @param incomplete why calls are missing: what is not used or not missed then says nothing.
 */
export function accessChecks(
  review: AccessReview,
  { unknown, roles, report }: { readonly unknown: readonly string[]; readonly roles: number; readonly report: string },
  incomplete: string | undefined,
): Check[] {
  const checks = new Checks("access");
  checks.expectNone("every request of a role is understood", unknown, `under ${roles} roles`);
  checks.expectNone(
    "the policies allow every call and deny every abuse",
    review.wrong.map(({ call, problem }) => `${call} ${problem}`),
    `${review.calls} calls (${review.distinctCalls} distinct), ${review.probesOfDenial} abuses: ${report}`,
  );
  checks.expectNone("every justification is of a permission that is there", review.stale, `${JUSTIFICATIONS.length}`);
  const used = "every permission is used or justified";
  const missed = "every statement is missed when it is taken out";
  if (incomplete !== undefined) {
    for (const name of [used, missed]) checks.notRun(name, incomplete);
    return checks.results;
  }
  const permissions = review.statements.flatMap((statement) => statement.permissions);
  const justified = permissions.filter(({ justification }) => justification !== undefined).length;
  checks.expectNone(used, review.unused, `${permissions.length - justified} used, ${justified} justified`);
  const missing = review.statements.filter(({ withoutIt }) => withoutIt !== undefined).length;
  checks.expectNone(missed, review.unmissed, `${missing} missed, ${review.statements.length - missing} justified`);
  return checks.results;
}

async function takeExecutions(client: SFNClient, { stateMachine }: DeployedAccess, recorder: CallRecorder) {
  const { arn, role } = stateMachine;
  for await (const page of paginateListExecutions({ client }, { stateMachineArn: arn })) {
    for (const { executionArn } of page.executions ?? []) {
      if (executionArn === undefined) continue;
      const events = await executionHistory(client, executionArn);
      recorder.take(executionArn, () => historyCalls(events, role, recorder.setting.account));
      const session = { role, service: "states.amazonaws.com", sourceArn: arn };
      recorder.take(executionArn, () => ({ calls: [], sessions: [session] }));
    }
  }
}

/** A function that has a log has run under its role, and has written the log with it. */
async function takeFunctions({ logs: client }: AwsClients, access: DeployedAccess, recorder: CallRecorder) {
  for (const { arn, role, logGroup } of access.functions) {
    for await (const page of paginateDescribeLogStreams({ client }, { logGroupName: logGroup })) {
      for (const { logStreamName = "" } of page.logStreams ?? []) {
        recorder.take(arn, () => ({
          calls: recordedFunctionLog(role, logGroup, logStreamName, recorder.setting.account),
          sessions: [{ role, service: "lambda.amazonaws.com", sourceArn: arn }],
        }));
      }
    }
  }
}

/** What services call by themselves, because the deployment tells them to. */
function configuredCalls({ alarms, ruleTargets }: DeployedAccess, accountId: string): RoleCall[] {
  return [
    ...alarms.flatMap(({ arn, topics }) =>
      topics.map((topic) => ({
        principal: "cloudwatch.amazonaws.com",
        action: "sns:Publish",
        resource: topic,
        context: { "aws:SourceArn": arn, "aws:SourceAccount": accountId, "aws:SecureTransport": "true" },
        evidence: "configured" as const,
        because: "an alarm publishes to the topic",
      })),
    ),
    ...ruleTargets.map(({ rule, target }) => ({
      principal: "events.amazonaws.com",
      action: "lambda:InvokeFunction",
      resource: target,
      context: { "aws:SourceArn": rule },
      evidence: "configured" as const,
      because: "a rule invokes the function",
    })),
  ];
}
