import { CloudwatchEventRule } from "@cdktf/provider-aws/lib/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission";
import { Construct } from "constructs";
import { type FunctionName, REPORT_FUNCTION } from "../../pipeline/functions.ts";
import type { AccessScope } from "../access/access-scope.ts";
import { publishEncrypted } from "../access/statements.ts";
import { PipelineFunction } from "../functions/pipeline-function.ts";
import type { PipelineParameters } from "../parameters/props.ts";
import type { AwsContext } from "../terraform/aws-context.ts";
import { encodeJson } from "../terraform/json.ts";
import { ENDPOINT_SUFFIX, VARIANT_NAME } from "../workflow/deployment/names.ts";
import { Alarms } from "./alarms.ts";
import { Dashboard } from "./dashboard.ts";
import { Notifications } from "./notifications.ts";

/** What is observed. */
export interface ObservabilityProps {
  readonly aws: AwsContext;
  readonly access: AccessScope;
  readonly parameters: PipelineParameters;
  readonly stateMachineArn: string;
  /** Zip of the function that reports. */
  readonly code: Uint8Array;
}

/**
 * What people see of the pipeline: a dashboard, alarms, and a message on each execution that ended.
 *
 * EventBridge hands the end of an execution to a function rather than to the topic itself: an input transformer cannot look into an
 * execution's output, which is a string in the event, nor can it give an e-mail a subject.
 */
export class Observability extends Construct {
  readonly topicArn: string;
  readonly dashboardName: string;
  readonly reportFunction: PipelineFunction;

  constructor(scope: Construct, id: string, { aws, access, parameters, stateMachineArn, code }: ObservabilityProps) {
    super(scope, id);
    const name = parameters.namePrefix;
    const documentFunctions: readonly FunctionName[] = ["data-extractor", "s3-validator"];
    const queryFunction: FunctionName = "bedrock-orchestrator";
    const endpoint = { endpointName: `${parameters.modelName}${ENDPOINT_SUFFIX}`, variantName: VARIANT_NAME };

    this.topicArn = new Notifications(this, "notifications", {
      name,
      aws,
      emails: parameters.notificationEmails,
      existingTopicArn: parameters.notificationTopicArn,
      kmsKeyArn: parameters.kmsKeyArn,
    }).topicArn;
    this.reportFunction = new PipelineFunction(this, REPORT_FUNCTION, {
      functionName: `${name}-${REPORT_FUNCTION}`,
      principal: REPORT_FUNCTION,
      access,
      description: "Tells people how an execution ended",
      aws,
      code,
      memorySize: 256,
      timeout: 120,
      logRetentionDays: parameters.logRetentionDays,
      environment: { TOPIC_ARN: this.topicArn, MODEL_NAME: parameters.modelName },
      statements: [
        {
          sid: "ReadExecutions",
          actions: ["states:DescribeExecution", "states:GetExecutionHistory"],
          resources: [aws.arn("states", `execution:${name}:*`)],
        },
        { sid: "Publish", actions: ["sns:Publish"], resources: [this.topicArn] },
      ],
      conditionalStatements: [publishEncrypted(aws, access.key)],
    });
    this.#reportEnds(stateMachineArn, name);
    new Alarms(this, "alarms", {
      name,
      topicArn: this.topicArn,
      stateMachineArn,
      ...endpoint,
      deployEndpoint: parameters.deployEndpoint,
      endpointLatencyMs: parameters.endpointLatencyAlarmMs,
    });
    this.dashboardName = new Dashboard(this, "dashboard", {
      name,
      aws,
      stateMachineArn,
      reportFunction: REPORT_FUNCTION,
      documentFunctions,
      queryFunction,
      ...endpoint,
    }).name;
  }

  #reportEnds(stateMachineArn: string, name: string): void {
    const rule = new CloudwatchEventRule(this, "execution_ended", {
      name: `${name}-execution-ended`,
      description: "An execution of the pipeline ended",
      eventPattern: encodeJson({
        source: ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        detail: { stateMachineArn: [stateMachineArn], status: ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"] },
      }),
    });
    const permission = new LambdaPermission(this, "report_permission", {
      statementId: "ExecutionEnded",
      action: "lambda:InvokeFunction",
      functionName: this.reportFunction.functionName,
      principal: "events.amazonaws.com",
      sourceArn: rule.arn,
    });
    new CloudwatchEventTarget(this, "report", {
      rule: rule.name,
      arn: this.reportFunction.arn,
      dependsOn: [permission],
    });
  }
}
