import {
  ListAWSDefaultServiceQuotasCommand,
  ListServiceQuotasCommand,
  ServiceQuotasClient,
} from "@aws-sdk/client-service-quotas";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_BATCH_LIMITS, readBatchLimits } from "../../../lambdas/bedrock-orchestrator/batch-limits.ts";

const quotas = mockClient(ServiceQuotasClient);
const client = new ServiceQuotasClient({ region: "us-east-1" });
const HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

beforeEach(() => {
  quotas.reset();
  quotas.on(ListServiceQuotasCommand).resolves({ Quotas: [] });
  quotas.on(ListAWSDefaultServiceQuotasCommand).resolves({ Quotas: [] });
});

describe("readBatchLimits", () => {
  it("reads the model's quotas over all pages, the account's before the defaults", async () => {
    quotas
      .on(ListServiceQuotasCommand)
      .resolvesOnce({
        NextToken: "more",
        Quotas: [
          { QuotaName: "Records per batch inference job for Claude 3.5 Haiku", Value: 7 },
          { QuotaName: "Sum of records per batch inference job for Claude Haiku 4.5", Value: 8 },
        ],
      })
      .resolvesOnce({
        Quotas: [{ QuotaName: "Records per batch inference job for Claude Haiku 4.5", Value: 80_000 }],
      });
    quotas.on(ListAWSDefaultServiceQuotasCommand).resolves({
      Quotas: [
        { QuotaName: "Records per batch inference job for Claude Haiku 4.5", Value: 50_000 },
        { QuotaName: "Records per input file per batch inference job for Claude Haiku 4.5", Value: 100_000 },
        {
          QuotaName: "Minimum number of records per batch inference job for Anthropic Claude Haiku 4.5 V1",
          Value: 1000,
        },
        { QuotaName: "Batch inference input file size (in GB) for Claude Haiku 4.5", Value: 2 },
      ],
    });
    expect(await readBatchLimits(client, HAIKU)).toEqual({
      minRecords: 1000,
      maxRecords: 80_000,
      maxFileBytes: 2_000_000_000,
    });
    expect(quotas.commandCalls(ListServiceQuotasCommand)[1]?.args[0].input.NextToken).toBe("more");
  });

  it("takes the smaller of the limits of a file and of a job: a job has one file", async () => {
    quotas.on(ListServiceQuotasCommand).resolves({
      Quotas: [
        { QuotaName: "Records per input file per batch inference job for Claude Haiku 4.5", Value: 40_000 },
        { QuotaName: "Records per batch inference job for Claude Haiku 4.5", Value: 60_000 },
        { QuotaName: "Batch inference input file size (in GB) for Claude Haiku 4.5", Value: 3 },
        { QuotaName: "Batch inference job size (in GB) for Claude Haiku 4.5", Value: 2 },
      ],
    });
    expect(await readBatchLimits(client, HAIKU)).toMatchObject({ maxRecords: 40_000, maxFileBytes: 2_000_000_000 });
  });

  it("tells Nova's models apart", async () => {
    quotas.on(ListServiceQuotasCommand).resolves({
      Quotas: [
        { QuotaName: "Minimum number of records per batch inference job for Nova Micro", Value: 1 },
        { QuotaName: "Minimum number of records per batch inference job for Amazon Nova Lite", Value: 2 },
      ],
    });
    expect((await readBatchLimits(client, "amazon.nova-lite-v1:0")).minRecords).toBe(2);
  });

  it("falls back to the documented defaults", async () => {
    expect(await readBatchLimits(client, HAIKU)).toEqual(DEFAULT_BATCH_LIMITS);
    quotas.on(ListServiceQuotasCommand).rejects(new Error("AccessDeniedException"));
    expect(await readBatchLimits(client, HAIKU)).toEqual(DEFAULT_BATCH_LIMITS);
  });

  it("keeps what it could read when the rest cannot be", async () => {
    quotas.on(ListServiceQuotasCommand).resolves({
      Quotas: [{ QuotaName: "Minimum number of records per batch inference job for Claude Haiku 4.5", Value: 10 }],
    });
    quotas.on(ListAWSDefaultServiceQuotasCommand).rejects(new Error("AccessDeniedException"));
    expect(await readBatchLimits(client, HAIKU)).toEqual({ ...DEFAULT_BATCH_LIMITS, minRecords: 10 });
  });
});
