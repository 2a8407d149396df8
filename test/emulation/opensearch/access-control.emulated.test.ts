import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Client, errors } from "@opensearch-project/opensearch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectToDomain } from "../../../e2e/user/domain-client.ts";
import { mapReader, READER_ROLE } from "../../../e2e/user/role-mapping.ts";
import { EMULATOR_CREDENTIALS } from "../../../emulation/aws/aws-emulator.ts";
import { startContainerNode } from "../../../emulation/opensearch/container.ts";
import { OpenSearchNode } from "../../../emulation/opensearch/node.ts";
import { type PreparedDomain, prepareDomain } from "../../../emulation/runtimes/domain.ts";
import { containerImages } from "../container-images.ts";

const ROLE = "arn:aws:iam::000000000000:role/FineTuning-LambdaInvokeOpenSearchRole";
const OTHER_ROLE = "arn:aws:iam::000000000000:role/Somebody";
const containers = await containerImages();

interface Case {
  readonly name: string;
  readonly available: boolean;
  start(domain: PreparedDomain, directory: string): Promise<{ url: string; stop(): Promise<void> }>;
}

const cases: readonly Case[] = [
  {
    name: "a process",
    available: true,
    start: (domain, directory) =>
      new OpenSearchNode().withHeapMb(256).withSecurity(domain.security).withWorkDirectory(directory).start(),
  },
  {
    name: containers.reason === undefined ? "a container" : `a container (left out: ${containers.reason})`,
    available: containers.images !== undefined,
    start: (domain, directory) =>
      startContainerNode({
        image: containers.images?.openSearch ?? "",
        heapMb: 256,
        security: domain.security,
        workDirectory: directory,
      }),
  },
];

async function refusal(request: Promise<unknown>): Promise<string> {
  const error = await request.then(
    () => expect.unreachable("the request was not refused"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof errors.ResponseError)) throw error;
  expect(error.statusCode).toBe(403);
  return JSON.stringify(error.body);
}

describe.each(cases)("a domain whose node is $name", ({ available, start }) => {
  describe.skipIf(!available)("with fine-grained access control", () => {
    const stops: (() => Promise<unknown>)[] = [];
    let nodeUrl: string;
    let authorityFile: string;
    let master: Client;
    let as: (role: string) => Client;
    let endpoint: string;

    beforeAll(async () => {
      const directory = await mkdtemp(path.join(tmpdir(), "domain-"));
      stops.push(() => rm(directory, { recursive: true, force: true }));
      const domain = await prepareDomain(directory, ["127.0.0.1"]);
      authorityFile = domain.authorityFile;
      const node = await start(domain, directory);
      stops.push(() => node.stop());
      nodeUrl = node.url;
      const frontDoor = await domain.open(node.url);
      stops.push(() => frontDoor.stop());
      endpoint = frontDoor.url;
      const connect = (role?: string) => {
        const client = connectToDomain(
          {
            openSearchEndpoint: endpoint,
            certificateAuthorityFile: authorityFile,
            aws: {
              region: "us-east-1",
              gateway: "",
              sageMaker: "",
              bedrock: "",
              credentials: EMULATOR_CREDENTIALS,
            },
          },
          role,
        );
        stops.push(() => client.close());
        return client;
      };
      as = connect;
      master = connect();
      await master.index({ index: "documents", id: "1", body: { text: "one" }, refresh: true });
    }, 300_000);

    afterAll(async () => {
      for (const stop of stops.reverse()) await stop();
    });

    it("answers by HTTPS only, with a certificate of the run's own authority", async () => {
      expect(endpoint).toMatch(/^https:/);
      await expect(fetch(`${endpoint}/`)).rejects.toThrow();
      expect(await readFile(authorityFile, "utf8")).toMatch(/^-----BEGIN CERTIFICATE-----/);
    });

    it("refuses a role that is not mapped, naming it, and lets it read once it is mapped", async () => {
      const search = () => as(ROLE).search({ index: "documents" });
      expect(await refusal(search())).toContain(ROLE);
      await mapReader(master, ROLE);
      await expect.poll(async () => (await search().catch(() => undefined))?.body.hits.hits.length).toBe(1);
    });

    it("grants a mapped reader no more than reading, and nobody else anything", async () => {
      expect(await refusal(as(ROLE).indices.delete({ index: "documents" }))).toContain("indices:admin/delete");
      expect(await refusal(as(OTHER_ROLE).search({ index: "documents" }))).toContain(OTHER_ROLE);
      const mapping = await master.http.get({ path: `/_plugins/_security/api/rolesmapping/${READER_ROLE}` });
      expect(JSON.stringify(mapping.body)).toContain(ROLE);
    });

    it("does not believe a caller's own identity headers", async () => {
      const client = as(OTHER_ROLE);
      const forged = client.transport.request(
        { method: "GET", path: "/documents/_search" },
        { headers: { "x-proxy-user": "arn:aws:iam::000000000000:user/master", "x-proxy-roles": "all_access" } },
      );
      expect(await refusal(forged as unknown as Promise<unknown>)).toContain(OTHER_ROLE);
    });

    it("answers nobody who goes around the front door without an identity", async () => {
      expect((await fetch(`${nodeUrl}/documents/_search`)).status).toBe(401);
    });
  });
});
