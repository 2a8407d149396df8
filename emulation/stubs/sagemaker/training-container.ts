import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as tar from "tar";
import { type StartedProcess, startProcess } from "../../processes/processes.ts";
import { filesBelow, joinS3Uri, type ObjectStore } from "../object-store.ts";
import type { CreateTrainingJobInput } from "./inputs.ts";

const ENTRY = fileURLToPath(new URL("training_entry.py", import.meta.url));
const HOST = "algo-1";

/** Input data that SageMaker could not bring to the job; its message is the job's FailureReason. */
export class DataDownloadError extends Error {
  override readonly name = "DataDownloadError";
}

/** What a training container is made of. */
export interface TrainingContainerOptions {
  readonly job: CreateTrainingJobInput;
  readonly jobArn: string;
  readonly region: string;
  /** Stands for /opt/ml. */
  readonly baseDirectory: string;
  readonly logFile: string;
  readonly store: ObjectStore;
  readonly python: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The `/opt/ml` tree of one training job and the process that runs in it. */
export class TrainingContainer {
  readonly #options: TrainingContainerOptions;

  constructor(options: TrainingContainerOptions) {
    this.#options = options;
  }

  /** The folder that stands for a path below `/opt/ml`. */
  localPath(containerPath: string): string {
    return path.join(this.#options.baseDirectory, path.posix.relative("/opt/ml", containerPath));
  }

  get modelDirectory(): string {
    return path.join(this.#options.baseDirectory, "model");
  }

  get outputDataDirectory(): string {
    return path.join(this.#options.baseDirectory, "output", "data");
  }

  /** Makes the tree: channels, code, configuration. @throws DataDownloadError when S3 does not hold what the job names. */
  async prepare(): Promise<void> {
    const { baseDirectory, job } = this.#options;
    await rm(baseDirectory, { recursive: true, force: true });
    for (const folder of ["input/config", "input/data", "model", "output/data", "code", "checkpoints"]) {
      await mkdir(path.join(baseDirectory, folder), { recursive: true });
    }
    await this.#writeConfiguration();
    for (const { ChannelName, DataSource } of job.InputDataConfig ?? []) {
      await this.#downloadChannel(ChannelName, DataSource.S3DataSource.S3Uri);
    }
    await this.#unpackCode();
  }

  /** Starts the script. */
  start(): StartedProcess {
    const { baseDirectory, job, jobArn, logFile, python, region, environment } = this.#options;
    return startProcess({
      name: `training job ${job.TrainingJobName}`,
      command: python,
      args: [ENTRY],
      cwd: baseDirectory,
      logFile,
      env: {
        PATH: process.env.PATH,
        HOME: baseDirectory,
        LANG: "C.UTF-8",
        ...environment,
        ...job.Environment,
        AWS_REGION: region,
        TRAINING_JOB_NAME: job.TrainingJobName,
        TRAINING_JOB_ARN: jobArn,
        SAGEMAKER_BASE_DIR: baseDirectory,
      },
    });
  }

  /** `/opt/ml/output/failure`, if the script wrote it. */
  async failureFile(): Promise<string | undefined> {
    return readFile(path.join(this.#options.baseDirectory, "output", "failure"), "utf8").catch(() => undefined);
  }

  /** Where the model goes, whether it is there or not: ModelArtifacts.S3ModelArtifacts. */
  get modelUri(): string {
    const { CompressionType } = this.#options.job.OutputDataConfig;
    return joinS3Uri(this.#outputUri, CompressionType === "NONE" ? "model/" : "model.tar.gz");
  }

  /** Uploads `/opt/ml/model` and `/opt/ml/output/data`, packed or not as the job asks. */
  async uploadResults(): Promise<void> {
    const { store, job } = this.#options;
    if (job.OutputDataConfig.CompressionType === "NONE") {
      await store.uploadDirectory(this.modelDirectory, joinS3Uri(this.#outputUri, "model"));
      await store.uploadDirectory(this.outputDataDirectory, joinS3Uri(this.#outputUri, "data"));
      return;
    }
    await this.#uploadPacked(this.modelDirectory, "model.tar.gz");
    await this.#uploadPacked(this.outputDataDirectory, "output.tar.gz");
  }

  /** Removes the data, keeps the log. */
  async remove(): Promise<void> {
    await rm(this.#options.baseDirectory, { recursive: true, force: true });
  }

  get #outputUri(): string {
    const { OutputDataConfig, TrainingJobName } = this.#options.job;
    return joinS3Uri(OutputDataConfig.S3OutputPath, TrainingJobName, "output");
  }

  async #uploadPacked(directory: string, name: string): Promise<void> {
    if ((await filesBelow(directory)).length === 0) return;
    const archive = path.join(this.#options.baseDirectory, name);
    await tar.create({ file: archive, cwd: directory, gzip: { level: 1 }, portable: true }, await readdir(directory));
    await this.#options.store.uploadFile(archive, joinS3Uri(this.#outputUri, name));
    await rm(archive);
  }

  async #downloadChannel(channel: string, uri: string): Promise<void> {
    const { baseDirectory, store } = this.#options;
    let objects: number;
    try {
      objects = await store.downloadPrefix(uri, path.join(baseDirectory, "input", "data", channel));
    } catch (error) {
      throw new DataDownloadError(`ClientError: Data download failed: ${uri}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    if (objects === 0) throw new DataDownloadError(`ClientError: Data download failed: no objects under ${uri}.`);
  }

  async #unpackCode(): Promise<void> {
    const { baseDirectory, job, store } = this.#options;
    const uri = decoded(job.HyperParameters?.sagemaker_submit_directory);
    if (uri === undefined) return;
    const archive = path.join(baseDirectory, "sourcedir.tar.gz");
    try {
      await store.downloadObject(uri, archive);
      await tar.extract({ file: archive, cwd: path.join(baseDirectory, "code") });
    } catch (error) {
      throw new DataDownloadError(
        `AlgorithmError: sagemaker_submit_directory ${uri} could not be downloaded and unpacked: ${(error as Error).message}`,
        { cause: error },
      );
    }
    await rm(archive);
  }

  async #writeConfiguration(): Promise<void> {
    const { baseDirectory, job } = this.#options;
    const { InstanceType } = job.ResourceConfig;
    const channels = Object.fromEntries(
      (job.InputDataConfig ?? []).map(
        ({ ChannelName, DataSource, CompressionType, RecordWrapperType, ContentType, InputMode }) => [
          ChannelName,
          {
            TrainingInputMode: InputMode ?? job.AlgorithmSpecification.TrainingInputMode,
            S3DistributionType: DataSource.S3DataSource.S3DataDistributionType ?? "FullyReplicated",
            RecordWrapperType: RecordWrapperType ?? "None",
            ...(CompressionType === undefined ? {} : { CompressionType }),
            ...(ContentType === undefined ? {} : { ContentType }),
          },
        ],
      ),
    );
    const files = {
      "hyperparameters.json": job.HyperParameters ?? {},
      "inputdataconfig.json": channels,
      "resourceconfig.json": {
        current_host: HOST,
        current_instance_type: InstanceType,
        current_group_name: "homogeneousCluster",
        hosts: [HOST],
        instance_groups: [{ instance_group_name: "homogeneousCluster", instance_type: InstanceType, hosts: [HOST] }],
        network_interface_name: "eth0",
      },
    };
    for (const [name, content] of Object.entries(files)) {
      await writeFile(path.join(baseDirectory, "input", "config", name), JSON.stringify(content));
    }
  }
}

/** A hyperparameter's value: JSON-encoded by the SageMaker SDK, plain when written by hand. */
function decoded(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const quoted = /^"(?<inner>[^"\\]*)"$/.exec(value);
  return quoted?.groups?.inner ?? value;
}
