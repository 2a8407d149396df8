import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { App } from "cdktf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PipelineStack } from "../../../modules/pipeline-stack.ts";
import { FUNCTION_NAMES, REPORT_FUNCTION, START_FUNCTION } from "../../../pipeline/functions.ts";
import { PARAMETER_NAMES } from "../../../pipeline/parameters/table.ts";
import { JOB_STAGES } from "../../../pipeline/stages.ts";
import { STACK_ID, temporaryDirectory, terraform } from "../stack-fixture.ts";
import { buildModule, SOURCES } from "./module-fixture.ts";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

function filesBelow(directory: string): Map<string, Buffer> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map(({ name, parentPath }) => {
      const file = path.join(parentPath, name);
      return [path.relative(directory, file), readFileSync(file)];
    }),
  );
}

describe("the Terraform module", () => {
  const work = temporaryDirectory();
  let module: string;
  let files: Map<string, Buffer>;
  const text = (file: string) => String(files.get(file));

  beforeAll(async () => {
    module = buildModule(work.path);
    files = filesBelow(module);
    await terraform(module, ["init", "-input=false"]);
  });
  afterAll(() => work.remove());

  it("has what a registry expects of a module", () => {
    const names = [...files.keys()].sort();
    expect(names.filter((name) => !name.includes("/"))).toEqual([
      ".checkov.yaml",
      ".tflint.hcl",
      "LICENSE",
      "README.md",
      "main.tf.json",
      "outputs.tf",
      "variables.tf",
      "versions.tf",
    ]);
    expect(names.filter((name) => name.startsWith("assets/"))).toHaveLength(
      [...FUNCTION_NAMES, REPORT_FUNCTION, START_FUNCTION, ...JOB_STAGES].length,
    );
    expect(text("LICENSE")).toContain("Apache License");
  });

  it("is built of the same bytes each time", () => {
    const again = filesBelow(buildModule(path.join(work.path, "again")));
    expect([...again.keys()].sort()).toEqual([...files.keys()].sort());
    for (const [name, content] of again) expect(content.equals(files.get(name) ?? Buffer.of()), name).toBe(true);
  });

  it("configures neither provider nor backend and names no path of this machine", () => {
    for (const [name, content] of files) {
      expect(content.includes(REPOSITORY), name).toBe(false);
      expect(content.includes(work.path), name).toBe(false);
      if (/^[^/]+\.(tf|tf\.json)$/.test(name))
        expect(String(content), name).not.toMatch(/\bbackend\b|\bprovider "|"provider"/);
    }
  });

  it("has the resources of the deployed stack under the same addresses", () => {
    const app = new App({ outdir: path.join(work.path, "cdktf.out") });
    new PipelineStack(app, STACK_ID, SOURCES);
    app.synth();
    const stackFile = path.join(work.path, "cdktf.out", "stacks", STACK_ID, "cdk.tf.json");
    const withoutComments = (_name: string, value: unknown) =>
      typeof value === "object" && value !== null && "//" in value ? { ...value, "//": undefined } : value;
    const stack = JSON.parse(readFileSync(stackFile, "utf8"), withoutComments);
    const { resource, data, locals } = JSON.parse(text("main.tf.json"));
    expect(resource).toEqual(JSON.parse(JSON.stringify(stack.resource)));
    expect(data).toEqual(JSON.parse(JSON.stringify(stack.data)));
    expect(locals).toEqual(JSON.parse(JSON.stringify(stack.locals)));
  });

  it("documents every variable and output", () => {
    const names = (file: string, block: string) => text(file).match(new RegExp(`(?<=^${block} ")[^"]+`, "gm"));
    expect(names("variables.tf", "variable")?.sort()).toEqual(
      PARAMETER_NAMES.filter((name) => name !== "region").sort(),
    );
    const documented = [...(names("variables.tf", "variable") ?? []), ...(names("outputs.tf", "output") ?? [])];
    for (const name of documented) expect(text("README.md")).toContain(`| \`${name}\` |`);
    for (const example of readdirSync(path.join(module, "examples"))) {
      expect(text("README.md")).toContain(`(examples/${example})`);
    }
  });

  it("is formatted and valid", async () => {
    await expect(terraform(module, ["fmt", "-check", "-diff", "-recursive"])).resolves.toBe("");
    await expect(terraform(module, ["validate", "-json"])).resolves.toContain('"valid": true');
  }, 60_000);

  it("passes its own tests, which plan every example", async () => {
    for (const example of readdirSync(path.join(module, "examples"))) {
      expect(text("tests/module.tftest.hcl")).toContain(`source = "./examples/${example}"`);
    }
    await expect(terraform(module, ["test", "-no-color"])).resolves.toMatch(/Success! \d+ passed, 0 failed\./);
  }, 180_000);
});
