import path from "node:path";
import { App, LocalBackend, S3Backend, type TerraformStack } from "cdktf";
import { z } from "zod";

/** The backend's settings cannot be used; the message says what to write. */
export class BackendSettingsError extends Error {
  override readonly name = "BackendSettingsError";
}

const S3Settings = z.strictObject({
  /** Bucket of the state; must exist, and should have versioning. */
  bucket: z.string().min(1),
  /** Region of the bucket. */
  region: z.string().min(1),
  /** @default `<stack>.tfstate` */
  key: z.string().min(1).optional(),
  /** Key that encrypts the state. @default - the bucket's own */
  kms_key_id: z.string().min(1).optional(),
});

/** Where the deployed stack's state lies: in a bucket. */
export type S3BackendSettings = z.infer<typeof S3Settings>;

/** Prefix of the environment variables that give the backend's settings, e.g. `TF_BACKEND_BUCKET`. */
const ENVIRONMENT_PREFIX = "TF_BACKEND_";
/** The first version of Terraform that locks a state in S3 without a table. */
const LOCKFILE_VERSION = ">= 1.10.0";

/**
 * The settings of the S3 backend: the value `backend` of the app's context, each overridden by an environment variable.
 *
 * @param context the context's value, `undefined` when there is none.
 * @returns `undefined` when nothing is set: then the state is a local file.
 * @throws BackendSettingsError
 */
export function backendSettings(context: unknown, environment: NodeJS.ProcessEnv): S3BackendSettings | undefined {
  const overrides = Object.fromEntries(
    Object.keys(S3Settings.shape).flatMap((name) => {
      const value = environment[`${ENVIRONMENT_PREFIX}${name.toUpperCase()}`];
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
  if (context === undefined && Object.keys(overrides).length === 0) return undefined;
  const parsed = S3Settings.safeParse(typeof context === "string" ? context : Object.assign({}, context, overrides));
  if (parsed.success) return parsed.data;
  throw new BackendSettingsError(
    `the backend's settings cannot be used: ${z.prettifyError(parsed.error)}\nWrite bucket, region and if you like key and kms_key_id, in the context's "backend" of cdktf.json or as ${ENVIRONMENT_PREFIX}BUCKET, ${ENVIRONMENT_PREFIX}REGION, ${ENVIRONMENT_PREFIX}KEY and ${ENVIRONMENT_PREFIX}KMS_KEY_ID.`,
  );
}

/** Puts the stack's state into a bucket, encrypted and locked, or into a local file. */
export function configureBackend(stack: TerraformStack, id: string, settings: S3BackendSettings | undefined): void {
  if (settings === undefined) {
    new LocalBackend(stack, { path: statePath(App.of(stack).outdir, id) });
    return;
  }
  const { bucket, region, key = `${id}.tfstate`, kms_key_id: kmsKeyId } = settings;
  new S3Backend(stack, { bucket, region, key, encrypt: true, ...(kmsKeyId === undefined ? {} : { kmsKeyId }) });
  // CDKTF knows the lock table only, which Terraform has deprecated.
  stack.addOverride("terraform.backend.s3.use_lockfile", true);
  stack.addOverride("terraform.required_version", LOCKFILE_VERSION);
}

/**
 * Path of the local state from the stack's directory. Output below the project is disposable, so the state lies at the project's
 * root; output elsewhere is a deployment of its own and keeps its state.
 */
function statePath(outdir: string, id: string): string {
  const toRoot = path.relative(path.resolve(outdir, "stacks", id), process.cwd());
  const belowProject = toRoot.split(path.sep).every((part) => part === "..");
  return belowProject
    ? path.posix.join(toRoot.split(path.sep).join("/"), `terraform.${id}.tfstate`)
    : `terraform.${id}.tfstate`;
}
