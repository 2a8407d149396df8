import {
  ListAWSDefaultServiceQuotasCommand,
  ListServiceQuotasCommand,
  type ServiceQuota,
  type ServiceQuotasClient,
} from "@aws-sdk/client-service-quotas";
import { messageOf } from "../shared/errors.ts";
import { logger } from "../shared/logger.ts";

/** What Bedrock allows of a batch inference job for a model. */
export interface BatchLimits {
  readonly minRecords: number;
  readonly maxRecords: number;
  /** Bytes of an input file. */
  readonly maxFileBytes: number;
}

const GB = 1_000_000_000;

/** Bedrock's documented default values (Bedrock quotas in the AWS General Reference). */
export const DEFAULT_BATCH_LIMITS: BatchLimits = { minRecords: 100, maxRecords: 50_000, maxFileBytes: GB };

/** "us.anthropic.claude-haiku-4-5-20251001-v1:0" and "Claude Haiku 4.5" both as "4 5 claude haiku". */
function modelWords(name: string): string {
  const words = name
    .toLowerCase()
    .replace(/^arn:.*\//, "")
    .replace(/^(?:[a-z]+\.)*(?:anthropic|amazon)\./, "")
    .replace(/-\d{8}\b/, "")
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "" && !["anthropic", "amazon", "v1", "v2"].includes(word));
  return words.sort().join(" ");
}

/** Ids end in -v1:0, whose last number is a revision and no part of the model's name. */
function modelIdWords(modelId: string): string {
  return modelWords(modelId.replace(/-v\d+(?::\d+)*(?::\d+k)?$/, ""));
}

async function listQuotas(client: ServiceQuotasClient, applied: boolean): Promise<ServiceQuota[]> {
  const quotas: ServiceQuota[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      applied
        ? new ListServiceQuotasCommand({ ServiceCode: "bedrock", NextToken: token })
        : new ListAWSDefaultServiceQuotasCommand({ ServiceCode: "bedrock", NextToken: token }),
    );
    quotas.push(...(page.Quotas ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  return quotas;
}

function quotaOf(quotas: readonly ServiceQuota[], wording: string, modelId: string): number | undefined {
  const words = modelIdWords(modelId);
  for (const { QuotaName = "", Value } of quotas) {
    const [, model] = QuotaName.split(`${wording} for `);
    if (QuotaName.startsWith(`${wording} for `) && model !== undefined && modelWords(model) === words) return Value;
  }
  return undefined;
}

function smallest(...values: (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/**
 * The account's limits for batch inference with a model, from Service Quotas; Bedrock's defaults where they cannot be
 * read or the model has none of its own.
 */
export async function readBatchLimits(client: ServiceQuotasClient, modelId: string): Promise<BatchLimits> {
  let quotas: ServiceQuota[];
  try {
    // What was never changed for the account is only among the defaults.
    quotas = [...(await listQuotas(client, true)), ...(await listQuotas(client, false))];
  } catch (error) {
    logger.warn("Service Quotas cannot be read; Bedrock's documented defaults are used", { reason: messageOf(error) });
    return DEFAULT_BATCH_LIMITS;
  }
  const maxRecords = smallest(
    quotaOf(quotas, "Records per input file per batch inference job", modelId),
    quotaOf(quotas, "Records per batch inference job", modelId),
  );
  const maxFileGb = smallest(
    quotaOf(quotas, "Batch inference input file size (in GB)", modelId),
    quotaOf(quotas, "Batch inference job size (in GB)", modelId),
  );
  return {
    minRecords:
      quotaOf(quotas, "Minimum number of records per batch inference job", modelId) ?? DEFAULT_BATCH_LIMITS.minRecords,
    maxRecords: maxRecords ?? DEFAULT_BATCH_LIMITS.maxRecords,
    maxFileBytes: maxFileGb === undefined ? DEFAULT_BATCH_LIMITS.maxFileBytes : maxFileGb * GB,
  };
}
