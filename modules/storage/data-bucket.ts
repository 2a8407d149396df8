import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { S3BucketOwnershipControls } from "@cdktf/provider-aws/lib/s3-bucket-ownership-controls";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning";
import { Construct } from "constructs";
import { encodeJson } from "../json.ts";

/** What the data bucket is called and how long it keeps things. */
export interface DataBucketProps {
  readonly name: string;
  /** Days after which what an execution works with expires: corpus, queries, training data, scores, checkpoints. */
  readonly intermediateRetentionDays: number;
}

/** Days for which overwritten and deleted versions stay, so that a mistake can be undone. */
const NONCURRENT_DAYS = 30;
/** Days after which the parts of an upload that broke off are removed. */
const BROKEN_UPLOAD_DAYS = 7;

/** What one execution works with: expires. */
export const RUNS_PREFIX = "runs/";
/** What one execution leaves: models, which endpoints load again whenever an instance is replaced, and reports. Stays. */
export const RESULTS_PREFIX = "results/";
/** The training code. Stays. */
export const CODE_PREFIX = "code/";

/**
 * The bucket with everything the pipeline reads and writes. A lifecycle rule can match the beginning of a key only, so what
 * expires and what stays lie below different prefixes.
 */
export class DataBucket extends Construct {
  readonly name: string;
  readonly arn: string;
  /** What must be there before the bucket is used. */
  readonly ready: readonly (S3BucketPolicy | S3BucketVersioningA | S3BucketServerSideEncryptionConfigurationA)[];

  constructor(scope: Construct, id: string, props: DataBucketProps) {
    super(scope, id);
    const bucket = new S3Bucket(this, "bucket", { bucket: props.name });
    this.name = bucket.id;
    this.arn = bucket.arn;
    new S3BucketOwnershipControls(this, "ownership", {
      bucket: bucket.id,
      rule: { objectOwnership: "BucketOwnerEnforced" },
    });
    const publicAccess = new S3BucketPublicAccessBlock(this, "public_access", {
      bucket: bucket.id,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const policy = new S3BucketPolicy(this, "policy", {
      bucket: bucket.id,
      policy: encodeJson({
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "TlsOnly",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [bucket.arn, `${bucket.arn}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
      }),
      // S3 refuses two changes of a bucket's access at the same time.
      dependsOn: [publicAccess],
    });
    const versioning = new S3BucketVersioningA(this, "versioning", {
      bucket: bucket.id,
      versioningConfiguration: { status: "Enabled" },
    });
    const encryption = new S3BucketServerSideEncryptionConfigurationA(this, "encryption", {
      bucket: bucket.id,
      rule: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
    });
    new S3BucketLifecycleConfiguration(this, "lifecycle", {
      bucket: bucket.id,
      rule: [
        {
          id: "expire-intermediates",
          status: "Enabled",
          filter: [{ prefix: RUNS_PREFIX }],
          expiration: [{ days: props.intermediateRetentionDays }],
          noncurrentVersionExpiration: [{ noncurrentDays: 1 }],
        },
        {
          id: "expire-noncurrent-versions",
          status: "Enabled",
          filter: [{ prefix: "" }],
          expiration: [{ expiredObjectDeleteMarker: true }],
          noncurrentVersionExpiration: [{ noncurrentDays: NONCURRENT_DAYS }],
        },
        {
          id: "abort-broken-uploads",
          status: "Enabled",
          filter: [{ prefix: "" }],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: BROKEN_UPLOAD_DAYS }],
        },
      ],
      // A rule about versions needs versioning to be on.
      dependsOn: [versioning],
    });
    this.ready = [policy, versioning, encryption];
  }
}
