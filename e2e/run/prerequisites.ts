import { readFileSync } from "node:fs";
import { findInstalledJdk } from "../../emulation/java/jdk.ts";
import { checkMaven } from "../../emulation/java/maven.ts";
import { findPython } from "../../emulation/python/environment.ts";
import { checkTerraform } from "../../emulation/terraform/terraform.ts";

/** This machine lacks tools that the run needs; the message names each, with what to install. */
export class MissingToolsError extends Error {
  override readonly name = "MissingToolsError";
}

/** What a look at this machine needs; every part throws when the tool is not there, saying what to install. */
export interface ToolChecks {
  readonly required: readonly (() => Promise<unknown>)[];
  /** Whether a Java runtime that OpenSearch starts on is installed. */
  readonly hasJava: () => Promise<boolean>;
}

const THIS_MACHINE: ToolChecks = {
  required: [async () => checkNode(process.versions.node), checkTerraform, () => findPython(), checkMaven],
  hasJava: async () => (await findInstalledJdk()) !== undefined,
};

/**
 * Looks for everything that the run starts and does not bring itself, all at once, before anything is downloaded.
 *
 * @returns lines for people about what is not there but can be had without their help.
 * @throws MissingToolsError
 */
export async function checkPrerequisites({ required, hasJava }: ToolChecks = THIS_MACHINE): Promise<string[]> {
  const [java, ...found] = await Promise.all([
    hasJava(),
    ...required.map((check) =>
      check().then(
        () => undefined,
        (error: Error) => error,
      ),
    ),
  ]);
  const notes = java
    ? []
    : [
        'No Java runtime from 17 to 21 is installed: the run fetches one into its cache. To use your own, install it (Debian and Ubuntu: "apt-get install openjdk-17-jre-headless") and let JAVA_HOME name it.',
      ];
  const missing = found.filter((error) => error !== undefined);
  if (missing.length > 0) {
    throw new MissingToolsError(
      [
        "This machine lacks what the run needs. Nothing was downloaded or started.",
        ...[...missing.map(({ message }) => message), ...notes].map((line) => `  - ${line}`),
      ].join("\n"),
      { cause: new AggregateError(missing) },
    );
  }
  return notes;
}

/** @throws MissingToolsError when this version of Node, e.g. "18.20.4", is older than package.json asks for. */
export async function checkNode(version: string): Promise<void> {
  const file = new URL("../../package.json", import.meta.url);
  const { engines } = JSON.parse(readFileSync(file, "utf8")) as { engines: { node: string } };
  const oldest = engines.node.replace(">=", "");
  if (isOlder(version, oldest)) {
    throw new MissingToolsError(
      `Node ${version} is too old: install Node ${oldest} or later (https://nodejs.org/en/download).`,
    );
  }
}

function isOlder(version: string, oldest: string): boolean {
  const [own, other] = [version, oldest].map((text) => text.split(".").map(Number));
  const differing = other?.findIndex((part, i) => part !== own?.[i]) ?? -1;
  return differing !== -1 && (own?.[differing] ?? 0) < (other?.[differing] ?? 0);
}
