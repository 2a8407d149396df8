import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";

/** Namespace of the pipeline's own metrics in CloudWatch; the dimension `service` is the function's name. */
const NAMESPACE = "OpenSearchFineTuning";

/** Metrics as lines of the log in CloudWatch's embedded metric format: they need no call and no permission. */
export const metrics = new Metrics({
  namespace: NAMESPACE,
  serviceName: process.env.POWERTOOLS_SERVICE_NAME ?? "opensearch-finetuning",
});

/** Publishes counts by their names. */
export function publishCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) metrics.addMetric(name, MetricUnit.Count, value);
  metrics.publishStoredMetrics();
}
