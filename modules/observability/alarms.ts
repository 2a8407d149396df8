import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { Fn, type IResolvable, Op, Token } from "cdktf";
import { Construct } from "constructs";

/** What is watched, and who is told. */
export interface AlarmsProps {
  /** Prefix of the alarms' names. */
  readonly name: string;
  readonly topicArn: string;
  readonly stateMachineArn: string;
  readonly endpointName: string;
  readonly variantName: string;
  /** Whether there is an endpoint to watch. */
  readonly deployEndpoint: boolean | IResolvable;
  /** Milliseconds; 0 for no alarm. */
  readonly endpointLatencyMs: number;
}

const FIVE_MINUTES = 300;
const MICROSECONDS_PER_MILLISECOND = 1_000;

/** Ends of an execution that are no success, by their metric. */
const UNHAPPY_ENDS = {
  failed: "ExecutionsFailed",
  timed_out: "ExecutionsTimedOut",
  aborted: "ExecutionsAborted",
} as const;

/** Alarms on executions that do not succeed and on the endpoint of the deployment's model. No data is no alarm. */
export class Alarms extends Construct {
  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { name, topicArn, stateMachineArn, endpointName, deployEndpoint, endpointLatencyMs } = props;
    const common = {
      comparisonOperator: "GreaterThanThreshold",
      threshold: 0,
      evaluationPeriods: 1,
      period: FIVE_MINUTES,
      treatMissingData: "notBreaching",
      alarmActions: [topicArn],
    };
    for (const [end, metricName] of Object.entries(UNHAPPY_ENDS)) {
      new CloudwatchMetricAlarm(this, `execution_${end}`, {
        ...common,
        alarmName: `${name}-execution-${end.replace("_", "-")}`,
        alarmDescription: `An execution of the pipeline ${end.replace("_", " ")}: ${stateMachineArn}`,
        namespace: "AWS/States",
        metricName,
        dimensions: { StateMachineArn: stateMachineArn },
        statistic: "Sum",
      });
    }
    const endpoint = {
      ...common,
      namespace: "AWS/SageMaker",
      dimensions: { EndpointName: endpointName, VariantName: props.variantName },
    };
    new CloudwatchMetricAlarm(this, "endpoint_errors", {
      ...endpoint,
      count: Token.asNumber(Fn.conditional(deployEndpoint, 1, 0)),
      alarmName: `${name}-endpoint-errors`,
      alarmDescription: `The endpoint ${endpointName} answered with a server error`,
      metricName: "Invocation5XXErrors",
      statistic: "Sum",
    });
    new CloudwatchMetricAlarm(this, "endpoint_latency", {
      ...endpoint,
      count: Token.asNumber(Fn.conditional(deployEndpoint, Fn.min([1, endpointLatencyMs]), 0)),
      alarmName: `${name}-endpoint-latency`,
      alarmDescription: `The 95th percentile of the latency of the endpoint ${endpointName} is above the limit of ${Token.asString(endpointLatencyMs)} ms`,
      metricName: "ModelLatency",
      extendedStatistic: "p95",
      evaluationPeriods: 3,
      threshold: Token.asNumber(Op.mul(endpointLatencyMs, MICROSECONDS_PER_MILLISECOND)),
    });
  }
}
