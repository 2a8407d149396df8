import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

/**
 * Where the harness keeps what is costly to make (Python environments, the OpenSearch distribution, converted models):
 * outside the checkout, shared by all checkouts, safe to delete.
 *
 * @param parts the entry, e.g. `cacheDirectory("opensearch")`; the folder is created.
 */
export function cacheDirectory(...parts: string[]): string {
  const root =
    process.env.OPENSEARCH_FINETUNING_CACHE ??
    path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "opensearch-finetuning");
  const directory = path.join(root, ...parts);
  mkdirSync(directory, { recursive: true });
  return directory;
}
