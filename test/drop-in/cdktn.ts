import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { z } from "zod";
import { cacheDirectory } from "../../emulation/cache/cache.ts";
import { withLock } from "../../emulation/cache/cached-build.ts";
import type { Findings } from "../static-analysis/tools.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
/** What docs/operate.md tells a user to put in the place of the two packages. */
const REPLACEMENTS = { cdktf: "npm:cdktn@0.24.0", constructs: "10.6.0" };
/** Development dependencies that synthesis imports. */
const NEEDED = ["esbuild", "fflate", "tar", "tsx"];
const APP = ["main.ts", "cdktf.json", "tsconfig.json", "pipeline", "modules", "lambdas", "training-script"];

const Versions = z.record(z.string(), z.string());
const Stack = z.looseObject({ "//": z.looseObject({ metadata: z.looseObject({ version: z.string() }) }) });
const Package = z.object({ dependencies: Versions, devDependencies: Versions });

/** The repository's package.json with CDKTF's continuation in CDKTF's place. */
function packageWithCdktn({ dependencies, devDependencies }: z.infer<typeof Package>): object {
  const needed = Object.fromEntries(NEEDED.map((name) => [name, devDependencies[name]]));
  return {
    private: true,
    type: "module",
    dependencies: { ...dependencies, ...needed, ...REPLACEMENTS },
    overrides: { "@cdktf/provider-aws": { cdktf: "$cdktf", constructs: "$constructs" } },
  };
}

/**
 * Installs the packages into a folder of the cache, where later runs find them: at the versions of the repository's lock file,
 * but for the two that are replaced.
 */
async function installPackages(directory: string): Promise<void> {
  const lock = await readFile(path.join(REPOSITORY, "package-lock.json"), "utf8");
  const content = JSON.stringify(
    packageWithCdktn(Package.parse(JSON.parse(await readFile(path.join(REPOSITORY, "package.json"), "utf8")))),
  );
  const key = createHash("sha256").update(content).update(lock).digest("hex");
  const marker = path.join(directory, ".installed");
  if ((await readFile(marker, "utf8").catch(() => "")) === key) return;
  await rm(marker, { force: true });
  await writeFile(path.join(directory, "package.json"), content);
  await writeFile(path.join(directory, "package-lock.json"), lock);
  const options = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  await execa("npm", ["install", ...options], { cwd: directory });
  await writeFile(marker, key);
}

/** Synthesises the app that lies in a folder. */
async function synthesise(app: string, outdir: string): Promise<void> {
  await execa("node", ["--import", "tsx", "main.ts"], { cwd: app, env: { CDKTF_OUTDIR: outdir } });
}

/** Each file of a synthesised app, by its path. */
async function synthesised(outdir: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(path.join(outdir, "stacks"), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => path.join(parentPath, name));
  const contents = files.map(async (file) => {
    const content = await readFile(file);
    const comparable = file.endsWith(".tf.json") ? comparableStack(String(content)) : content.toString("base64");
    return [path.relative(outdir, file), comparable] as const;
  });
  return new Map(await Promise.all(contents));
}

/** A stack without what names the tool, and without the layout of its JSON. */
function comparableStack(text: string): string {
  const stack = Stack.parse(JSON.parse(text));
  stack["//"].metadata.version = "";
  return JSON.stringify(stack);
}

/**
 * Synthesises the app with CDKTF and with cdktn, CDKTF's continuation, installed by npm alias, and compares all that they write.
 */
export async function compareCdktn(): Promise<Findings> {
  const copy = cacheDirectory("cdktn");
  const work = await mkdtemp(path.join(tmpdir(), "cdktn-"));
  try {
    await withLock(copy, "the comparison with cdktn", async () => {
      await installPackages(copy);
      for (const name of APP) {
        await rm(path.join(copy, name), { recursive: true, force: true });
        await cp(path.join(REPOSITORY, name), path.join(copy, name), { recursive: true });
      }
      await synthesise(copy, path.join(work, "cdktn"));
    });
    await synthesise(REPOSITORY, path.join(work, "cdktf"));
    const [before, after] = await Promise.all(["cdktf", "cdktn"].map((name) => synthesised(path.join(work, name))));
    const names = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]);
    const different = [...names].filter((name) => before?.get(name) !== after?.get(name));
    return {
      passed: names.size - different.length,
      problems: different.map((name) => `${name} is not what CDKTF makes when cdktn makes it`),
    };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
