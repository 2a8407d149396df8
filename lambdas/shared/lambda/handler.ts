import { z } from "zod";
import { logger } from "./logger.ts";

/** What the Lambda runtime tells about an invocation, as far as it is used here. */
export interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** The event does not have the shape this function takes: the caller is wrong, trying again does not help. */
export class InvalidEventError extends Error {
  override readonly name = "InvalidEventError";
}

/**
 * Makes a Lambda handler of `run`: parses the event, logs the outcome, lets typed errors pass so that the
 * state machine can catch them by name.
 *
 * @throws InvalidEventError when the event does not fit `schema`.
 */
export function lambdaHandler<Schema extends z.ZodType, Result>(
  functionName: string,
  schema: Schema,
  run: (event: z.output<Schema>, context: LambdaContext) => Promise<Result>,
): (event: unknown, context: LambdaContext) => Promise<Result> {
  return async (event, context) => {
    const parsed = schema.safeParse(event);
    if (!parsed.success) {
      throw new InvalidEventError(`${functionName} got an event it does not take:\n${z.prettifyError(parsed.error)}`, {
        cause: parsed.error,
      });
    }
    logger.appendKeys({ function: functionName, request_id: context.awsRequestId });
    const started = Date.now();
    try {
      const result = await run(parsed.data, context);
      logger.info("done", { seconds: (Date.now() - started) / 1000 });
      return result;
    } catch (error) {
      // Not the causes: those of HTTP clients hold whole requests and answers, with the user's documents in them.
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
      logger.error("failed", { failure: { name, message, stack } });
      throw error;
    }
  };
}
