import { Teardown } from "../emulation/processes/teardown.ts";
import { CommandLineEnd } from "./command-line.ts";
import { checkPrerequisites, MissingToolsError } from "./run/prerequisites.ts";
import { runOptions } from "./run/run-options.ts";

/** As shells count: 128 and the signal's number. SIGHUP comes when the terminal is closed. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const teardown = new Teardown();
let interrupted = false;
for (const [signal, exitCode] of Object.entries(EXIT_CODES)) {
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    process.stderr.write(`\n${signal}: ending everything that runs; this may take half a minute\n`);
    void teardown.run().finally(() => process.exit(exitCode));
  });
}

try {
  const options = runOptions(process.argv.slice(2));
  const notes = await checkPrerequisites();
  // Loaded here because that takes seconds, in which what is missing is told already.
  const { runEndToEnd } = await import("./run/end-to-end-run.ts");
  process.exitCode = (await runEndToEnd(options, notes, teardown)) ? 0 : 1;
} catch (error) {
  // What the run was waiting for was ended under it; that is no error of its own.
  if (!interrupted) process.exitCode = report(error);
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
