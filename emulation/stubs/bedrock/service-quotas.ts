import { parseInput } from "../wire/validation.ts";
import { ListServiceQuotasInput } from "./inputs.ts";

/** Batch inference limits of a model; defaults as in the Bedrock user guide's quotas. */
export interface BatchLimits {
  readonly minimumRecords: number;
  readonly recordsPerFile: number;
  readonly recordsPerJob: number;
  /** GB */
  readonly fileSizeGb: number;
  /** GB */
  readonly jobSizeGb: number;
}

/** Other models' quotas are listed too, as in an account, so that a caller has to pick the right ones. */
const OTHER_MODELS: readonly string[] = [
  "Claude 3 Haiku",
  "Claude 3.5 Haiku",
  "Claude Sonnet 4.5",
  "Nova Lite",
  "Nova Micro",
];
const OTHER_LIMITS: BatchLimits = {
  minimumRecords: 1000,
  recordsPerFile: 50_000,
  recordsPerJob: 50_000,
  fileSizeGb: 1,
  jobSizeGb: 5,
};
const MODEL = "Claude Haiku 4.5";

function batchQuotas(model: string, limits: BatchLimits): [string, number][] {
  return [
    [`Minimum number of records per batch inference job for ${model}`, limits.minimumRecords],
    [`Records per input file per batch inference job for ${model}`, limits.recordsPerFile],
    [`Records per batch inference job for ${model}`, limits.recordsPerJob],
    [`Batch inference input file size (in GB) for ${model}`, limits.fileSizeGb],
    [`Batch inference job size (in GB) for ${model}`, limits.jobSizeGb],
  ];
}

/** ServiceQuotas.ListServiceQuotas for Bedrock. @throws ServiceError */
export function listServiceQuotas(raw: unknown, limits: BatchLimits, region: string, accountId: string): unknown {
  const { ServiceCode, MaxResults, NextToken } = parseInput(ListServiceQuotasInput, raw);
  const quotas =
    ServiceCode === "bedrock"
      ? [...OTHER_MODELS.flatMap((model) => batchQuotas(model, OTHER_LIMITS)), ...batchQuotas(MODEL, limits)]
      : [];
  const start = Number(Buffer.from(NextToken ?? "", "base64").toString() || 0);
  const page = quotas.slice(start, start + MaxResults);
  const next = start + MaxResults;
  return {
    Quotas: page.map(([QuotaName, Value], index) => {
      const QuotaCode = `L-${(start + index).toString(16).toUpperCase().padStart(8, "0")}`;
      return {
        ServiceCode,
        ServiceName: "Amazon Bedrock",
        QuotaCode,
        QuotaArn: `arn:aws:servicequotas:${region}:${accountId}:${ServiceCode}/${QuotaCode}`,
        QuotaName,
        Value,
        Unit: "None",
        Adjustable: true,
        GlobalQuota: false,
        QuotaAppliedAtLevel: "ACCOUNT",
      };
    }),
    ...(next < quotas.length ? { NextToken: Buffer.from(String(next)).toString("base64") } : {}),
  };
}
