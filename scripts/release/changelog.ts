/** The changelog says nothing of a version. */
export class MissingChangelogError extends Error {
  override readonly name = "MissingChangelogError";
}

/**
 * What the changelog says of a version, without the heading.
 *
 * @throws MissingChangelogError
 */
export function changesOf(changelog: string, version: string): string {
  const section = changelog.split(/^## /m).find((part) => part.split("\n", 1)[0]?.trim() === version);
  const changes = section?.split("\n").slice(1).join("\n").trim();
  if (!changes) throw new MissingChangelogError(`CHANGELOG.md needs a section "## ${version}" that says what changed`);
  return `${changes}\n`;
}
