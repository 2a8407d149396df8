import { Client } from "@opensearch-project/opensearch";
import { AwsSigv4Signer } from "@opensearch-project/opensearch/aws-v3";
import type { AwsConnection } from "./aws-connection.ts";

/** A client that signs as a user of the domain does. */
export function connectToDomain(endpoint: string, { region, credentials }: AwsConnection): Client {
  return new Client({
    ...AwsSigv4Signer({ region, service: "es", getCredentials: async () => credentials }),
    node: endpoint,
    requestTimeout: 120_000,
  });
}
