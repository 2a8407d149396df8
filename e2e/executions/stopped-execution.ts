import { setTimeout as sleep } from "node:timers/promises";
import { ListTrainingJobsCommand, type SageMakerClient, type TrainingJobStatus } from "@aws-sdk/client-sagemaker";
import { type Check, Checks, failed } from "../checks/check.ts";
import { type Executions, endOf } from "./execution.ts";

/** The first state that runs a SageMaker job. */
const STOPPED_AT = "MineHardNegatives";
/** A job that is told to end may take two minutes for it. */
const STOP_TIMEOUT_MS = 150_000;
const UNFINISHED: readonly TrainingJobStatus[] = ["InProgress", "Stopping"];

/**
 * Runs the pipeline on an input of another kind than the deployment's, given by the execution alone, and stops it at its first
 * SageMaker job: nothing of it may go on running.
 *
 * @param input of the execution.
 */
export async function verifyStoppedExecution(
  sageMaker: SageMakerClient,
  executions: Executions,
  input: Readonly<Record<string, unknown>>,
): Promise<Check[]> {
  const checks = new Checks("stopped execution");
  const result = await executions.run({ name: `stopped-on-${input.input_type}`, input, stopAt: STOPPED_AT });
  checks.expect(
    `input ${input.input_type} goes through to the first job`,
    result.status === "ABORTED" && result.error === "Stopped",
    endOf(result),
  );
  const stopped = "its job is stopped with it";
  if (failed(checks.results).length > 0) {
    checks.notRun(stopped, `it did not come to ${STOPPED_AT}`);
  } else {
    checks.expectNone(stopped, await unfinishedJobs(sageMaker), "no training job is left running");
  }
  return checks.results;
}

async function unfinishedJobs(client: SageMakerClient): Promise<string[]> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  for (;;) {
    const pages = await Promise.all(
      UNFINISHED.map((StatusEquals) => client.send(new ListTrainingJobsCommand({ StatusEquals }))),
    );
    const names = pages.flatMap(({ TrainingJobSummaries = [] }) =>
      TrainingJobSummaries.map(({ TrainingJobName = "" }) => TrainingJobName),
    );
    if (names.length === 0 || Date.now() > deadline) return names;
    await sleep(500);
  }
}
