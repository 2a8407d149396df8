/** A batch job whose name has this in it fails, whatever its input. */
export const FAILING_BEDROCK_JOB = "bedrock-fails";
/** What such a job says. */
export const BEDROCK_FAILURE_MESSAGE = "The model is not available in this region";
