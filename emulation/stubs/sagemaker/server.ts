import { mkdir } from "node:fs/promises";
import { ObjectStores } from "../object-store.ts";
import { type Observe, serve, type WireRequest, type WireResponse } from "../wire/http-server.ts";
import { awsJson, awsJsonTarget, type JsonOperations, jsonBody, restJson } from "../wire/protocols.ts";
import { ServiceError } from "../wire/service-error.ts";
import { checkSignature } from "../wire/signature.ts";
import { Endpoints } from "./endpoints.ts";
import { INVOCATION_PATH, invokeEndpoint } from "./invocation.ts";
import { ResourceTags } from "./resource-tags.ts";
import { APPLICATION_AUTO_SCALING, ScalableTargets } from "./scalable-targets.ts";
import { logFilePath, type StubContext } from "./stub-context.ts";
import { TrainingJobs } from "./training-jobs.ts";

export interface SageMakerStubOptions {
  /** The emulator's S3. */
  readonly s3Endpoint: string;
  /** The Python with which training scripts and model servers run. */
  readonly python: string;
  /** Logs, artifacts and job folders are kept here. */
  readonly workDirectory: string;
  /** Added to the environment of every job and model server, e.g. where the offline model hub is. */
  readonly jobEnvironment: Readonly<Record<string, string>>;
  /** The emulator's CloudWatch Logs; without it logs are in files only. */
  readonly logsEndpoint?: string;
  /** @default - a free one */
  readonly port?: number;
  /** @default "us-east-1" */
  readonly region?: string;
  /** @default "000000000000" */
  readonly accountId?: string;
  /** Training jobs that run at the same time; the others stay in status Starting. @default 1 */
  readonly concurrentTrainingJobs?: number;
  /** Milliseconds between SIGTERM and SIGKILL of a stopped job. @default 120000, as on SageMaker */
  readonly stopGraceMs?: number;
  /** How often each job on spot instances is interrupted, each time as soon as it has written to its checkpoints. @default 0 */
  readonly spotInterruptions?: number;
  /** Milliseconds that InvokeEndpoint waits for the model. @default 60000, as on SageMaker */
  readonly invocationTimeoutMs?: number;
  /** Called with a line for people about each job and endpoint, with the path of its log. */
  readonly onProgress?: (line: string) => void;
  /** Is shown each request. @default - nobody */
  readonly observe?: Observe;
}

/** A running stub. */
export interface StartedStub {
  /** Control plane and runtime. */
  readonly url: string;
  /** The file that a training job's output goes to. */
  readonly trainingJobLog: (jobName: string) => string;
  /** Ends every job, every model server and the stub's server. */
  stop(): Promise<void>;
}

/**
 * Starts SageMaker: an HTTP server that speaks the wire protocols of its control plane (awsJson1.1), its runtime
 * (restJson1) and, as far as endpoints scale, Application Auto Scaling (awsJson1.1), runs training jobs as processes and serves endpoints with them.
 */
export async function startSageMakerStub(options: SageMakerStubOptions): Promise<StartedStub> {
  const region = options.region ?? "us-east-1";
  await mkdir(options.workDirectory, { recursive: true });
  const context: StubContext = {
    region,
    accountId: options.accountId ?? "000000000000",
    stores: new ObjectStores(options.s3Endpoint, region),
    python: options.python,
    jobEnvironment: options.jobEnvironment,
    workDirectory: options.workDirectory,
    logsEndpoint: options.logsEndpoint,
    onProgress: options.onProgress ?? (() => undefined),
  };
  const tags = new ResourceTags();
  const settings = {
    stopGraceMs: options.stopGraceMs ?? 120_000,
    spotInterruptions: options.spotInterruptions ?? 0,
  };
  const trainingJobs = new TrainingJobs(context, settings, tags, options.concurrentTrainingJobs ?? 1);
  const scalableTargets: ScalableTargets = new ScalableTargets((endpoint) => endpoints.variantNames(endpoint));
  const endpoints = new Endpoints(context, tags, scalableTargets);
  const services: Readonly<Record<string, { signedFor: string; operations: JsonOperations }>> = {
    SageMaker: {
      signedFor: "sagemaker",
      operations: { ...trainingJobs.operations, ...endpoints.operations, ...tags.operations },
    },
    [APPLICATION_AUTO_SCALING]: { signedFor: "application-autoscaling", operations: scalableTargets.operations },
  };

  const respond = async (request: WireRequest): Promise<WireResponse> => {
    const target = awsJsonTarget(request);
    if (target !== undefined) {
      return awsJson(async () => {
        const service = services[target.service];
        checkSignature(request.headers, service?.signedFor ?? "sagemaker");
        const operation = service?.operations[target.operation];
        if (operation === undefined) {
          throw new ServiceError("UnknownOperationException", `The emulator has no operation ${target.operation}.`);
        }
        return operation(jsonBody(request));
      });
    }
    return restJson(async () => {
      const endpoint = INVOCATION_PATH.exec(request.path)?.groups?.endpoint;
      if (endpoint === undefined || request.method !== "POST") {
        throw new ServiceError(
          "UnknownOperationException",
          `The emulator has no ${request.method} ${request.path}.`,
          404,
        );
      }
      checkSignature(request.headers, "sagemaker");
      const timeoutMs = options.invocationTimeoutMs ?? 60_000;
      return invokeEndpoint(endpoints, context, decodeURIComponent(endpoint), request, timeoutMs);
    });
  };

  const server = await serve(respond, options.port, options.observe);
  return {
    url: server.url,
    trainingJobLog: (jobName) => logFilePath(context, "training-jobs", jobName),
    async stop() {
      await server.stop();
      await Promise.all([trainingJobs.stop(), endpoints.stop()]);
      context.stores.destroy();
    },
  };
}
