import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { arch, homedir, platform } from "node:os";
import path from "node:path";

/** Where Terraform gets the AWS provider from, and the configuration file that says so. */
export interface CliConfiguration {
  readonly file: string;
  /** For messages. */
  readonly source: string;
  /** Whether several runs share a provider cache, which Terraform does not guard. */
  readonly sharedCache: boolean;
}

export interface CliConfigurationOptions {
  /** The file is written here. */
  readonly workDirectory: string;
  /** Keeps the provider (some 700 MB) between runs when it comes from the registry. */
  readonly providerCache: string;
  readonly env: NodeJS.ProcessEnv;
  /** Folders that may be mirrors. @default - Terraform's implied mirror folders and those in /opt */
  readonly mirrorCandidates?: readonly string[];
}

const AWS_PROVIDER = path.join("registry.terraform.io", "hashicorp", "aws");

/** Terraform's name of this machine's platform, e.g. `linux_amd64`. */
function terraformPlatform(): string {
  return `${platform()}_${arch() === "x64" ? "amd64" : arch()}`;
}

/** Whether `directory` has the layout of a filesystem mirror (packed or unpacked) with the AWS provider for this platform. */
export function isAwsProviderMirror(directory: string): boolean {
  const provider = path.join(directory, AWS_PROVIDER);
  if (!existsSync(provider)) return false;
  const target = terraformPlatform();
  return readdirSync(provider).some(
    (entry) => entry.endsWith(`_${target}.zip`) || existsSync(path.join(provider, entry, target)),
  );
}

function defaultMirrorCandidates(env: NodeJS.ProcessEnv): string[] {
  const optional = existsSync("/opt") ? readdirSync("/opt").sort() : [];
  return [
    path.join(homedir(), ".terraform.d", "plugins"),
    path.join(env.XDG_DATA_HOME ?? path.join(homedir(), ".local", "share"), "terraform", "plugins"),
    path.join(homedir(), "Library", "Application Support", "io.terraform", "plugins"),
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    ...optional.map((name) => path.join("/opt", name)),
  ];
}

function userConfiguration(env: NodeJS.ProcessEnv): string | undefined {
  return [env.TF_CLI_CONFIG_FILE, path.join(homedir(), ".terraformrc")].find(
    (file) => file !== undefined && existsSync(file),
  );
}

/**
 * Decides where the AWS provider comes from: the mirror that the environment variable TF_PLUGIN_MIRROR names, else what
 * the user's own CLI configuration says, else the first mirror among the usual folders, else the registry with a cache.
 */
export async function writeCliConfiguration(options: CliConfigurationOptions): Promise<CliConfiguration> {
  const { workDirectory, providerCache, env, mirrorCandidates = defaultMirrorCandidates(env) } = options;
  const file = path.join(workDirectory, "terraform.rc");
  const own = userConfiguration(env);
  if (env.TF_PLUGIN_MIRROR === undefined && own !== undefined) return { file: own, source: own, sharedCache: false };
  const mirror = env.TF_PLUGIN_MIRROR ?? mirrorCandidates.find(isAwsProviderMirror);
  if (mirror === undefined) {
    await writeFile(
      file,
      [
        "disable_checkpoint = true",
        `plugin_cache_dir = ${JSON.stringify(providerCache)}`,
        // The synthesised folder is new in each run and so has no lock file to break.
        "plugin_cache_may_break_dependency_lock_file = true",
        "",
      ].join("\n"),
    );
    return { file, source: "the registry", sharedCache: true };
  }
  await writeFile(
    file,
    [
      "disable_checkpoint = true",
      "provider_installation {",
      `  filesystem_mirror { path = ${JSON.stringify(mirror)} }`,
      '  direct { exclude = ["registry.terraform.io/hashicorp/aws"] }',
      "}",
      "",
    ].join("\n"),
  );
  return { file, source: mirror, sharedCache: false };
}
