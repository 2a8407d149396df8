import { z } from "zod";

/** Where an object or a prefix lies. */
export interface S3Location {
  readonly bucket: string;
  readonly key: string;
}

const PATTERN = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.*)$/s;

/** An `s3://bucket/key` address, parsed. */
export const S3Uri = z.string().transform((uri, context): S3Location => {
  const [, bucket, key] = PATTERN.exec(uri) ?? [];
  if (bucket === undefined || key === undefined) {
    context.addIssue({ code: "custom", message: `"${uri}" is not an S3 address; write s3://bucket/key` });
    return z.NEVER;
  }
  return { bucket, key };
});

/** The address of a folder in S3, parsed; the key ends with a slash. */
export const S3Prefix = S3Uri.transform(({ bucket, key }) => ({ bucket, key: key.endsWith("/") ? key : `${key}/` }));

/** `s3://bucket/key`. */
export function formatS3Uri({ bucket, key }: S3Location): string {
  return `s3://${bucket}/${key}`;
}

/** The location of `name` below `prefix`. */
export function below(prefix: S3Location, name: string): S3Location {
  return { bucket: prefix.bucket, key: prefix.key + name };
}
