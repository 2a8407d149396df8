import { CorpusDocument, CorpusManifest } from "../../pipeline/artifacts.ts";
import { type Check, Checks } from "./check.ts";
import type { RunArtifacts } from "./run-artifacts.ts";

/**
 * Every document of the source is in the corpus exactly once, with the text that it has there.
 *
 * @param expected text by document id.
 */
export async function verifyCorpus(
  artifacts: RunArtifacts,
  expected: ReadonlyMap<string, string>,
): Promise<{ checks: Check[]; documents: number }> {
  const checks = new Checks("corpus");
  const parts = (await artifacts.list("corpus/part-")).filter((key) => key.endsWith(".jsonl"));
  const seen = new Map<string, number>();
  const different: string[] = [];
  for await (const { id, text } of artifacts.lines(parts, CorpusDocument)) {
    seen.set(id, (seen.get(id) ?? 0) + 1);
    if (expected.get(id) !== text) different.push(id);
  }
  checks.expectNone(
    "every document extracted",
    [...expected.keys()].filter((id) => !seen.has(id)),
    `${expected.size} documents`,
  );
  checks.expectNone(
    "no document extracted twice",
    [...seen].filter(([, times]) => times > 1).map(([id]) => id),
    `${seen.size} ids`,
  );
  checks.expectNone("text as in the source", different, `${parts.length} parts`);
  const manifest = await artifacts.json("corpus/manifest.json", CorpusManifest);
  checks.expect(
    "manifest counts what is there",
    manifest.document_count === seen.size && manifest.part_count === parts.length,
    `${manifest.document_count} documents in ${manifest.part_count} parts`,
  );
  return { checks: checks.results, documents: seen.size };
}
