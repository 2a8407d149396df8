import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Client } from "@opensearch-project/opensearch";
import { type AwsClients, awsClients, awsEnvironment } from "../../emulation/aws/aws-connection.ts";
import {
  type Collection,
  type CollectionFiles,
  passageText,
  readCollection,
} from "../../emulation/collections/collection.ts";
import { prepareDjangoCollection } from "../../emulation/collections/django-documentation.ts";
import { sampleMemory } from "../../emulation/processes/memory.ts";
import type { Teardown } from "../../emulation/processes/teardown.ts";
import { CallRecorder } from "../../emulation/recording/call-recorder.ts";
import { chooseRuntime } from "../../emulation/runtimes/choice.ts";
import type { StartedRuntime } from "../../emulation/runtimes/runtime.ts";
import { REGION } from "../../emulation/runtimes/service-stubs.ts";
import { Terraform } from "../../emulation/terraform/terraform.ts";
import { leftOutPermissions } from "../access/justifications.ts";
import { verifyAccess } from "../checks/access.ts";
import { type Check, Checks, failed } from "../checks/check.ts";
import { functionLogs, verifyLogs } from "../checks/logs.ts";
import { subscribe } from "../checks/messages.ts";
import { Executions } from "../executions/execution.ts";
import { verifyStoppedExecution } from "../executions/stopped-execution.ts";
import { verifiedExecution } from "../executions/verified-execution.ts";
import { verifyFailingExecutions } from "../failures/failing-executions.ts";
import { connectToDomain } from "../user/domain-client.ts";
import { mapRolesAndVerify } from "../user/role-mapping.ts";
import { GIVEN_CORPUS, giveCorpus, SOURCE_INDEX } from "../user/source-corpus.ts";
import { MODEL_NAME, pipelineVariables, scaleOf } from "./pipeline-variables.ts";
import { RunDisplay } from "./run-display.ts";
import type { RunOptions } from "./run-options.ts";
import { allChecks, type ExecutionSummary, type RunResults, renderResults, type StageResult } from "./run-results.ts";
import { applyStack, type Deployment, synthesise } from "./stack-deployment.ts";

const RESULTS_DIRECTORY = fileURLToPath(new URL("../../e2e-results", import.meta.url));
/** Of the account that both emulators stand for. */
const EMULATED_ACCOUNT = { id: "000000000000", region: REGION };
/** What the front door stands for; as policies name it. */
const DOMAIN_ARN = `arn:aws:es:${REGION}:${EMULATED_ACCOUNT.id}:domain/emulated`;

/**
 * The main job of the harness: starts the emulators, deploys the stack with Terraform, runs the pipeline and verifies
 * what every stage made.
 *
 * @param notes lines for people, said at the beginning.
 * @returns whether every check passed.
 */
export async function runEndToEnd(options: RunOptions, notes: readonly string[], teardown: Teardown): Promise<boolean> {
  const run = await EndToEndRun.begin(options, teardown);
  for (const note of notes) run.display.say(note);
  const world = await run.prepare();
  const deployment = await run.deploy(world);
  const results = await run.prove(world, deployment);
  run.display.end();
  await run.write(results);
  if (options.keep) await keepRunning(world.runtime, deployment.stateMachineArn);
  return run.succeeded;
}

/** What the stack is deployed into. */
interface World {
  readonly runtime: StartedRuntime;
  readonly clients: AwsClients;
  /** As the domain's master user. */
  readonly domain: Client;
  readonly collection: Collection;
  readonly files: CollectionFiles;
  /** Directory of the synthesised stack. */
  readonly stack: string;
}

/** One run, from its work directory to its results. */
class EndToEndRun {
  readonly display = new RunDisplay();
  readonly #options: RunOptions;
  readonly #teardown: Teardown;
  readonly #workDirectory: string;
  readonly #startedAt = Date.now();
  readonly #setUp: StageResult[] = [];
  readonly #memory = sampleMemory();
  readonly #recorder = new CallRecorder({ account: EMULATED_ACCOUNT, domainArn: DOMAIN_ARN });
  succeeded = false;

  private constructor(options: RunOptions, teardown: Teardown, workDirectory: string) {
    this.#options = options;
    this.#teardown = teardown;
    this.#workDirectory = workDirectory;
  }

  /** Makes the work directory; the teardown removes it after a success and names it otherwise. */
  static async begin(options: RunOptions, teardown: Teardown): Promise<EndToEndRun> {
    const workDirectory = await mkdtemp(path.join(tmpdir(), "opensearch-finetuning-"));
    const run = new EndToEndRun(options, teardown, workDirectory);
    teardown.add(async () => {
      if (run.succeeded) await rm(workDirectory, { recursive: true, force: true });
      else process.stderr.write(`logs of the run: ${workDirectory}\n`);
    });
    teardown.add(async () => {
      run.#memory.stop();
      run.display.end();
    });
    return run;
  }

  /** Starts the emulators and, as that mostly waits, synthesises the stack meanwhile. */
  async prepare(): Promise<World> {
    this.display.begin("preparing the corpus");
    const { documents } = scaleOf(this.#options);
    const files = await prepareDjangoCollection(documents === undefined ? {} : { maxDocuments: documents });
    const collection = await readCollection(files);
    const [runtime, stack] = await together(
      this.#timed("emulators", this.#startRuntime(collection), ({ description }) => description),
      this.#timed("synthesis", synthesise(this.#workDirectory), () => "the app, as Terraform"),
    );
    const clients = awsClients(runtime.aws);
    this.#teardown.add(async () => clients.destroy());
    const domain = connectToDomain(runtime);
    this.#teardown.add(() => domain.close());
    return { runtime, clients, domain, collection, files, stack };
  }

  /** Applies the stack and, as the provider mostly waits, gives the corpus to the user's index and bucket meanwhile. */
  async deploy({ runtime, clients, domain, collection, files, stack }: World): Promise<Deployment> {
    this.display.begin("applying the stack with Terraform (about a minute, most of it the provider's own waits)");
    const { openSearchEndpoint } = runtime;
    const variables = pipelineVariables(this.#options, { openSearchEndpoint, arn: DOMAIN_ARN }, GIVEN_CORPUS);
    const terraform = new Terraform({
      directory: stack,
      workDirectory: this.#workDirectory,
      environment: awsEnvironment(runtime.aws),
    });
    this.#teardown.add(() => terraform.cancel());
    const [deployment] = await together(
      this.#timed("deployment", applyStack(terraform, stack, variables), ({ bucket }) => bucket),
      this.#timed(
        "corpus",
        giveCorpus(clients.s3, domain, collection, files),
        () => `${collection.documents.length} passages, ${collection.judgements.size} human queries`,
      ),
    );
    await subscribe(clients.lambda, clients.sns, deployment.topicArn);
    return deployment;
  }

  /** Runs executions of every kind and verifies what they did. */
  async prove(world: World, deployment: Deployment): Promise<RunResults> {
    const { clients, collection } = world;
    const executions = new Executions({
      ...clients,
      stateMachineArn: deployment.stateMachineArn,
      trainingJobLog: world.runtime.trainingJobLog,
    });
    const [secondPlan, { roleChecks, summaries }] = await together(
      verifySecondPlan(deployment),
      this.#mapRolesAndExecute(world, deployment, executions),
    );
    const others = [
      ...(await this.#stoppedExecution(world, executions)),
      ...(await this.#failingExecutions(world, executions)),
    ];
    const logs = verifyLogs(
      await functionLogs(clients.logs, nameOf(deployment.stateMachineArn)),
      collection.documents.map(passageText),
    );
    const before = [...secondPlan, ...roleChecks, ...others, ...logs];
    const access = await this.#access(world, deployment, [...before, ...summaries.flatMap(({ checks }) => checks)]);
    return {
      options: this.#options,
      runtime: world.runtime.description,
      setUp: this.#setUp,
      checks: [...before, ...access],
      executions: summaries,
      totalSeconds: (Date.now() - this.#startedAt) / 1000,
      peakMemoryGiB: this.#memory.peakGiB(),
    };
  }

  /** Prints the results and keeps them. */
  async write(results: RunResults): Promise<void> {
    const file = this.#resultsFile;
    const rendered = renderResults(results);
    await writeFile(`${file}.md`, rendered);
    await writeFile(`${file}.json`, `${JSON.stringify(results, null, 2)}\n`);
    process.stdout.write(`\n${rendered}\nwritten to ${path.relative(process.cwd(), file)}.md and .json\n`);
    this.succeeded = allChecks(results).every(({ outcome }) => outcome === "passed");
  }

  async #startRuntime(collection: Collection): Promise<StartedRuntime> {
    const runtime = await chooseRuntime({ runtime: this.#options.runtime ?? "auto" }, this.display.say);
    return runtime.start({
      workDirectory: this.#workDirectory,
      onProgress: this.display.begin,
      teardown: this.#teardown,
      recorder: this.#recorder,
      passages: collection.documents.map(passageText),
      spotInterruptions: this.#options.spotInterruptions,
    });
  }

  async #mapRolesAndExecute(world: World, deployment: Deployment, executions: Executions) {
    this.display.begin("mapping the functions' roles in OpenSearch");
    const { runtime, domain, clients } = world;
    const roleChecks = await mapRolesAndVerify({
      connection: runtime,
      domain,
      logs: clients.logs,
      executions,
      roles: deployment.domainRoles,
      modelName: MODEL_NAME,
      readsIndex: this.#options.input === "opensearch",
    });
    const summaries: ExecutionSummary[] = [];
    await mkdir(RESULTS_DIRECTORY, { recursive: true });
    for (let number = 1; number <= this.#options.executions; number++) {
      this.display.begin(`execution ${number} of ${this.#options.executions}`);
      const deployed = summaries.filter(({ succeeded }) => succeeded).length;
      summaries.push(await this.#execute(number, deployed, world, deployment, executions));
    }
    return { roleChecks, summaries };
  }

  #execute(number: number, deployedBefore: number, world: World, { bucket }: Deployment, executions: Executions) {
    const { modelType, base, trainingOnly, spotInterruptions, small, seed } = this.#options;
    const name = `e2e-${seed}-${number}`;
    return verifiedExecution(name, {
      ...world,
      executions,
      bucket,
      deployedBefore,
      modelType,
      baseModelId: base,
      trainingOnly,
      queriesPerDocument: scaleOf(this.#options).queriesPerDocument,
      spotInterruptions,
      expectGain: !small,
      workDirectory: path.join(this.#workDirectory, `execution-${number}`),
      reportFile: `${this.#resultsFile}-${name}.html`,
      display: this.display,
    });
  }

  async #stoppedExecution({ clients }: World, executions: Executions): Promise<Check[]> {
    this.display.begin("an execution on the other kind of input, which is stopped");
    return verifyStoppedExecution(clients.sageMaker, executions, {
      ...(this.#options.input === "opensearch"
        ? { input_type: "s3", s3_corpus_path: GIVEN_CORPUS.corpusUri }
        : { input_type: "opensearch", opensearch_index_name: SOURCE_INDEX }),
      sample_query_uri: `${GIVEN_CORPUS.judgementsUri}queries.jsonl`,
      max_query_documents: 100,
    });
  }

  async #failingExecutions({ clients, domain }: World, executions: Executions): Promise<Check[]> {
    if (!this.#options.failures) return [];
    this.display.begin("executions that must fail");
    return verifyFailingExecutions(clients, domain, executions, MODEL_NAME, this.display.begin);
  }

  /** @param before the checks of what made the calls. */
  async #access({ clients }: World, deployment: Deployment, before: readonly Check[]): Promise<Check[]> {
    this.display.begin("holding what the roles asked for against their policies");
    const [firstFailure] = failed(before).filter(({ stage }) => stage.endsWith("execution"));
    return verifyAccess({
      clients,
      deployment,
      recorder: this.#recorder,
      leftOut: leftOutPermissions(this.#options),
      reportFile: `${this.#resultsFile}-access`,
      incomplete: firstFailure && `"${firstFailure.stage}: ${firstFailure.name}" failed, so that calls are missing`,
    });
  }

  get #resultsFile(): string {
    return path.join(RESULTS_DIRECTORY, new Date(this.#startedAt).toISOString().replace(/[:.]/g, "-"));
  }

  async #timed<T>(stage: string, work: Promise<T>, counts: (made: T) => string): Promise<T> {
    const from = Date.now();
    const made = await work;
    this.#setUp.push({ stage, seconds: (Date.now() - from) / 1000, counts: counts(made) });
    return made;
  }
}

/** Waits for both, also when one fails: what the other starts meanwhile must be known to the teardown. */
async function together<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}

async function verifySecondPlan({ terraform }: Deployment): Promise<Check[]> {
  const checks = new Checks("terraform");
  const isEmpty = await terraform.planIsEmpty();
  checks.expect("a second plan is empty", isEmpty, "terraform plan -detailed-exitcode");
  return checks.results;
}

/** Name of a state machine, which is that of the deployment. */
function nameOf(stateMachineArn: string): string {
  return stateMachineArn.slice(stateMachineArn.lastIndexOf(":") + 1);
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
