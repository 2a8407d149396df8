import { z } from "zod";
import { logger } from "../shared/lambda/logger.ts";
import { type OpenSearch, OpenSearchAccessDeniedError } from "../shared/open-search/open-search.ts";

/** The connector's URL must be trusted by the cluster, and this function may not see to it. */
export class TrustedEndpointError extends Error {
  override readonly name = "TrustedEndpointError";
}

const SETTING = "plugins.ml_commons.trusted_connector_endpoints_regex";

const Scope = z.object({ [SETTING]: z.array(z.string()).optional() }).default({});
const Settings = z.object({ persistent: Scope, transient: Scope, defaults: Scope });

/** Java's regular expressions and JavaScript's agree on what such lists contain; others are taken as no match. */
function matches(pattern: string, url: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(url);
  } catch {
    return false;
  }
}

/** The pattern that matches this URL and nothing else. */
export function patternOf(url: string): string {
  return `^${url.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`;
}

/**
 * Adds a URL to the endpoints that connectors may call, unless the list allows it already. Setting the list replaces it,
 * so that what was in force, the built-in defaults included, is written along.
 *
 * @throws TrustedEndpointError when this function's role may not read or change cluster settings.
 */
export async function trustConnectorUrl(openSearch: OpenSearch, url: string): Promise<void> {
  const pattern = patternOf(url);
  try {
    const { body } = await openSearch.request(
      {
        method: "GET",
        path: "/_cluster/settings",
        query: { include_defaults: "true", flat_settings: "true", filter_path: `*.${SETTING.replaceAll(".", "\\.")}` },
      },
      Settings,
    );
    const transient = body.transient[SETTING];
    const inForce = transient ?? body.persistent[SETTING] ?? body.defaults[SETTING] ?? [];
    if (inForce.some((trusted) => matches(trusted, url))) return;
    await openSearch.request(
      {
        method: "PUT",
        path: "/_cluster/settings",
        body: { [transient === undefined ? "persistent" : "transient"]: { [SETTING]: [...inForce, pattern] } },
      },
      z.unknown(),
    );
    logger.info("added to the trusted connector endpoints", { pattern });
  } catch (error) {
    if (!(error instanceof OpenSearchAccessDeniedError)) throw error;
    throw new TrustedEndpointError(
      `OpenSearch at ${openSearch.endpoint} does not trust ${url} as a connector's endpoint, and this function's role may not change that. Grant it cluster:monitor/settings and cluster:admin/settings/update, or add ${pattern} to ${SETTING} yourself, keeping what is in it. (${error.message})`,
      { cause: error },
    );
  }
}
