import { access, constants, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";

/** Maven is missing or could not fetch an artifact. */
export class MavenError extends Error {
  override readonly name = "MavenError";
}

/** An artifact by its coordinates. */
export interface MavenArtifact {
  readonly groupId: string;
  readonly artifactId: string;
  readonly version: string;
  readonly type?: "jar" | "zip";
  /** Without the artifact's own dependencies. */
  readonly alone?: boolean;
}

/** A file that Maven fetched. */
export interface FetchedArtifact {
  readonly artifactId: string;
  readonly file: string;
}

const MAVEN_MISSING =
  'Maven is needed once, to fetch OpenSearch and a model from Maven Central: install it so that "mvn" is on the PATH (Debian and Ubuntu: "apt-get install maven"; macOS: "brew install maven").';
const DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";

function dependencyXml({ groupId, artifactId, version, type = "jar", alone = false }: MavenArtifact): string {
  const exclusions = alone
    ? "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    : "";
  return `<dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version><type>${type}</type>${exclusions}</dependency>`;
}

function pomXml(artifactId: string, body: string): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>distribution</groupId><artifactId>${artifactId}</artifactId><version>1</version><packaging>pom</packaging>
${body}</project>
`;
}

/** @throws MavenError when there is no `mvn` on the PATH; it says what to install. */
export async function checkMaven(): Promise<void> {
  const folders = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => folder !== "");
  const found = folders.map((folder) => access(path.join(folder, "mvn"), constants.X_OK));
  await Promise.any(found).catch((cause: unknown) => {
    throw new MavenError(MAVEN_MISSING, { cause });
  });
}

async function artifactsIn(directory: string): Promise<FetchedArtifact[]> {
  // Repository layout: <group as folders>/<artifact>/<version>/<file>.
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(jar|zip)$/.test(entry.name))
    .map((entry) => ({
      artifactId: path.basename(path.dirname(entry.parentPath)),
      file: path.join(entry.parentPath, entry.name),
    }));
}

/**
 * Fetches artifacts and their runtime dependencies with one call of Maven.
 *
 * @param workDirectory an empty folder; the files are below it afterwards.
 * @param groups name -> artifacts whose dependencies are resolved together.
 * @param javaHome the JDK that runs Maven.
 * @returns name -> files.
 * @throws MavenError when there is no `mvn`, or what Maven says.
 */
export async function fetchArtifacts(
  workDirectory: string,
  groups: ReadonlyMap<string, readonly MavenArtifact[]>,
  javaHome: string,
): Promise<Map<string, FetchedArtifact[]>> {
  for (const [name, artifacts] of groups) {
    await mkdir(path.join(workDirectory, name), { recursive: true });
    await writeFile(
      path.join(workDirectory, name, "pom.xml"),
      pomXml(name, `<dependencies>${artifacts.map(dependencyXml).join("\n")}</dependencies>`),
    );
  }
  const modules = [...groups.keys()].map((name) => `<module>${name}</module>`).join("");
  await writeFile(path.join(workDirectory, "pom.xml"), pomXml("all", `<modules>${modules}</modules>`));
  const result = await execa(
    "mvn",
    [
      "--quiet",
      "--batch-mode",
      "--file",
      path.join(workDirectory, "pom.xml"),
      `${DEPENDENCY_PLUGIN}:copy-dependencies`,
      "-DincludeScope=runtime",
      "-Dmdep.useRepositoryLayout=true",
      "-DoutputDirectory=${project.basedir}/artifacts",
    ],
    { all: true, reject: false, env: { JAVA_HOME: javaHome } },
  );
  if (result.code === "ENOENT") throw new MavenError(MAVEN_MISSING, { cause: result });
  if (result.failed) throw new MavenError(`Maven could not fetch the artifacts:\n${result.all}`, { cause: result });
  const fetched = new Map<string, FetchedArtifact[]>();
  for (const name of groups.keys()) {
    fetched.set(name, await artifactsIn(path.join(workDirectory, name, "artifacts")));
  }
  return fetched;
}
