import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FUNCTION_NAMES, REPORT_FUNCTION, START_FUNCTION } from "../pipeline/functions.ts";
import { JOB_STAGES } from "../pipeline/stages.ts";
import { readStack, STACK_ID, temporaryDirectory, terraform } from "./modules/stack-fixture.ts";

const BUNDLES = [...FUNCTION_NAMES, REPORT_FUNCTION, START_FUNCTION];
const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

describe("the app", () => {
  const work = temporaryDirectory();
  const stackOf = (run: string) => path.join(work.path, run, "stacks", STACK_ID);

  beforeAll(async () => {
    const options = { cwd: REPOSITORY, preferLocal: true };
    // As `npm run synth` does, and without CDKTF's command line.
    await execa("cdktf", ["synth", "--output", path.join(work.path, "first")], {
      ...options,
      env: { CHECKPOINT_DISABLE: "1", TZ: "UTC" },
    });
    const { stderr } = await execa("tsx", ["main.ts"], {
      ...options,
      env: { CDKTF_OUTDIR: path.join(work.path, "second"), TZ: "Asia/Kolkata" },
    });
    expect(stderr).toBe("");
  });
  afterAll(() => work.remove());

  it("synthesises the same bytes each time", () => {
    const files = readdirSync(stackOf("first"), { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(files).toHaveLength(["cdk.tf.json", ...BUNDLES, ...JOB_STAGES].length);
    for (const { name, parentPath } of files) {
      const file = path.join(parentPath, name);
      const again = file.replace(stackOf("first"), stackOf("second"));
      expect(readFileSync(again).equals(readFileSync(file)), file).toBe(true);
    }
  });

  it("writes no path of this machine into the stack or a bundle", () => {
    expect(readFileSync(path.join(stackOf("first"), "cdk.tf.json"), "utf8")).not.toContain(REPOSITORY);
    for (const name of BUNDLES) {
      const zip = unzipSync(readFileSync(path.join(stackOf("first"), "assets", `${name}.zip`)));
      expect(Buffer.from(zip["index.js"] ?? []).includes(REPOSITORY)).toBe(false);
    }
  });

  it.each(BUNDLES)("bundles %s so that Node.js can load it without anything beside it", (name) => {
    const zip = unzipSync(readFileSync(path.join(stackOf("first"), "assets", `${name}.zip`)));
    const bundle = path.join(work.path, `${name}.cjs`);
    writeFileSync(bundle, zip["index.js"] ?? "");
    expect(createRequire(import.meta.url)(bundle)).toHaveProperty("handler", expect.any(Function));
  });

  it("accepts the examples' values", async () => {
    const { variable } = readStack(stackOf("first"));
    writeFileSync(path.join(work.path, "main.tf.json"), JSON.stringify({ variable }));
    await terraform(work.path, ["init", "-input=false"]);
    const examples = readdirSync(path.join(REPOSITORY, "examples")).map((name) =>
      path.join(REPOSITORY, "examples", name),
    );
    expect(examples).toHaveLength(3);
    for (const example of [...examples, path.join(REPOSITORY, "terraform.tfvars.example")]) {
      await expect(terraform(work.path, ["plan", "-input=false", `-var-file=${example}`])).resolves.toContain(
        "No changes",
      );
    }
  });

  it("refuses a bad value at plan time in words that say what to write", async () => {
    const variables = [
      "-var=model_name=a",
      "-var=s3_corpus_path=s3://corpora/a.jsonl",
      "-var=register_connector=false",
    ];
    const plan = terraform(work.path, ["plan", "-input=false", "-no-color", ...variables, "-var=max_steps=1001"]);
    await expect(plan).rejects.toThrow(
      /max_steps must be a whole number from -1 to 1000; write for\s+(│ )?example 500/,
    );
  });
});
