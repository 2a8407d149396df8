import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as tar from "tar";

/** A tar.gz of the given files. */
export async function tarball(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const directory = await mkdtemp(path.join(tmpdir(), "tarball-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(directory, "in", name)), { recursive: true });
      await writeFile(path.join(directory, "in", name), content);
    }
    const file = path.join(directory, "archive.tar.gz");
    await tar.create({ file, gzip: true, cwd: path.join(directory, "in") }, Object.keys(files));
    return await readFile(file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The text files of a tar.gz by name. */
export async function untar(archive: Uint8Array): Promise<Record<string, string>> {
  const directory = await mkdtemp(path.join(tmpdir(), "untar-"));
  try {
    const file = path.join(directory, "archive.tar.gz");
    await writeFile(file, archive);
    const names: string[] = [];
    await tar.extract({ file, cwd: directory, onReadEntry: (entry) => names.push(entry.path) });
    const files = names.filter((name) => !name.endsWith("/"));
    const read = files.map(async (name) => [name, await readFile(path.join(directory, name), "utf8")] as const);
    return Object.fromEntries(await Promise.all(read));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
