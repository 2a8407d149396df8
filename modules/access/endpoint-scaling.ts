import type { AwsContext } from "../terraform/aws-context.ts";
import type { Statement } from "./service-role.ts";

/** Application Auto Scaling, as far as it scales endpoints: the service that its role in the account trusts. */
const SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com";

/**
 * Lets endpoints scale. Application Auto Scaling checks that whoever asks for it may do itself what it will do: change the number
 * of instances, and make the alarms by which it decides. In an account that never scaled an endpoint, it makes its role.
 *
 * @param modelName prefix of the endpoints' names.
 * @param sageMakerArns as of `AccessScope`.
 */
export function scaleEndpoints(
  aws: AwsContext,
  modelName: string,
  sageMakerArns: (resourceType: string) => string[],
): Statement[] {
  return [
    {
      // The id of a scalable target is not known before it is registered; the conditions narrow it to endpoints.
      sid: "Scale",
      actions: [
        "application-autoscaling:DeregisterScalableTarget",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:RegisterScalableTarget",
      ],
      resources: [aws.arn("application-autoscaling", "scalable-target/*")],
      conditions: {
        StringEquals: {
          "application-autoscaling:service-namespace": "sagemaker",
          "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
        },
      },
    },
    {
      sid: "TagScalableTarget",
      actions: ["application-autoscaling:TagResource"],
      resources: [aws.arn("application-autoscaling", "scalable-target/*")],
    },
    {
      sid: "ScaleVariants",
      actions: ["sagemaker:DescribeEndpointConfig", "sagemaker:UpdateEndpointWeightsAndCapacities"],
      resources: ["endpoint", "endpoint-config"].flatMap(sageMakerArns),
    },
    {
      sid: "ScalingAlarms",
      actions: ["cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"],
      resources: [aws.arn("cloudwatch", `alarm:TargetTracking-endpoint/${modelName}-*`)],
    },
    {
      sid: "ScalingRole",
      actions: ["iam:CreateServiceLinkedRole"],
      resources: [
        `arn:${aws.partition}:iam::${aws.accountId}:role/aws-service-role/${SCALING_SERVICE}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`,
      ],
      conditions: { StringEquals: { "iam:AWSServiceName": SCALING_SERVICE } },
    },
  ];
}
