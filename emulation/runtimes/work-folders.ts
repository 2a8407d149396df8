import { mkdir } from "node:fs/promises";
import path from "node:path";

/** Gives each part of a runtime a folder of its own below the run's; it exists when its path is handed out. */
export function foldersBelow(workDirectory: string): (name: string) => Promise<string> {
  return async (name) => {
    const folder = path.join(workDirectory, name);
    await mkdir(folder, { recursive: true });
    return folder;
  };
}
