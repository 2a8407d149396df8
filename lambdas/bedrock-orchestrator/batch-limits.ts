import {
  ListAWSDefaultServiceQuotasCommand,
  ListServiceQuotasCommand,
  type ServiceQuota,
  type ServiceQuotasClient,
} from "@aws-sdk/client-service-quotas";
import { messageOf } from "../shared/lambda/errors.ts";
import { logger } from "../shared/lambda/logger.ts";

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

/** What Service Quotas lists, page by page; nothing when it cannot be read. */
async function listQuotas(
  source: string,
  page: (token: string | undefined) => Promise<{ Quotas?: ServiceQuota[] | undefined; NextToken?: string | undefined }>,
): Promise<ServiceQuota[]> {
  const quotas: ServiceQuota[] = [];
  let token: string | undefined;
  try {
    do {
      const { Quotas = [], NextToken } = await page(token);
      quotas.push(...Quotas);
      token = NextToken;
    } while (token !== undefined);
  } catch (error) {
    logger.warn("quotas cannot be read; what is not known is taken from Bedrock's documentation", {
      source,
      reason: messageOf(error),
    });
  }
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

/** The limits that a list of quotas has for a model. */
function limitsIn(quotas: readonly ServiceQuota[], modelId: string): Partial<BatchLimits> {
  const minRecords = quotaOf(quotas, "Minimum number of records per batch inference job", modelId);
  const maxRecords = smallest(
    quotaOf(quotas, "Records per input file per batch inference job", modelId),
    quotaOf(quotas, "Records per batch inference job", modelId),
  );
  const maxFileGb = smallest(
    quotaOf(quotas, "Batch inference input file size (in GB)", modelId),
    quotaOf(quotas, "Batch inference job size (in GB)", modelId),
  );
  return {
    ...(minRecords === undefined ? {} : { minRecords }),
    ...(maxRecords === undefined ? {} : { maxRecords }),
    ...(maxFileGb === undefined ? {} : { maxFileBytes: maxFileGb * GB }),
  };
}

/**
 * The account's limits for batch inference with a model, from Service Quotas; AWS's defaults for what was never changed
 * for the account, and Bedrock's documented ones where neither can be read or the model has none of its own.
 */
export async function readBatchLimits(client: ServiceQuotasClient, modelId: string): Promise<BatchLimits> {
  const applied = limitsIn(
    await listQuotas("the account", (NextToken) =>
      client.send(new ListServiceQuotasCommand({ ServiceCode: "bedrock", NextToken })),
    ),
    modelId,
  );
  const complete = Object.keys(DEFAULT_BATCH_LIMITS).every((limit) => limit in applied);
  if (complete) return { ...DEFAULT_BATCH_LIMITS, ...applied };
  const defaults = await listQuotas("AWS's defaults", (NextToken) =>
    client.send(new ListAWSDefaultServiceQuotasCommand({ ServiceCode: "bedrock", NextToken })),
  );
  return { ...DEFAULT_BATCH_LIMITS, ...limitsIn(defaults, modelId), ...applied };
}
