import { execa } from "execa";
import type { StartedRuntime } from "../../emulation/runtimes/runtime.ts";

/** Runs a Python script in the training environment and gives its standard output; Ctrl-C ends it. */
export async function runPython(
  runtime: Pick<StartedRuntime, "python" | "pythonEnvironment">,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const { stdout } = await execa(runtime.python, args, {
    env: { PATH: process.env.PATH, ...runtime.pythonEnvironment, ...options.env },
    extendEnv: false,
    ...(options.input === undefined ? {} : { input: options.input }),
    maxBuffer: 256 * 1024 * 1024,
  });
  return stdout;
}
