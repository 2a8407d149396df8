import { setTimeout as sleep } from "node:timers/promises";
import { type SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { z } from "zod";

/** Waits while the permission to start is refused: together 60 s, within which a policy that was just made is in force everywhere. */
const ATTEMPTS = 13;
const WAIT_MS = 5_000;

const AccessDenied = z.object({ name: z.literal("AccessDeniedException") });

/**
 * Starts an execution with the deployment's own parameters.
 *
 * @param requestId names the execution, so that a request that is sent again starts none beside it.
 * @param waitMs between two attempts.
 * @returns the execution's ARN.
 * @throws what Step Functions says; that access is denied only when it stays so.
 */
export async function startExecution(
  client: SFNClient,
  stateMachineArn: string,
  requestId: string,
  waitMs = WAIT_MS,
): Promise<string> {
  const command = new StartExecutionCommand({ stateMachineArn, name: `start-on-apply-${requestId}`, input: "{}" });
  for (let attempt = 1; ; attempt++) {
    try {
      const { executionArn } = await client.send(command);
      return z.string().parse(executionArn);
    } catch (error) {
      if (attempt === ATTEMPTS || !AccessDenied.safeParse(error).success) throw error;
      await sleep(waitMs);
    }
  }
}
