import { copyFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ListExecutionsCommand, ListStateMachinesCommand, ListTagsForResourceCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { awsEnvironment } from "../../../emulation/aws/aws-connection.ts";
import { Terraform } from "../../../emulation/terraform/terraform.ts";
import { type EmulatedAws, startEmulatedAws } from "../../emulation/aws/emulated-aws.ts";
import { temporaryDirectory } from "../stack-fixture.ts";
import { buildModule } from "./module-fixture.ts";

const ROOT = fileURLToPath(new URL("root/main.tf", import.meta.url));

/** Terraform on a root module against the emulator. */
function terraformOn(directory: string, { endpoint, credentials }: EmulatedAws): Terraform {
  const environment = awsEnvironment({
    region: "us-east-1",
    gateway: endpoint,
    sageMaker: endpoint,
    bedrock: endpoint,
    credentials,
  });
  return new Terraform({ directory, workDirectory: directory, environment });
}

describe("a root module in plain HCL", () => {
  const work = temporaryDirectory();
  let aws: EmulatedAws;

  beforeAll(async () => {
    aws = await startEmulatedAws();
    buildModule(work.path);
    await copyFile(ROOT, path.join(work.path, "main.tf"));
  });
  afterAll(async () => {
    await aws.stop();
    work.remove();
  });

  it("applies the module twice in one account, starts what start_on_apply says, then plans nothing, and destroys both", async () => {
    const terraform = terraformOn(work.path, aws);
    await terraform.init();
    await terraform.apply();

    const outputs = await terraform.output();
    const { stateMachines = [] } = await aws.stepFunctions.send(new ListStateMachinesCommand({}));
    expect(stateMachines.map(({ name }) => name).sort()).toEqual(["products", "tickets"]);
    expect(outputs.state_machine_arns).toEqual(
      Object.fromEntries(stateMachines.map(({ name = "", stateMachineArn }) => [name, stateMachineArn])),
    );
    for (const { stateMachineArn: resourceArn } of stateMachines) {
      const { tags } = await aws.stepFunctions.send(new ListTagsForResourceCommand({ resourceArn }));
      expect(tags).toEqual([{ key: "team", value: "search" }]);
    }
    const started = async (name: string) => {
      const { stateMachineArn } = stateMachines.find((machine) => machine.name === name) ?? {};
      return (await aws.stepFunctions.send(new ListExecutionsCommand({ stateMachineArn }))).executions ?? [];
    };
    expect(await started("products")).toHaveLength(1);
    expect(await started("tickets")).toHaveLength(0);
    // With nothing to do, another apply starts nothing.
    expect(await terraform.planIsEmpty()).toBe(true);

    await terraform.destroy();
    expect((await aws.stepFunctions.send(new ListStateMachinesCommand({}))).stateMachines).toEqual([]);
  }, 900_000);
});
