import { prepareHubCache } from "../models/hub-cache.ts";
import { pythonEnvironment } from "../python/environment.ts";
import type { ObservedRequest } from "../recording/request-calls.ts";
import { BEDROCK_FAILURE_MESSAGE, FAILING_BEDROCK_JOB } from "../stubs/bedrock/scripted-failure.ts";
import { type StartedBedrockStub, startBedrockStub } from "../stubs/bedrock/server.ts";
import { type StartedStub, startSageMakerStub } from "../stubs/sagemaker/server.ts";

export const REGION = "us-east-1";
/** The state machine waits a minute between two looks at a Bedrock job; here the jobs take seconds. */
export const WAIT_SCALE = 0.03;

/** Threads that wait for one another by spinning bring each other to a stand on a machine whose cores are shared. */
const SHARED_CORES = { OMP_WAIT_POLICY: "PASSIVE" };

/** The Python that runs training jobs and model servers, and the models that they find offline. */
export interface TrainingEnvironment {
  readonly python: string;
  /** Variables of the model hub. */
  readonly hub: { readonly environment: Readonly<Record<string, string>> };
}

/** Made on first use, then from the cache. @param say is told which Python it is. */
export async function prepareTrainingEnvironment(say: (line: string) => void): Promise<TrainingEnvironment> {
  const { python, madeFrom } = await pythonEnvironment("training");
  say(`Python ${madeFrom.version} (${madeFrom.executable})`);
  return { python, hub: await prepareHubCache(python) };
}

/** Share of Bedrock records that fail on their first attempt, so that the retry is exercised. */
const BEDROCK_ERROR_SHARE = 0.02;

export interface ServiceStubsOptions {
  /** The emulator's S3 and CloudWatch Logs. */
  readonly gateway: string;
  /** Is shown each request to the stubs. */
  readonly observe: (request: ObservedRequest) => void;
  readonly training: TrainingEnvironment;
  /** The corpus, as Bedrock's stub takes it. */
  readonly passages: readonly string[];
  /** Where a stub may write; the folder is made. */
  readonly directory: (name: string) => Promise<string>;
  /** As of SageMaker's stub. */
  readonly spotInterruptions: number;
  /** Takes over how to end each stub. */
  readonly onStarted: (stop: () => Promise<void>) => void;
}

/** Starts SageMaker and Bedrock. */
export async function startServiceStubs({
  gateway,
  observe,
  training,
  passages,
  directory,
  spotInterruptions,
  onStarted,
}: ServiceStubsOptions): Promise<{ sageMaker: StartedStub; bedrock: StartedBedrockStub }> {
  const sageMaker = await startSageMakerStub({
    s3Endpoint: gateway,
    logsEndpoint: gateway,
    observe,
    python: training.python,
    workDirectory: await directory("sagemaker"),
    jobEnvironment: { ...training.hub.environment, ...SHARED_CORES },
    spotInterruptions,
  });
  onStarted(() => sageMaker.stop());
  const bedrock = await startBedrockStub({
    s3Endpoint: gateway,
    observe,
    workDirectory: await directory("bedrock"),
    errorShare: BEDROCK_ERROR_SHARE,
    passages,
    outcomeOf: ({ jobName }) =>
      jobName.includes(FAILING_BEDROCK_JOB) ? { status: "Failed", message: BEDROCK_FAILURE_MESSAGE } : undefined,
  });
  onStarted(() => bedrock.stop());
  return { sageMaker, bedrock };
}
