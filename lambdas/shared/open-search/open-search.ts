import { addAbortSignal, type Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { Client, errors } from "@opensearch-project/opensearch";
import { AwsSigv4Signer } from "@opensearch-project/opensearch/aws-v3";
import { z } from "zod";
import { messageOf } from "../lambda/errors.ts";
import { logger } from "../lambda/logger.ts";

/** OpenSearch, or the access policy in front of it, refuses what this function's role asks for. */
export class OpenSearchAccessDeniedError extends Error {
  override readonly name = "OpenSearchAccessDeniedError";
}

/** Nothing answers at the endpoint. */
export class OpenSearchUnreachableError extends Error {
  override readonly name = "OpenSearchUnreachableError";
}

/** OpenSearch answered with an error. */
export class OpenSearchRequestError extends Error {
  override readonly name: string = "OpenSearchRequestError";
  readonly status: number;
  /** Types of the error and of its root causes, e.g. index_not_found_exception. */
  readonly types: ReadonlySet<string>;
  readonly reason: string;

  constructor(message: string, status: number, types: ReadonlySet<string>, reason: string, cause: unknown) {
    super(message, { cause });
    this.status = status;
    this.types = types;
    this.reason = reason;
  }
}

/** OpenSearch cannot do now what it could do at other times: shards or nodes are away, or it is overloaded. The state machine tries again. */
export class OpenSearchUnavailableError extends OpenSearchRequestError {
  override readonly name = "OpenSearchUnavailableError";
}

/** What answers is not an OpenSearch that this pipeline knows. */
export class UnexpectedAnswerError extends Error {
  override readonly name = "UnexpectedAnswerError";
}

export interface OpenSearchOptions {
  /** Address of the domain, with or without https://. */
  readonly endpoint: string;
  /** What must be granted to this function's role, for the message when access is denied. */
  readonly neededPermissions: string;
  /** Milliseconds a request may take. @default 60000 */
  readonly requestTimeoutMs?: number;
  /** Delay before the first retry in milliseconds; doubles each time. @default 500 */
  readonly retryDelayMs?: number;
}

export interface OpenSearchCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Record<string, string>;
  readonly body?: unknown;
}

/** The answer, parsed, and its size in bytes. */
export interface OpenSearchAnswer<T> {
  readonly body: T;
  readonly bytes: number;
}

const MAX_ATTEMPTS = 6;
const MAX_DELAY_MS = 10_000;
const RETRIED_STATUSES = new Set([429, 502, 503, 504]);

const ErrorCause = z.object({ type: z.string(), reason: z.string().nullish() });
const ErrorBody = z.object({
  error: z.union([
    ErrorCause.extend({
      root_cause: z.array(ErrorCause).default([]),
      caused_by: ErrorCause.nullish(),
    }).transform(({ root_cause, caused_by, ...error }) => [error, ...root_cause, ...(caused_by ? [caused_by] : [])]),
    z.string().transform((reason) => [{ type: "", reason }]),
  ]),
});
/** How a domain's access policy, unlike OpenSearch, words a refusal. */
const PolicyBody = z.union([
  z.object({ Message: z.string() }).transform(({ Message }) => Message),
  z.object({ message: z.string() }).transform(({ message }) => message),
  z.string(),
]);

function describe(body: unknown): { types: Set<string>; reason: string } {
  const parsed = ErrorBody.safeParse(body);
  if (parsed.success) {
    const causes = parsed.data.error;
    return {
      types: new Set(causes.map(({ type }) => type)),
      reason: [...new Set(causes.map(({ reason }) => reason).filter((reason) => reason))].join("; "),
    };
  }
  const policy = PolicyBody.safeParse(body);
  return { types: new Set(), reason: policy.success ? policy.data : JSON.stringify(body) };
}

function transportCall({ method, path, query, body }: OpenSearchCall) {
  return {
    method,
    path,
    querystring: query ?? {},
    ...(body === undefined ? {} : { body: body as Record<string, unknown> }),
  };
}

function parsedIfJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isTransient(error: unknown): boolean {
  if (error instanceof errors.ResponseError) return RETRIED_STATUSES.has(error.statusCode);
  return (
    error instanceof errors.ConnectionError ||
    error instanceof errors.TimeoutError ||
    error instanceof errors.NoLivingConnectionsError
  );
}

/**
 * A domain of Amazon OpenSearch Service or a Serverless collection, called with the function's own IAM role.
 * Transient faults are retried with exponential backoff; what remains is a typed error.
 */
export class OpenSearch {
  readonly endpoint: string;
  readonly #client: Client;
  readonly #options: OpenSearchOptions;

  constructor(options: OpenSearchOptions) {
    const given = options.endpoint.replace(/\/+$/, "");
    this.endpoint = /^https?:\/\//.test(given) ? given : `https://${given}`;
    this.#options = options;
    this.#client = new Client({
      ...AwsSigv4Signer({
        region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? "us-east-1",
        service: this.isServerless ? "aoss" : "es",
        getCredentials: defaultProvider(),
      }),
      node: this.endpoint,
      requestTimeout: this.#timeoutMs,
      maxRetries: 0,
    });
  }

  get #timeoutMs(): number {
    return this.#options.requestTimeoutMs ?? 60_000;
  }

  /** Whether this is a collection of OpenSearch Serverless, which lacks some APIs of a domain. */
  get isServerless(): boolean {
    return new URL(this.endpoint).hostname.endsWith(".aoss.amazonaws.com");
  }

  /**
   * Answers are read here and not by the client, which refuses those in which a document has a key such as `__proto__`: they are
   * parsed by schemas and never merged into other objects.
   *
   * @param parse what makes JSON of the answer. @default JSON.parse
   * @throws OpenSearchAccessDeniedError on 401 and 403; OpenSearchUnreachableError when nothing answers;
   *   OpenSearchRequestError for every other error of OpenSearch.
   */
  async request<Schema extends z.ZodType>(
    call: OpenSearchCall,
    answer: Schema,
    parse: (json: string) => unknown = JSON.parse,
  ): Promise<OpenSearchAnswer<z.output<Schema>>> {
    return this.#retried(call, async () => {
      const result = await this.#client.transport.request(transportCall(call), { asStream: true });
      const bytes = await this.#received(result.body as unknown as Readable);
      const text = bytes.toString("utf8");
      if ((result.statusCode ?? 0) >= 400) throw new errors.ResponseError({ ...result, body: parsedIfJson(text) });
      return { body: answer.parse(parse(text)), bytes: bytes.length };
    });
  }

  /** Collects an answer; the client's own timeout ends when it begins. */
  async #received(answer: Readable): Promise<Buffer> {
    const chunks: Buffer[] = [];
    try {
      const body = addAbortSignal(AbortSignal.timeout(this.#timeoutMs), answer);
      for await (const chunk of body) chunks.push(chunk as Buffer);
    } catch (error) {
      throw new errors.ConnectionError(`the answer broke off: ${messageOf(error)}`);
    }
    return Buffer.concat(chunks);
  }

  async #retried<Result>(call: OpenSearchCall, send: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await send();
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !isTransient(error)) throw this.#explained(call, error);
        const delay = Math.min((this.#options.retryDelayMs ?? 500) * 2 ** (attempt - 1), MAX_DELAY_MS);
        logger.warn("OpenSearch request is tried again", { path: call.path, attempt, reason: messageOf(error) });
        await sleep(delay * (0.5 + Math.random() / 2));
      }
    }
  }

  #explained(call: OpenSearchCall, error: unknown): unknown {
    if (error instanceof errors.ResponseError) {
      const { types, reason } = describe(error.body);
      if (types.has("cluster_block_exception")) {
        return new OpenSearchRequestError(
          `OpenSearch at ${this.endpoint} refused ${call.method} ${call.path} (${error.statusCode}): ${reason}. The index or the cluster is blocked: lift the block (index.blocks.*, cluster.blocks.*) and redrive the execution.`,
          error.statusCode,
          types,
          reason,
          error,
        );
      }
      if (error.statusCode === 401 || error.statusCode === 403) {
        return new OpenSearchAccessDeniedError(
          `OpenSearch at ${this.endpoint} refused ${call.method} ${call.path} (${error.statusCode}): ${reason} Map this function's IAM role as a backend role to an OpenSearch role with ${this.#options.neededPermissions}, and allow the role es:ESHttp* on the domain.`,
          { cause: error },
        );
      }
      const message = `OpenSearch at ${this.endpoint} answered ${call.method} ${call.path} with ${error.statusCode}: ${reason}`;
      if (!RETRIED_STATUSES.has(error.statusCode)) {
        return new OpenSearchRequestError(message, error.statusCode, types, reason, error);
      }
      return new OpenSearchUnavailableError(
        `${message} (${MAX_ATTEMPTS} times). Look at the domain's health: a red index, a node that restarts, or more requests than it takes. Redrive the execution when it is well.`,
        error.statusCode,
        types,
        reason,
        error,
      );
    }
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      const found = error instanceof SyntaxError ? "no JSON" : z.prettifyError(error);
      return new UnexpectedAnswerError(
        `What answers ${call.method} ${call.path} at ${this.endpoint} does not answer as OpenSearch does: ${found}. Set opensearch_endpoint to the address of an OpenSearch domain of version 2.5 or later, not of OpenSearch Dashboards or a proxy.`,
        { cause: error },
      );
    }
    if (isTransient(error)) {
      return new OpenSearchUnreachableError(
        `OpenSearch at ${this.endpoint} does not answer (${messageOf(error)}). Check the endpoint and, for a domain inside a VPC, that this function runs in its subnets and security groups.`,
        { cause: error },
      );
    }
    return error;
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    await this.#client.close();
  }
}
