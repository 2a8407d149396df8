import type { FunctionName } from "../../pipeline/functions.ts";
import type { Images } from "../../pipeline/images.ts";
import type { JobStage } from "../../pipeline/stages.ts";
import type { DataKey, Network } from "../access/placement.ts";
import type { ExecutionTags } from "../terraform/tags.ts";
import type { FunctionReference } from "./states.ts";

/** What the definition refers to. Every value may be a Terraform expression. */
export interface DefinitionInputs {
  /** Name of the deployment; it distinguishes its jobs' metrics from those of others. */
  readonly deployment: string;
  readonly bucketName: string;
  readonly functions: Readonly<Record<FunctionName, FunctionReference>>;
  readonly jobRoleArn: string;
  readonly servingRoleArn: string;
  readonly bedrockRoleArn: string;
  readonly connectorRoleArn: string;
  /** S3 URI of each stage's code. */
  readonly codeUris: Readonly<Record<JobStage, string>>;
  readonly images: Images;
  /** Values of the parameters that an execution's input does not give. */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly network: Network;
  readonly key: DataKey;
  /** Of all that an execution makes: jobs, models, endpoints, and what scales. */
  readonly tags: ExecutionTags;
  readonly queryPollSeconds: number;
  readonly endpointPollSeconds: number;
}
