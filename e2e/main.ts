import { Teardown } from "../emulation/processes/teardown.ts";
import { runEndToEnd } from "./run/end-to-end-run.ts";
import { parseOptions, USAGE, UsageError } from "./run/run-options.ts";

const teardown = new Teardown();
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (!interrupted) process.stderr.write(`\n${signal}: ending everything that runs\n`);
    interrupted = true;
    void teardown.run().finally(() => process.exit(signal === "SIGINT" ? 130 : 143));
  });
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(`${USAGE}\n`);
  } else {
    process.exitCode = (await runEndToEnd(options, teardown)) ? 0 : 1;
  }
} catch (error) {
  // What the run was waiting for was ended under it; that is no error of its own.
  if (!interrupted)
    process.stderr.write(
      `${error instanceof UsageError ? error.message : ((error as Error).stack ?? String(error))}\n`,
    );
  process.exitCode = error instanceof UsageError ? 2 : 1;
} finally {
  await teardown.run();
}
