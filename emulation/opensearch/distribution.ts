import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { unzipSync } from "fflate";
import { cacheDirectory } from "../cache/cache.ts";
import { buildOnce } from "../cache/cached-build.ts";
import type { Jdk } from "../java/jdk.ts";
import { type FetchedArtifact, fetchArtifacts } from "../java/maven.ts";
import { type DistributionRecipe, type OpenSearchModule, RECIPE } from "./recipe.ts";

/** Part of the cache's key: to be raised when the code below makes something else of the same recipe. */
const LAYOUT_VERSION = 2;

/** A part of the distribution is not what the recipe expects. */
export class DistributionError extends Error {
  override readonly name = "DistributionError";
}

const LOGGING = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] [%node_name]%marker %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`;

async function copyInto(directory: string, artifacts: readonly FetchedArtifact[]): Promise<void> {
  await mkdir(directory, { recursive: true });
  await Promise.all(artifacts.map(({ file }) => copyFile(file, path.join(directory, path.basename(file)))));
}

function moduleDescriptor({ name, className, extends: extended }: OpenSearchModule, version: string): string {
  const properties = {
    description: name,
    version,
    name,
    classname: className,
    "java.version": "11",
    "opensearch.version": version,
    "custom.foldername": "",
    "extended.plugins": extended ?? "",
    "has.native.controller": "false",
  };
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}

async function addModule(
  directory: string,
  module: OpenSearchModule,
  artifacts: readonly FetchedArtifact[],
  version: string,
): Promise<void> {
  await copyInto(directory, artifacts);
  await writeFile(path.join(directory, "plugin-descriptor.properties"), moduleDescriptor(module, version));
  if (module.permissions !== undefined) {
    const grants = module.permissions.map((permission) => `  permission ${permission};\n`).join("");
    await writeFile(path.join(directory, "plugin-security.policy"), `grant {\n${grants}};\n`);
  }
}

async function addPlugin(home: string, { artifactId, file }: FetchedArtifact, omitted: RegExp): Promise<void> {
  const entries = unzipSync(await readFile(file), { filter: ({ name }) => !name.endsWith("/") && !omitted.test(name) });
  const descriptor = entries["plugin-descriptor.properties"];
  const name = descriptor && /^name=(.+)$/m.exec(new TextDecoder().decode(descriptor))?.[1]?.trim();
  if (name === undefined) throw new DistributionError(`${artifactId} has no plugin descriptor with a name.`);
  for (const [entry, content] of Object.entries(entries)) {
    const target = entry.startsWith("config/")
      ? path.join(home, "config", name, entry.slice("config/".length))
      : path.join(home, "plugins", name, entry);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}

async function assemble(home: string, recipe: DistributionRecipe, jdk: Jdk): Promise<void> {
  const workDirectory = await mkdtemp(path.join(tmpdir(), "opensearch-distribution-"));
  try {
    const fetched = await fetchArtifacts(
      workDirectory,
      new Map([
        ["lib", recipe.lib],
        ["plugins", recipe.plugins],
        ...recipe.modules.map(({ name, artifact }) => [name, [artifact]] as const),
      ]),
      jdk.home,
    );
    const lib = fetched.get("lib") ?? [];
    await copyInto(path.join(home, "lib"), lib);
    // The node refuses to start when two jars have a class in common.
    const inLib = new Set(lib.map(({ artifactId }) => artifactId));
    for (const module of recipe.modules) {
      const own = (fetched.get(module.name) ?? []).filter(({ artifactId }) => !inLib.has(artifactId));
      await addModule(path.join(home, "modules", module.name), module, own, recipe.version);
    }
    // The node insists on all of its folders, and may not make them itself in a distribution that it cannot write to.
    for (const directory of ["bin", "config", "extensions"]) await mkdir(path.join(home, directory));
    await writeFile(path.join(home, "config", "log4j2.properties"), LOGGING);
    for (const artifact of fetched.get("plugins") ?? []) await addPlugin(home, artifact, recipe.omitted);
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

/** What tells a distribution by this recipe from any other. */
export function distributionKey(): string {
  return createHash("sha256")
    .update(JSON.stringify([RECIPE, RECIPE.omitted.source, LAYOUT_VERSION]))
    .digest("hex")
    .slice(0, 12);
}

/**
 * OpenSearch 2.19.1 with ML Commons, k-NN, neural search, security and the job scheduler, put together from Maven Central on first
 * use (some 40 s and 430 MB of downloads) and kept in the cache (182 MB). Its `lib`, `modules`, `plugins` and `config`
 * are those of the official archive, minus some plugins, the native k-NN libraries (only the Lucene engine works) and the
 * runtime for local ONNX models.
 *
 * @returns the distribution's home folder, which is not to be written to.
 * @throws MavenError when Maven is missing or fails.
 */
export async function openSearchDistribution(jdk: Jdk): Promise<string> {
  const home = path.join(cacheDirectory("opensearch"), `${RECIPE.version}-${distributionKey()}`);
  await buildOnce(home, `OpenSearch ${RECIPE.version}`, () => assemble(home, RECIPE, jdk));
  return home;
}
