import { chownSync, rmSync } from "node:fs";
import { copyFile, link, mkdir, mkdtemp, readdir, readlink, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** Every candidate folder is hidden from the user that a program is to run as. */
export class NoReachableDirectoryError extends Error {
  override readonly name = "NoReachableDirectoryError";
}

/** A user and a group by number. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Numbers that are not root's; no user of this machine needs to have them. */
const UNPRIVILEGED: User = { uid: 65534, gid: 65534 };

/**
 * As whom to run a program that refuses to be root; undefined where we are not root: then as ourselves.
 *
 * @param uid of this process; undefined where the system has no such numbers.
 */
export function unprivilegedUser(uid = process.getuid?.()): User | undefined {
  return uid === 0 ? UNPRIVILEGED : undefined;
}

/** Whether `user`, in no other group, may enter `directory`: each folder on the way has to allow it. */
export async function isReachable(directory: string, { uid, gid }: User): Promise<boolean> {
  for (let folder = path.resolve(directory); ; folder = path.dirname(folder)) {
    const { mode, uid: owner, gid: group } = await stat(folder);
    const needed = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if ((mode & needed) === 0) return false;
    if (folder === path.dirname(folder)) return true;
  }
}

/**
 * Makes an empty folder that `user` owns: in `preferred` if the user can get there, else in a folder for temporary
 * files.
 *
 * @throws NoReachableDirectoryError when none of these can be entered.
 */
export async function ownedDirectory(preferred: string, prefix: string, user: User): Promise<string> {
  const candidates = [preferred, tmpdir(), "/tmp", "/var/tmp"];
  for (const candidate of candidates) {
    const reachable = await isReachable(candidate, user).catch(() => false);
    if (!reachable) continue;
    const directory = await mkdtemp(path.join(candidate, prefix));
    chownSync(directory, user.uid, user.gid);
    return directory;
  }
  throw new NoReachableDirectoryError(
    `User ${user.uid} can enter none of ${candidates.join(", ")}: run as a user other than root, or let TMPDIR name a folder that everybody can enter.`,
  );
}

/** Copies a folder for reading, by hard links where source and target are on one file system. */
export async function linkTree(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const from = path.join(source, entry.name);
    const to = path.join(target, entry.name);
    if (entry.isDirectory()) await linkTree(from, to);
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else await link(from, to).catch(() => copyFile(from, to));
  }
}

/** Removes a folder at the latest when this process exits. Call the result to remove it now. */
export function removedOnExit(directory: string): () => void {
  const remove = () => {
    process.off("exit", remove);
    rmSync(directory, { recursive: true, force: true });
  };
  process.on("exit", remove);
  return remove;
}
