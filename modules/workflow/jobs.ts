import { type Channel, JOB_STAGES, JOBS, type JobStage } from "../../pipeline/stages.ts";
import { vpcConfig } from "../access/placement.ts";
import { joined, withFieldsIf } from "../terraform/json.ts";
import type { DefinitionInputs } from "./definition-inputs.ts";
import { invokeFunction, runTrainingJob, type State, type States, uniqueName } from "./states.ts";

/** Size of a job's volume in GB. Instances with NVMe disks (g5, p4d) use those instead. */
const VOLUME_SIZE_GB = 100;

/** Plans the SageMaker jobs and runs them, one after the other. */
export function jobStates(inputs: DefinitionInputs, next: string): States {
  const job = (stage: JobStage, after: string): State =>
    runTrainingJob(trainingJobRequest(inputs, stage), `$.${stage}`, `$.jobs.${stage}.timeout`, after);
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
    PlanJobs: invokeFunction(
      inputs.functions["plan-jobs"],
      {
        "document_count.$": "$.corpus.document_count",
        "query_record_count.$": "$.queries.record_count",
        volume_size_gb: VOLUME_SIZE_GB,
        volume_kms_key_id: inputs.key.arn,
        "parameters.$": "$.parameters",
      },
      { fields: JOB_STAGES, path: "$.jobs" },
      "MineHardNegatives",
    ),
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
    EvaluateModel: job("evaluation", next),
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
