import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findJdk, inspectJava, installedJavas } from "../../../emulation/java/jdk.ts";
import { fetchArtifacts, MavenError } from "../../../emulation/java/maven.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "opensearch-requirements-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function javaOfVersion(version: string): Promise<string> {
  const file = path.join(directory, `java-${version}`);
  const properties = `    java.home = /jdk/${version}\n    java.specification.version = ${version}\n`;
  await writeFile(file, `#!/bin/sh\ncat >&2 <<'END'\nProperty settings:\n${properties}END\n`);
  await chmod(file, 0o755);
  return file;
}

it("takes the first Java that OpenSearch starts on", async () => {
  const javas = [path.join(directory, "absent"), ...(await Promise.all(["11", "25", "21", "17"].map(javaOfVersion)))];
  expect(await findJdk(javas)).toEqual({ home: "/jdk/21", version: 21 });
});

it("looks where Linux and where macOS keep Java runtimes", async () => {
  const linux = path.join(directory, "jvm", "java-17", "bin");
  const mac = path.join(directory, "JavaVirtualMachines", "temurin-21.jdk", "Contents", "Home", "bin");
  for (const folder of [linux, mac]) {
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, "java"), "");
  }
  const folders = [
    [path.join(directory, "jvm"), ""],
    [path.join(directory, "JavaVirtualMachines"), "Contents/Home"],
    [path.join(directory, "absent"), ""],
  ] as const;
  expect(installedJavas(folders).slice(-2)).toEqual([path.join(linux, "java"), path.join(mac, "java")]);
});

it("falls back on the Java that travels in a Python package", async () => {
  const packaged = await findJdk([await javaOfVersion("25")]);
  expect(packaged.version).toBe(17);
  expect(await inspectJava(path.join(packaged.home, "bin", "java"))).toEqual(packaged);
}, 60_000);

it("says how to get Maven when it is missing", async () => {
  const { PATH } = process.env;
  process.env.PATH = directory;
  try {
    await expect(fetchArtifacts(directory, new Map(), "/jdk")).rejects.toThrow(MavenError);
    await expect(fetchArtifacts(directory, new Map(), "/jdk")).rejects.toThrow(/apt-get install maven/);
  } finally {
    process.env.PATH = PATH;
  }
});

it("passes on what Maven says about an artifact that does not exist", async () => {
  const nothing = { groupId: "org.opensearch", artifactId: "opensearch", version: "0.0.0-absent" };
  const { home } = await findJdk();
  await expect(fetchArtifacts(directory, new Map([["lib", [nothing]]]), home)).rejects.toThrow(
    /opensearch:jar:0\.0\.0-/,
  );
}, 60_000);
