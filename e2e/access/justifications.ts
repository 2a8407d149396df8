/** A permission that the local run does not use, and why it stays. */
export interface Justification {
  /** As in the output `role_arns`; `*` for every role. */
  readonly principal: string;
  /** `*` for every statement. */
  readonly sid: string;
  /** `*` for every action: of a path that was left out. */
  readonly actions: readonly string[] | "*";
  readonly because: string;
}

/** Permissions that no path of a local run uses. */
export const JUSTIFICATIONS: readonly Justification[] = [
  {
    principal: "*",
    sid: "Tracing",
    actions: ["xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    because: "Lambda and Step Functions send the traces that tracing_config asks for; the emulators trace nothing",
  },
  {
    principal: "workflow",
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
    because: "Step Functions sets up the state machine's log with them when it is made; the emulators deliver no logs",
  },
  ...["bedrock-orchestrator", "data-extractor", "s3-validator"].flatMap((principal) => [
    {
      principal,
      sid: "Write",
      actions: ["s3:AbortMultipartUpload"],
      because: "an upload that fails is given up; none fails here",
    },
    {
      principal,
      sid: "Write",
      actions: ["s3:DeleteObject"],
      because: "a stage that is repeated removes what its earlier attempt left; none is repeated here",
    },
  ]),
  ...["bedrock-orchestrator", "s3-validator"].map((principal) => ({
    principal,
    sid: "ListInputs",
    actions: ["s3:ListBucket"],
    because: "without it S3 says of an input that is not there that access is denied; all are there",
  })),
  {
    principal: "bedrock-orchestrator",
    sid: "ReadQuotas",
    actions: ["servicequotas:ListAWSDefaultServiceQuotas"],
    because: "asked for quotas that were never changed for the account; the stub's list has all of them",
  },
  ...["job", "serving"].map((principal) => ({
    principal,
    sid: "Logs",
    actions: ["logs:DescribeLogStreams"],
    because: "AWS's guide gives it to SageMaker's execution roles; the stub writes to streams that it has made itself",
  })),
  {
    principal: "serving",
    sid: "ReadModelList",
    actions: ["s3:ListBucket"],
    because: "AWS's guide gives it to the execution role of CreateModel; the stub loads the one archive by its key",
  },
  {
    principal: "workflow",
    sid: "Deploy",
    actions: ["sagemaker:DeleteEndpoint"],
    because: "an endpoint that never came up is replaced; every one comes up here",
  },
];

const NOTHING_DEPLOYED = "--training-only deploys nothing";
/** What only the deployment of a model uses. */
const DEPLOYMENT_PERMISSIONS: readonly Justification[] = [
  ...["register-model", "serving", "connector"].map((principal) => ({
    principal,
    sid: "*",
    actions: "*" as const,
    because: NOTHING_DEPLOYED,
  })),
  ...["Deploy", "Scale", "TagScalableTarget", "ScaleVariants", "ScalingAlarms", "ScalingRole"].map((sid) => ({
    principal: "workflow",
    sid,
    actions: "*" as const,
    because: NOTHING_DEPLOYED,
  })),
];

const FIRST_DEPLOYMENT = "a later execution updates the endpoint and deletes old models: --executions 2";
/** What only executions use that find an endpoint. */
const UPDATE_PERMISSIONS: readonly Justification[] = [
  { principal: "delete-superseded-models", sid: "*", actions: "*", because: FIRST_DEPLOYMENT },
  { principal: "workflow", sid: "Deploy", actions: ["sagemaker:UpdateEndpoint"], because: FIRST_DEPLOYMENT },
  {
    principal: "workflow",
    sid: "Scale",
    actions: ["application-autoscaling:DeregisterScalableTarget"],
    because: FIRST_DEPLOYMENT,
  },
];
/** The function deletes what is older than the configuration before: there is none until a third execution. */
const DELETION_PERMISSIONS: readonly Justification[] = [
  {
    principal: "delete-superseded-models",
    sid: "DeleteConfigs",
    actions: ["sagemaker:DeleteEndpointConfig", "sagemaker:DescribeEndpointConfig"],
    because: "what was served before the last model is deleted first by a third execution: --executions 3",
  },
  {
    principal: "delete-superseded-models",
    sid: "DeleteModels",
    actions: ["sagemaker:DeleteModel"],
    because: "what was served before the last model is deleted first by a third execution: --executions 3",
  },
];

/** Permissions of the paths that a run leaves out. */
export function leftOutPermissions(options: {
  readonly trainingOnly: boolean;
  readonly executions: number;
}): readonly Justification[] {
  return [
    ...(options.trainingOnly ? DEPLOYMENT_PERMISSIONS : []),
    ...(options.trainingOnly || options.executions < 2 ? UPDATE_PERMISSIONS : []),
    ...(options.executions < 3 ? DELETION_PERMISSIONS : []),
  ];
}
