import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { FORWARDED_SERVICES, serviceEndpoints } from "../../../emulation/aws/aws-emulator.ts";
import { PipelineLocalStack } from "../../../emulation/aws/localstack.ts";

const URLS = { sageMaker: "http://10.0.0.1:1", bedrock: "http://10.0.0.1:2" };

/** Shows what the engine would be asked for. */
class Shown extends PipelineLocalStack {
  get variables(): Record<string, string> {
    return this.environment;
  }
  get files(): Map<string, string> {
    return new Map(this.contentsToCopy.map(({ content, target }) => [target, String(content)]));
  }
}

it("gives LocalStack a provider for each service that a stub answers, and its URL", () => {
  const container = new Shown("image", { serviceEndpoints: serviceEndpoints(URLS), waitScale: 0.5 });
  const [entryPoints = ""] = [...container.files].flatMap(([target, content]) =>
    target.endsWith("/entry_points.txt") ? [content] : [],
  );
  const endpoints = JSON.parse(container.variables.PIPELINE_SERVICE_ENDPOINTS ?? "{}");
  for (const service of FORWARDED_SERVICES) {
    expect(entryPoints).toContain(`${service}:default = pipeline_emulation.forwarding:`);
    expect(endpoints[service]).toBe(/^(bedrock|service)/.test(service) ? URLS.bedrock : URLS.sageMaker);
  }
});

it("writes all variables that the extensions read", async () => {
  const container = new Shown("image", { certificateAuthority: "/ca.pem", functionGateway: "http://10.0.0.1:3" });
  const source = await readFile("emulation/aws/shared/emulator_settings.py", "utf8");
  const read = new Set([...source.matchAll(/environment(?:\[|\.get\()"(\w+)"/g)].map(([, name]) => name));
  expect(read.size).toBeGreaterThan(4);
  for (const name of read) expect(container.variables).toHaveProperty(name ?? "");
  expect(container.variables.PIPELINE_CERTIFICATE_AUTHORITY).not.toBe("/ca.pem");
});
