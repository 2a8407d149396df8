import { ProductionVariantInstanceType, TrainingInstanceType } from "@aws-sdk/client-sagemaker";
import { z } from "zod";
import { matching } from "../wire/validation.ts";

// Patterns and limits are those of the service's API model (botocore `sagemaker` 2017-07-24). Members that the stub
// does not act on pass through unchecked, so that Describe gives back what Create was given.

const ENTITY = /[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}/;
const entityName = matching(ENTITY, { max: 63 });
const modelName = matching(/[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?/, { max: 63 });
const roleArn = matching(/arn:aws[a-z-]*:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+/, { min: 20, max: 2048 });
const s3Uri = matching(/(https|s3):\/\/([^/]+)\/?(.*)/, { max: 1024 });

/** Instance types with NVMe storage take no key for their volume. */
const NVME_INSTANCE = /^ml\.(g4dn|g5|g6|g6e|g7e|p4d|p4de|p5|p5e|trn1)\./;

const tags = z
  .array(
    z.object({
      Key: matching(/[\p{L}\p{Z}\p{N}_.:/=+\-@]*/u, { min: 1, max: 128 }),
      Value: matching(/[\p{L}\p{Z}\p{N}_.:/=+\-@]*/u, { max: 256 }),
    }),
  )
  .max(50);

/** A map with a limit on its size and patterns for its entries; the message is the one AWS gives for any bad entry. */
function stringMap(entries: number, key: RegExp, keyLength: number, value: RegExp, valueLength: number) {
  const keyPattern = new RegExp(`^(?:${key.source})$`);
  const valuePattern = new RegExp(`^(?:${value.source})$`);
  return z.record(z.string(), z.string()).superRefine((map, context) => {
    const pairs = Object.entries(map);
    if (pairs.length > entries) {
      context.addIssue({
        code: "too_big",
        origin: "map",
        maximum: entries,
        inclusive: true,
        input: map,
      });
    }
    if (pairs.some(([name]) => name.length > keyLength || !keyPattern.test(name))) {
      context.addIssue(
        `Map keys must satisfy constraint: [Member must have length less than or equal to ${keyLength}, Member must satisfy regular expression pattern: ${key.source}]`,
      );
    }
    if (pairs.some(([, text]) => text.length > valueLength || !valuePattern.test(text))) {
      context.addIssue(
        `Map value must satisfy constraint: [Member must have length less than or equal to ${valueLength}, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: ${value.source}]`,
      );
    }
  });
}

function isRegularExpression(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

const Channel = z.looseObject({
  ChannelName: matching(/[A-Za-z0-9.\-_]+/, { min: 1, max: 64 }),
  DataSource: z.looseObject({
    S3DataSource: z.looseObject({
      S3DataType: z.literal("S3Prefix", {
        error: "The emulator downloads channels of S3DataType S3Prefix only.",
      }),
      S3Uri: s3Uri,
      S3DataDistributionType: z.enum(["FullyReplicated", "ShardedByS3Key"]).optional(),
    }),
  }),
  ContentType: z.string().max(256).optional(),
  CompressionType: z.enum(["None", "Gzip"]).optional(),
  RecordWrapperType: z.enum(["None", "RecordIO"]).optional(),
  InputMode: z.enum(["File", "FastFile"]).optional(),
});

export const CreateTrainingJobInput = z
  .looseObject({
    TrainingJobName: matching(ENTITY, { min: 1, max: 63 }),
    HyperParameters: stringMap(100, /.*/, 256, /.*/, 2500).optional(),
    AlgorithmSpecification: z.looseObject({
      TrainingImage: z.string().max(255).optional(),
      AlgorithmName: z.string().min(1).max(170).optional(),
      TrainingInputMode: z.enum(["Pipe", "File", "FastFile"]),
      MetricDefinitions: z
        .array(z.object({ Name: z.string().min(1).max(255), Regex: z.string().min(1).max(500) }))
        .max(40)
        .optional(),
    }),
    RoleArn: roleArn,
    InputDataConfig: z.array(Channel).min(1).max(20).optional(),
    OutputDataConfig: z.looseObject({
      S3OutputPath: s3Uri,
      CompressionType: z.enum(["GZIP", "NONE"]).optional(),
      KmsKeyId: z.string().max(2048).optional(),
    }),
    ResourceConfig: z.looseObject({
      InstanceType: z.enum(TrainingInstanceType),
      InstanceCount: z.number().int().min(1),
      VolumeSizeInGB: z.number().int().min(1),
      VolumeKmsKeyId: z.string().max(2048).optional(),
      KeepAlivePeriodInSeconds: z.number().int().min(0).max(21_600).optional(),
    }),
    StoppingCondition: z
      .looseObject({
        MaxRuntimeInSeconds: z.number().int().min(1).max(2_419_200).optional(),
        MaxWaitTimeInSeconds: z.number().int().min(1).optional(),
      })
      .optional(),
    Tags: tags.optional(),
    EnableManagedSpotTraining: z.boolean().optional(),
    EnableNetworkIsolation: z.boolean().optional(),
    CheckpointConfig: z.looseObject({ S3Uri: s3Uri, LocalPath: z.string().max(4096).optional() }).optional(),
    Environment: stringMap(100, /[a-zA-Z_][a-zA-Z0-9_]*/, 512, /[\S\s]*/, 512).optional(),
    RetryStrategy: z.looseObject({ MaximumRetryAttempts: z.number().int().min(1).max(30) }).optional(),
  })
  .superRefine((job, context) => {
    const { TrainingImage, AlgorithmName } = job.AlgorithmSpecification;
    if ((TrainingImage === undefined) === (AlgorithmName === undefined)) {
      context.addIssue(
        "You must specify either an algorithm name or a training image in the algorithm specification, and not both.",
      );
    }
    if (job.AlgorithmSpecification.TrainingInputMode === "Pipe") {
      context.addIssue("The emulator does not stream channels: use TrainingInputMode File or FastFile.");
    }
    const channels = job.InputDataConfig?.map((channel) => channel.ChannelName) ?? [];
    if (new Set(channels).size < channels.length) context.addIssue("Channel names must be unique.");
    const { InstanceType, VolumeKmsKeyId } = job.ResourceConfig;
    if (VolumeKmsKeyId !== undefined && NVME_INSTANCE.test(InstanceType)) {
      context.addIssue(
        `VolumeKmsKeyId is not supported for instance type ${InstanceType}: its local storage is encrypted.`,
      );
    }
    const { MaxWaitTimeInSeconds, MaxRuntimeInSeconds = 86_400 } = job.StoppingCondition ?? {};
    if (job.EnableManagedSpotTraining === true) {
      if (MaxWaitTimeInSeconds === undefined || MaxWaitTimeInSeconds < MaxRuntimeInSeconds) {
        context.addIssue(
          "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
        );
      }
      if ((job.ResourceConfig.KeepAlivePeriodInSeconds ?? 0) > 0) {
        context.addIssue("KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is set to true");
      }
    } else if (MaxWaitTimeInSeconds !== undefined) {
      context.addIssue(
        "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
      );
    }
    for (const { Name, Regex } of job.AlgorithmSpecification.MetricDefinitions ?? []) {
      if (!isRegularExpression(Regex))
        context.addIssue(`The regular expression of the metric ${Name} is not valid: ${Regex}`);
    }
    const localPath = job.CheckpointConfig?.LocalPath;
    if (localPath !== undefined && !localPath.startsWith("/opt/ml/")) {
      context.addIssue(
        "The emulator keeps checkpoints below /opt/ml only: set CheckpointConfig.LocalPath accordingly.",
      );
    }
  });
export type CreateTrainingJobInput = z.infer<typeof CreateTrainingJobInput>;

export const TrainingJobNameInput = z.object({ TrainingJobName: matching(ENTITY, { min: 1, max: 63 }) });

export const ListTrainingJobsInput = z.object({
  NextToken: z.string().max(8192).optional(),
  MaxResults: z.number().int().min(1).max(100).default(10),
  NameContains: matching(/[a-zA-Z0-9-]+/, { max: 63 }).optional(),
  StatusEquals: z.enum(["InProgress", "Completed", "Failed", "Stopping", "Stopped"]).optional(),
  CreationTimeAfter: z.number().optional(),
  CreationTimeBefore: z.number().optional(),
  SortBy: z.enum(["Name", "CreationTime", "Status"]).default("CreationTime"),
  SortOrder: z.enum(["Ascending", "Descending"]).default("Ascending"),
});

const arn = matching(/arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:.+/, { max: 256 });
export const AddTagsInput = z.object({ ResourceArn: arn, Tags: tags });
export const DeleteTagsInput = z.object({ ResourceArn: arn, TagKeys: z.array(z.string()).min(1).max(50) });
export const ListTagsInput = z.object({ ResourceArn: arn });

const Container = z
  .looseObject({
    Image: matching(/\S+/, { max: 255 }),
    ModelDataUrl: s3Uri.optional(),
    ModelDataSource: z
      .looseObject({
        S3DataSource: z.looseObject({
          S3Uri: s3Uri,
          S3DataType: z.enum(["S3Prefix", "S3Object"]),
          CompressionType: z.enum(["None", "Gzip"]),
        }),
      })
      .optional(),
    Environment: stringMap(100, /[a-zA-Z_][a-zA-Z0-9_]*/, 1024, /[\S\s]*/, 1024).optional(),
  })
  .superRefine((container, context) => {
    if (container.ModelDataUrl !== undefined && container.ModelDataSource !== undefined) {
      context.addIssue("Only one of ModelDataUrl and ModelDataSource can be specified.");
    }
  });

export const CreateModelInput = z
  .looseObject({
    ModelName: modelName,
    PrimaryContainer: Container.optional(),
    Containers: z.array(Container).max(15).optional(),
    ExecutionRoleArn: roleArn,
    Tags: tags.optional(),
  })
  .superRefine((model, context) => {
    if ((model.PrimaryContainer === undefined) === (model.Containers === undefined)) {
      context.addIssue("You must provide either a primary container or containers, and not both.");
    }
  });
export type CreateModelInput = z.infer<typeof CreateModelInput>;
export const ModelNameInput = z.object({ ModelName: modelName });

const ProductionVariant = z
  .looseObject({
    VariantName: entityName,
    ModelName: modelName,
    InitialInstanceCount: z.number().int().min(1).optional(),
    InstanceType: z.enum(ProductionVariantInstanceType).optional(),
    InitialVariantWeight: z.number().min(0).optional(),
    ServerlessConfig: z
      .looseObject({
        MemorySizeInMB: z.number().int().min(1024).max(6144),
        MaxConcurrency: z.number().int().min(1).max(200),
      })
      .optional(),
    ContainerStartupHealthCheckTimeoutInSeconds: z.number().int().min(60).max(3600).optional(),
  })
  .superRefine((variant, context) => {
    const instances = variant.InstanceType !== undefined && variant.InitialInstanceCount !== undefined;
    if (variant.ServerlessConfig === undefined && !instances) {
      context.addIssue(
        `Production variant ${variant.VariantName} needs either ServerlessConfig or InstanceType and InitialInstanceCount.`,
      );
    }
  });

export const CreateEndpointConfigInput = z.looseObject({
  EndpointConfigName: entityName,
  ProductionVariants: z.array(ProductionVariant).min(1).max(10),
  Tags: tags.optional(),
});
export type CreateEndpointConfigInput = z.infer<typeof CreateEndpointConfigInput>;
export type ProductionVariant = z.infer<typeof ProductionVariant>;
export const EndpointConfigNameInput = z.object({ EndpointConfigName: entityName });

export const CreateEndpointInput = z.looseObject({
  EndpointName: entityName,
  EndpointConfigName: entityName,
  Tags: tags.optional(),
});
export const UpdateEndpointInput = z.looseObject({ EndpointName: entityName, EndpointConfigName: entityName });
export const EndpointNameInput = z.object({ EndpointName: entityName });
