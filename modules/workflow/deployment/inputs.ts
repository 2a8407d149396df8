import type { Network } from "../../access/placement.ts";
import type { ExecutionTags } from "../../terraform/tags.ts";
import type { FunctionReference } from "../states.ts";

/** What the deployment of the model needs. */
export interface DeploymentInputs {
  readonly servingRoleArn: string;
  readonly network: Network;
  readonly tags: ExecutionTags;
  /** Seconds between two looks at the endpoint; may be a Terraform expression. */
  readonly pollSeconds: number;
  /** Deletes the models of earlier executions. */
  readonly deleteSuperseded: FunctionReference;
}
