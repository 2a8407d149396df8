import { DescribeExecutionCommand, GetExecutionHistoryCommand, SFNClient } from "@aws-sdk/client-sfn";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { mockClient } from "aws-sdk-client-mock";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExecutionRunningError } from "../../../lambdas/report-execution/execution.ts";
import { reportExecution } from "../../../lambdas/report-execution/report.ts";

// Otherwise powertools prints with a console of its own, past the spy below; and in development it prints no metrics unasked.
vi.hoisted(() => {
  process.env.POWERTOOLS_DEV = "true";
  process.env.POWERTOOLS_METRICS_DISABLED = "false";
});

const ARN = "arn:aws:states:us-east-1:123456789012:execution:finetuning:monday";
const TOPIC = "arn:aws:sns:us-east-1:123456789012:topic";
const stepFunctions = mockClient(SFNClient);
const sns = mockClient(SNSClient);
const settings = {
  stepFunctions: new SFNClient({}),
  sns: new SNSClient({}),
  topicArn: TOPIC,
  modelName: "products",
};
const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1_000);
const described = {
  executionArn: ARN,
  stateMachineArn: "arn:aws:states:us-east-1:123456789012:stateMachine:finetuning",
  name: "monday",
  startDate: at(0),
  stopDate: at(100),
};
const entered = (id: number, name: string, seconds: number) =>
  ({ id, type: "TaskStateEntered", timestamp: at(seconds), stateEnteredEventDetails: { name } }) as const;

describe("the report on an execution", () => {
  const printed: string[] = [];
  beforeEach(() => {
    vi.spyOn(console, "log").mockImplementation((line: unknown) => void printed.push(String(line)));
    sns.on(PublishCommand).resolves({});
    stepFunctions
      .on(GetExecutionHistoryCommand)
      .resolvesOnce({ events: [entered(1, "ExtractDocuments", 1)], nextToken: "more" })
      .resolvesOnce({ events: [entered(2, "TrainModel", 41)] });
    stepFunctions.on(GetExecutionHistoryCommand, { reverseOrder: true }).resolves({
      events: [
        { id: 4, previousEventId: 3, type: "ExecutionFailed", timestamp: at(100) },
        {
          id: 3,
          previousEventId: 2,
          type: "TaskFailed",
          timestamp: at(100),
          taskFailedEventDetails: {
            resourceType: "sagemaker",
            resource: "createTrainingJob.sync",
            error: "States.TaskFailed",
            cause: JSON.stringify({ FailureReason: "AlgorithmError: loss is NaN" }),
          },
        },
        { ...entered(2, "TrainModel", 41), previousEventId: 1 },
      ],
      nextToken: "never needed",
    });
  });
  afterEach(() => {
    stepFunctions.reset();
    sns.reset();
    vi.restoreAllMocks();
    printed.length = 0;
  });

  /** The metrics in CloudWatch's embedded format that were printed: values and dimensions. */
  const metrics = () =>
    printed.map((line) => {
      const { _aws: format, ...values } = JSON.parse(line) as Record<string, unknown>;
      expect(format).toBeDefined();
      return values;
    });

  it("publishes the time of each stage and nDCG before and after, and tells the outcome", async () => {
    const output = {
      outcome: "deployed",
      model_name: "products-de",
      gate: {
        deploy: true,
        reason: "better",
        ndcg_base: 0.4,
        ndcg_tuned: 0.5,
        ndcg_gain_low: 0.05,
        query_prompt: "",
        document_prompt: "",
      },
      report_uri: "s3://bucket/report.json",
      endpoint_name: "products-de-endpoint",
      model_id: null,
      query_model_id: null,
    };
    stepFunctions
      .on(DescribeExecutionCommand)
      .resolves({ ...described, status: "SUCCEEDED", output: JSON.stringify(output) });
    await reportExecution(ARN, settings);
    expect(sns.commandCalls(PublishCommand)[0]?.args[0].input).toMatchObject({
      TopicArn: TOPIC,
      Subject: "Fine-tuning of products-de finished: deployed",
    });
    const service = { service: "opensearch-finetuning" };
    expect(metrics()).toEqual([
      { ...service, stage: "1 data extraction", StageSeconds: 40 },
      { ...service, stage: "5 training", StageSeconds: 59 },
      { ...service, NdcgBase: 0.4, NdcgTuned: 0.5 },
    ]);
  });

  it.each([
    ['{"model_name": "products-fr"}', "products-fr"],
    ["{}", "products"],
    ['"nonsense"', "products"],
  ])("tells of a failure under the model's name in the input %s, or else the deployment's", async (input, name) => {
    stepFunctions.on(DescribeExecutionCommand).resolves({ ...described, status: "FAILED", input });
    await reportExecution(ARN, settings);
    expect(sns.commandCalls(PublishCommand)[0]?.args[0].input).toMatchObject({
      Subject: `Fine-tuning of ${name} failed in stage 5 training`,
      Message: expect.stringContaining("AlgorithmError: loss is NaN"),
    });
    const withData = stepFunctions
      .commandCalls(GetExecutionHistoryCommand)
      .filter(({ args }) => args[0].input.includeExecutionData);
    expect(withData).toHaveLength(1);
    expect(metrics().every((values) => "StageSeconds" in values)).toBe(true);
  });

  it("refuses an execution that has not ended", async () => {
    stepFunctions.on(DescribeExecutionCommand).resolves({ ...described, status: "RUNNING" });
    await expect(reportExecution(ARN, settings)).rejects.toThrow(ExecutionRunningError);
    expect(sns.commandCalls(PublishCommand)).toHaveLength(0);
  });
});
