import { SFNClient, SFNServiceException, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import { startExecution } from "../../../lambdas/start-execution/start.ts";

const MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:finetuning";
const EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:finetuning:start-on-apply-1";

const stepFunctions = mockClient(SFNClient);
const start = () => startExecution(new SFNClient({ region: "us-east-1" }), MACHINE, "1", 0);

function refusal(name: string): SFNServiceException {
  return new SFNServiceException({ name, $fault: "client", $metadata: {}, message: `${name} for ${MACHINE}` });
}

describe("the start of an execution", () => {
  beforeEach(() => stepFunctions.reset());

  it("is named after the request, and takes the deployment's parameters", async () => {
    stepFunctions.on(StartExecutionCommand).resolves({ executionArn: EXECUTION });
    await expect(start()).resolves.toBe(EXECUTION);
    const [call] = stepFunctions.commandCalls(StartExecutionCommand);
    expect(call?.args[0].input).toEqual({ stateMachineArn: MACHINE, name: "start-on-apply-1", input: "{}" });
  });

  it("waits until the permission that was just given is in force", async () => {
    stepFunctions
      .on(StartExecutionCommand)
      .rejectsOnce(refusal("AccessDeniedException"))
      .rejectsOnce(refusal("AccessDeniedException"))
      .resolves({ executionArn: EXECUTION });
    await expect(start()).resolves.toBe(EXECUTION);
    expect(stepFunctions.commandCalls(StartExecutionCommand)).toHaveLength(3);
  });

  it("fails when access stays denied", async () => {
    stepFunctions.on(StartExecutionCommand).rejects(refusal("AccessDeniedException"));
    await expect(start()).rejects.toThrow(`AccessDeniedException for ${MACHINE}`);
    expect(stepFunctions.commandCalls(StartExecutionCommand).length).toBeGreaterThan(5);
  });

  it("fails at once for any other reason", async () => {
    stepFunctions.on(StartExecutionCommand).rejects(refusal("StateMachineDoesNotExist"));
    await expect(start()).rejects.toThrow("StateMachineDoesNotExist");
    expect(stepFunctions.commandCalls(StartExecutionCommand)).toHaveLength(1);
  });
});
