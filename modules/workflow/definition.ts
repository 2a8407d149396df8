import { corpusStates } from "./corpus.ts";
import type { DefinitionInputs } from "./definition-inputs.ts";
import { DEPLOYMENT_START, deploymentStates } from "./deployment/deployment.ts";
import { gateStates } from "./gate.ts";
import { jobStates } from "./jobs.ts";
import { outcomeStates } from "./outcome.ts";
import { parameterStates } from "./parameters.ts";
import { queryStates } from "./queries.ts";
import { registrationStates } from "./registration.ts";

/** An execution is given up after this many seconds: every job and its wait at their longest, and two Bedrock jobs of a day each, take less. */
export const EXECUTION_TIMEOUT = 45 * 24 * 3600;

/**
 * The state machine of the pipeline: one document for AWS and for the emulators, in the part of the Amazon States Language that
 * all of them run (JSONPath with plain paths, intrinsics, inline Map).
 *
 * A task that fails fails the execution with its own error, so that Step Functions' redrive continues from that task. Errors are
 * caught only where the pipeline goes on.
 *
 * The state's document grows by a field a stage: `run`, `parameters`, `hyperparameters`, `images`, `corpus`, `queries`, `jobs`,
 * `mining`, `scoring`, `training`, `evaluation`, `gate`, `names`, `registration`.
 */
export function pipelineDefinition(inputs: DefinitionInputs): Record<string, unknown> {
  return {
    Comment: "Fine-tunes a retrieval model on a corpus and puts it behind OpenSearch.",
    StartAt: "ResolveParameters",
    TimeoutSeconds: EXECUTION_TIMEOUT,
    States: {
      ...parameterStates(inputs, "BeginCorpus"),
      ...corpusStates(inputs, "PrepareQueries"),
      ...queryStates(inputs, "PlanJobs"),
      ...jobStates(inputs, "ReadGateDecision"),
      ...gateStates(inputs, DEPLOYMENT_START),
      ...deploymentStates(
        {
          servingRoleArn: inputs.servingRoleArn,
          network: inputs.network,
          tags: inputs.tags,
          pollSeconds: inputs.endpointPollSeconds,
          deleteSuperseded: inputs.functions["delete-superseded-models"],
        },
        "ShouldRegister",
      ),
      ...registrationStates(inputs),
      ...outcomeStates(),
    },
  };
}
