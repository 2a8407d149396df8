import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const DOCUMENTS_A_REQUEST = 2000;

async function call(url: string, method: string, body?: string): Promise<void> {
  const headers = { "content-type": "application/x-ndjson" };
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  const answer = (await response.json()) as { errors?: boolean };
  if (!response.ok || answer.errors === true) throw new Error(`${method} ${url}: ${JSON.stringify(answer)}`);
}

/**
 * Indexes the documents of a corpus with the fields that documents have besides a title and a text. Nothing is made
 * searchable: reading documents does not depend on it, and it takes most of the time.
 *
 * @param node address of the node.
 */
export async function fillIndex(node: string, index: string, shards: number, corpus: string): Promise<void> {
  const settings = { number_of_shards: shards, number_of_replicas: 0, refresh_interval: -1 };
  await call(`${node}/${index}`, "PUT", JSON.stringify({ settings, mappings: { dynamic: false } }));
  let actions: string[] = [];
  const flush = async () => {
    if (actions.length > 0) await call(`${node}/${index}/_bulk`, "POST", actions.join(""));
    actions = [];
  };
  for await (const line of createInterface({ input: createReadStream(corpus) })) {
    const { id, ...document } = JSON.parse(line);
    const source = { ...document, url: `https://docs.example.com/${id}`, language: "en", updated: "2026-01-01" };
    actions.push(`{"index":{"_id":"${id}"}}\n${JSON.stringify(source)}\n`);
    if (actions.length === DOCUMENTS_A_REQUEST) await flush();
  }
  await flush();
  await call(`${node}/${index}/_refresh`, "POST");
}
