import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { z } from "zod";
import type { Terraform } from "../../emulation/terraform/terraform.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

const Outputs = z.object({
  state_machine_arn: z.string(),
  data_bucket_name: z.string(),
  role_arns: z.record(z.string(), z.string()),
  notifications_topic_arn: z.string(),
  opensearch_role_mapping: z.object({ read_access: z.string(), ml_full_access: z.string() }),
});

/** The IAM roles that call the domain; ARNs. */
export interface DomainRoles {
  readonly reader: string;
  readonly registration: string;
}

/** The deployed stack, as far as the harness needs to know it. */
export interface Deployment {
  readonly stateMachineArn: string;
  readonly bucket: string;
  /** Where messages for people go. */
  readonly topicArn: string;
  /** To be mapped in OpenSearch. */
  readonly domainRoles: DomainRoles;
  /** By principal. */
  readonly roleArns: Readonly<Record<string, string>>;
  readonly terraform: Terraform;
}

/**
 * Synthesises the app exactly as a user does. The only difference is an override file beside the synthesised one, which makes the
 * provider skip what only AWS can answer.
 *
 * @returns the stack's directory.
 */
export async function synthesise(workDirectory: string): Promise<string> {
  const outDirectory = path.join(workDirectory, "cdktf.out");
  await execa("npx", ["tsx", "main.ts"], {
    cwd: REPOSITORY,
    env: { CDKTF_OUTDIR: outDirectory, CHECKPOINT_DISABLE: "1" },
  });
  const stackDirectory = path.join(outDirectory, "stacks", "opensearch-finetuning");
  await writeFile(
    path.join(stackDirectory, "emulator_override.tf.json"),
    JSON.stringify({
      provider: {
        aws: [
          {
            max_retries: 2,
            s3_use_path_style: true,
            skip_credentials_validation: true,
            skip_metadata_api_check: "true",
          },
        ],
      },
    }),
  );
  return stackDirectory;
}

/**
 * Applies the stack with these variables and reads its outputs.
 *
 * @param directory the stack's, which `terraform` works on.
 */
export async function applyStack(
  terraform: Terraform,
  directory: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<Deployment> {
  await writeFile(path.join(directory, "emulator.auto.tfvars.json"), JSON.stringify(variables));
  await terraform.init();
  await terraform.apply();
  const outputs = Outputs.parse(await terraform.output());
  const { read_access: reader, ml_full_access: registration } = outputs.opensearch_role_mapping;
  return {
    stateMachineArn: outputs.state_machine_arn,
    bucket: outputs.data_bucket_name,
    topicArn: outputs.notifications_topic_arn,
    domainRoles: { reader, registration },
    roleArns: outputs.role_arns,
    terraform,
  };
}
