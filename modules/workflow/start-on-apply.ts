import { LambdaInvocation } from "@cdktf/provider-aws/lib/lambda-invocation";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { START_FUNCTION } from "../../pipeline/functions.ts";
import type { AccessScope } from "../access/access-scope.ts";
import { PipelineFunction } from "../functions/pipeline-function.ts";
import type { PipelineParameters } from "../parameters/props.ts";
import type { AwsContext } from "../terraform/aws-context.ts";
import { type Condition, oneIf } from "../terraform/conditions.ts";

/** What is started, and when. */
export interface StartOnApplyProps {
  readonly aws: AwsContext;
  readonly access: AccessScope;
  readonly parameters: PipelineParameters;
  readonly stateMachineArn: string;
  /** Zip of the function that starts. */
  readonly code: Uint8Array;
  /** What has to be there before anything runs. */
  readonly after: ITerraformDependable[];
}

/**
 * Starts one execution when `start_on_apply` is applied as true for the first time, and otherwise makes nothing. The AWS provider
 * has no resource that is an execution; it has one that is an invocation of a function, which is invoked when it is created only.
 */
export class StartOnApply extends Construct {
  /** Whether there is a function that starts. */
  readonly when: Condition;
  /** Its role. */
  readonly roleArn: string;

  constructor(
    scope: Construct,
    id: string,
    { aws, access, parameters, stateMachineArn, code, after }: StartOnApplyProps,
  ) {
    super(scope, id);
    const name = parameters.namePrefix;
    const starter = new PipelineFunction(this, START_FUNCTION, {
      functionName: `${name}-${START_FUNCTION}`,
      principal: START_FUNCTION,
      access,
      description: "Starts the execution that start_on_apply asks for",
      aws,
      code,
      memorySize: 256,
      timeout: 120,
      logRetentionDays: parameters.logRetentionDays,
      environment: { STATE_MACHINE_ARN: stateMachineArn },
      statements: [
        { sid: "Start", actions: ["states:StartExecution"], resources: [aws.arn("states", `stateMachine:${name}`)] },
      ],
      when: parameters.startOnApply,
    });
    new LambdaInvocation(this, "invocation", {
      count: oneIf(parameters.startOnApply),
      functionName: starter.functionName,
      input: "{}",
      lifecycleScope: "CREATE_ONLY",
      dependsOn: after,
    });
    this.when = parameters.startOnApply;
    this.roleArn = starter.roleArn;
  }
}
