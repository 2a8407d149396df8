import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { METRICS_NAMESPACE } from "../../../pipeline/functions.ts";

/** Metrics as lines of the log in CloudWatch's embedded metric format, with the function's name as the dimension `service`. They need no call and no permission. */
export const metrics = new Metrics({
  namespace: METRICS_NAMESPACE,
  serviceName: process.env.POWERTOOLS_SERVICE_NAME ?? "opensearch-finetuning",
});

/** Publishes counts by their names. */
export function publishCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) metrics.addMetric(name, MetricUnit.Count, value);
  metrics.publishStoredMetrics();
}
