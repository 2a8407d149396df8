import { z } from "zod";
import { type OpenSearch, OpenSearchRequestError } from "../shared/open-search/open-search.ts";
import { textsOf } from "./text-fields.ts";

/** There is no such index. */
export class IndexNotFoundError extends Error {
  override readonly name = "IndexNotFoundError";
}

/** The index, or one of those behind its name, is closed. */
export class IndexClosedError extends Error {
  override readonly name = "IndexClosedError";
}

/** A text field that no document of the index has. */
export class TextFieldNotFoundError extends Error {
  override readonly name = "TextFieldNotFoundError";
}

/** Rephrases OpenSearch's answer for an absent index and for a closed one. */
export function namingIndex(openSearch: OpenSearch, index: string, error: unknown): unknown {
  if (!(error instanceof OpenSearchRequestError)) return error;
  if (error.types.has("index_not_found_exception")) return indexNotFound(openSearch, index, error);
  if (!error.types.has("index_closed_exception")) return error;
  return new IndexClosedError(
    `"${index}" at ${openSearch.endpoint} is closed, or has a closed index behind it. Open it, or set opensearch_index_name to what leaves it out.`,
    { cause: error },
  );
}

function indexNotFound(openSearch: OpenSearch, index: string, cause?: unknown): IndexNotFoundError {
  return new IndexNotFoundError(
    `There is no index "${index}" at ${openSearch.endpoint}. Check opensearch_index_name and opensearch_endpoint.`,
    { cause },
  );
}

const Resolved = z.object({
  indices: z.array(z.object({ name: z.string() })).default([]),
  aliases: z.array(z.object({ indices: z.array(z.string()) })).default([]),
  data_streams: z.array(z.object({ backing_indices: z.array(z.string()) })).default([]),
});

/**
 * The indices behind a name, an alias, a data stream or a pattern.
 *
 * @throws IndexNotFoundError
 */
export async function concreteIndices(openSearch: OpenSearch, index: string): Promise<string[]> {
  // A collection of OpenSearch Serverless has no such API, and no patterns over indices that would need it.
  if (openSearch.isServerless) return [index];
  try {
    const { body } = await openSearch.request(
      { method: "GET", path: `/_resolve/index/${encodeURIComponent(index)}` },
      Resolved,
    );
    const names = new Set([
      ...body.indices.map(({ name }) => name),
      ...body.aliases.flatMap(({ indices }) => indices),
      ...body.data_streams.flatMap(({ backing_indices }) => backing_indices),
    ]);
    if (names.size === 0) throw indexNotFound(openSearch, index);
    return [...names].sort();
  } catch (error) {
    throw namingIndex(openSearch, index, error);
  }
}

const FieldCapabilities = z.object({ fields: z.record(z.string(), z.record(z.string(), z.unknown())) });
const FIELDS_NAMED = 20;

/**
 * Checks that each field is in the mapping or, where the mapping does not cover all fields, in `samples`. One field
 * that is missing among several is an error too: it is a typing mistake that would only show as a worse model.
 *
 * @param samples `_source` of some documents.
 * @throws TextFieldNotFoundError naming the missing fields and the text fields that there are.
 */
export async function checkTextFields(
  openSearch: OpenSearch,
  index: string,
  fields: readonly string[],
  samples: readonly unknown[],
): Promise<void> {
  const { body } = await openSearch.request(
    { method: "GET", path: `/${encodeURIComponent(index)}/_field_caps`, query: { fields: "*" } },
    FieldCapabilities,
  );
  const missing = fields.filter(
    (field) => !(field in body.fields) && !samples.some((source) => textsOf(source, field).length > 0),
  );
  if (missing.length === 0) return;
  const available = Object.entries(body.fields)
    .filter(([name, types]) => !name.startsWith("_") && ("text" in types || "match_only_text" in types))
    .map(([name]) => name)
    .sort();
  const more = available.length > FIELDS_NAMED ? `, and ${available.length - FIELDS_NAMED} more` : "";
  throw new TextFieldNotFoundError(
    `"${index}" has no field ${missing.map((field) => `"${field}"`).join(", ")}. Its text fields are: ${
      available.length === 0 ? "none" : available.slice(0, FIELDS_NAMED).join(", ")
    }${more}. Set text_field_names.`,
  );
}
