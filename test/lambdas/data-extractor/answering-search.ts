import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { OpenSearch } from "../../../lambdas/shared/open-search/open-search.ts";

/** A server that gives prepared answers as OpenSearch, to try what a node does not do when it is asked to. */
export interface AnsweringSearch {
  readonly openSearch: OpenSearch;
  /** What is answered to the next requests, in their order. */
  answers: string[];
  /** `METHOD path?query` of what was asked. */
  readonly asked: string[];
  stop(): Promise<void>;
}

export async function startAnsweringSearch(): Promise<AnsweringSearch> {
  process.env.AWS_ACCESS_KEY_ID = "test";
  process.env.AWS_SECRET_ACCESS_KEY = "test";
  const server = http.createServer((request, response) => {
    search.asked.push(`${request.method} ${request.url}`);
    request.resume();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(search.answers.shift() ?? "{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const search: AnsweringSearch = {
    openSearch: new OpenSearch({ endpoint, neededPermissions: "", retryDelayMs: 1 }),
    answers: [],
    asked: [],
    async stop() {
      await search.openSearch.close();
      server.close();
      server.closeAllConnections();
    },
  };
  return search;
}
