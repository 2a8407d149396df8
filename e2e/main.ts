import { endOnInterruption } from "../emulation/processes/interruption.ts";
import { Teardown } from "../emulation/processes/teardown.ts";
import { parseOptions, USAGE, UsageError } from "./options.ts";
import { runEndToEnd } from "./run.ts";

const teardown = new Teardown();
const interruption = endOnInterruption(teardown);

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(`${USAGE}\n`);
  } else {
    process.exitCode = (await runEndToEnd(options, teardown)) ? 0 : 1;
  }
} catch (error) {
  // What the run was waiting for was ended under it; that is no error of its own.
  if (!interruption.interrupted)
    process.stderr.write(
      `${error instanceof UsageError ? error.message : ((error as Error).stack ?? String(error))}\n`,
    );
  process.exitCode = error instanceof UsageError ? 2 : 1;
} finally {
  await teardown.run();
}
