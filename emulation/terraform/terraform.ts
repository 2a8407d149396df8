import { open, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { z } from "zod";
import { cacheDirectory } from "../cache/cache.ts";
import { withLock } from "../cache/cached-build.ts";
import { type StartedProcess, startProcess } from "../processes/processes.ts";
import { type CliConfiguration, writeCliConfiguration } from "./cli-configuration.ts";

/** Terraform is missing or too old, or a command failed; the message has what Terraform said. */
export class TerraformError extends Error {
  override readonly name = "TerraformError";
}

/** A Terraform command was cancelled by `cancel()`. */
export class TerraformCancelledError extends Error {
  override readonly name = "TerraformCancelledError";
}

export interface TerraformOptions {
  /** The root module. */
  readonly directory: string;
  /** For the log (`terraform.log`) and the CLI configuration. */
  readonly workDirectory: string;
  /** Credentials and endpoints of AWS; the AWS settings of the user are kept out. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Variable validation across variables came with 1.9. */
const OLDEST_VERSION = [1, 9] as const;
/** What Terraform may see of the user's environment: where programs are, and how to reach a registry. */
const INHERITED = [
  "PATH",
  "HOME",
  "TMPDIR",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];
/** Time for Terraform to write its state and release its lock after an interrupt. */
const CANCEL_GRACE_MS = 20_000;

const VersionReport = z.object({ terraform_version: z.string() });
const Outputs = z.record(z.string(), z.object({ value: z.unknown() }));
const StateResource = z.object({
  address: z.string(),
  mode: z.enum(["managed", "data"]),
  type: z.string(),
  values: z.record(z.string(), z.unknown()),
});
const State = z.object({ values: z.object({ root_module: z.object({ resources: z.array(StateResource) }) }) });

/** A resource of a state. */
export type StateResource = z.infer<typeof StateResource>;

/** @throws TerraformError when there is no Terraform on the PATH, or one that is too old; it says what to install. */
export async function checkTerraform(): Promise<void> {
  const hint = `Install Terraform ${OLDEST_VERSION.join(".")} or later (https://developer.hashicorp.com/terraform/install) so that "terraform" is on the PATH.`;
  const result = await execa("terraform", ["version", "-json"], { reject: false, env: { CHECKPOINT_DISABLE: "1" } });
  if (result.failed) throw new TerraformError(`Terraform does not run. ${hint}`, { cause: result });
  const { terraform_version: version } = VersionReport.parse(JSON.parse(result.stdout));
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    throw new TerraformError(`Terraform ${version} is too old. ${hint}`);
  }
}

async function textFrom(file: string, position: number): Promise<string> {
  const handle = await open(file);
  try {
    return (await handle.readFile()).subarray(position).toString("utf8");
  } finally {
    await handle.close();
  }
}

/** Runs Terraform commands on one root module, one after the other. */
export class Terraform {
  readonly logFile: string;
  readonly #options: TerraformOptions;
  #configuration: CliConfiguration | undefined;
  #current: StartedProcess | undefined;
  #cancelled = false;

  constructor(options: TerraformOptions) {
    this.#options = options;
    this.logFile = path.join(options.workDirectory, "terraform.log");
  }

  /**
   * Checks Terraform's version and installs the providers: from a mirror where one exists, else from the registry (see
   * `writeCliConfiguration`).
   *
   * @throws TerraformError
   */
  async init(): Promise<void> {
    await checkTerraform();
    const providerCache = cacheDirectory("terraform-providers");
    const { workDirectory } = this.#options;
    this.#configuration = await writeCliConfiguration({ workDirectory, providerCache, env: process.env });
    const run = () => this.#run("init", ["-input=false"]);
    await (this.#configuration.sharedCache ? withLock(providerCache, "the provider cache", run) : run());
  }

  /** @throws TerraformError with the diagnostics when the configuration is not valid. */
  async validate(): Promise<void> {
    await this.#run("validate", []);
  }

  /** Creates and changes what the configuration says. @throws TerraformError */
  async apply(): Promise<void> {
    await this.#run("apply", ["-input=false", "-auto-approve"]);
  }

  /** Whether a plan finds nothing to change. What it finds is in the log. @throws TerraformError when planning fails. */
  async planIsEmpty(): Promise<boolean> {
    const code = await this.#run("plan", ["-input=false", "-detailed-exitcode"], [0, 2]);
    return code === 0;
  }

  /** Name -> value of each output, sensitive ones too. @throws TerraformError */
  async output(): Promise<Record<string, unknown>> {
    const { directory } = this.#options;
    const result = await execa("terraform", ["output", "-json"], {
      cwd: directory,
      env: this.#environment(),
      extendEnv: false,
      reject: false,
    });
    if (result.failed) throw new TerraformError(`terraform output failed:\n${result.stderr}`, { cause: result });
    const outputs = Outputs.parse(JSON.parse(result.stdout));
    return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]));
  }

  /** The resources of the state, each with the values it was given. @throws TerraformError */
  async resources(): Promise<StateResource[]> {
    const { directory } = this.#options;
    const result = await execa("terraform", ["show", "-json"], {
      cwd: directory,
      env: this.#environment(),
      extendEnv: false,
      reject: false,
    });
    if (result.failed) throw new TerraformError(`terraform show failed:\n${result.stderr}`, { cause: result });
    return State.parse(JSON.parse(result.stdout)).values.root_module.resources;
  }

  /** Removes everything. @throws TerraformError */
  async destroy(): Promise<void> {
    await this.#run("destroy", ["-input=false", "-auto-approve"]);
  }

  /**
   * Interrupts the running command, if any, as Ctrl-C does: Terraform finishes what it has begun, writes its state and
   * releases its lock. The command's promise rejects with TerraformCancelledError; so does every later command's.
   */
  async cancel(): Promise<void> {
    this.#cancelled = true;
    const current = this.#current;
    if (current === undefined) return;
    if (current.running) process.kill(-current.pid, "SIGINT");
    await Promise.race([current.exited, sleep(CANCEL_GRACE_MS, undefined, { ref: false })]);
    await current.stop();
  }

  #environment(): NodeJS.ProcessEnv {
    const inherited = Object.fromEntries(INHERITED.map((name) => [name, process.env[name]]));
    return {
      ...inherited,
      // The user's profiles may name an account, a region or an endpoint.
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      ...this.#options.environment,
      CHECKPOINT_DISABLE: "1",
      TF_IN_AUTOMATION: "1",
      ...(this.#configuration === undefined ? {} : { TF_CLI_CONFIG_FILE: this.#configuration.file }),
    };
  }

  async #run(command: string, args: readonly string[], accepted: readonly number[] = [0]): Promise<number> {
    if (this.#cancelled) throw new TerraformCancelledError(`terraform ${command} was not started: cancelled.`);
    const logged = await stat(this.logFile).then(
      ({ size }) => size,
      () => 0,
    );
    this.#current = startProcess({
      name: `terraform ${command}`,
      command: "terraform",
      args: [command, "-no-color", ...args],
      cwd: this.#options.directory,
      env: this.#environment(),
      logFile: this.logFile,
    });
    const code = await this.#current.exited;
    this.#current = undefined;
    if (this.#cancelled) throw new TerraformCancelledError(`terraform ${command} was cancelled.`);
    if (code !== null && accepted.includes(code)) return code;
    const said = await textFrom(this.logFile, logged);
    const errors = said.indexOf("Error: ");
    throw new TerraformError(
      `terraform ${command} failed (log: ${this.logFile}):\n${said.slice(Math.max(errors, 0)).trim()}`,
    );
  }
}
