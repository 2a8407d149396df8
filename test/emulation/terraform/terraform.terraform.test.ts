import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Terraform, TerraformCancelledError, TerraformError } from "../../../emulation/terraform/terraform.ts";

// terraform_data belongs to Terraform itself, so that no provider is needed.
const MODULE = {
  variable: {
    name: {
      type: "string",
      default: "first",
      validation: [{ condition: '${var.name != ""}', error_message: "name must not be empty: choose one." }],
    },
  },
  resource: { terraform_data: { probe: { input: "${var.name}" } } },
  output: { name: { value: "${terraform_data.probe.output}" }, secret: { value: "s", sensitive: true } },
};

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "terraform-"));
  await mkdir(path.join(directory, "module"));
  process.env.OPENSEARCH_FINETUNING_CACHE = path.join(directory, "cache");
});
afterEach(async () => {
  delete process.env.OPENSEARCH_FINETUNING_CACHE;
  await rm(directory, { recursive: true, force: true });
});

async function terraformFor(module: object): Promise<Terraform> {
  await writeFile(path.join(directory, "module", "main.tf.json"), JSON.stringify(module));
  return new Terraform({ directory: path.join(directory, "module"), workDirectory: directory, environment: {} });
}

async function setVariables(values: object): Promise<void> {
  await writeFile(path.join(directory, "module", "values.auto.tfvars.json"), JSON.stringify(values));
}

describe("Terraform", () => {
  it("applies, sees drift, reads outputs and destroys", async () => {
    const terraform = await terraformFor(MODULE);
    await terraform.init();
    await terraform.validate();
    expect(await terraform.planIsEmpty()).toBe(false);
    await terraform.apply();
    expect(await terraform.planIsEmpty()).toBe(true);
    expect(await terraform.output()).toEqual({ name: "first", secret: "s" });
    await setVariables({ name: "second" });
    expect(await terraform.planIsEmpty()).toBe(false);
    await terraform.destroy();
    expect(await terraform.output()).toEqual({});
    expect(await readFile(terraform.logFile, "utf8")).toContain("Destroy complete!");
  }, 60_000);

  it("passes on why a value is refused at plan time", async () => {
    const terraform = await terraformFor(MODULE);
    await terraform.init();
    await setVariables({ name: "" });
    await expect(terraform.planIsEmpty()).rejects.toThrow(TerraformError);
    await expect(terraform.planIsEmpty()).rejects.toThrow(/^terraform plan failed[^\n]*\nError: [\s\S]*choose one\./);
  }, 60_000);

  it("keeps the user's AWS settings out and lets the given ones in", async () => {
    process.env.AWS_PROFILE = "production";
    const module = {
      resource: {
        terraform_data: {
          probe: { provisioner: [{ "local-exec": { command: "env > environment.txt" } }] },
        },
      },
    };
    await writeFile(path.join(directory, "module", "main.tf.json"), JSON.stringify(module));
    const terraform = new Terraform({
      directory: path.join(directory, "module"),
      workDirectory: directory,
      environment: { AWS_ENDPOINT_URL: "http://127.0.0.1:9" },
    });
    try {
      await terraform.init();
      await terraform.apply();
    } finally {
      delete process.env.AWS_PROFILE;
    }
    const environment = await readFile(path.join(directory, "module", "environment.txt"), "utf8");
    expect(environment).toContain("AWS_ENDPOINT_URL=http://127.0.0.1:9\n");
    expect(environment).not.toContain("AWS_PROFILE");
  }, 60_000);

  it("releases the state's lock when it is cancelled", async () => {
    const started = path.join(directory, "started");
    const slow = { provisioner: [{ "local-exec": { command: `touch ${started}; exec sleep 60` } }] };
    const terraform = await terraformFor({ resource: { terraform_data: { probe: slow } } });
    await terraform.init();
    const applied = terraform.apply().catch((error: unknown) => error);
    while (!existsSync(started)) await sleep(50);
    await terraform.cancel();
    expect(await applied).toBeInstanceOf(TerraformCancelledError);
    await expect(terraform.apply()).rejects.toThrow(TerraformCancelledError);
    const next = await terraformFor(MODULE);
    await next.init();
    await next.apply();
    expect(await next.output()).toMatchObject({ name: "first" });
  }, 60_000);

  it("says that Terraform is missing", async () => {
    const { PATH } = process.env;
    process.env.PATH = directory;
    try {
      await expect((await terraformFor(MODULE)).init()).rejects.toThrow(/Install Terraform 1\.9 or later/);
    } finally {
      process.env.PATH = PATH;
    }
  });
});
