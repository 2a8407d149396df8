/** There is nothing to work on. */
export class EmptyCorpusError extends Error {
  override readonly name = "EmptyCorpusError";
}

/** The corpus cannot be worked through within the time a Lambda function has. */
export class CorpusTooLargeError extends Error {
  override readonly name = "CorpusTooLargeError";
}

/** S3 refuses the object or the bucket, or does not have it. */
export class S3ObjectUnavailableError extends Error {
  override readonly name = "S3ObjectUnavailableError";
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
