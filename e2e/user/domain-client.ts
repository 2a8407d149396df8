import { readFileSync } from "node:fs";
import { Client } from "@opensearch-project/opensearch";
import { AwsSigv4Signer } from "@opensearch-project/opensearch/aws-v3";
import type { AwsConnection } from "../../emulation/aws/aws-connection.ts";

/** Where a domain answers, and whose certificate it has. */
export interface DomainConnection {
  readonly openSearchEndpoint: string;
  /** PEM file. */
  readonly certificateAuthorityFile: string;
  readonly aws: AwsConnection;
}

/**
 * A client that signs as a user of the domain does.
 *
 * @param roleArn calls as this role. @default - as the domain's master user
 */
export function connectToDomain(
  { openSearchEndpoint, certificateAuthorityFile, aws: { region, credentials } }: DomainConnection,
  roleArn?: string,
): Client {
  const signedWith = roleArn === undefined ? credentials : { ...credentials, sessionToken: roleArn };
  return new Client({
    ...AwsSigv4Signer({ region, service: "es", getCredentials: async () => signedWith }),
    node: openSearchEndpoint,
    ssl: { ca: readFileSync(certificateAuthorityFile, "utf8") },
    requestTimeout: 120_000,
  });
}
