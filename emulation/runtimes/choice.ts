import { ContainersUnavailableError } from "../containers/engine.ts";
import { findImages } from "../images/available.ts";
import { ContainersRuntime } from "./containers.ts";
import { EmbeddedRuntime } from "./embedded.ts";
import type { Runtime } from "./runtime.ts";

/** What the command line says about the runtime. */
export interface RuntimeChoice {
  readonly runtime: "auto" | Runtime["name"];
}

/**
 * The runtime that was asked for; with "auto" the best that this machine can do. Says which and why.
 *
 * @param isUsable rejects with ContainersUnavailableError where containers cannot be used.
 * @throws ContainersUnavailableError when containers were asked for and cannot be used.
 */
export async function chooseRuntime(
  { runtime }: RuntimeChoice,
  say: (line: string) => void,
  isUsable: () => Promise<unknown> = findImages,
): Promise<Runtime> {
  if (runtime === "embedded") return new EmbeddedRuntime();
  try {
    await isUsable();
  } catch (error) {
    if (!(error instanceof ContainersUnavailableError)) throw error;
    if (runtime === "containers") {
      throw new ContainersUnavailableError(`Containers cannot be used, because ${error.message}.`, { cause: error });
    }
    say(`runtime: processes on this machine, because ${error.message}`);
    return new EmbeddedRuntime();
  }
  say(
    `runtime: containers, because ${runtime === "auto" ? "a Docker engine answers and has the images" : "you asked for them"}`,
  );
  return new ContainersRuntime();
}
