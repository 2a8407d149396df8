import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { cacheDirectory } from "../../emulation/cache/cache.ts";
import { buildOnce } from "../../emulation/cache/cached-build.ts";

/** The handbook cannot be had; the message says what else to do. */
export class HandbookError extends Error {
  override readonly name = "HandbookError";
}

/**
 * The Debian Administrator's Handbook (GPL 2 or CC BY-SA 3.0), the same book in 26 languages, from the package index
 * that apt is configured for; kept in the cache.
 *
 * @returns the folder with a folder of HTML pages a language.
 * @throws HandbookError where there is no apt or its index has not the package.
 */
export async function debianHandbook(): Promise<string> {
  const directory = path.join(cacheDirectory("bench-languages"), "debian-handbook");
  await mkdir(path.dirname(directory), { recursive: true });
  await buildOnce(directory, "the Debian handbook", async () => {
    try {
      await execa("apt-get", ["download", "debian-handbook"], { cwd: directory });
      const [file = ""] = (await readdir(directory)).filter((name) => name.endsWith(".deb"));
      await execa("dpkg-deb", ["--extract", file, "."], { cwd: directory });
    } catch (cause) {
      throw new HandbookError(
        "`apt-get download debian-handbook` failed: on Debian or Ubuntu run `apt-get update` first; elsewhere unpack the " +
          "package and give its folder usr/share/doc/debian-handbook/html as --handbook.",
        { cause },
      );
    }
  });
  return path.join(directory, "usr/share/doc/debian-handbook/html");
}
