import { setTimeout as sleep } from "node:timers/promises";
import { ListTrainingJobsCommand, type SageMakerClient, type TrainingJobStatus } from "@aws-sdk/client-sagemaker";
import type { AwsClients } from "../../emulation/aws/aws-connection.ts";
import { type Check, Checks } from "../checks/check.ts";
import type { Deployment } from "../run/stack-deployment.ts";
import { runExecution } from "./execution.ts";

/** The first state that runs a SageMaker job. */
const STOPPED_AT = "MineHardNegatives";
const EXECUTION_TIMEOUT_MS = 10 * 60_000;
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
  clients: AwsClients,
  deployment: Deployment,
  input: Readonly<Record<string, unknown>>,
): Promise<Check[]> {
  const checks = new Checks("stopped execution");
  const result = await runExecution(clients.stepFunctions, {
    stateMachineArn: deployment.stateMachineArn,
    name: `stopped-on-${input.input_type}`,
    input,
    onStateEntered: () => undefined,
    stopAt: STOPPED_AT,
    timeoutMs: EXECUTION_TIMEOUT_MS,
  });
  checks.expect(
    `input ${input.input_type} goes through to the first job`,
    result.status === "ABORTED",
    `${result.status} ${result.error ?? ""} ${result.cause ?? ""}`,
  );
  const unfinished = await unfinishedJobs(clients.sageMaker);
  checks.expectNone("its job is stopped with it", unfinished, "no training job is left running");
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
