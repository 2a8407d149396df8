import path from "node:path";
import { fileURLToPath } from "node:url";
import type { AwsEmulatorSettings } from "./aws-emulator.ts";
import { EmulatorProcess, type EmulatorProgram, type EmulatorStart } from "./emulator-process.ts";

const EXTENSIONS = fileURLToPath(new URL(".", import.meta.url));
export const MINISTACK_HEALTH_PATH = "/_ministack/health";

/**
 * The launcher with its command line.
 *
 * @param extensions this folder, as the emulator sees it.
 */
export function miniStackArguments(settings: AwsEmulatorSettings, extensions: string, port: number): string[] {
  const { serviceEndpoints, waitScale, region, certificateAuthority, functionGateway } = settings;
  return [
    path.posix.join(extensions, "ministack", "launcher.py"),
    ...["--port", String(port), "--region", region, "--wait-scale", String(waitScale)],
    ...(certificateAuthority === undefined ? [] : ["--certificate-authority", certificateAuthority]),
    ...(functionGateway === undefined ? [] : ["--function-gateway", functionGateway]),
    ...[...serviceEndpoints].flatMap(([service, url]) => ["--service-endpoint", `${service}=${url}`]),
  ];
}

/** Variables of MiniStack wherever it runs. */
export const MINISTACK_ENVIRONMENT = { PYTHONDONTWRITEBYTECODE: "1", LOG_LEVEL: "INFO" };

/**
 * MiniStack 1.5.33 as a process, with what the pipeline needs in addition: the calls of state machines and functions to
 * SageMaker and Bedrock reach other servers, and Node functions run in processes of their own.
 *
 * @example
 * const aws = await new MiniStack().withPython(python).withServiceEndpoint("sagemaker", stub.url).start();
 */
export class MiniStack extends EmulatorProcess {
  constructor() {
    super("MiniStack", MINISTACK_HEALTH_PATH);
  }

  protected async program({ port, directory, edition }: EmulatorStart): Promise<EmulatorProgram> {
    return {
      args: [...miniStackArguments(this.settings, EXTENSIONS, port), "--node", process.execPath],
      env: {
        ...MINISTACK_ENVIRONMENT,
        S3_DATA_DIR: path.join(directory, "s3"),
        STATE_DIR: path.join(directory, "state"),
        MINISTACK_EDITION: edition,
      },
    };
  }
}
