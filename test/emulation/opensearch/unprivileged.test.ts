import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isReachable, linkTree, unprivilegedUser } from "../../../emulation/opensearch/unprivileged.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "unprivileged-"));
  await chmod(directory, 0o755);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("unprivilegedUser", () => {
  it("is another than root for root, and nobody else for everybody else", () => {
    expect(unprivilegedUser(0)?.uid).toBeGreaterThan(0);
    for (const uid of [501, 1000]) expect(unprivilegedUser(uid)).toBeUndefined();
  });
});

describe("isReachable", () => {
  const stranger = { uid: 65_534, gid: 65_534 };

  it("is true where every folder on the way lets others in", async () => {
    await mkdir(path.join(directory, "a/b"), { recursive: true });
    expect(await isReachable(path.join(directory, "a/b"), stranger)).toBe(true);
  });

  it("is false below a folder that only its owner may enter", async () => {
    await mkdir(path.join(directory, "private/b"), { recursive: true });
    await chmod(path.join(directory, "private"), 0o700);
    expect(await isReachable(path.join(directory, "private/b"), stranger)).toBe(false);
    const { uid, gid } = await stat(directory);
    expect(await isReachable(path.join(directory, "private/b"), { uid, gid })).toBe(true);
  });
});

describe("linkTree", () => {
  it("shows the same files, modes and links in another place", async () => {
    const source = path.join(directory, "source");
    await mkdir(path.join(source, "bin"), { recursive: true });
    await writeFile(path.join(source, "bin/program"), "#!/bin/sh\n", { mode: 0o755 });
    await symlink("program", path.join(source, "bin/alias"));
    const target = path.join(directory, "target");
    await linkTree(source, target);
    expect(await readFile(path.join(target, "bin/alias"), "utf8")).toBe("#!/bin/sh\n");
    expect((await stat(path.join(target, "bin/program"))).mode & 0o111).toBe(0o111);
    expect((await stat(path.join(target, "bin/program"))).ino).toBe((await stat(path.join(source, "bin/program"))).ino);
  });
});
