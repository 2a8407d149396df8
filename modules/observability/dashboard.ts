import { CloudwatchDashboard } from "@cdktf/provider-aws/lib/cloudwatch-dashboard";
import { Fn } from "cdktf";
import { Construct } from "constructs";
import { METRICS_NAMESPACE } from "../../pipeline/functions.ts";
import type { AwsContext } from "../terraform/aws-context.ts";
import { encodeJson } from "../terraform/json.ts";

/** What the dashboard shows. */
export interface DashboardProps {
  readonly name: string;
  readonly aws: AwsContext;
  readonly stateMachineArn: string;
  /** Publishes the stages' seconds and nDCG. Functions are given as what follows the deployment's name in theirs. */
  readonly reportFunction: string;
  /** Publish the number of documents, one for each kind of input. */
  readonly documentFunctions: readonly string[];
  /** Publishes the numbers of query records. */
  readonly queryFunction: string;
  readonly endpointName: string;
  readonly variantName: string;
}

const DAY = 86_400;
const HOUR = 3_600;
const MINUTE = 60;

/** Width of CloudWatch's grid, in units. */
const GRID_WIDTH = 24;
const WIDGET_WIDTH = GRID_WIDTH / 3;
const WIDGET_HEIGHT = 6;

interface Graph {
  readonly title: string;
  readonly metrics: readonly unknown[];
  readonly period: number;
  readonly stat: string;
}

/** One page for a deployment: its executions, what their jobs measured, and its endpoint. */
export class Dashboard extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const widgets = graphs(props).map(({ title, metrics, period, stat }, position) => ({
      type: "metric",
      x: (position * WIDGET_WIDTH) % GRID_WIDTH,
      y: Math.floor((position * WIDGET_WIDTH) / GRID_WIDTH) * WIDGET_HEIGHT,
      width: WIDGET_WIDTH,
      height: WIDGET_HEIGHT,
      properties: { title, metrics, period, stat, region: props.aws.region, view: "timeSeries", stacked: false },
    }));
    this.name = props.name;
    new CloudwatchDashboard(this, "Default", { dashboardName: props.name, dashboardBody: encodeJson({ widgets }) });
  }
}

function graphs(props: DashboardProps): readonly Graph[] {
  const ofStateMachine = (metric: string) => ["AWS/States", metric, "StateMachineArn", props.stateMachineArn];
  const ofEndpoint = (metric: string, options: object = {}) => [
    "AWS/SageMaker",
    metric,
    "EndpointName",
    props.endpointName,
    "VariantName",
    props.variantName,
    options,
  ];
  const ofFunction = (called: string, metric: string) => [
    METRICS_NAMESPACE,
    metric,
    "service",
    `${props.name}-${called}`,
  ];
  // Jobs have names of their own, and so have their metrics' dimensions: only a search finds those of the next execution.
  const ofJobs = (...metrics: string[]) =>
    metrics.map((metric) => [
      search("{/aws/sagemaker/TrainingJobs,TrainingJobName} MetricName=", [props.name, `:${metric}`], MINUTE),
    ]);
  const days = { period: DAY, stat: "Sum" };
  const latest = { period: HOUR, stat: "Maximum" };
  const minutes = { period: MINUTE, stat: "Average" };
  return [
    {
      title: "Executions a day",
      metrics: ["Started", "Succeeded", "Failed", "TimedOut", "Aborted"].map((end) =>
        ofStateMachine(`Executions${end}`),
      ),
      ...days,
    },
    {
      title: "Seconds of each stage",
      metrics: [
        [
          search(
            `{${METRICS_NAMESPACE},service,stage} MetricName="StageSeconds" service=`,
            [props.name, `-${props.reportFunction}`],
            HOUR,
          ),
        ],
      ],
      ...latest,
    },
    {
      title: "nDCG@10 before and after",
      metrics: ["NdcgBase", "NdcgTuned"].map((metric) => ofFunction(props.reportFunction, metric)),
      ...latest,
    },
    {
      title: "Documents and query records",
      metrics: [
        ...props.documentFunctions.map((called) => ofFunction(called, "Documents")),
        ...["QueryRecords", "QueryRecordsSucceeded", "QueryRecordsFailed"].map((metric) =>
          ofFunction(props.queryFunction, metric),
        ),
      ],
      period: HOUR,
      stat: "Sum",
    },
    { title: "Training queries and scored pairs", metrics: ofJobs("mining:train_queries", "scoring:pairs"), ...latest },
    { title: "Pairs scored a second", metrics: ofJobs("scoring:pairs_per_second"), ...minutes },
    { title: "Training loss", metrics: ofJobs("training:loss", "training:dev_loss"), ...minutes },
    { title: "Learning rate", metrics: ofJobs("training:learning_rate"), ...minutes },
    { title: "Endpoint: requests a minute", metrics: [ofEndpoint("Invocations")], period: MINUTE, stat: "Sum" },
    {
      title: "Endpoint: latency in microseconds",
      metrics: ["p50", "p95", "p99"].map((stat) => ofEndpoint("ModelLatency", { stat, label: `model, ${stat}` })),
      ...minutes,
    },
    {
      title: "Endpoint: errors",
      metrics: [ofEndpoint("Invocation4XXErrors"), ofEndpoint("Invocation5XXErrors")],
      period: MINUTE,
      stat: "Sum",
    },
  ];
}

/**
 * A search of CloudWatch for series of which something is exactly `<deployment><rest>`. The deployment's name may be a Terraform
 * expression, which CDKTF takes as an argument of its own only.
 */
function search(query: string, [deployment, rest]: readonly [string, string], period: number): { expression: string } {
  const pieces = [Fn.rawString(`SEARCH('${query}"`), deployment, Fn.rawString(`${rest}"', 'Maximum', ${period})`)];
  return { expression: Fn.join("", pieces) };
}
