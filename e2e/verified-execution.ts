import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Client } from "@opensearch-project/opensearch";
import { z } from "zod";
import type { AwsClients } from "../emulation/aws/aws-connection.ts";
import type { StartedRuntime } from "../emulation/runtimes/runtime.ts";
import { GateDecision } from "../pipeline/artifacts.ts";
import { secondsByStage } from "../pipeline/execution-history.ts";
import { type StageId, stageLabel, stageOfTask } from "../pipeline/stages.ts";
import { Checks } from "./checks/check.ts";
import { verifyCorpus } from "./checks/corpus.ts";
import { verifyDeployment } from "./checks/deployment.ts";
import { evaluationSet, verifyEvaluation } from "./checks/evaluation.ts";
import { verifyJobs } from "./checks/jobs.ts";
import { type ExpectedMessage, verifyMessages } from "./checks/messages.ts";
import { type ModelType, verifyEndpoint, verifyModel } from "./checks/model.ts";
import { RunArtifacts } from "./checks/run-artifacts.ts";
import { searchMethod, searchWithTunedModel, verifyRegistration } from "./checks/search.ts";
import { verifyTrainingData } from "./checks/training-data.ts";
import { type Collection, passageText } from "./collection.ts";
import type { Deployment } from "./deployment.ts";
import { type ExecutionResult, runExecution } from "./execution.ts";
import type { ExecutionSummary, StageResult } from "./results.ts";

const EXECUTION_TIMEOUT_MS = 20 * 60_000;

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

export interface VerifiedExecutionOptions {
  readonly name: string;
  /** 1 for the first execution of the deployment. */
  readonly number: number;
  readonly input: Record<string, unknown>;
  readonly deployment: Deployment;
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
  readonly say: (line: string) => void;
}

/** Runs the pipeline once and verifies what each stage made, stage by stage, on the real artifacts. */
export async function verifiedExecution(options: VerifiedExecutionOptions): Promise<ExecutionSummary> {
  const { collection, runtime, clients, domain, say } = options;
  await mkdir(options.workDirectory, { recursive: true });
  const result = await followedExecution(options);
  const checks = new Checks("execution");
  checks.expect(
    "succeeded",
    result.status === "SUCCEEDED",
    result.status === "SUCCEEDED" ? result.name : `${result.status} ${result.error ?? ""}: ${result.cause ?? ""}`,
  );
  const seconds = secondsByStage(result.states);
  if (result.status !== "SUCCEEDED") {
    const stages = [...seconds].map(([stage, taken]) => ({ stage, seconds: taken, counts: "" }));
    return {
      name: result.name,
      stages,
      checks: checks.results,
      sparsity: [],
      heldOut: undefined,
      human: undefined,
      reportFile: undefined,
      humanNdcgThroughOpenSearch: undefined,
    };
  }
  const output = ExecutionOutput.parse(result.output);

  say("verifying the artifacts of every stage");
  const artifacts = new RunArtifacts(clients.s3, options.deployment.bucket, "runs", result.name);
  const resultArtifacts = new RunArtifacts(clients.s3, options.deployment.bucket, "results", result.name);
  const expectedTexts = new Map(collection.documents.map((document) => [document.id, passageText(document)]));
  const corpus = await verifyCorpus(artifacts, expectedTexts);
  const trainingData = await verifyTrainingData(artifacts, new Set(expectedTexts.keys()), {
    queriesPerDocument: options.queriesPerDocument,
    scoringMaxNegatives: 4,
  });
  const probeTexts = collection.documents.slice(0, 3).map(passageText);
  const model = await verifyModel(resultArtifacts, runtime, { ...options, probeTexts });
  const evaluation = await verifyEvaluation(resultArtifacts, options.reportFile);
  const heldOut = evaluationSet(evaluation.report, "held_out");
  const human = evaluationSet(evaluation.report, "judged");
  const gain = human.ndcg_gain;
  const gainText = `nDCG@10 ${human.rankers.base.ndcg_at_10.toFixed(4)} -> ${human.rankers.tuned.ndcg_at_10.toFixed(4)} on ${human.queries} human queries`;
  checks.expect(
    "tuned model evaluated on human queries",
    human.queries === collection.judgements.size,
    `${human.queries} of ${collection.judgements.size}`,
  );
  if (options.expectGain) checks.expect("tuned model beats the base", gain.mean > 0, gainText);

  checks.results.push(...(await verifyJobs(clients.sageMaker, output.jobs, options.spotInterruptions)));

  let humanNdcgThroughOpenSearch: number | undefined;
  const { endpoint_name: endpointName, model_id: modelId, query_model_id: queryModelId } = output;
  if (options.trainingOnly) {
    checks.expect(
      "nothing deployed by a training-only run",
      endpointName === null && modelId === null,
      "no endpoint, no registration",
    );
  } else {
    checks.expect(
      "deployed and registered",
      output.outcome === "registered",
      `${output.outcome}: ${output.gate.reason}`,
    );
  }
  if (endpointName !== null && modelId !== null && queryModelId !== null) {
    const registered = { modelId, queryModelId };
    const twofold =
      options.modelType === "sparse" || output.gate.query_prompt !== "" || output.gate.document_prompt !== "";
    checks.results.push(...(await verifyDeployment(clients.sageMaker, endpointName, options.number, result.states)));
    checks.results.push(...(await verifyEndpoint(clients.sageMakerRuntime, endpointName, model)));
    checks.results.push(...(await verifyRegistration(domain, registered, model, twofold)));
    say("searching the human queries through OpenSearch with the tuned model");
    const [probe = []] = model.probeEmbeddings.document;
    const search = await searchWithTunedModel(domain, registered, collection, searchMethod(probe));
    checks.results.push(...search.checks);
    humanNdcgThroughOpenSearch = search.ndcgAt10;
    checks.expect(
      "search through OpenSearch ranks as well as offline",
      Math.abs(search.ndcgAt10 - human.rankers.tuned.ndcg_at_10) < 0.01,
      `nDCG@10 ${search.ndcgAt10.toFixed(4)} through OpenSearch, ${human.rankers.tuned.ndcg_at_10.toFixed(4)} offline`,
    );
  }

  checks.results.push(...(await verifyMessages(clients.logs, [messageOn(result.name, output)])));

  const { counts } = trainingData;
  const countsByStage: Readonly<Record<string, string>> = {
    "1 data extraction": `${corpus.documents} documents`,
    "2 query generation": `${counts.records} records`,
    "3 hard-negative mining": `${counts.trainQueries} train, ${counts.devQueries} dev, ${counts.testQueries} test queries, ${counts.negatives} negatives; ${dropped(counts.queriesDropped)}`,
    "4 teacher scoring": `${counts.scoredPairs} pairs`,
    "5 training": `${model.training.train_queries} queries, ${model.training.steps} steps; ${dropped(model.training.queries_dropped)}`,
    "6 evaluation and gate": `${heldOut.queries} held-out, ${human.queries} human queries`,
    "7 deployment": output.endpoint_name ?? "",
    "8 registration": output.model_id ?? "",
  };
  const stages: StageResult[] = [...seconds].map(([stage, taken]) => ({
    stage,
    seconds: taken,
    counts: countsByStage[stage] ?? "",
  }));
  return {
    name: result.name,
    stages,
    checks: [...corpus.checks, ...trainingData.checks, ...model.checks, ...evaluation.checks, ...checks.results],
    sparsity: evaluation.report.sparsity,
    heldOut,
    human,
    reportFile: path.basename(options.reportFile),
    humanNdcgThroughOpenSearch,
  };
}

/** How many queries a stage left out, and why. */
function dropped(queries: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(queries).filter(([, count]) => count > 0);
  return `dropped: ${reasons.map(([reason, count]) => `${count} ${reason}`).join(", ") || "none"}`;
}

/** Names the model, what the gate decided and why, the gain, and what was made. */
function messageOn(execution: string, output: z.infer<typeof ExecutionOutput>): ExpectedMessage {
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

async function followedExecution(options: VerifiedExecutionOptions): Promise<ExecutionResult> {
  let shown: StageId | undefined;
  return runExecution(options.clients.stepFunctions, {
    stateMachineArn: options.deployment.stateMachineArn,
    name: options.name,
    input: options.input,
    timeoutMs: EXECUTION_TIMEOUT_MS,
    onStateEntered(state) {
      const stage = stageOfTask(state);
      if (stage === undefined || stage === shown) return;
      shown = stage;
      options.say(`  ${stageLabel(stage)}`);
    },
  });
}
