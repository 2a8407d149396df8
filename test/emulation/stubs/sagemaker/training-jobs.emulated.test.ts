import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  AddTagsCommand,
  CreateTrainingJobCommand,
  type CreateTrainingJobCommandInput,
  DescribeTrainingJobCommand,
  type DescribeTrainingJobCommandOutput,
  ListTagsCommand,
  ListTrainingJobsCommand,
  SageMakerClient,
  StopTrainingJobCommand,
} from "@aws-sdk/client-sagemaker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type StartedStub, startSageMakerStub } from "../../../../emulation/stubs/sagemaker/server.ts";
import { tarball, untar } from "../archive.ts";
import { credentials, type EmulatedAws, eventually, region, startEmulatedAws } from "../emulated-aws.ts";

const REPORT = `
import argparse, json, os, pathlib, sys
parser = argparse.ArgumentParser()
parser.add_argument("--max-steps", type=int)
parser.add_argument("--learning-rate", type=float)
parser.add_argument("--force-deploy")
arguments = parser.parse_args()
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
model = pathlib.Path(os.environ["SM_MODEL_DIR"])
(model / "nested").mkdir()
(model / "nested" / "report.json").write_text(json.dumps({
    "arguments": vars(arguments),
    "environment": {k: v for k, v in os.environ.items()},
    "corpus": sorted(str(p.relative_to(base / "input/data")) for p in (base / "input/data").rglob("*") if p.is_file()),
    "configuration": {n: json.loads((base / "input/config" / f"{n}.json").read_text())
                      for n in ("hyperparameters", "inputdataconfig", "resourceconfig")},
    "directory": os.getcwd(),
}))
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "curve.csv").write_text("1,0.5")
checkpoints = base / "checkpoints"
steps = len(list(checkpoints.glob("step-*")))
(checkpoints / f"step-{steps}").write_text("x")
print("loss: 0.75", flush=True)
print("loss: 0.25", flush=True)
`;

const SLEEP = `
import os, pathlib, signal, sys, time
def leave(*_):
    pathlib.Path(os.environ["SM_MODEL_DIR"], "partial.txt").write_text("partial")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print(f"process {os.getpid()} is sleeping", flush=True)
time.sleep(60)
`;

const DEAF = `
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
`;

/** Does five steps, remembers each, and leaves on SIGTERM with a code that is no success. */
const RESUME = `
import os, pathlib, signal, sys, time
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
done = base / "checkpoints" / "steps"
first = int(done.read_text()) if done.exists() else 0
print(f"from step {first}", flush=True)
for step in range(first, 5):
    time.sleep(0.5)
    done.write_text(str(step + 1))
    print(f"loss: {5 - step}", flush=True)
pathlib.Path(os.environ["SM_MODEL_DIR"], "first").write_text(str(first))
`;

const scripts = {
  "report.py": REPORT,
  "sleep.py": SLEEP,
  "deaf.py": DEAF,
  "resume.py": RESUME,
  "raise.py": `
def train():
    raise ValueError("no training queries:\\n  records is empty")
print("starting")
try:
    train()
except ValueError as error:
    raise RuntimeError("stage failed") from error
`,
  "failure.py": `
import os, pathlib, sys
pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "output", "failure").write_text("NoQueriesError: " + "x" * 2000)
sys.exit(3)
`,
  "requirements.txt": "surely-not-installed-package==1.0\n",
};

describe("training jobs", () => {
  let aws: EmulatedAws;
  let stub: StartedStub;
  let client: SageMakerClient;

  beforeAll(async () => {
    aws = await startEmulatedAws();
    stub = await startSageMakerStub({
      s3Endpoint: aws.endpoint,
      logsEndpoint: aws.endpoint,
      python: aws.python,
      workDirectory: path.join(aws.workDirectory, "sagemaker"),
      jobEnvironment: { HF_HUB_OFFLINE: "1" },
      stopGraceMs: 1_000,
      spotInterruptions: 1,
      concurrentTrainingJobs: 2,
    });
    client = new SageMakerClient({ endpoint: stub.url, region, credentials, maxAttempts: 1 });
    await aws.put("code/source.tar.gz", await tarball(scripts));
    await aws.put("runs/r/corpus/part-00000.jsonl", '{"id":"1"}');
    await aws.put("runs/r/corpus/part-00001.jsonl", '{"id":"2"}');
    await aws.put("runs/r/training-data/manifest.json", "{}");
    await aws.put("models/model.tar.gz", await tarball({ a: "b" }));
  });

  afterAll(async () => {
    client?.destroy();
    await stub?.stop();
    await aws?.stop();
  });

  function job(name: string, program: string, more: Partial<CreateTrainingJobCommandInput> = {}) {
    return new CreateTrainingJobCommand({
      TrainingJobName: name,
      RoleArn: "arn:aws:iam::000000000000:role/SageMakerRole",
      AlgorithmSpecification: { TrainingImage: "image:1", TrainingInputMode: "File" },
      HyperParameters: {
        sagemaker_program: program,
        sagemaker_submit_directory: `s3://${aws.bucket}/code/source.tar.gz`,
      },
      OutputDataConfig: { S3OutputPath: `s3://${aws.bucket}/out/` },
      ResourceConfig: { InstanceType: "ml.c5.4xlarge", InstanceCount: 1, VolumeSizeInGB: 100 },
      StoppingCondition: { MaxRuntimeInSeconds: 60 },
      ...more,
    });
  }

  const inputs = () => [
    {
      ChannelName: "corpus",
      DataSource: { S3DataSource: { S3DataType: "S3Prefix" as const, S3Uri: `s3://${aws.bucket}/runs/r/corpus/` } },
    },
    {
      ChannelName: "training-data",
      DataSource: {
        S3DataSource: { S3DataType: "S3Prefix" as const, S3Uri: `s3://${aws.bucket}/runs/r/training-data` },
      },
    },
    {
      ChannelName: "model",
      DataSource: {
        S3DataSource: { S3DataType: "S3Prefix" as const, S3Uri: `s3://${aws.bucket}/models/model.tar.gz` },
      },
    },
  ];

  async function ended(name: string): Promise<DescribeTrainingJobCommandOutput> {
    return eventually(async () => {
      const described = await client.send(new DescribeTrainingJobCommand({ TrainingJobName: name }));
      return ["Completed", "Failed", "Stopped"].includes(described.TrainingJobStatus ?? "") ? described : undefined;
    });
  }

  async function training(name: string): Promise<void> {
    const log = path.join(aws.workDirectory, "sagemaker", "training-jobs", `${name}.log`);
    await eventually(async () => {
      const text = await readFile(log, "utf8").catch(() => "");
      return text.includes("sleeping") || text.includes("deaf") ? true : undefined;
    });
  }

  it("runs a script in the environment of script mode and uploads what it writes, unpacked", async () => {
    await client.send(
      job("report-none", "report.py", {
        HyperParameters: {
          sagemaker_program: '"report.py"',
          sagemaker_submit_directory: `"s3://${aws.bucket}/code/source.tar.gz"`,
          "max-steps": "7",
          "learning-rate": "5e-6",
          "force-deploy": "true",
        },
        InputDataConfig: inputs(),
        Environment: { OWN_VARIABLE: "own" },
        OutputDataConfig: { S3OutputPath: `s3://${aws.bucket}/out`, CompressionType: "NONE" },
        AlgorithmSpecification: {
          TrainingImage: "image:1",
          TrainingInputMode: "File",
          MetricDefinitions: [{ Name: "loss", Regex: "loss: ([0-9.]+)" }],
        },
      }),
    );
    const described = await ended("report-none");

    expect(described.FailureReason).toBeUndefined();
    expect(described.TrainingJobStatus).toBe("Completed");
    expect(described.ModelArtifacts?.S3ModelArtifacts).toBe(`s3://${aws.bucket}/out/report-none/output/model/`);
    expect(described.SecondaryStatusTransitions?.map(({ Status }) => Status)).toEqual([
      "Starting",
      "Downloading",
      "Training",
      "Uploading",
      "Completed",
    ]);
    expect(described.FinalMetricDataList).toMatchObject([{ MetricName: "loss", Value: 0.25 }]);
    expect(described.BillableTimeInSeconds).toBeGreaterThanOrEqual(1);
    expect(described.TrainingEndTime?.getTime()).toBeGreaterThan(described.TrainingStartTime?.getTime() ?? Infinity);
    expect(await aws.keys("out/report-none/")).toEqual([
      "out/report-none/output/data/curve.csv",
      "out/report-none/output/model/nested/report.json",
    ]);

    const report = JSON.parse(await aws.text("out/report-none/output/model/nested/report.json"));
    expect(report.arguments).toEqual({ max_steps: 7, learning_rate: 5e-6, force_deploy: "True" });
    expect(report.corpus).toEqual([
      "corpus/part-00000.jsonl",
      "corpus/part-00001.jsonl",
      "model/model.tar.gz",
      "training-data/manifest.json",
    ]);
    const base = report.environment.SAGEMAKER_BASE_DIR;
    expect(report.directory).toBe(`${base}/code`);
    expect(report.environment).toMatchObject({
      SM_MODEL_DIR: `${base}/model`,
      SM_CHANNEL_CORPUS: `${base}/input/data/corpus`,
      "SM_CHANNEL_TRAINING-DATA": `${base}/input/data/training-data`,
      SM_CHANNELS: '["corpus","model","training-data"]',
      SM_HPS: '{"force-deploy":true,"learning-rate":5e-06,"max-steps":7}',
      "SM_HP_MAX-STEPS": "7",
      SM_NUM_GPUS: expect.stringMatching(/^\d+$/),
      SM_NUM_CPUS: expect.stringMatching(/^[1-9]\d*$/),
      SM_HOSTS: '["algo-1"]',
      SM_CURRENT_HOST: "algo-1",
      SM_OUTPUT_DIR: `${base}/output`,
      SM_OUTPUT_DATA_DIR: `${base}/output/data`,
      SM_INPUT_DIR: `${base}/input`,
      SM_CURRENT_INSTANCE_TYPE: "ml.c5.4xlarge",
      TRAINING_JOB_NAME: "report-none",
      SAGEMAKER_JOB_NAME: "report-none",
      OWN_VARIABLE: "own",
      HF_HUB_OFFLINE: "1",
    });
    expect(report.environment).not.toHaveProperty("npm_lifecycle_event");
    expect(report.configuration.inputdataconfig.corpus).toMatchObject({ TrainingInputMode: "File" });
    expect(report.configuration.hyperparameters["learning-rate"]).toBe("5e-6");
    expect(report.configuration.resourceconfig).toMatchObject({ current_host: "algo-1", hosts: ["algo-1"] });

    const log = await readFile(path.join(aws.workDirectory, "sagemaker/training-jobs/report-none.log"), "utf8");
    expect(log).toContain("requirements.txt is not satisfied: surely-not-installed-package==1.0 (not installed)");
    const logs = new CloudWatchLogsClient({ endpoint: aws.endpoint, region, credentials });
    const events = await logs.send(
      new FilterLogEventsCommand({
        logGroupName: "/aws/sagemaker/TrainingJobs",
        logStreamNamePrefix: "report-none/algo-1-",
      }),
    );
    expect(events.events?.map(({ message }) => message)).toContain("loss: 0.25");
    logs.destroy();
  });

  it("packs the model and the output data, and keeps checkpoints between jobs", async () => {
    const checkpoints = { CheckpointConfig: { S3Uri: `s3://${aws.bucket}/checkpoints/c` } };
    for (const name of ["report-gzip-1", "report-gzip-2"]) {
      await client.send(job(name, "report.py", checkpoints));
      expect((await ended(name)).TrainingJobStatus).toBe("Completed");
    }
    const { ModelArtifacts } = await ended("report-gzip-2");
    expect(ModelArtifacts?.S3ModelArtifacts).toBe(`s3://${aws.bucket}/out/report-gzip-2/output/model.tar.gz`);
    const model = await untar(await aws.bytes("out/report-gzip-2/output/model.tar.gz"));
    expect(JSON.parse(model["nested/report.json"] ?? "")).toHaveProperty("directory");
    expect(await untar(await aws.bytes("out/report-gzip-2/output/output.tar.gz"))).toEqual({ "curve.csv": "1,0.5" });
    expect(await aws.keys("checkpoints/c/")).toEqual(["checkpoints/c/step-0", "checkpoints/c/step-1"]);
    const left = async () => await readdir(path.join(aws.workDirectory, "sagemaker/training-jobs"));
    await eventually(async () => ((await left()).includes("report-gzip-2") ? undefined : true));
    expect(await left()).toContain("report-gzip-2.log");
  });

  it("reports the exception that ended the script", async () => {
    await client.send(job("raise", "raise.py"));
    const described = await ended("raise");
    expect(described.TrainingJobStatus).toBe("Failed");
    expect(described.SecondaryStatus).toBe("Failed");
    expect(described.FailureReason).toMatch(
      /^AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "RuntimeError: stage failed"\nCommand ".*raise\.py", exit code: 1$/,
    );
  });

  it("reports what the script wrote to the failure file, cut to 1,024 characters", async () => {
    await client.send(job("failure", "failure.py"));
    const { FailureReason } = await ended("failure");
    expect(FailureReason).toMatch(/^AlgorithmError: NoQueriesError: x+$/);
    expect(FailureReason).toHaveLength(1024);
  });

  it("fails a job whose program is not in the source archive", async () => {
    await client.send(job("absent-program", "absent.py"));
    expect((await ended("absent-program")).FailureReason).toContain("'absent.py' is not in sagemaker_submit_directory");
  });

  it("stops a job with SIGTERM and uploads what it saved", async () => {
    await client.send(job("stopped", "sleep.py"));
    await training("stopped");
    await client.send(new StopTrainingJobCommand({ TrainingJobName: "stopped" }));
    const described = await ended("stopped");
    expect(described).toMatchObject({ TrainingJobStatus: "Stopped", SecondaryStatus: "Stopped" });
    expect(await untar(await aws.bytes("out/stopped/output/model.tar.gz"))).toEqual({ "partial.txt": "partial" });
    await expect(client.send(new StopTrainingJobCommand({ TrainingJobName: "stopped" }))).rejects.toMatchObject({
      name: "ValidationException",
      message: "The request was rejected because the training job is in status Stopped.",
    });
  });

  it("kills a job that ignores SIGTERM when the runtime limit has passed", async () => {
    await client.send(job("deaf", "deaf.py", { StoppingCondition: { MaxRuntimeInSeconds: 1 } }));
    expect(await ended("deaf")).toMatchObject({ TrainingJobStatus: "Stopped", SecondaryStatus: "MaxRuntimeExceeded" });
  });

  it("begins again on another spot instance where the interrupted one had come to", async () => {
    await client.send(
      job("spot", "resume.py", {
        EnableManagedSpotTraining: true,
        StoppingCondition: { MaxRuntimeInSeconds: 60, MaxWaitTimeInSeconds: 120 },
        CheckpointConfig: { S3Uri: `s3://${aws.bucket}/checkpoints/spot` },
      }),
    );
    const described = await ended("spot");
    expect(described.TrainingJobStatus).toBe("Completed");
    expect(described.SecondaryStatusTransitions?.map(({ Status }) => Status)).toEqual([
      "Starting",
      "Downloading",
      "Training",
      "Interrupted",
      "Starting",
      "Downloading",
      "Training",
      "Uploading",
      "Completed",
    ]);
    const model = await untar(await aws.bytes("out/spot/output/model.tar.gz"));
    expect(Number(model.first)).toBeGreaterThan(0);
    expect(Number(model.first)).toBeLessThan(5);
    const log = await readFile(path.join(aws.workDirectory, "sagemaker/training-jobs/spot.log"), "utf8");
    expect(log.match(/from step/g)).toHaveLength(2);
  });

  it("lets jobs beyond the limit wait in Starting, and stops a waiting one at once", async () => {
    const names = ["slot-1", "slot-2", "waiting"];
    for (const name of names) await client.send(job(name, "sleep.py"));
    await training("slot-2");
    const waiting = await client.send(new DescribeTrainingJobCommand({ TrainingJobName: "waiting" }));
    expect(waiting).toMatchObject({ TrainingJobStatus: "InProgress", SecondaryStatus: "Starting" });
    await client.send(new StopTrainingJobCommand({ TrainingJobName: "waiting" }));
    expect((await ended("waiting")).TrainingStartTime).toBeUndefined();
    const running = await client.send(
      new ListTrainingJobsCommand({ NameContains: "slot", StatusEquals: "InProgress" }),
    );
    expect(running.TrainingJobSummaries?.map(({ TrainingJobName }) => TrainingJobName)).toEqual(["slot-1", "slot-2"]);
    for (const name of names.slice(0, 2)) await client.send(new StopTrainingJobCommand({ TrainingJobName: name }));
    await Promise.all(names.map(ended));
  });

  it("refuses what SageMaker refuses", async () => {
    const refused = async (command: CreateTrainingJobCommand) => {
      const error = await client.send(command).then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      expect(error?.name).toBe("ValidationException");
      return error?.message;
    };
    expect(await refused(job("under_score", "report.py"))).toBe(
      "1 validation error detected: Value 'under_score' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    );
    expect(await refused(job("x".repeat(64), "report.py"))).toContain(
      "Member must have length less than or equal to 63",
    );
    expect(await refused(job("ok", "report.py", { HyperParameters: { long: "x".repeat(2501) } }))).toContain(
      "at 'hyperParameters' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 2500",
    );
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`p${index}`, "1"]));
    expect(await refused(job("ok", "report.py", { HyperParameters: many }))).toContain("less than or equal to 100");
    expect(await refused(job("ok", "report.py", { RoleArn: "arn:aws:iam::1:user/x-y-z-0" }))).toContain("'roleArn'");
    const channels = Array.from({ length: 21 }, (_, index) => ({ ...inputs()[0], ChannelName: `c${index}` }));
    expect(await refused(job("ok", "report.py", { InputDataConfig: channels as never }))).toContain(
      "'inputDataConfig'",
    );
    expect(
      await refused(
        job("ok", "report.py", {
          ResourceConfig: { InstanceType: "ml.none" as never, InstanceCount: 1, VolumeSizeInGB: 1 },
        }),
      ),
    ).toContain("Member must satisfy enum value set: [");
    const limits = { MaxRuntimeInSeconds: 60, MaxWaitTimeInSeconds: 59 };
    expect(
      await refused(job("ok", "report.py", { EnableManagedSpotTraining: true, StoppingCondition: limits })),
    ).toContain("It must be present and be greater than or equal to MaxRuntimeInSeconds");
    expect(await refused(job("ok", "report.py", { StoppingCondition: limits }))).toContain(
      "It is only supported when EnableManagedSpotTraining is set to true",
    );
    const warm = {
      EnableManagedSpotTraining: true,
      StoppingCondition: { ...limits, MaxWaitTimeInSeconds: 60 },
      ResourceConfig: {
        InstanceType: "ml.g5.xlarge" as const,
        InstanceCount: 1,
        VolumeSizeInGB: 1,
        KeepAlivePeriodInSeconds: 60,
      },
    };
    expect(await refused(job("ok", "report.py", warm))).toContain("KeepAlivePeriodInSeconds");
    const metrics = { TrainingImage: "i", TrainingInputMode: "File" as const };
    const broken = { ...metrics, MetricDefinitions: [{ Name: "loss", Regex: "loss=(" }] };
    expect(await refused(job("ok", "report.py", { AlgorithmSpecification: broken }))).toContain("metric loss");
    const absent = [
      {
        ChannelName: "c",
        DataSource: { S3DataSource: { S3DataType: "S3Prefix" as const, S3Uri: `s3://${aws.bucket}/nothing/` } },
      },
    ];
    expect(await refused(job("ok", "report.py", { InputDataConfig: absent }))).toMatch(
      /^No S3 objects found under S3 URL/,
    );
    await expect(client.send(new DescribeTrainingJobCommand({ TrainingJobName: "ok" }))).rejects.toMatchObject({
      name: "ValidationException",
      message: "Requested resource not found.",
    });
  });

  it("takes a name once", async () => {
    await client.send(job("twice", "raise.py"));
    await expect(client.send(job("twice", "raise.py"))).rejects.toMatchObject({ name: "ResourceInUse" });
    await ended("twice");
  });

  it("tags jobs", async () => {
    const { TrainingJobArn } = await client.send(job("tagged", "raise.py", { Tags: [{ Key: "a", Value: "1" }] }));
    await client.send(
      new AddTagsCommand({ ResourceArn: TrainingJobArn, Tags: [{ Key: "MANAGED_BY_AWS", Value: "SF" }] }),
    );
    const { Tags } = await client.send(new ListTagsCommand({ ResourceArn: TrainingJobArn }));
    expect(Tags).toEqual([
      { Key: "a", Value: "1" },
      { Key: "MANAGED_BY_AWS", Value: "SF" },
    ]);
    await ended("tagged");
  });

  it("refuses requests that are not signed for SageMaker", async () => {
    const unsigned = await fetch(stub.url, {
      method: "POST",
      headers: { "x-amz-target": "SageMaker.ListTrainingJobs" },
      body: "{}",
    });
    expect(unsigned.status).toBe(403);
    expect(await unsigned.json()).toMatchObject({ __type: "MissingAuthenticationTokenException" });
  });

  it("ends running jobs with the stub", async () => {
    await client.send(job("left", "sleep.py"));
    await training("left");
    const log = await readFile(path.join(aws.workDirectory, "sagemaker/training-jobs/left.log"), "utf8");
    const pid = Number(/process (\d+) is sleeping/.exec(log)?.[1]);
    expect(() => process.kill(pid, 0)).not.toThrow();
    await stub.stop();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(await aws.keys("out/left/")).toEqual([]);
  });
});
