import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { AwsEmulatorSettings } from "./aws-emulator.ts";
import { EmulatorProcess, type EmulatorProgram, type EmulatorStart } from "./emulator-process.ts";

const EXTENSIONS = fileURLToPath(new URL(".", import.meta.url));
export const LOCALSTACK_HEALTH_PATH = "/_localstack/health";

/**
 * Variables of LocalStack with our plugin.
 *
 * @param extensions this folder, as the emulator sees it.
 */
export function localStackEnvironment(settings: AwsEmulatorSettings, extensions: string): Record<string, string> {
  const { serviceEndpoints, waitScale, region, certificateAuthority, functionGateway } = settings;
  return {
    PYTHONPATH: ["localstack", "shared"].map((folder) => path.posix.join(extensions, folder)).join(":"),
    AWS_DEFAULT_REGION: region,
    LAMBDA_RUNTIME_EXECUTOR: "process",
    PIPELINE_WAIT_SCALE: String(waitScale),
    ...(certificateAuthority === undefined ? {} : { PIPELINE_CERTIFICATE_AUTHORITY: certificateAuthority }),
    ...(functionGateway === undefined ? {} : { PIPELINE_FUNCTION_GATEWAY: functionGateway }),
    ...Object.fromEntries(
      [...serviceEndpoints].map(([service, url]) => [
        `PIPELINE_ENDPOINT_${service.toUpperCase().replaceAll("-", "_")}`,
        url,
      ]),
    ),
    // Nothing of a test run concerns anybody else.
    DISABLE_EVENTS: "1",
    SKIP_SSL_CERT_DOWNLOAD: "1",
    // Its name server would listen on a port that nobody asks.
    DNS_ADDRESS: "0",
  };
}

/**
 * LocalStack 4.14.0 as a process, with our plugin for what the pipeline needs in addition: the calls of state machines and
 * functions to SageMaker and Bedrock reach other servers, and Node functions run in processes of their own.
 *
 * @example
 * const aws = await new LocalStack().withPython(python).withServiceEndpoint("sagemaker", stub.url).start();
 */
export class LocalStack extends EmulatorProcess {
  constructor() {
    super("LocalStack", LOCALSTACK_HEALTH_PATH);
  }

  protected async program({ port, directory, edition }: EmulatorStart): Promise<EmulatorProgram> {
    // What would be /usr/lib/localstack: LocalStack calls its edition as the file there says.
    const libraries = path.join(directory, "usr", "lib", "localstack");
    await mkdir(libraries, { recursive: true });
    await writeFile(path.join(libraries, `.${edition}-version`), "");
    return {
      args: ["-m", "localstack.runtime.main"],
      env: {
        ...localStackEnvironment(this.settings, EXTENSIONS),
        GATEWAY_LISTEN: `127.0.0.1:${port}`,
        FILESYSTEM_ROOT: directory,
        // Inside of a container too it is to keep to that folder.
        OVERRIDE_IN_DOCKER: "0",
        PIPELINE_NODE: process.execPath,
        PIPELINE_PARENT: String(process.pid),
        // Compiling takes it longer than starting, so that it is done once for its environment.
        PYTHONPYCACHEPREFIX: path.resolve(path.dirname(this.python), "..", "bytecode"),
      },
    };
  }
}
