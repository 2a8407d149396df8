import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Client } from "@opensearch-project/opensearch";
import { z } from "zod";
import type { AwsClients } from "../../emulation/aws/aws-connection.ts";
import { type Collection, passageText } from "../../emulation/collections/collection.ts";
import type { StartedRuntime } from "../../emulation/runtimes/runtime.ts";
import { type EvaluationReport, GateDecision } from "../../pipeline/artifacts.ts";
import { secondsByStage } from "../../pipeline/execution-history.ts";
import { STAGE_IDS, type StageId, stageLabel, stageOfTask } from "../../pipeline/stages.ts";
import { type Check, Checks } from "../checks/check.ts";
import { verifyCorpus } from "../checks/corpus.ts";
import { evaluationSet, verifyEvaluation } from "../checks/evaluation.ts";
import { verifyJobs } from "../checks/jobs.ts";
import { type ExpectedMessage, verifyMessages } from "../checks/messages.ts";
import { type ModelType, type VerifiedModel, verifyEndpoint, verifyModel } from "../checks/model.ts";
import { RunArtifacts } from "../checks/run-artifacts.ts";
import { searchMethod, searchWithTunedModel, verifyRegistration } from "../checks/search.ts";
import { verifyDeployment } from "../checks/served-models.ts";
import { type TrainingDataCounts, verifyTrainingData } from "../checks/training-data.ts";
import type { RunDisplay } from "../run/run-display.ts";
import type { ExecutionSummary, StageResult } from "../run/run-results.ts";
import { type ExecutionResult, type Executions, endOf } from "./execution.ts";

/** What the harness reads of an execution's output; null where nothing was deployed. */
const ExecutionOutput = z.object({
  outcome: z.string(),
  model_name: z.string(),
  gate: GateDecision,
  endpoint_name: z.string().nullable(),
  model_id: z.string().nullable(),
  query_model_id: z.string().nullable(),
  jobs: z.record(z.string(), z.string()),
});
type ExecutionOutput = z.infer<typeof ExecutionOutput>;

export interface VerifiedExecutionOptions {
  readonly executions: Executions;
  /** The deployment's data bucket. */
  readonly bucket: string;
  /** How many executions of this deployment have deployed a model before. */
  readonly deployedBefore: number;
  readonly runtime: StartedRuntime;
  readonly clients: AwsClients;
  readonly domain: Client;
  readonly collection: Collection;
  readonly modelType: ModelType;
  readonly baseModelId: string;
  readonly trainingOnly: boolean;
  readonly queriesPerDocument: number;
  /** How often the runtime takes the instance of a job on spot instances away. */
  readonly spotInterruptions: number;
  /** Whether the tuned model has to beat the base on the human queries. */
  readonly expectGain: boolean;
  /** An execution's own folder; it is created. */
  readonly workDirectory: string;
  /** Where the evaluation's page is kept. */
  readonly reportFile: string;
  readonly display: RunDisplay;
}

/** Runs the pipeline once and verifies what each stage made, stage by stage, on the real artifacts. */
export async function verifiedExecution(name: string, options: VerifiedExecutionOptions): Promise<ExecutionSummary> {
  const result = await follow(name, options);
  if (result.status !== "SUCCEEDED") return failedExecution(result);
  const output = ExecutionOutput.parse(result.output);
  options.display.begin("verifying the artifacts of every stage");
  const made = await verifyArtifacts(name, options);
  const jobs = await verifyJobs(options.clients.sageMaker, output.jobs, options.spotInterruptions);
  const served = await verifyServing(result, output, made, options);
  const messages = await verifyMessages(options.clients.logs, [messageOn(name, output)]);
  return {
    name,
    succeeded: true,
    stages: stageResults(result, output, made),
    checks: [...made.checks, ...executionChecks(result, output, made, options), ...jobs, ...served.checks, ...messages],
    sparsity: made.report.sparsity,
    heldOut: evaluationSet(made.report, "held_out"),
    human: evaluationSet(made.report, "judged"),
    reportFile: path.basename(options.reportFile),
    humanNdcgThroughOpenSearch: served.ndcgAt10,
  };
}

async function follow(name: string, { executions, display }: VerifiedExecutionOptions): Promise<ExecutionResult> {
  let shown: StageId | undefined;
  return executions.run({
    name,
    input: {},
    onStateEntered(state) {
      const stage = stageOfTask(state);
      if (stage === undefined || stage === shown) return;
      shown = stage;
      display.begin(`  ${stageLabel(stage)}`);
    },
    onProgress: display.progress,
  });
}

/** Of an execution that did not succeed there is nothing more to verify: that is no failure of its own. */
function failedExecution(result: ExecutionResult): ExecutionSummary {
  const checks = new Checks("execution");
  checks.expect("succeeded", false, endOf(result));
  for (const what of ["artifacts of every stage", "jobs, deployment and search", "message on its end"]) {
    checks.notRun(what, `${result.name} did not succeed`);
  }
  return {
    name: result.name,
    succeeded: false,
    stages: [...secondsByStage(result.states)].map(([stage, seconds]) => ({ stage, seconds, counts: "" })),
    checks: checks.results,
    sparsity: [],
    heldOut: undefined,
    human: undefined,
    reportFile: undefined,
    humanNdcgThroughOpenSearch: undefined,
  };
}

/** What an execution's stages left, as far as it was verified. */
interface Made {
  readonly checks: readonly Check[];
  readonly documents: number;
  readonly trainingData: TrainingDataCounts;
  readonly model: VerifiedModel;
  readonly report: EvaluationReport;
}

async function verifyArtifacts(name: string, options: VerifiedExecutionOptions): Promise<Made> {
  const { bucket, clients, collection, runtime, workDirectory } = options;
  await mkdir(workDirectory, { recursive: true });
  const artifacts = new RunArtifacts(clients.s3, bucket, "runs", name);
  const results = new RunArtifacts(clients.s3, bucket, "results", name);
  const expectedTexts = new Map(collection.documents.map((document) => [document.id, passageText(document)]));
  const corpus = await verifyCorpus(artifacts, expectedTexts);
  const trainingData = await verifyTrainingData(artifacts, new Set(expectedTexts.keys()), {
    queriesPerDocument: options.queriesPerDocument,
    scoringMaxNegatives: 4,
  });
  const probeTexts = collection.documents.slice(0, 3).map(passageText);
  const model = await verifyModel(results, runtime, { ...options, probeTexts });
  const evaluation = await verifyEvaluation(results, options.reportFile);
  return {
    checks: [...corpus.checks, ...trainingData.checks, ...model.checks, ...evaluation.checks],
    documents: corpus.documents,
    trainingData: trainingData.counts,
    model,
    report: evaluation.report,
  };
}

/** That it succeeded, gained what it must, and deployed what it was asked to. */
function executionChecks(
  result: ExecutionResult,
  { outcome, gate, endpoint_name, model_id }: ExecutionOutput,
  { report }: Made,
  { collection, expectGain, trainingOnly }: VerifiedExecutionOptions,
): Check[] {
  const checks = new Checks("execution");
  const human = evaluationSet(report, "judged");
  checks.expect("succeeded", true, result.name);
  checks.expect(
    "tuned model evaluated on human queries",
    human.queries === collection.judgements.size,
    `${human.queries} of ${collection.judgements.size}`,
  );
  if (expectGain) {
    const [base, tuned] = [human.rankers.base, human.rankers.tuned].map(({ ndcg_at_10 }) => ndcg_at_10.toFixed(4));
    const found = `nDCG@10 ${base} -> ${tuned} on ${human.queries} human queries`;
    checks.expect("tuned model beats the base", human.ndcg_gain.mean > 0, found);
  }
  if (trainingOnly) {
    checks.expect(
      "nothing deployed by a training-only run",
      endpoint_name === null && model_id === null,
      "no endpoint, no registration",
    );
  } else {
    checks.expect("deployed and registered", outcome === "registered", `${outcome}: ${gate.reason}`);
  }
  return checks.results;
}

/** What was deployed answers as the artifact does, and finds as much through OpenSearch as it did in the evaluation. */
async function verifyServing(
  { states }: ExecutionResult,
  output: ExecutionOutput,
  { model, report }: Made,
  { clients, domain, collection, modelType, deployedBefore, display }: VerifiedExecutionOptions,
): Promise<{ readonly checks: readonly Check[]; readonly ndcgAt10: number | undefined }> {
  const { endpoint_name: endpoint, model_id: modelId, query_model_id: queryModelId, gate } = output;
  if (endpoint === null || modelId === null || queryModelId === null) return { checks: [], ndcgAt10: undefined };
  const registered = { modelId, queryModelId };
  const twofold = modelType === "sparse" || gate.query_prompt !== "" || gate.document_prompt !== "";
  const deployment = await verifyDeployment(clients.sageMaker, endpoint, deployedBefore + 1, states);
  const served = await verifyEndpoint(clients.sageMakerRuntime, endpoint, model);
  const registration = await verifyRegistration(domain, registered, model, twofold);
  display.begin("searching the human queries through OpenSearch with the tuned model");
  const [probe = []] = model.probeEmbeddings.document;
  const search = await searchWithTunedModel(domain, registered, collection, searchMethod(probe), display.progress);
  const checks = new Checks("execution");
  const offline = evaluationSet(report, "judged").rankers.tuned.ndcg_at_10;
  checks.expect(
    "search through OpenSearch ranks as well as offline",
    Math.abs(search.ndcgAt10 - offline) < 0.01,
    `nDCG@10 ${search.ndcgAt10.toFixed(4)} through OpenSearch, ${offline.toFixed(4)} offline`,
  );
  return {
    checks: [...deployment, ...served, ...registration, ...search.checks, ...checks.results],
    ndcgAt10: search.ndcgAt10,
  };
}

function stageResults(
  { states }: ExecutionResult,
  output: ExecutionOutput,
  { documents, trainingData: data, model, report }: Made,
): StageResult[] {
  const { training } = model;
  const [heldOut, human] = ["held_out", "judged"].map((set) => evaluationSet(report, set).queries);
  const counts: Readonly<Record<StageId, string>> = {
    extraction: `${documents} documents`,
    queries: `${data.records} records`,
    mining: `${data.trainQueries} train, ${data.devQueries} dev, ${data.testQueries} test queries, ${data.negatives} negatives; ${dropped(data.queriesDropped)}`,
    scoring: `${data.scoredPairs} pairs`,
    training: `${training.train_queries} queries, ${training.steps} steps; ${dropped(training.queries_dropped)}`,
    evaluation: `${heldOut} held-out, ${human} human queries`,
    deployment: output.endpoint_name ?? "",
    registration: output.model_id ?? "",
  };
  const byLabel = new Map(STAGE_IDS.map((id) => [stageLabel(id), counts[id]]));
  return [...secondsByStage(states)].map(([stage, seconds]) => ({ stage, seconds, counts: byLabel.get(stage) ?? "" }));
}

/** How many queries a stage left out, and why. */
function dropped(queries: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(queries).filter(([, count]) => count > 0);
  return `dropped: ${reasons.map(([reason, count]) => `${count} ${reason}`).join(", ") || "none"}`;
}

/** Names the model, what the gate decided and why, the gain, and what was made. */
function messageOn(execution: string, output: ExecutionOutput): ExpectedMessage {
  const { outcome, model_name, gate, endpoint_name, model_id } = output;
  return {
    execution,
    subject: `Fine-tuning of ${model_name} finished: ${outcome === "rejected_by_gate" ? "not deployed" : outcome}`,
    text: [
      model_name,
      gate.reason,
      gate.ndcg_tuned.toFixed(3),
      gate.ndcg_base.toFixed(3),
      "Time by stage:",
      ...[endpoint_name, model_id].filter((made) => made !== null),
    ],
  };
}
