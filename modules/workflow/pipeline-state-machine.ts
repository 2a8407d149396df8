import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { SfnStateMachine } from "@cdktf/provider-aws/lib/sfn-state-machine";
import type { Precondition } from "cdktf";
import { Construct } from "constructs";
import type { AccessScope } from "../access/access-scope.ts";
import { scaleEndpoints } from "../access/endpoint-scaling.ts";
import type { PipelineRoles } from "../access/pipeline-roles.ts";
import { ServiceRole } from "../access/service-role.ts";
import { passRole, TRACING, useKeyThroughS3 } from "../access/statements.ts";
import { type DataBucket, RESULTS_PREFIX } from "../storage/data-bucket.ts";
import type { AwsContext } from "../terraform/aws-context.ts";
import { orNull } from "../terraform/conditions.ts";
import { encodeJson } from "../terraform/json.ts";
import { pipelineDefinition } from "./definition.ts";
import type { DefinitionInputs } from "./definition-inputs.ts";

/** Rule through which Step Functions learns that a job ended; the service makes it in the account when it is first needed. */
const JOB_EVENTS_RULE = "rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule";

/** The state machine, its role and its log. */
export class PipelineStateMachine extends Construct {
  readonly arn: string;
  readonly roleArn: string;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly name: string;
      readonly aws: AwsContext;
      readonly bucket: DataBucket;
      readonly roles: PipelineRoles;
      readonly access: AccessScope;
      /** Prefix of the endpoints' names. */
      readonly modelName: string;
      readonly logRetentionDays: number;
      /** What must hold for an execution to have a chance, checked by the plan. */
      readonly preconditions: Precondition[];
      readonly definition: DefinitionInputs;
    },
  ) {
    super(scope, id);
    const { aws, bucket, name, roles, definition } = props;
    const { sageMakerArns } = props.access;
    const role = new ServiceRole(this, "role", {
      name: `${name}-workflow`,
      principal: "workflow",
      settings: props.access.roles,
      description: "Runs the pipeline's state machine",
      aws,
      service: "states.amazonaws.com",
      sourceArn: aws.arn("states", `stateMachine:${name}`),
      conditionalStatements: [useKeyThroughS3(aws, props.access.key)],
      statements: [
        {
          sid: "InvokeFunctions",
          actions: ["lambda:InvokeFunction"],
          resources: Object.values(definition.functions).map(({ arn }) => arn),
        },
        {
          sid: "RunJobs",
          actions: [
            "sagemaker:AddTags",
            "sagemaker:CreateTrainingJob",
            "sagemaker:DescribeTrainingJob",
            "sagemaker:ListTags",
            "sagemaker:StopTrainingJob",
          ],
          resources: sageMakerArns("training-job"),
        },
        {
          sid: "JobEvents",
          actions: ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
          resources: [aws.arn("events", JOB_EVENTS_RULE)],
        },
        {
          sid: "Deploy",
          actions: [
            "sagemaker:AddTags",
            "sagemaker:CreateEndpoint",
            "sagemaker:CreateEndpointConfig",
            "sagemaker:CreateModel",
            "sagemaker:DeleteEndpoint",
            "sagemaker:DescribeEndpoint",
            "sagemaker:UpdateEndpoint",
          ],
          resources: ["model", "endpoint-config", "endpoint"].flatMap(sageMakerArns),
        },
        ...scaleEndpoints(aws, props.modelName, sageMakerArns),
        passRole("PassSageMakerRoles", [roles.job.arn, roles.serving.arn], ["sagemaker.amazonaws.com"]),
        {
          sid: "ReadDecision",
          actions: ["s3:GetObject"],
          resources: [`${bucket.arn}/${RESULTS_PREFIX}*/decision.json`],
        },
        TRACING,
        {
          // Log delivery is set up per account: these actions have no resource.
          sid: "LogDelivery",
          actions: [
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
          ],
          resources: ["*"],
        },
      ],
    });
    // The prefix of the name keeps the account's log resource policy from growing with every state machine.
    const logs = new CloudwatchLogGroup(this, "logs", {
      name: `/aws/vendedlogs/states/${name}`,
      retentionInDays: props.logRetentionDays,
      kmsKeyId: orNull(props.access.key.arn),
    });
    const stateMachine = new SfnStateMachine(this, "Default", {
      name,
      roleArn: role.arn,
      definition: encodeJson(pipelineDefinition(definition)),
      // Inputs and outputs hold the user's names and addresses; an execution's history has them, for those who may read it.
      loggingConfiguration: { level: "ERROR", includeExecutionData: false, logDestination: `${logs.arn}:*` },
      tracingConfiguration: { enabled: true },
      lifecycle: { precondition: props.preconditions },
      // Step Functions tries the role's permissions when the state machine is made.
      dependsOn: [...role.policies],
    });
    this.arn = stateMachine.arn;
    this.roleArn = role.arn;
  }
}
