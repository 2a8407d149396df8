import { setTimeout as sleep } from "node:timers/promises";
import type { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { type Client, errors } from "@opensearch-project/opensearch";
import { stageLabel } from "../../pipeline/stages.ts";
import { type Check, Checks, failed } from "../checks/check.ts";
import { messageNotRun, verifyMessages } from "../checks/messages.ts";
import { type Executions, endOf } from "../executions/execution.ts";
import type { DomainRoles } from "../run/stack-deployment.ts";
import { connectToDomain, type DomainConnection } from "./domain-client.ts";
import { SOURCE_INDEX } from "./source-corpus.ts";

/** OpenSearch role that holds what a reader needs by docs/operate.md. */
export const READER_ROLE = "finetuning_reader";
const SETTINGS_ROLE = "finetuning_trusted_endpoints";
const SECURITY_API = "/_plugins/_security/api";
const REFUSED_EXECUTION = "role-not-mapped";
/** Until a new mapping is in force everywhere in the node. */
const MAPPING_TIMEOUT_MS = 20_000;

async function mapRole(domain: Client, openSearchRole: string, backendRole: string): Promise<void> {
  await domain.http.put({
    path: `${SECURITY_API}/rolesmapping/${openSearchRole}`,
    body: { backend_roles: [backendRole] },
  });
}

/** Grants an IAM role what a reader needs by docs/operate.md. */
export async function mapReader(domain: Client, roleArn: string): Promise<void> {
  await domain.http.put({
    path: `${SECURITY_API}/roles/${READER_ROLE}`,
    body: {
      index_permissions: [
        {
          index_patterns: ["*"],
          allowed_actions: ["indices:data/read/*", "indices:admin/resolve/index"],
        },
      ],
    },
  });
  await mapRole(domain, READER_ROLE, roleArn);
}

/**
 * Grants an IAM role what the registration needs by docs/operate.md on a domain that does not trust the connector's endpoint
 * yet: the stub's never is.
 */
export async function mapRegistration(domain: Client, roleArn: string): Promise<void> {
  await domain.http.put({
    path: `${SECURITY_API}/roles/${SETTINGS_ROLE}`,
    body: { cluster_permissions: ["cluster:admin/settings/update"] },
  });
  await mapRole(domain, SETTINGS_ROLE, roleArn);
  await mapRole(domain, "ml_full_access", roleArn);
}

/** HTTP status of a request; 200 when it succeeded. */
async function statusOf(request: () => Promise<unknown>): Promise<number> {
  try {
    await request();
    return 200;
  } catch (error) {
    if (!(error instanceof errors.ResponseError)) throw error;
    return error.statusCode ?? 0;
  }
}

interface RoleMappingOptions {
  readonly connection: DomainConnection;
  /** As the master user. */
  readonly domain: Client;
  readonly logs: CloudWatchLogsClient;
  readonly executions: Executions;
  readonly roles: DomainRoles;
  readonly modelName: string;
  /** Whether executions read an index. */
  readonly readsIndex: boolean;
}

/**
 * Does what docs/operate.md asks a domain's administrator to do, and checks that it is what is needed: before, the roles
 * are refused and an execution says so; afterwards they are let in.
 */
export async function mapRolesAndVerify(options: RoleMappingOptions): Promise<Check[]> {
  const checks = new Checks("role mapping");
  const { connection, domain, readsIndex } = options;
  const { reader, registration } = options.roles;
  const asReader = connectToDomain(connection, reader);
  const asRegistration = connectToDomain(connection, registration);
  const read = () => statusOf(() => asReader.count({ index: SOURCE_INDEX }) as unknown as Promise<unknown>);
  const look = () => statusOf(() => lookForModels(asRegistration));
  try {
    checks.expect("the registration is refused before", (await look()) === 403, registration);
    if (readsIndex) {
      checks.expect("the reader is refused before", (await read()) === 403, reader);
      checks.results.push(...(await verifyRefusedExecution(options)));
    }
    await mapReader(domain, reader);
    await mapRegistration(domain, registration);
    // 404: the index of models is made with the first one.
    checks.expect("the registration is let in once mapped", await becomes(look, [200, 404]), registration);
    if (readsIndex) checks.expect("the reader is let in once mapped", await becomes(read, [200]), reader);
  } finally {
    await Promise.all([asReader.close(), asRegistration.close()]);
  }
  return checks.results;
}

function lookForModels(client: Client): Promise<unknown> {
  const request = { path: "/_plugins/_ml/models/_search", body: { query: { match_all: {} } } };
  return client.http.post(request) as unknown as Promise<unknown>;
}

/** An execution whose reader is not mapped yet says which role to map, and a person is told. */
async function verifyRefusedExecution({ executions, logs, roles, modelName }: RoleMappingOptions): Promise<Check[]> {
  const checks = new Checks("role mapping");
  const refused = await executions.run({ name: REFUSED_EXECUTION, input: {} });
  const cause = refused.cause ?? "";
  checks.expect(
    "an execution says which role to map",
    refused.status === "FAILED" && refused.error === "OpenSearchAccessDeniedError" && cause.includes(roles.reader),
    endOf(refused),
  );
  if (failed(checks.results).length > 0) return [...checks.results, messageNotRun(REFUSED_EXECUTION)];
  const subject = `Fine-tuning of ${modelName} failed in stage ${stageLabel("extraction")}`;
  const message = { execution: REFUSED_EXECUTION, subject, text: [roles.reader] };
  return [...checks.results, ...(await verifyMessages(logs, [message]))];
}

async function becomes(status: () => Promise<number>, expected: readonly number[]): Promise<boolean> {
  const deadline = Date.now() + MAPPING_TIMEOUT_MS;
  while (!expected.includes(await status())) {
    if (Date.now() > deadline) return false;
    await sleep(200);
  }
  return true;
}
