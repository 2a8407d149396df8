import { z } from "zod";
import { logger } from "../shared/lambda/logger.ts";
import { type OpenSearch, OpenSearchAccessDeniedError } from "../shared/open-search/open-search.ts";
import { TextFieldNotFoundError } from "./index-layout.ts";

const FieldMapping = z.object({
  type: z.string().optional(),
  /** What an alias stands for. */
  path: z.string().optional(),
  /** Multi-fields: further ways to index the same value. */
  fields: z.record(z.string(), z.unknown()).default({}),
  copy_to: z.union([z.string().transform((name) => [name]), z.array(z.string())]).default([]),
});
type FieldMapping = z.infer<typeof FieldMapping>;

/** The mapping of each field of an index, by its full name. */
export type FieldMappings = ReadonlyMap<string, FieldMapping>;

const FieldMappingsAnswer = z.record(
  z.string(),
  z.object({ mappings: z.record(z.string(), z.object({ mapping: z.record(z.string(), FieldMapping) })) }),
);

/**
 * Reads the mappings of the fields of every index behind a name. None where they may not be read: a field is then where
 * its name says, and {@link checkStored} finds those that are not.
 */
export async function readFieldMappings(openSearch: OpenSearch, index: string): Promise<FieldMappings[]> {
  // A collection of OpenSearch Serverless has no such API.
  if (openSearch.isServerless) return [];
  try {
    const { body } = await openSearch.request(
      { method: "GET", path: `/${encodeURIComponent(index)}/_mapping/field/*` },
      FieldMappingsAnswer,
    );
    return Object.values(body).map(({ mappings }) => {
      const byName = new Map<string, FieldMapping>();
      for (const [name, { mapping }] of Object.entries(mappings)) {
        for (const own of Object.values(mapping)) byName.set(name, own);
      }
      return byName;
    });
  } catch (error) {
    if (!(error instanceof OpenSearchAccessDeniedError)) throw error;
    logger.warn("field mappings may not be read (indices:admin/mappings/fields/get), so aliases are not followed");
    return [];
  }
}

function storedIn(field: string, mappings: FieldMappings, isWritten: boolean): string[] {
  const own = mappings.get(field);
  if (own?.type === "alias" && own.path !== undefined) return storedIn(own.path, mappings, isWritten);
  const dot = field.lastIndexOf(".");
  const parent = field.slice(0, Math.max(dot, 0));
  if (Object.hasOwn(mappings.get(parent)?.fields ?? {}, field.slice(dot + 1))) {
    return storedIn(parent, mappings, isWritten);
  }
  if (isWritten) return [field];
  const origins = [...mappings].filter(([, { copy_to }]) => copy_to.includes(field)).map(([name]) => name);
  return origins.length === 0 ? [field] : origins;
}

/**
 * The fields of a document that hold the text of `field`: for an alias what it stands for, for a multi-field the field that
 * it belongs to, for a field that others are copied to these others, where documents do not write it themselves; else the
 * field itself.
 *
 * @param indices one index or several, of which each may hold the text elsewhere.
 * @param isWritten whether documents have the field.
 */
export function storedFields(field: string, indices: readonly FieldMappings[], isWritten: boolean): string[] {
  if (indices.length === 0) return [field];
  return [...new Set(indices.flatMap((mappings) => storedIn(field, mappings, isWritten)))];
}

/** Whether a filtered `_source` has anything, be it an empty text. */
function holdsValue(source: unknown): boolean {
  return typeof source === "object" && source !== null ? Object.values(source).some(holdsValue) : source !== undefined;
}

const SearchAnswer = z.object({ hits: z.object({ hits: z.array(z.object({ _source: z.unknown() })) }) });
const CHECKED_DOCUMENTS = 5;

/**
 * Checks that a field which the sample has no text of is rare, and not left out of what documents store.
 *
 * @throws TextFieldNotFoundError when documents have the field in the index and not in their `_source`.
 */
export async function checkStored(openSearch: OpenSearch, index: string, field: string): Promise<void> {
  const { body } = await openSearch.request(
    {
      method: "POST",
      path: `/${encodeURIComponent(index)}/_search`,
      body: { size: CHECKED_DOCUMENTS, _source: [field], query: { exists: { field } } },
    },
    SearchAnswer,
  );
  const sources = body.hits.hits.map(({ _source }) => _source);
  if (sources.length === 0 || sources.some(holdsValue)) return;
  throw new TextFieldNotFoundError(
    `Documents of "${index}" can be searched by "${field}", but do not store it (it is derived from another field, left out of _source, or hidden by access control), so its text cannot be read. Set text_field_names to fields that are stored, or give the corpus as JSONL with input_type s3.`,
  );
}
