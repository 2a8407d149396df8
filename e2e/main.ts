import { CommandLineEnd } from "../emulation/command-line.ts";
import { endOnInterruption } from "../emulation/processes/interruption.ts";
import { Teardown } from "../emulation/processes/teardown.ts";
import { checkPrerequisites, MissingToolsError } from "./run/prerequisites.ts";
import { runOptions } from "./run/run-options.ts";

const teardown = new Teardown();
const interruption = endOnInterruption(teardown);

try {
  const options = runOptions(process.argv.slice(2));
  const notes = await checkPrerequisites();
  // Loaded here because that takes seconds, in which what is missing is told already.
  const { runEndToEnd } = await import("./run/end-to-end-run.ts");
  process.exitCode = (await runEndToEnd(options, notes, teardown)) ? 0 : 1;
} catch (error) {
  // What the run was waiting for was ended under it; that is no error of its own.
  if (!interruption.interrupted) process.exitCode = report(error);
} finally {
  await teardown.run();
}

/** Says what ended the run. @returns the exit code */
function report(error: unknown): number {
  if (error instanceof CommandLineEnd) {
    error.print();
    return error.exitCode;
  }
  if (error instanceof MissingToolsError) {
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}
