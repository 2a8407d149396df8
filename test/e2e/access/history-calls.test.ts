import type { HistoryEvent } from "@aws-sdk/client-sfn";
import { describe, expect, it } from "vitest";
import { historyCalls } from "../../../e2e/access/history-calls.ts";
import { UnknownRequestError } from "../../../emulation/recording/request-calls.ts";

const WORKFLOW = "arn:aws:iam::000000000000:role/workflow";
const JOB_ROLE = "arn:aws:iam::000000000000:role/job";
const ACCOUNT = { id: "000000000000", region: "us-east-1" };
const sageMaker = (resource: string) => `arn:aws:sagemaker:us-east-1:000000000000:${resource}`;

function scheduled(resourceType: string, resource: string, parameters: object): HistoryEvent {
  return {
    id: 1,
    timestamp: new Date(0),
    type: "TaskScheduled",
    taskScheduledEventDetails: { resourceType, resource, region: "us-east-1", parameters: JSON.stringify(parameters) },
  };
}

function asked(...event: Parameters<typeof scheduled>): string[] {
  return historyCalls([scheduled(...event)], WORKFLOW, ACCOUNT).calls.map(
    ({ principal, action, resource, evidence }) =>
      `${principal.split("/").at(-1)}: ${action} ${resource}${evidence === "recorded" ? "" : ` (${evidence})`}`,
  );
}

describe("what an execution asked of IAM", () => {
  it("a training job: the call, its role, its tags, following it, and what SageMaker does under the role", () => {
    const job = {
      TrainingJobName: "Products-mining-1",
      RoleArn: JOB_ROLE,
      AlgorithmSpecification: {
        TrainingImage: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.9.0-cpu",
        MetricDefinitions: [{ Name: "queries", Regex: "a" }],
      },
      Tags: [{ Key: "a", Value: "b" }],
    };
    const arn = sageMaker("training-job/products-mining-1");
    const rule =
      "arn:aws:events:us-east-1:000000000000:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule (implied)";
    const image = "arn:aws:ecr:us-east-1:763104351884:repository/pytorch-training (implied)";
    expect(asked("sagemaker", "createTrainingJob.sync", job)).toEqual([
      `workflow: sagemaker:CreateTrainingJob ${arn}`,
      `workflow: iam:PassRole ${JOB_ROLE} (implied)`,
      `workflow: sagemaker:AddTags ${arn} (implied)`,
      `workflow: sagemaker:DescribeTrainingJob ${arn} (implied)`,
      `workflow: sagemaker:StopTrainingJob ${arn} (implied)`,
      `workflow: sagemaker:AddTags ${arn} (implied)`,
      `workflow: sagemaker:ListTags ${arn} (implied)`,
      `workflow: events:PutRule ${rule}`,
      `workflow: events:PutTargets ${rule}`,
      `workflow: events:DescribeRule ${rule}`,
      "job: ecr:GetAuthorizationToken * (implied)",
      `job: ecr:BatchCheckLayerAvailability ${image}`,
      `job: ecr:GetDownloadUrlForLayer ${image}`,
      `job: ecr:BatchGetImage ${image}`,
      "job: cloudwatch:PutMetricData * (implied)",
    ]);
    const { sessions } = historyCalls([scheduled("sagemaker", "createTrainingJob.sync", job)], WORKFLOW, ACCOUNT);
    expect(sessions).toEqual([{ role: JOB_ROLE, service: "sagemaker.amazonaws.com", sourceArn: arn }]);
  });

  it("functions, objects and the endpoint", () => {
    const functionArn = "arn:aws:lambda:us-east-1:000000000000:function:plan-jobs";
    expect(asked("lambda", "invoke", { FunctionName: functionArn })).toEqual([
      `workflow: lambda:InvokeFunction ${functionArn}`,
    ]);
    expect(asked("aws-sdk:s3", "getObject", { Bucket: "data", Key: "results/1/decision.json" })).toEqual([
      "workflow: s3:GetObject arn:aws:s3:::data/results/1/decision.json",
    ]);
    expect(asked("aws-sdk:sagemaker", "describeEndpoint", { EndpointName: "products-endpoint" })).toEqual([
      `workflow: sagemaker:DescribeEndpoint ${sageMaker("endpoint/products-endpoint")}`,
    ]);
    expect(asked("sagemaker", "updateEndpoint", { EndpointName: "e", EndpointConfigName: "c" })).toEqual([
      `workflow: sagemaker:UpdateEndpoint ${sageMaker("endpoint/e")}`,
      `workflow: sagemaker:UpdateEndpoint ${sageMaker("endpoint-config/c")}`,
    ]);
  });

  it("scaling, with what Application Auto Scaling asks its caller for", () => {
    const target = {
      ServiceNamespace: "sagemaker",
      ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
      ResourceId: "endpoint/Products-endpoint/variant/AllTraffic",
    };
    const scalableTarget = "arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target/target";
    const { calls } = historyCalls(
      [
        scheduled("sagemaker", "createEndpoint", { EndpointName: "Products-endpoint", EndpointConfigName: "c" }),
        scheduled("aws-sdk:applicationautoscaling", "registerScalableTarget", { ...target, Tags: { a: "b" } }),
        scheduled("aws-sdk:applicationautoscaling", "putScalingPolicy", target),
      ],
      WORKFLOW,
      ACCOUNT,
    );
    const alarm =
      "arn:aws:cloudwatch:us-east-1:000000000000:alarm:TargetTracking-endpoint/Products-endpoint/variant/AllTraffic-AlarmHigh";
    const service = "sagemaker.application-autoscaling.amazonaws.com";
    expect(calls.slice(2).map(({ action, resource }) => [action, resource])).toEqual([
      ["application-autoscaling:RegisterScalableTarget", scalableTarget],
      ["application-autoscaling:TagResource", scalableTarget],
      ["application-autoscaling:PutScalingPolicy", scalableTarget],
      ["sagemaker:DescribeEndpoint", sageMaker("endpoint/products-endpoint")],
      ["sagemaker:DescribeEndpointConfig", sageMaker("endpoint-config/c")],
      ["sagemaker:UpdateEndpointWeightsAndCapacities", sageMaker("endpoint/products-endpoint")],
      ["cloudwatch:PutMetricAlarm", alarm],
      ["cloudwatch:DescribeAlarms", alarm],
      ["cloudwatch:DeleteAlarms", alarm],
      [
        "iam:CreateServiceLinkedRole",
        `arn:aws:iam::000000000000:role/aws-service-role/${service}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`,
      ],
    ]);
    expect(calls[2]?.context).toEqual({
      "application-autoscaling:service-namespace": "sagemaker",
      "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
    });
  });

  it("is unknown, and said to be, for another API", () => {
    expect(() => asked("aws-sdk:dynamodb", "getItem", {})).toThrow(UnknownRequestError);
  });
});
