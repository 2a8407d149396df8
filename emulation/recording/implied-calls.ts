import type { Account, RoleCall } from "./role-call.ts";

/**
 * Regions to which a geography's inference profiles route requests made in us-east-1, as far as the local run needs them:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
const PROFILE_REGIONS: Readonly<Record<string, readonly string[]>> = {
  us: ["us-east-1", "us-east-2", "us-west-2"],
};
const PROFILE = /^(?<geography>us|global)[.](?<model>.+)$/;

/** The resources on which Bedrock asks for `bedrock:InvokeModel`: a model, or a profile and the model wherever it routes to. */
export function invokeModelCalls(
  modelId: string,
  { region, id }: Account,
): { resource: string; context: Record<string, string> }[] {
  const { geography, model } = PROFILE.exec(modelId)?.groups ?? {};
  if (geography === undefined) {
    return [{ resource: `arn:aws:bedrock:${region}::foundation-model/${modelId}`, context: {} }];
  }
  const profile = `arn:aws:bedrock:${region}:${id}:inference-profile/${modelId}`;
  // A global profile's model is also checked under an ARN without region.
  const regions = geography === "global" ? [region, ""] : (PROFILE_REGIONS[geography] ?? []);
  return [
    { resource: profile, context: {} },
    ...regions.map((routed) => ({
      resource: `arn:aws:bedrock:${routed}::foundation-model/${model}`,
      context: { "bedrock:InferenceProfileArn": profile },
    })),
  ];
}

function implied(
  principal: string,
  action: string,
  resource: string,
  because: string,
  context: Record<string, string> = {},
): RoleCall {
  return { principal, action, resource, context, evidence: "implied", because };
}

/** Handing a role over to a service. */
export function impliedPassRole(principal: string, roleArn: string, service: string, because: string): RoleCall {
  return implied(principal, "iam:PassRole", roleArn, because, { "iam:PassedToService": service });
}

/** What creating a Bedrock batch job needs besides the call itself. */
export function impliedByInvocationJob(
  submitter: string,
  { modelId, roleArn }: { readonly modelId: string; readonly roleArn: string },
  account: Account,
): RoleCall[] {
  return [
    impliedPassRole(submitter, roleArn, "bedrock.amazonaws.com", "CreateModelInvocationJob passes the batch role"),
    ...invokeModelCalls(modelId, account).map(({ resource, context }) =>
      implied(roleArn, "bedrock:InvokeModel", resource, "a batch job invokes its model under the batch role", context),
    ),
  ];
}

/** Creating a connector passes its role to OpenSearch. */
export function impliedByConnector(registrar: string, roleArn: string): RoleCall {
  return impliedPassRole(registrar, roleArn, "es.amazonaws.com", "creating a connector passes its role to OpenSearch");
}

const ECR_IMAGE = /^(?<account>\d{12})\.dkr\.ecr\.(?<region>[a-z0-9-]+)\.amazonaws\.com\/(?<repository>[^:@]+)/;

/** Pulling a container's image from ECR with the role of the job or model. */
export function impliedByImage(role: string, image: string): RoleCall[] {
  const { account, region, repository } = ECR_IMAGE.exec(image)?.groups ?? {};
  if (account === undefined) return [];
  const arn = `arn:aws:ecr:${region}:${account}:repository/${repository}`;
  const because = "SageMaker pulls the image with this role";
  return [
    implied(role, "ecr:GetAuthorizationToken", "*", because),
    ...["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"].map((action) =>
      implied(role, action, arn, because),
    ),
  ];
}

/** Publishing a container's metrics with the role of the job or model. */
export function impliedByMetrics(role: string, namespace: string): RoleCall {
  return implied(role, "cloudwatch:PutMetricData", "*", "SageMaker publishes metrics with this role", {
    "cloudwatch:namespace": namespace,
  });
}

/**
 * What Step Functions does for a `.sync` job besides creating it:
 * https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
 */
export function impliedBySync(workflow: string, jobArn: string, { region, id }: Account): RoleCall[] {
  const rule = `arn:aws:events:${region}:${id}:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule`;
  const because = "Step Functions follows a .sync job";
  return [
    implied(workflow, "sagemaker:DescribeTrainingJob", jobArn, because),
    implied(
      workflow,
      "sagemaker:StopTrainingJob",
      jobArn,
      "Step Functions stops the job of an execution that is stopped",
    ),
    implied(workflow, "sagemaker:AddTags", jobArn, "Step Functions tags a .sync job as its own"),
    implied(workflow, "sagemaker:ListTags", jobArn, because),
    ...["events:PutRule", "events:PutTargets", "events:DescribeRule"].map((action) =>
      implied(workflow, action, rule, because),
    ),
  ];
}

/**
 * What Application Auto Scaling does for a variant with the permissions of whoever registers it, and the role that it has in an
 * account: https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html
 *
 * @param variant `endpoint/<name>/variant/<name>`.
 * @param configArn of the endpoint's configuration.
 */
export function impliedByScaling(
  workflow: string,
  variant: string,
  configArn: string,
  { region, id }: Account,
): RoleCall[] {
  const service = "sagemaker.application-autoscaling.amazonaws.com";
  const serviceRole = `arn:aws:iam::${id}:role/aws-service-role/${service}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`;
  const endpointArn = `arn:aws:sagemaker:${region}:${id}:${variant.split("/").slice(0, 2).join("/").toLowerCase()}`;
  const alarmArn = `arn:aws:cloudwatch:${region}:${id}:alarm:TargetTracking-${variant}-AlarmHigh`;
  const because = "Application Auto Scaling asks whether its caller may do what it will do";
  return [
    implied(workflow, "sagemaker:DescribeEndpoint", endpointArn, because),
    implied(workflow, "sagemaker:DescribeEndpointConfig", configArn, because),
    implied(workflow, "sagemaker:UpdateEndpointWeightsAndCapacities", endpointArn, because),
    ...["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms"].map((action) =>
      implied(workflow, action, alarmArn, because),
    ),
    implied(
      workflow,
      "iam:CreateServiceLinkedRole",
      serviceRole,
      "the first scalable target makes the service's role",
      {
        "iam:AWSServiceName": service,
      },
    ),
  ];
}

/** Tags in a request that makes a resource, which need the service's action of tagging too. */
export function impliedByTags(workflow: string, arn: string, action: string): RoleCall {
  return implied(workflow, action, arn, "the request gives tags to what it makes");
}

/** A function's log. */
export function recordedFunctionLog(role: string, group: string, stream: string, { region, id }: Account): RoleCall[] {
  const arn = `arn:aws:logs:${region}:${id}:log-group:${group}:log-stream:${stream}`;
  return ["logs:CreateLogStream", "logs:PutLogEvents"].map((action) => ({
    principal: role,
    action,
    resource: arn,
    context: {},
    evidence: "recorded",
    because: "",
  }));
}
