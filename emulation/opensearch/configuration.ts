import type { NodeSecurity } from "./security.ts";
import { NODE_SETTINGS, type Setting } from "./settings.ts";

/**
 * The files of a node's configuration folder: path -> content.
 *
 * @param settings besides those of every node.
 * @param security @default - everybody may do everything
 */
export function configurationFiles(
  settings: Readonly<Record<string, Setting>>,
  security?: NodeSecurity,
): ReadonlyMap<string, string> {
  // JSON is YAML.
  const document = JSON.stringify({ ...NODE_SETTINGS, ...settings, ...security?.settings }, null, 2);
  return new Map([...(security?.files ?? []), ["opensearch.yml", document]]);
}
