import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { S3BucketLoggingA } from "@cdktf/provider-aws/lib/s3-bucket-logging";
import { S3BucketOwnershipControls } from "@cdktf/provider-aws/lib/s3-bucket-ownership-controls";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning";
import { Fn, TerraformLocal, Token } from "cdktf";
import { Construct } from "constructs";
import { and, attributeOfOne, isGiven, not, oneIf, orNull } from "../terraform/conditions.ts";
import { encodeJson } from "../terraform/json.ts";

/** What the data bucket is called, how it is protected and how long it keeps things. */
export interface DataBucketProps {
  readonly name: string;
  /** `aws`, `aws-cn` or `aws-us-gov`. */
  readonly partition: string;
  /** Name of a bucket to use instead of a new one; empty makes one. Its settings stay as they are. */
  readonly existingName: string;
  /** ARN of the key that encrypts; empty uses S3's own. */
  readonly kmsKeyArn: string;
  /** Name of the bucket for access logs; empty writes none. */
  readonly accessLogBucketName: string;
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
 * The bucket with everything the pipeline reads and writes: a new one, or one that is there and is left as it is. A lifecycle rule can match the beginning of a key only, so what
 * expires and what stays lie below different prefixes.
 */
export class DataBucket extends Construct {
  readonly name: string;
  readonly arn: string;
  /** What must be there before the bucket is used. */
  readonly ready: readonly (S3BucketPolicy | S3BucketVersioningA | S3BucketServerSideEncryptionConfigurationA)[];

  constructor(scope: Construct, id: string, props: DataBucketProps) {
    super(scope, id);
    const { existingName, accessLogBucketName } = props;
    const existing = isGiven(existingName);
    const isNew = not(existing);
    const count = oneIf(isNew);
    const made = new S3Bucket(this, "bucket", { count, bucket: props.name });
    const bucket = { id: attributeOfOne(made, "id"), arn: attributeOfOne(made, "arn") };
    this.name = new TerraformLocal(this, "name", Fn.conditional(existing, existingName, bucket.id)).asString;
    this.arn = new TerraformLocal(
      this,
      "arn",
      Fn.conditional(existing, `arn:${props.partition}:s3:::${existingName}`, bucket.arn),
    ).asString;
    new S3BucketOwnershipControls(this, "ownership", {
      count,
      bucket: bucket.id,
      rule: { objectOwnership: "BucketOwnerEnforced" },
    });
    const publicAccess = new S3BucketPublicAccessBlock(this, "public_access", {
      count,
      bucket: bucket.id,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const policy = new S3BucketPolicy(this, "policy", {
      count,
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
          {
            Sid: "ModernTlsOnly",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [bucket.arn, `${bucket.arn}/*`],
            Condition: { NumericLessThan: { "s3:TlsVersion": "1.2" } },
          },
        ],
      }),
      // S3 refuses two changes of a bucket's access at the same time.
      dependsOn: [publicAccess],
    });
    const versioning = new S3BucketVersioningA(this, "versioning", {
      count,
      bucket: bucket.id,
      versioningConfiguration: { status: "Enabled" },
    });
    const encryption = new S3BucketServerSideEncryptionConfigurationA(this, "encryption", {
      count,
      bucket: bucket.id,
      rule: [
        {
          applyServerSideEncryptionByDefault: {
            sseAlgorithm: Fn.conditional(isGiven(props.kmsKeyArn), "aws:kms", "AES256"),
            kmsMasterKeyId: orNull(props.kmsKeyArn),
          },
          // One request to KMS for many objects instead of one for each.
          bucketKeyEnabled: Fn.conditional(isGiven(props.kmsKeyArn), true, Token.nullValue()),
        },
      ],
    });
    new S3BucketLifecycleConfiguration(this, "lifecycle", {
      count,
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
    new S3BucketLoggingA(this, "access_logs", {
      count: oneIf(and(isNew, isGiven(accessLogBucketName))),
      bucket: bucket.id,
      targetBucket: accessLogBucketName,
      targetPrefix: `${props.name}/`,
    });
    this.ready = [policy, versioning, encryption];
  }
}
