import type { AwsEmulatorName } from "../aws/aws-emulator.ts";
import { ContainersUnavailableError } from "../images/availability.ts";
import { ContainersRuntime, findImages } from "./containers.ts";
import { EmbeddedRuntime } from "./embedded.ts";
import type { Runtime } from "./runtime.ts";

/** What the command line says about the runtime. */
export interface RuntimeChoice {
  readonly runtime: "auto" | "embedded" | "containers";
  /** @default - LocalStack in containers, MiniStack as a process */
  readonly aws?: AwsEmulatorName | undefined;
}

/**
 * The runtime that was asked for; with "auto" the best that this machine can do. Says which and why.
 *
 * @throws ContainersUnavailableError when containers were asked for and cannot be used.
 */
export async function chooseRuntime(
  { runtime, aws }: RuntimeChoice,
  say: (line: string) => void,
  isUsable: (aws: AwsEmulatorName) => Promise<unknown> = findImages,
): Promise<Runtime> {
  const emulator = aws ?? "localstack";
  const embedded = new EmbeddedRuntime(aws ?? "ministack");
  if (runtime === "embedded") return embedded;
  try {
    await isUsable(emulator);
  } catch (error) {
    if (!(error instanceof ContainersUnavailableError)) throw error;
    if (runtime === "containers") {
      throw new ContainersUnavailableError(`Containers cannot be used, because ${error.message}.`, { cause: error });
    }
    say(`runtime: processes on this machine, because ${error.message}`);
    return embedded;
  }
  say(
    `runtime: containers, because ${runtime === "auto" ? "a Docker engine answers and has the images" : "you asked for them"}`,
  );
  return new ContainersRuntime(emulator);
}
