import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { copyOfStack } from "../shared-stack.ts";
import { type AppliedStack, applyMocked, temporaryDirectory } from "../stack-fixture.ts";

const BASE = { model_name: "products", s3_corpus_path: "s3://corpora/a.jsonl", register_connector: false };
/** For two applies, on a machine that has other work too. */
const APPLIES_TIMEOUT_MS = 300_000;
const OWN_TOPIC = "arn:aws:sns:us-east-1:123456789012:search-team";

const Policy = z.object({
  Statement: z.array(
    z.looseObject({ Sid: z.string(), Effect: z.string(), Principal: z.unknown(), Condition: z.unknown() }),
  ),
});
const DashboardBody = z.object({
  widgets: z.array(
    z.object({
      x: z.number(),
      y: z.number(),
      width: z.number(),
      height: z.number(),
      properties: z.looseObject({
        title: z.string(),
        region: z.string(),
        metrics: z.array(z.array(z.unknown()).min(1)),
      }),
    }),
  ),
});

describe("what people see of the pipeline", () => {
  const work = temporaryDirectory();
  let applied: AppliedStack;
  let minimal: AppliedStack;

  beforeAll(async () => {
    const directory = copyOfStack(work.path);
    applied = await applyMocked(directory, {
      ...BASE,
      notification_emails: ["a@example.com", "b@example.com"],
      endpoint_latency_alarm_ms: 250,
    });
    minimal = await applyMocked(directory, { ...BASE, deploy_endpoint: false, notification_topic_arn: OWN_TOPIC });
  }, APPLIES_TIMEOUT_MS);
  afterAll(() => work.remove());

  const one = (stack: AppliedStack, type: string) => Object.values(stack.resources(type))[0];
  const alarms = (stack: AppliedStack) =>
    new Map(
      Object.values(stack.resources("aws_cloudwatch_metric_alarm")).map((alarm) => [String(alarm.alarm_name), alarm]),
    );

  it("is an alarm for each way in which an execution or the endpoint goes wrong, each telling the topic", () => {
    const all = alarms(applied);
    expect([...all.keys()].sort()).toEqual([
      "opensearch-finetuning-endpoint-errors",
      "opensearch-finetuning-endpoint-latency",
      "opensearch-finetuning-execution-aborted",
      "opensearch-finetuning-execution-failed",
      "opensearch-finetuning-execution-timed-out",
    ]);
    const topic = one(applied, "aws_sns_topic");
    for (const alarm of all.values()) {
      expect(alarm).toMatchObject({ alarm_actions: [topic?.arn], treat_missing_data: "notBreaching" });
    }
    // CloudWatch has the latency in microseconds.
    expect(all.get("opensearch-finetuning-endpoint-latency")).toMatchObject({
      threshold: 250_000,
      extended_statistic: "p95",
      dimensions: { EndpointName: "products-endpoint", VariantName: "AllTraffic" },
    });
  });

  it("is no alarm on an endpoint that is not deployed", () => {
    const names = [...alarms(minimal).keys()];
    expect(names).toHaveLength(3);
    for (const name of names) expect(name).toContain("-execution-");
  });

  it("is a topic to which only the deployment's alarms may publish from outside, and over TLS", () => {
    const { Statement } = Policy.parse(JSON.parse(String(one(applied, "aws_sns_topic_policy")?.policy)));
    expect(Statement.map(({ Sid, Effect }) => [Sid, Effect])).toEqual([
      ["AlarmsPublish", "Allow"],
      ["TlsOnly", "Deny"],
    ]);
    expect(Statement[0]).toMatchObject({
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Condition: {
        ArnLike: { "aws:SourceArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:opensearch-finetuning-*" },
        StringEquals: { "aws:SourceAccount": "123456789012" },
      },
    });
    const subscriptions = Object.values(applied.resources("aws_sns_topic_subscription"));
    expect(subscriptions.map(({ endpoint, protocol }) => [protocol, endpoint])).toEqual([
      ["email", "a@example.com"],
      ["email", "b@example.com"],
    ]);
  });

  it("is the user's own topic when one is given", () => {
    for (const type of ["aws_sns_topic", "aws_sns_topic_policy", "aws_sns_topic_subscription"]) {
      expect(minimal.resources(type)).toEqual({});
    }
    for (const alarm of alarms(minimal).values()) expect(alarm.alarm_actions).toEqual([OWN_TOPIC]);
    const report = Object.values(minimal.resources("aws_lambda_function")).find(({ function_name }) =>
      String(function_name).endsWith("-report-execution"),
    );
    expect(report?.environment).toMatchObject([{ variables: { TOPIC_ARN: OWN_TOPIC, MODEL_NAME: "products" } }]);
  });

  it("is a message on every end of an execution of this state machine", () => {
    const machine = one(applied, "aws_sfn_state_machine");
    const rule = one(applied, "aws_cloudwatch_event_rule");
    expect(JSON.parse(String(rule?.event_pattern))).toEqual({
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: { stateMachineArn: [machine?.arn], status: ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"] },
    });
    const permission = one(applied, "aws_lambda_permission");
    expect(permission).toMatchObject({ principal: "events.amazonaws.com", source_arn: rule?.arn });
  });

  it("is a dashboard whose graphs do not overlap, in the deployment's region and of its own series only", () => {
    const body = JSON.parse(String(one(applied, "aws_cloudwatch_dashboard")?.dashboard_body));
    const { widgets } = DashboardBody.parse(body);
    const cells = widgets.flatMap(({ x, y, width, height }) => {
      expect(x + width).toBeLessThanOrEqual(24);
      return Array.from({ length: width * height }, (_, i) => `${x + (i % width)},${y + Math.floor(i / width)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
    for (const { properties } of widgets) {
      expect(properties.region).toBe("us-east-1");
      for (const metric of properties.metrics) {
        expect(JSON.stringify(metric)).toMatch(/opensearch-finetuning|products-endpoint|pipeline_workflow/);
      }
    }
    const loss = widgets.find(({ properties }) => properties.title === "Training loss")?.properties.metrics[0];
    expect(loss).toEqual([
      {
        expression: `SEARCH('{/aws/sagemaker/TrainingJobs,TrainingJobName} MetricName="opensearch-finetuning:training:loss"', 'Maximum', 60)`,
      },
    ]);
  });
});
