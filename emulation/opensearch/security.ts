import type { CertificateAuthority, Identity } from "./certificates.ts";
import type { Setting } from "./settings.ts";

/** Who calls the domain, as fine-grained access control sees it. */
export interface Principal {
  readonly name: string;
  /** On Amazon OpenSearch Service an IAM role's ARN is a backend role. */
  readonly backendRoles: readonly string[];
}

/** What a node with the security plugin is configured with. */
export interface NodeSecurity {
  readonly settings: Readonly<Record<string, Setting>>;
  /** Path below the node's configuration folder -> content. */
  readonly files: ReadonlyMap<string, string>;
}

/** The master user of the domain: whoever signs with the front door's own session token. */
export const MASTER: Principal = { name: "arn:aws:iam::000000000000:user/master", backendRoles: [] };

const SECURITY_DIRECTORY = "opensearch-security";
const USER_HEADER = "x-proxy-user";
const ROLES_HEADER = "x-proxy-roles";

/** Names under which the front door tells the node who calls; a caller must not send them itself. */
export const IDENTITY_HEADERS: readonly string[] = [USER_HEADER, ROLES_HEADER, "x-forwarded-for"];

/** The headers by which the node takes a request for the principal's. */
export function identityHeaders({ name, backendRoles }: Principal): Record<string, string> {
  return { [USER_HEADER]: name, [ROLES_HEADER]: backendRoles.join(","), "x-forwarded-for": "127.0.0.1" };
}

/**
 * Fine-grained access control as on the managed service: the node believes the front door who calls, since the plugin
 * itself does not know IAM; the master user is mapped to `all_access`, nobody else to anything, and there are no passwords.
 */
export async function nodeSecurity(authority: CertificateAuthority): Promise<NodeSecurity> {
  const node: Identity = await authority.issue("node", ["localhost"]);
  const document = (type: string, content: object) =>
    JSON.stringify({ _meta: { type, config_version: 2 }, ...content });
  return {
    settings: {
      "plugins.security.disabled": false,
      "plugins.security.ssl.transport.pemcert_filepath": "node.pem",
      "plugins.security.ssl.transport.pemkey_filepath": "node-key.pem",
      "plugins.security.ssl.transport.pemtrustedcas_filepath": "authority.pem",
      "plugins.security.ssl.transport.enforce_hostname_verification": false,
      // TLS ends at the front door.
      "plugins.security.ssl.http.enabled": false,
      "plugins.security.allow_default_init_securityindex": true,
      "plugins.security.nodes_dn": ["CN=node"],
      "plugins.security.restapi.roles_enabled": ["all_access"],
    },
    files: new Map([
      ["node.pem", node.certificate],
      ["node-key.pem", node.key],
      ["authority.pem", authority.certificate],
      [
        `${SECURITY_DIRECTORY}/config.yml`,
        document("config", {
          config: {
            dynamic: {
              http: {
                anonymous_auth_enabled: false,
                xff: { enabled: true, internalProxies: ".*", remoteIpHeader: "x-forwarded-for" },
              },
              authc: {
                front_door: {
                  http_enabled: true,
                  order: 0,
                  http_authenticator: {
                    type: "proxy",
                    challenge: false,
                    config: { user_header: USER_HEADER, roles_header: ROLES_HEADER },
                  },
                  authentication_backend: { type: "noop" },
                },
              },
            },
          },
        }),
      ],
      [`${SECURITY_DIRECTORY}/internal_users.yml`, document("internalusers", {})],
      [
        `${SECURITY_DIRECTORY}/roles_mapping.yml`,
        document("rolesmapping", { all_access: { reserved: false, users: [MASTER.name] } }),
      ],
    ]),
  };
}
