import { z } from "zod";
import { type OpenSearch, OpenSearchRequestError } from "../shared/open-search/open-search.ts";

const MAX_RESULTS = 1000;

const Found = z.object({ hits: z.object({ hits: z.array(z.object({ _id: z.string(), _source: z.unknown() })) }) });

/** Searches what ML Commons keeps; nothing when it has kept nothing of the kind yet. */
export async function searchMlIndex<Schema extends z.ZodType>(
  openSearch: OpenSearch,
  kind: "connectors" | "model_groups" | "models",
  query: unknown,
  source: Schema,
): Promise<{ id: string; source: z.output<Schema> }[]> {
  try {
    const { body } = await openSearch.request(
      { method: "POST", path: `/_plugins/_ml/${kind}/_search`, body: { query, size: MAX_RESULTS } },
      Found,
    );
    return body.hits.hits.map((hit) => ({ id: hit._id, source: source.parse(hit._source) }));
  } catch (error) {
    if (error instanceof OpenSearchRequestError && error.status === 404) return [];
    throw error;
  }
}
