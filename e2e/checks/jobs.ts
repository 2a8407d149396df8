import { DescribeTrainingJobCommand, ListTagsCommand, type SageMakerClient } from "@aws-sdk/client-sagemaker";
import { type Check, Checks } from "./check.ts";

/**
 * Verifies what the state machine asked of SageMaker, as SageMaker tells it: every metric of a job's definitions was found in the
 * log that its script really wrote, every job carries the deployment's tags, and a job on spot instances survived its interruptions.
 */
export async function verifyJobs(
  sageMaker: SageMakerClient,
  jobNames: Readonly<Record<string, string>>,
  spotInterruptions: number,
): Promise<Check[]> {
  const checks = new Checks("SageMaker jobs");
  for (const [stage, name] of Object.entries(jobNames)) {
    const job = await sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName: name }));
    const defined = job.AlgorithmSpecification?.MetricDefinitions?.map(({ Name = "" }) => Name) ?? [];
    const found = new Set(job.FinalMetricDataList?.map(({ MetricName }) => MetricName));
    checks.expect(
      `${stage}: metrics in the log`,
      defined.length > 0 && defined.every((metric) => found.has(metric)),
      defined.map((metric) => `${metric}${found.has(metric) ? "" : " (not found)"}`).join(", "),
    );
    const { Tags: tags = [] } = await sageMaker.send(new ListTagsCommand({ ResourceArn: job.TrainingJobArn }));
    const keys = tags.map(({ Key = "" }) => Key);
    checks.expect(
      `${stage}: tags`,
      keys.includes("opensearch-finetuning:deployment") && keys.includes("opensearch-finetuning:execution"),
      keys.join(", "),
    );
    if (job.EnableManagedSpotTraining !== true) continue;
    const interrupted = job.SecondaryStatusTransitions?.filter(({ Status }) => Status === "Interrupted").length;
    checks.expect(
      `${stage}: goes on after an interruption`,
      interrupted === spotInterruptions,
      `${interrupted} interruptions, status ${job.TrainingJobStatus}`,
    );
  }
  return checks.results;
}
