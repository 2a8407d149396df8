import { writeFile } from "node:fs/promises";
import path from "node:path";
import { EMULATOR_CREDENTIALS } from "../aws/aws-emulator.ts";
import { CertificateAuthority } from "../opensearch/certificates.ts";
import { type StartedFrontDoor, startFrontDoor } from "../opensearch/front-door.ts";
import { type NodeSecurity, nodeSecurity } from "../opensearch/security.ts";
import type { ObservedRequest } from "../recording/request-calls.ts";
import { REGION } from "./service-stubs.ts";

/** What an OpenSearch domain needs before its node can be started. */
export interface PreparedDomain {
  readonly security: NodeSecurity;
  readonly authorityFile: string;
  /** Puts the front door before the running node. */
  open(nodeUrl: string): Promise<StartedFrontDoor>;
}

/**
 * Prepares a domain: certificates, and the node's access control.
 *
 * @param directory for the authority's certificate.
 * @param addresses of this machine under which the domain is to be reached.
 * @param observe is shown each request to the domain. @default - nobody
 */
export async function prepareDomain(
  directory: string,
  addresses: readonly string[],
  observe: (request: ObservedRequest) => void = () => undefined,
): Promise<PreparedDomain> {
  const authority = await CertificateAuthority.create();
  const authorityFile = path.join(directory, "certificate-authority.pem");
  await writeFile(authorityFile, authority.certificate);
  const identity = await authority.issue("domain", addresses);
  return {
    security: await nodeSecurity(authority),
    authorityFile,
    open: (nodeUrl) =>
      startFrontDoor({
        target: nodeUrl,
        region: REGION,
        credentials: EMULATOR_CREDENTIALS,
        connectorCredentials: EMULATOR_CREDENTIALS,
        identity,
        observe,
      }),
  };
}
