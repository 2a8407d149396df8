import type { FunctionName } from "../../pipeline/functions.ts";
import type { Images } from "../../pipeline/images.ts";
import { type Channel, JOB_STAGES, JOBS, type JobStage } from "../../pipeline/stages.ts";
import { type DataKey, type Network, vpcConfig } from "../access/placement.ts";
import { joined, withFieldsIf } from "../terraform/json.ts";
import type { ExecutionTags } from "../terraform/tags.ts";
import { DEPLOYMENT_START, deploymentStates } from "./deployment.ts";
import { FAILED_STAGES, failureStates } from "./failure.ts";
import { generateQueries } from "./query-generation.ts";
import {
  callSdk,
  type FunctionReference,
  invokeFunction,
  runTrainingJob,
  type State,
  type States,
  uniqueName,
} from "./states.ts";

/** What the definition refers to. Every value may be a Terraform expression. */
export interface DefinitionInputs {
  /** Name of the deployment; it distinguishes its jobs' metrics from those of others. */
  readonly deployment: string;
  readonly bucketName: string;
  readonly functions: Readonly<Record<FunctionName, FunctionReference>>;
  readonly jobRoleArn: string;
  readonly servingRoleArn: string;
  readonly bedrockRoleArn: string;
  readonly connectorRoleArn: string;
  /** S3 URI of each stage's code. */
  readonly codeUris: Readonly<Record<JobStage, string>>;
  readonly images: Images;
  /** Values of the parameters that an execution's input does not give. */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly network: Network;
  readonly key: DataKey;
  /** Of all that an execution makes: jobs, models, endpoints, and what scales. */
  readonly tags: ExecutionTags;
  readonly queryPollSeconds: number;
  readonly endpointPollSeconds: number;
}

/** Size of a job's volume in GB. Instances with NVMe disks (g5, p4d) use those instead. */
const VOLUME_SIZE_GB = 100;

/** An execution is given up after this many seconds: every job and its wait at their longest, and two Bedrock jobs of a day each, take less. */
export const EXECUTION_TIMEOUT = 45 * 24 * 3600;

/** Where the failures of each job's stage go. */
const FAILURE_OF_JOB: Readonly<Record<JobStage, string>> = {
  mining: FAILED_STAGES.mining.error,
  scoring: FAILED_STAGES.scoring.error,
  training: FAILED_STAGES.training.error,
  evaluation: FAILED_STAGES.evaluation.error,
};

/**
 * The state machine of the pipeline: one document for AWS and for the emulators, in the part of the Amazon States Language that
 * all of them run (JSONPath with plain paths, intrinsics, inline Map).
 *
 * The state's document grows by a field a stage: `run`, `parameters`, `hyperparameters`, `images`, `corpus`, `queries`, `jobs`,
 * `mining`, `scoring`, `training`, `evaluation`, `gate`, `names`, `registration`.
 */
export function pipelineDefinition(inputs: DefinitionInputs): Record<string, unknown> {
  return {
    Comment: "Fine-tunes a retrieval model on a corpus and puts it behind OpenSearch.",
    StartAt: "ReceiveInput",
    TimeoutSeconds: EXECUTION_TIMEOUT,
    States: {
      ...parameterStates(inputs),
      ...corpusStates(inputs),
      ...queryStates(inputs),
      ...jobStates(inputs),
      ...gateStates(inputs),
      ...deploymentStates({
        servingRoleArn: inputs.servingRoleArn,
        network: inputs.network,
        tags: inputs.tags,
        pollSeconds: inputs.endpointPollSeconds,
        deleteSuperseded: inputs.functions["delete-superseded-models"],
        next: "ShouldRegister",
      }),
      ...registrationStates(inputs),
      ...outcomeStates(),
      ...failureStates(),
    },
  };
}

function parameterStates({ functions, defaults, images, codeUris, bucketName }: DefinitionInputs): States {
  return {
    // Whatever the input is, from here on the document is an object, so that a failure has a place in it.
    ReceiveInput: { Type: "Pass", Parameters: { "input.$": "$" }, Next: "ResolveParameters" },
    ResolveParameters: {
      ...invokeFunction(
        functions["resolve-parameters"],
        { "input.$": "$.input", defaults, images, code_uris: codeUris },
        { fields: ["parameters", "hyperparameters", "images"], path: "$" },
        { next: "NameRun", onError: FAILED_STAGES.resolveParameters.error },
      ),
    },
    NameRun: {
      Type: "Pass",
      Parameters: {
        "uri.$": `States.Format('s3://${bucketName}/runs/{}/', $$.Execution.Name)`,
        "results_uri.$": `States.Format('s3://${bucketName}/results/{}/', $$.Execution.Name)`,
      },
      ResultPath: "$.run",
      Next: "BeginCorpus",
    },
    BeginCorpus: {
      Type: "Pass",
      Result: { cursor: null, complete: false },
      ResultPath: "$.corpus",
      Next: "CorpusSource",
    },
  };
}

function corpusStates({ functions }: DefinitionInputs): States {
  const result = { fields: ["complete", "cursor", "corpus_uri", "document_count"], path: "$.corpus" };
  return {
    CorpusSource: {
      Type: "Choice",
      Choices: [
        { Variable: "$.corpus.complete", BooleanEquals: true, Next: "PrepareQueries" },
        { Variable: "$.parameters.input_type", StringEquals: "opensearch", Next: "ExtractDocuments" },
      ],
      Default: "ValidateCorpus",
    },
    ExtractDocuments: invokeFunction(
      functions["data-extractor"],
      {
        "opensearch_endpoint.$": "$.parameters.opensearch_endpoint",
        "index_name.$": "$.parameters.opensearch_index_name",
        "text_fields.$": "$.parameters.text_field_names",
        "max_documents.$": "$.parameters.max_corpus_documents",
        "run_uri.$": "$.run.uri",
        "cursor.$": "$.corpus.cursor",
      },
      result,
      { next: "CorpusSource", onError: FAILED_STAGES.extraction.error },
    ),
    ValidateCorpus: invokeFunction(
      functions["s3-validator"],
      {
        "s3_corpus_path.$": "$.parameters.s3_corpus_path",
        "max_documents.$": "$.parameters.max_corpus_documents",
        "run_uri.$": "$.run.uri",
        "cursor.$": "$.corpus.cursor",
      },
      result,
      { next: "CorpusSource", onError: FAILED_STAGES.validation.error },
    ),
  };
}

function queryStates({ functions, bedrockRoleArn, queryPollSeconds, key }: DefinitionInputs): States {
  const onError = FAILED_STAGES.queries.error;
  return {
    PrepareQueries: invokeFunction(
      functions["bedrock-orchestrator"],
      {
        action: "prepare_input",
        "run_uri.$": "$.run.uri",
        "corpus_uri.$": "$.corpus.corpus_uri",
        "document_count.$": "$.corpus.document_count",
        "max_documents.$": "$.parameters.max_query_documents",
        "queries_per_document.$": "$.parameters.queries_per_document",
        "sample_query_uri.$": "$.parameters.sample_query_uri",
        "bedrock_model_id.$": "$.parameters.bedrock_model_id",
      },
      { fields: ["batches", "record_count", "records_uri", "output_uri"], path: "$.queries" },
      { next: "GenerateQueries", onError },
    ),
    GenerateQueries: generateQueries({
      orchestrator: functions["bedrock-orchestrator"],
      bedrockRoleArn,
      pollSeconds: queryPollSeconds,
      next: "PlanJobs",
      onError,
    }),
    PlanJobs: invokeFunction(
      functions["plan-jobs"],
      {
        "document_count.$": "$.corpus.document_count",
        "query_record_count.$": "$.queries.record_count",
        volume_size_gb: VOLUME_SIZE_GB,
        volume_kms_key_id: key.arn,
        "parameters.$": "$.parameters",
      },
      { fields: JOB_STAGES, path: "$.jobs" },
      { next: "MineHardNegatives", onError: FAILED_STAGES.planning.error },
    ),
  };
}

function jobStates(inputs: DefinitionInputs): States {
  const job = (stage: JobStage, next: string): State =>
    runTrainingJob(trainingJobRequest(inputs, stage), `$.${stage}`, `$.jobs.${stage}.timeout`, {
      next,
      onError: FAILURE_OF_JOB[stage],
    });
  const [judgements, general] = JOBS.evaluation.optionalChannels as readonly [Channel, Channel];
  const { channels } = JOBS.evaluation;
  const evaluationChannels = (optional: readonly Channel[]): State => ({
    Type: "Pass",
    Parameters: { channels: [...channels, ...optional].map(channel) },
    ResultPath: "$.evaluation",
    Next: "EvaluateModel",
  });
  const without = ({ uriPath }: Channel) => ({ Variable: uriPath, StringEquals: "" });
  return {
    MineHardNegatives: job("mining", "ScoreWithTeacher"),
    ScoreWithTeacher: job("scoring", "TrainModel"),
    TrainModel: job("training", "ChooseEvaluationInputs"),
    // A channel cannot be empty, so there is one more only when it has something in it.
    ChooseEvaluationInputs: {
      Type: "Choice",
      Choices: [
        { And: [without(judgements), without(general)], Next: "EvaluateOnHeldOut" },
        { ...without(general), Next: "EvaluateWithJudgements" },
        { ...without(judgements), Next: "EvaluateWithGeneral" },
      ],
      Default: "EvaluateWithBoth",
    },
    EvaluateOnHeldOut: evaluationChannels([]),
    EvaluateWithJudgements: evaluationChannels([judgements]),
    EvaluateWithGeneral: evaluationChannels([general]),
    EvaluateWithBoth: evaluationChannels([judgements, general]),
    EvaluateModel: job("evaluation", "ReadGateDecision"),
  };
}

function channel({ name, uriPath }: Channel): Record<string, unknown> {
  return {
    ChannelName: name,
    DataSource: {
      S3DataSource: {
        S3DataType: "S3Prefix",
        "S3Uri.$": uriPath,
        S3DataDistributionType: "FullyReplicated",
      },
    },
  };
}

function trainingJobRequest({ deployment, jobRoleArn, tags, network, key }: DefinitionInputs, stage: JobStage): object {
  const job = JOBS[stage];
  const base = job.lasting ? "$.run.results_uri" : "$.run.uri";
  const request = {
    "TrainingJobName.$": uniqueName(stage),
    AlgorithmSpecification: {
      "TrainingImage.$": `$.images.${stage}`,
      TrainingInputMode: "File",
      MetricDefinitions: job.metrics.map(({ Name, Regex }) => ({ Name: joined(":", [deployment, Name]), Regex })),
    },
    RoleArn: jobRoleArn,
    "HyperParameters.$": `$.hyperparameters.${stage}`,
    ...(stage === "evaluation"
      ? { "InputDataConfig.$": "$.evaluation.channels" }
      : { InputDataConfig: job.channels.map(channel) }),
    OutputDataConfig: withFieldsIf(
      {
        "S3OutputPath.$": `States.Format('{}${job.outputFolder}', ${base})`,
        CompressionType: job.compression,
      },
      key.given,
      { KmsKeyId: key.arn },
    ),
    "ResourceConfig.$": `$.jobs.${stage}.resource_config`,
    "StoppingCondition.$": `$.jobs.${stage}.stopping_condition`,
    "EnableManagedSpotTraining.$": `$.jobs.${stage}.use_spot_instances`,
    ...(job.checkpoints
      ? { CheckpointConfig: { "S3Uri.$": `States.Format('{}checkpoints/${stage}/', $.run.uri)` } }
      : {}),
    Tags: tags.list,
  };
  // No job is isolated from the network: each installs packages from PyPI and loads models from the Hub.
  return withFieldsIf(request, network.given, vpcConfig(network));
}

function gateStates({ bucketName }: DefinitionInputs): States {
  return {
    ReadGateDecision: callSdk(
      "s3:getObject",
      {
        Bucket: bucketName,
        "Key.$":
          "States.Format('results/{}/evaluation/{}/output/model/decision.json', $$.Execution.Name, $.evaluation.job_name)",
      },
      { selector: { "decision.$": "States.StringToJson($.Body)" }, path: "$.gate" },
      { next: "BeginRegistration", onError: FAILED_STAGES.evaluation.error },
    ),
    // The output names every field, so each has to be there on every way to it.
    BeginRegistration: {
      Type: "Pass",
      Result: { connector_id: null, model_group_id: null, model_id: null, query_model_id: null, dimension: null },
      ResultPath: "$.registration",
      Next: "BeginNames",
    },
    BeginNames: { Type: "Pass", Result: { endpoint: null }, ResultPath: "$.names", Next: "ShouldDeploy" },
    ShouldDeploy: {
      Type: "Choice",
      Choices: [
        { Variable: "$.gate.decision.deploy", BooleanEquals: false, Next: "RejectedByGate" },
        { Variable: "$.parameters.deploy_endpoint", BooleanEquals: false, Next: "TrainedOnly" },
      ],
      Default: DEPLOYMENT_START,
    },
  };
}

function registrationStates({ functions, connectorRoleArn }: DefinitionInputs): States {
  return {
    ShouldRegister: {
      Type: "Choice",
      Choices: [{ Variable: "$.parameters.register_connector", BooleanEquals: true, Next: "RegisterModel" }],
      Default: "Deployed",
    },
    RegisterModel: invokeFunction(
      functions["register-model"],
      {
        "opensearch_endpoint.$": "$.parameters.opensearch_endpoint",
        "sagemaker_endpoint_name.$": "$.names.endpoint",
        "model_name.$": "$.parameters.model_name",
        "run_id.$": "$$.Execution.Name",
        connector_role_arn: connectorRoleArn,
        "query_prompt.$": "$.gate.decision.query_prompt",
        "document_prompt.$": "$.gate.decision.document_prompt",
        "model_type.$": "$.parameters.model_type",
      },
      { fields: ["connector_id", "model_group_id", "model_id", "query_model_id", "dimension"], path: "$.registration" },
      { next: "Registered", onError: FAILED_STAGES.registration.error },
    ),
  };
}

/** How an execution that did not fail can end. */
const OUTCOMES = {
  RejectedByGate: "rejected_by_gate",
  TrainedOnly: "trained",
  Deployed: "deployed",
  Registered: "registered",
} as const;

function outcomeStates(): States {
  const outcomes = Object.entries(OUTCOMES).map(([id, outcome]): [string, State] => [
    id,
    { Type: "Pass", Result: outcome, ResultPath: "$.outcome", Next: "Summarise" },
  ]);
  const jobs = JOB_STAGES.map((stage) => [`${stage}.$`, `$.${stage}.job_name`]);
  return {
    ...Object.fromEntries(outcomes),
    Summarise: {
      Type: "Pass",
      Parameters: {
        "outcome.$": "$.outcome",
        "model_name.$": "$.parameters.model_name",
        "run_uri.$": "$.run.uri",
        "corpus_documents.$": "$.corpus.document_count",
        "query_records.$": "$.queries.record_count",
        "model_artifact_uri.$": "$.training.artifact_uri",
        "report_uri.$":
          "States.Format('{}evaluation/{}/output/model/report.json', $.run.results_uri, $.evaluation.job_name)",
        "gate.$": "$.gate.decision",
        "endpoint_name.$": "$.names.endpoint",
        "connector_id.$": "$.registration.connector_id",
        "model_group_id.$": "$.registration.model_group_id",
        "model_id.$": "$.registration.model_id",
        "query_model_id.$": "$.registration.query_model_id",
        "embedding_dimension.$": "$.registration.dimension",
        jobs: Object.fromEntries(jobs),
      },
      Next: "Succeeded",
    },
    Succeeded: { Type: "Succeed" },
  };
}
