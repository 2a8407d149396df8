import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { JOB_STAGES, type JobStage } from "../../pipeline/stages.ts";
import { CODE_PREFIX, type DataBucket } from "../storage/data-bucket.ts";
import { Asset } from "../terraform/asset.ts";
import { packTrainingCode } from "./training-code.ts";

/** Characters of the content's SHA-256 in a key: enough to tell versions apart. */
const HASH_LENGTH = 16;

/** The training code in S3, one archive a stage. A key carries the content's hash: the plan changes exactly when the code does. */
export class TrainingCodeObjects extends Construct {
  /** S3 URIs by stage. */
  readonly uris: Readonly<Record<JobStage, string>>;

  constructor(scope: Construct, id: string, props: { readonly bucket: DataBucket; readonly directory: string }) {
    super(scope, id);
    const { bucket, directory } = props;
    const uris = JOB_STAGES.map((stage) => {
      const archive = new Asset(this, `${stage}_archive`, {
        fileName: `training-code-${stage}.tar.gz`,
        content: packTrainingCode(directory, stage),
      });
      const key = `${CODE_PREFIX}${stage}-${archive.sha256.slice(0, HASH_LENGTH)}.tar.gz`;
      new S3Object(this, stage, {
        bucket: bucket.name,
        key,
        source: archive.path,
        contentType: "application/gzip",
        dependsOn: [...bucket.ready],
        lifecycle: { createBeforeDestroy: true },
      });
      const uri = new TerraformLocal(this, `${stage}_uri`, `s3://${bucket.name}/${key}`);
      return [stage, uri.asString] as const;
    });
    this.uris = Object.fromEntries(uris) as Record<JobStage, string>;
  }
}
