import { mkdir } from "node:fs/promises";
import { ObjectStores } from "../object-store.ts";
import { type Observe, serve, type WireRequest, type WireResponse } from "../wire/http-server.ts";
import { awsJson, awsJsonTarget, jsonBody, restJson } from "../wire/protocols.ts";
import { ServiceError, validationException } from "../wire/service-error.ts";
import { checkSignature } from "../wire/signature.ts";
import { MessagesRequest, userText } from "./anthropic-messages.ts";
import { DocumentFrequency } from "./document-frequency.ts";
import { type ForcedOutcome, invalidRequest } from "./invocation-job.ts";
import { InvocationJobs, type SubmittedJob } from "./invocation-jobs.ts";
import { type AnswerHabits, complete } from "./language-model.ts";
import { checkModelId } from "./model-id.ts";
import { RecordErrors } from "./record-errors.ts";
import { type BatchLimits, listServiceQuotas } from "./service-quotas.ts";

export interface BedrockStubOptions {
  /** The emulator's S3. */
  readonly s3Endpoint: string;
  /** Output is put together here before it is uploaded. */
  readonly workDirectory: string;
  /** @default - a free one */
  readonly port?: number;
  /** @default "us-east-1" */
  readonly region?: string;
  /** @default "000000000000" */
  readonly accountId?: string;
  /** Share of a batch's records that fail the first time they are run, in 0..1; chosen by their ids. @default 0 */
  readonly errorShare?: number;
  /** @default - the service's: at least 100 records a job, at most 50,000 a file and a job, 1 GB a file, 5 GB a job */
  readonly limits?: Partial<BatchLimits>;
  /** @default - 15 % fenced, 10 % with a sentence in front, 1 % broken */
  readonly habits?: Partial<AnswerHabits>;
  /** The corpus: from it the model knows which words say little. @default - all words are alike to it */
  readonly passages?: readonly string[];
  /** Milliseconds that a job stays in each status before InProgress. @default 100 */
  readonly statusMs?: number;
  /** Makes a job end other than by itself. */
  readonly outcomeOf?: (job: SubmittedJob) => ForcedOutcome | undefined;
  /** Called with a line for people about each job. */
  readonly onProgress?: (line: string) => void;
  /** Is shown each request. @default - nobody */
  readonly observe?: Observe;
}

/** A running stub. */
export interface StartedBedrockStub {
  /** Bedrock's control plane and runtime, and Service Quotas. */
  readonly url: string;
  /** Ends every job and the stub's server. */
  stop(): Promise<void>;
}

const DEFAULT_LIMITS: BatchLimits = {
  minimumRecords: 100,
  recordsPerFile: 50_000,
  recordsPerJob: 50_000,
  fileSizeGb: 1,
  jobSizeGb: 5,
};
const DEFAULT_HABITS: AnswerHabits = { fencedShare: 0.15, prefacedShare: 0.1, brokenShare: 0.01 };

const JOB_PATH = /^\/model-invocation-job\/(?<job>.+?)(?<stop>\/stop)?$/;
const INVOKE_PATH = /^\/model\/(?<model>[^/]+)\/invoke$/;

function json(value: unknown, headers: Record<string, string> = {}): WireResponse {
  return { status: 200, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(value) };
}

/**
 * Starts Bedrock: an HTTP server that speaks the wire protocols of its control plane and its runtime (restJson1) and of
 * Service Quotas (awsJson1.1), runs batch inference on S3 for real, and writes queries where a language model would.
 */
export async function startBedrockStub(options: BedrockStubOptions): Promise<StartedBedrockStub> {
  const region = options.region ?? "us-east-1";
  const accountId = options.accountId ?? "000000000000";
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const habits = { ...DEFAULT_HABITS, ...options.habits };
  await mkdir(options.workDirectory, { recursive: true });
  const frequency = DocumentFrequency.of(options.passages ?? []);
  const recordErrors = new RecordErrors(options.errorShare ?? 0);
  const stores = new ObjectStores(options.s3Endpoint, region);
  const jobs = new InvocationJobs(
    {
      stores,
      limits,
      habits,
      frequency,
      recordErrors,
      workDirectory: options.workDirectory,
      statusMs: options.statusMs ?? 100,
      onProgress: options.onProgress ?? (() => undefined),
    },
    `arn:aws:bedrock:${region}:${accountId}:model-invocation-job/`,
    options.outcomeOf ?? (() => undefined),
  );

  const invokeModel = (modelId: string, request: WireRequest): WireResponse => {
    checkModelId(modelId);
    const body = MessagesRequest.safeParse(jsonBody(request));
    if (!body.success) throw validationException(invalidRequest(body.error.issues));
    const answer = complete(body.data, modelId, habits, frequency);
    recordErrors.answered(userText(body.data));
    return json(answer, {
      "x-amzn-bedrock-input-token-count": String(answer.usage.input_tokens),
      "x-amzn-bedrock-output-token-count": String(answer.usage.output_tokens),
    });
  };

  const route = (request: WireRequest): WireResponse => {
    const { method, path } = request;
    if (method === "POST" && path === "/model-invocation-job") return json(jobs.create(jsonBody(request)));
    if (method === "GET" && path === "/model-invocation-jobs") return json(jobs.list(request.query));
    const model = INVOKE_PATH.exec(path)?.groups?.model;
    if (method === "POST" && model !== undefined) return invokeModel(decodeURIComponent(model), request);
    const { job, stop } = JOB_PATH.exec(path)?.groups ?? {};
    if (job !== undefined && method === "GET" && stop === undefined)
      return json(jobs.find(decodeURIComponent(job)).describe());
    if (job !== undefined && method === "POST" && stop !== undefined) {
      jobs.find(decodeURIComponent(job)).requestStop();
      return json({});
    }
    throw new ServiceError("UnknownOperationException", `The emulator has no ${method} ${path}.`, 404);
  };

  const respond = async (request: WireRequest): Promise<WireResponse> => {
    const target = awsJsonTarget(request);
    if (target === undefined) {
      return restJson(async () => {
        checkSignature(request.headers, "bedrock");
        return route(request);
      });
    }
    return awsJson(async () => {
      checkSignature(request.headers, "servicequotas");
      if (target.service !== "ServiceQuotasV20190624" || target.operation !== "ListServiceQuotas") {
        throw new ServiceError("UnknownOperationException", `The emulator has no operation ${target.operation}.`);
      }
      return listServiceQuotas(jsonBody(request), limits, region, accountId);
    });
  };

  const server = await serve(respond, options.port, options.observe);
  return {
    url: server.url,
    async stop() {
      await server.stop();
      await jobs.stop();
      stores.destroy();
    },
  };
}
