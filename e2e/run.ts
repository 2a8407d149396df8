import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { awsClients } from "../emulation/aws/aws-connection.ts";
import { prepareDjangoCollection } from "../emulation/collections/django-documentation.ts";
import { sampleMemory } from "../emulation/processes/memory.ts";
import type { Teardown } from "../emulation/processes/teardown.ts";
import { CallRecorder } from "../emulation/recording/call-recorder.ts";
import { chooseRuntime } from "../emulation/runtimes/choice.ts";
import type { StartedRuntime } from "../emulation/runtimes/runtime.ts";
import { REGION } from "../emulation/runtimes/service-stubs.ts";
import { leftOutPermissions } from "./access/justifications.ts";
import { verifyAccess } from "./checks/access.ts";
import { Checks } from "./checks/check.ts";
import { functionLogs, verifyLogs } from "./checks/logs.ts";
import { subscribe } from "./checks/messages.ts";
import { passageText, readCollection } from "./collection.ts";
import { deploy, synthesise } from "./deployment.ts";
import { connectToDomain } from "./domain-client.ts";
import { verifyFailingExecutions } from "./failing-executions.ts";
import type { Options } from "./options.ts";
import { allChecks, type ExecutionSummary, type RunResults, renderResults, type StageResult } from "./results.ts";
import { mapRolesAndVerify } from "./role-mapping.ts";
import {
  createUserBucket,
  indexCollection,
  SOURCE_INDEX,
  uploadCollection,
  uploadJudgements,
} from "./source-corpus.ts";
import { verifyStoppedExecution } from "./stopped-execution.ts";
import { verifiedExecution } from "./verified-execution.ts";

const RESULTS_DIRECTORY = fileURLToPath(new URL("../e2e-results", import.meta.url));
const TEACHER = "BAAI/bge-small-en-v1.5";
const MODEL_NAME = "django-docs";
/** Of the account that both emulators stand for. */
const EMULATED_ACCOUNT = { id: "000000000000", region: REGION };
/** What the front door stands for; as policies name it. */
const DOMAIN_ARN = `arn:aws:es:${REGION}:${EMULATED_ACCOUNT.id}:domain/emulated`;

/** What fits two cores and still shows the gain, and what only proves the path: a few steps earn no deployment, so they force it. */
const SCALE = {
  full: { documents: undefined, queriesPerDocument: 3, maxSteps: 80, forceDeploy: false },
  small: { documents: 250, queriesPerDocument: 2, maxSteps: 4, forceDeploy: true },
} as const;

/**
 * Settings for models of MiniLM's size, where they differ from the parameters' defaults, which are for bge-m3 on a GPU; see
 * docs/quality.md for how they were chosen.
 */
const SMALL_MODEL_TRAINING = {
  max_seq_length: 128,
  train_batch_size: 16,
  total_batch_size: 16,
  learning_rate: 1e-4,
  dense_candidates: true,
  max_source_rank: 20,
};

/**
 * The main job of the harness: starts the emulators, deploys the stack with Terraform, runs the pipeline and verifies
 * what every stage made.
 *
 * @returns whether every check passed.
 */
export async function runEndToEnd(options: Options, teardown: Teardown): Promise<boolean> {
  const startedAt = Date.now();
  const say = (line: string) => {
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(0).padStart(4);
    process.stdout.write(`[${seconds} s] ${line}\n`);
  };
  const setUp: StageResult[] = [];
  const timed = async <T>(stage: string, work: () => Promise<T>, counts: (made: T) => string): Promise<T> => {
    const from = Date.now();
    const made = await work();
    setUp.push({ stage, seconds: (Date.now() - from) / 1000, counts: counts(made) });
    return made;
  };
  const memory = sampleMemory();
  teardown.add(async () => memory.stop());
  const workDirectory = await mkdtemp(path.join(tmpdir(), "opensearch-finetuning-"));
  let succeeded = false;
  teardown.add(async () => {
    if (succeeded) await rm(workDirectory, { recursive: true, force: true });
    else process.stderr.write(`logs of the run: ${workDirectory}\n`);
  });

  const resultsFile = path.join(RESULTS_DIRECTORY, new Date(startedAt).toISOString().replace(/[:.]/g, "-"));
  const scale = options.small ? SCALE.small : SCALE.full;
  const recorder = new CallRecorder({ account: EMULATED_ACCOUNT, domainArn: DOMAIN_ARN });
  say("preparing the corpus");
  const files = await prepareDjangoCollection(scale.documents === undefined ? {} : { maxDocuments: scale.documents });
  const collection = await readCollection(files);
  const runtime = await timed(
    "emulators",
    async () =>
      (await chooseRuntime(options, say)).start({
        workDirectory,
        onProgress: say,
        teardown,
        recorder,
        passages: collection.documents.map(passageText),
        spotInterruptions: options.spotInterruptions,
      }),
    (started) => started.description,
  );
  const clients = awsClients(runtime.aws);
  teardown.add(async () => clients.destroy());
  const domain = connectToDomain(runtime);
  teardown.add(() => domain.close());

  say("giving the corpus to the user's index and bucket");
  const { corpusUri, judgementsUri } = await timed(
    "corpus",
    async () => {
      await createUserBucket(clients.s3);
      await indexCollection(domain, collection);
      return {
        judgementsUri: await uploadJudgements(clients.s3, files),
        corpusUri: await uploadCollection(clients.s3, collection),
      };
    },
    () => `${collection.documents.length} passages, ${collection.judgements.size} human queries`,
  );

  say("synthesising the stack and applying it with Terraform");
  const variables = {
    model_name: MODEL_NAME,
    input_type: options.input,
    opensearch_endpoint: runtime.openSearchEndpoint,
    opensearch_domain_arn: DOMAIN_ARN,
    opensearch_index_name: options.input === "opensearch" ? SOURCE_INDEX : "",
    text_field_names: "title,content",
    s3_corpus_path: options.input === "s3" ? corpusUri : "",
    judgements_uri: judgementsUri,
    model_type: options.modelType,
    base_model_id: options.base,
    teacher_model_id: TEACHER,
    deploy_endpoint: !options.trainingOnly,
    register_connector: !options.trainingOnly,
    ...SMALL_MODEL_TRAINING,
    query_poll_seconds: 60,
    max_steps: scale.maxSteps,
    force_deploy: scale.forceDeploy,
    queries_per_document: scale.queriesPerDocument,
    seed: options.seed,
    max_instance_count: 2,
  };
  const terraformChecks = new Checks("terraform");
  const deployment = await timed(
    "deployment",
    async () => {
      const terraform = await synthesise(workDirectory, runtime.aws, variables);
      teardown.add(() => terraform.cancel());
      const deployed = await deploy(terraform);
      await subscribe(clients.lambda, clients.sns, deployed.topicArn);
      terraformChecks.expect(
        "a second plan is empty",
        await terraform.planIsEmpty(),
        "terraform plan -detailed-exitcode",
      );
      return deployed;
    },
    (deployed) => deployed.bucket,
  );

  say("mapping the functions' roles in OpenSearch");
  const roleChecks = await mapRolesAndVerify({
    connection: runtime,
    domain,
    clients,
    deployment,
    modelName: MODEL_NAME,
    readsIndex: options.input === "opensearch",
  });

  const executions: ExecutionSummary[] = [];
  for (let number = 1; number <= options.executions; number++) {
    const name = `e2e-${options.seed}-${number}`;
    say(`execution ${number} of ${options.executions}`);
    executions.push(
      await verifiedExecution({
        name,
        number,
        input: {},
        deployment,
        runtime,
        clients,
        domain,
        collection,
        modelType: options.modelType,
        baseModelId: options.base,
        trainingOnly: options.trainingOnly,
        queriesPerDocument: scale.queriesPerDocument,
        spotInterruptions: options.spotInterruptions,
        expectGain: !options.small,
        workDirectory: path.join(workDirectory, `execution-${number}`),
        reportFile: `${resultsFile}-${name}.html`,
        say,
      }),
    );
  }

  say("an execution on the other kind of input, which is stopped");
  const stopped = await verifyStoppedExecution(clients, deployment, {
    ...(options.input === "opensearch"
      ? { input_type: "s3", s3_corpus_path: corpusUri }
      : { input_type: "opensearch", opensearch_index_name: SOURCE_INDEX }),
    sample_query_uri: `${judgementsUri}queries.jsonl`,
    max_query_documents: 100,
  });

  if (options.failures) say("executions that must fail");
  const failures = options.failures ? await verifyFailingExecutions(clients, domain, deployment, MODEL_NAME, say) : [];

  const logs = verifyLogs(
    await functionLogs(clients.logs, nameOf(deployment.stateMachineArn)),
    collection.documents.map(passageText),
  );

  say("holding what the roles asked for against their policies");
  await mkdir(RESULTS_DIRECTORY, { recursive: true });
  const access = await verifyAccess({
    clients,
    deployment,
    recorder,
    leftOut: leftOutPermissions(options),
    reportFile: `${resultsFile}-access`,
  });

  const results: RunResults = {
    options,
    runtime: runtime.description,
    setUp,
    checks: [...terraformChecks.results, ...roleChecks, ...stopped, ...failures, ...logs, ...access],
    executions,
    totalSeconds: (Date.now() - startedAt) / 1000,
    peakMemoryGiB: memory.peakGiB(),
  };
  await writeResults(resultsFile, results);
  succeeded = allChecks(results).every(({ passed }) => passed);
  if (options.keep) await keepRunning(runtime, deployment.stateMachineArn);
  return succeeded;
}

/** Name of a state machine, which is that of the deployment. */
function nameOf(stateMachineArn: string): string {
  return stateMachineArn.slice(stateMachineArn.lastIndexOf(":") + 1);
}

async function writeResults(file: string, results: RunResults): Promise<void> {
  const rendered = renderResults(results);
  await writeFile(`${file}.md`, rendered);
  await writeFile(`${file}.json`, `${JSON.stringify(results, null, 2)}\n`);
  process.stdout.write(`\n${rendered}\nwritten to ${path.relative(process.cwd(), file)}.md and .json\n`);
}

/** Leaves everything running until Ctrl-C, whose handler tears it down. */
async function keepRunning(runtime: StartedRuntime, stateMachineArn: string): Promise<void> {
  process.stdout.write(
    [
      "",
      "Everything is still running (Ctrl-C ends it):",
      `  AWS            AWS_ENDPOINT_URL=${runtime.aws.gateway} (any credentials, ${runtime.aws.region})`,
      `  SageMaker      AWS_ENDPOINT_URL_SAGEMAKER=${runtime.aws.sageMaker}`,
      `  OpenSearch     ${runtime.openSearchEndpoint} (requests signed for service es with test, test and session token test; certificate authority: ${runtime.certificateAuthorityFile})`,
      `  state machine  ${stateMachineArn}`,
      "",
    ].join("\n"),
  );
  await new Promise(() => setInterval(() => undefined, 2 ** 30));
}
