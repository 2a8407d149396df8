import { readdirSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "fflate";
import { create } from "tar";

/**
 * Packs a folder, under its own name, as a `.tar.gz` that has the same bytes whenever the files have the same content.
 *
 * @param directory absolute path of the folder.
 */
export function packFolder(directory: string): Uint8Array {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.relative(path.dirname(directory), path.join(parentPath, name)))
    .sort();
  const options = {
    cwd: path.dirname(directory),
    sync: true,
    portable: true,
    mtime: new Date(0),
    filter: (_file: string, entry: { mode?: number }) => {
      entry.mode = 0o100644;
      return true;
    },
  } as const;
  return gzipSync(new Uint8Array(create(options, files).read() ?? []), { level: 9, mtime: 0 });
}
