/** FailureReason of DescribeTrainingJob holds this many characters. */
const MAX_LENGTH = 1024;
/** How many of a log's last lines are searched for a traceback. */
export const TAIL_LINES = 400;

const TRACEBACK = "Traceback (most recent call last):";
const EXCEPTION_LINE = /^[A-Za-z_][\w.]*(?:: |:?$)/;
const KILLED = 137;

/** The exception that the last Python traceback of a log ends with, with the further lines of its message; "" if none. */
export function lastException(logLines: readonly string[]): string {
  const start = logLines.findLastIndex((line) => line.endsWith(TRACEBACK));
  if (start === -1) return "";
  const after = logLines.slice(start + 1);
  const exception = after.findIndex((line) => EXCEPTION_LINE.test(line));
  return exception === -1 ? "" : after.slice(exception).join("\n").trim();
}

/**
 * FailureReason of a training job whose script ended with an error.
 *
 * @param exitCode null when a signal ended the script
 * @param failureFile what the script wrote to `/opt/ml/output/failure`; it wins, as on SageMaker
 * @param logLines the end of the job's log
 */
export function algorithmError(
  exitCode: number | null,
  failureFile: string | undefined,
  logLines: readonly string[],
  command: string,
): string {
  const code = exitCode ?? KILLED;
  const killed = code === KILLED ? '\nExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"' : "";
  const written = failureFile?.trim();
  const reason =
    written !== undefined && written !== ""
      ? written
      : `ExecuteUserScriptError:\nExitCode ${code}\nErrorMessage "${lastException(logLines)}"${killed}\nCommand "${command}"`;
  return `AlgorithmError: ${reason}, exit code: ${code}`.slice(0, MAX_LENGTH);
}
