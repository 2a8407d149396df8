import type { HistoryEvent } from "@aws-sdk/client-sfn";
import { z } from "zod";
import {
  impliedByImage,
  impliedByMetrics,
  impliedByScaling,
  impliedBySync,
  impliedByTags,
  impliedPassRole,
} from "../../emulation/recording/implied-calls.ts";
import { UnknownRequestError } from "../../emulation/recording/request-calls.ts";
import type { AccessTrace, Account, RoleCall, RoleSession } from "../../emulation/recording/role-call.ts";

const Tags = z.array(z.unknown()).default([]);
const InvokeParameters = z.object({ FunctionName: z.string() });
const GetObjectParameters = z.object({ Bucket: z.string(), Key: z.string() });
const TrainingJobParameters = z.object({
  TrainingJobName: z.string(),
  RoleArn: z.string(),
  AlgorithmSpecification: z.object({ TrainingImage: z.string(), MetricDefinitions: z.array(z.unknown()).default([]) }),
  Tags,
});
const ModelParameters = z.object({
  ModelName: z.string(),
  ExecutionRoleArn: z.string(),
  PrimaryContainer: z.object({ Image: z.string() }),
  Tags,
});
const EndpointConfigParameters = z.object({ EndpointConfigName: z.string(), Tags });
const EndpointParameters = z.object({ EndpointName: z.string(), EndpointConfigName: z.string(), Tags });
const ScalingParameters = z.object({
  ServiceNamespace: z.string(),
  ScalableDimension: z.string(),
  ResourceId: z.string(),
  Tags: z.record(z.string(), z.string()).default({}),
});
const EndpointNameParameters = z.object({ EndpointName: z.string() });

/**
 * What a state machine called, as its execution's history tells it: that holds every task's API and parameters, whatever runs the
 * state machine.
 *
 * @param role of the state machine.
 * @throws UnknownRequestError when a task calls something that this does not know.
 */
export function historyCalls(events: readonly HistoryEvent[], role: string, account: Account): AccessTrace {
  const calls: RoleCall[] = [];
  const sessions: RoleSession[] = [];
  const configs = new Map<string, string>();
  for (const { taskScheduledEventDetails: task } of events) {
    if (task === undefined) continue;
    const of = taskCalls(`${task.resourceType}:${task.resource}`, JSON.parse(task.parameters ?? "{}"), {
      role,
      account,
      configs,
    });
    calls.push(...of.calls);
    sessions.push(...of.sessions);
  }
  return { calls, sessions };
}

interface StateMachineCaller {
  readonly role: string;
  readonly account: Account;
  /** ARN of the configuration that each endpoint was last given, by the endpoint's name. */
  readonly configs: Map<string, string>;
}

function taskCalls(api: string, parameters: unknown, { role, account, configs }: StateMachineCaller): AccessTrace {
  const sageMakerArn = (type: string, name: string) =>
    `arn:aws:sagemaker:${account.region}:${account.id}:${type}/${name.toLowerCase()}`;
  const recorded = (action: string, resource: string, context: Record<string, string> = {}): RoleCall => ({
    principal: role,
    action,
    resource,
    context,
    evidence: "recorded",
    because: "",
  });
  const tagged = (arn: string, tags: readonly unknown[]) =>
    tags.length === 0 ? [] : [impliedByTags(role, arn, "sagemaker:AddTags")];
  const only = (...calls: RoleCall[]): AccessTrace => ({ calls, sessions: [] });
  switch (api) {
    case "lambda:invoke":
      return only(recorded("lambda:InvokeFunction", InvokeParameters.parse(parameters).FunctionName));
    case "aws-sdk:s3:getObject": {
      const { Bucket, Key } = GetObjectParameters.parse(parameters);
      const context = { "aws:ResourceAccount": account.id, "aws:SecureTransport": "true", "s3:TlsVersion": "1.3" };
      return only(recorded("s3:GetObject", `arn:aws:s3:::${Bucket}/${Key}`, context));
    }
    case "sagemaker:createTrainingJob.sync": {
      const job = TrainingJobParameters.parse(parameters);
      const arn = sageMakerArn("training-job", job.TrainingJobName);
      const { TrainingImage, MetricDefinitions } = job.AlgorithmSpecification;
      const sageMaker = "sagemaker.amazonaws.com";
      return {
        calls: [
          recorded("sagemaker:CreateTrainingJob", arn),
          impliedPassRole(role, job.RoleArn, sageMaker, "CreateTrainingJob passes the job's role"),
          ...tagged(arn, job.Tags),
          ...impliedBySync(role, arn, account),
          ...impliedByImage(job.RoleArn, TrainingImage),
          ...(MetricDefinitions.length === 0 ? [] : [impliedByMetrics(job.RoleArn, "/aws/sagemaker/TrainingJobs")]),
        ],
        sessions: [{ role: job.RoleArn, service: sageMaker, sourceArn: arn }],
      };
    }
    case "sagemaker:createModel": {
      const model = ModelParameters.parse(parameters);
      const arn = sageMakerArn("model", model.ModelName);
      const sageMaker = "sagemaker.amazonaws.com";
      return {
        calls: [
          recorded("sagemaker:CreateModel", arn),
          impliedPassRole(role, model.ExecutionRoleArn, sageMaker, "CreateModel passes the container's role"),
          ...tagged(arn, model.Tags),
          ...impliedByImage(model.ExecutionRoleArn, model.PrimaryContainer.Image),
          impliedByMetrics(model.ExecutionRoleArn, "/aws/sagemaker/Endpoints"),
        ],
        sessions: [{ role: model.ExecutionRoleArn, service: sageMaker, sourceArn: arn }],
      };
    }
    case "sagemaker:createEndpointConfig": {
      const { EndpointConfigName, Tags: tags } = EndpointConfigParameters.parse(parameters);
      const arn = sageMakerArn("endpoint-config", EndpointConfigName);
      return only(recorded("sagemaker:CreateEndpointConfig", arn), ...tagged(arn, tags));
    }
    case "sagemaker:createEndpoint":
    case "sagemaker:updateEndpoint": {
      const { EndpointName, EndpointConfigName, Tags: tags } = EndpointParameters.parse(parameters);
      const action = api === "sagemaker:createEndpoint" ? "sagemaker:CreateEndpoint" : "sagemaker:UpdateEndpoint";
      const arn = sageMakerArn("endpoint", EndpointName);
      const configArn = sageMakerArn("endpoint-config", EndpointConfigName);
      configs.set(EndpointName, configArn);
      return only(recorded(action, arn), recorded(action, configArn), ...tagged(arn, tags));
    }
    case "aws-sdk:applicationautoscaling:registerScalableTarget":
    case "aws-sdk:applicationautoscaling:putScalingPolicy":
    case "aws-sdk:applicationautoscaling:deregisterScalableTarget": {
      const { ServiceNamespace, ScalableDimension, ResourceId, Tags: tags } = ScalingParameters.parse(parameters);
      const operation = api.split(":").at(-1) ?? "";
      const action = `application-autoscaling:${operation.charAt(0).toUpperCase()}${operation.slice(1)}`;
      // The target's id is given when it is registered; permissions cannot name it.
      const target = `arn:aws:application-autoscaling:${account.region}:${account.id}:scalable-target/target`;
      const call = recorded(action, target, {
        "application-autoscaling:service-namespace": ServiceNamespace,
        "application-autoscaling:scalable-dimension": ScalableDimension,
      });
      const tagging =
        Object.keys(tags).length === 0 ? [] : [impliedByTags(role, target, "application-autoscaling:TagResource")];
      const configArn = configs.get(ResourceId.split("/")[1] ?? "");
      if (operation !== "putScalingPolicy" || configArn === undefined) return only(call, ...tagging);
      return only(call, ...impliedByScaling(role, ResourceId, configArn, account));
    }
    case "aws-sdk:sagemaker:describeEndpoint":
    case "aws-sdk:sagemaker:deleteEndpoint": {
      const { EndpointName } = EndpointNameParameters.parse(parameters);
      const action = api.endsWith("describeEndpoint") ? "sagemaker:DescribeEndpoint" : "sagemaker:DeleteEndpoint";
      return only(recorded(action, sageMakerArn("endpoint", EndpointName)));
    }
    default:
      throw new UnknownRequestError(`Step Functions task ${api}`);
  }
}
