import { existsSync } from "node:fs";
import path from "node:path";
import { buildSync } from "esbuild";
import { type Zippable, zipSync } from "fflate";

/** A function's entry point is not there. */
export class MissingEntryPointError extends Error {
  override readonly name = "MissingEntryPointError";
}

/** Unix, as the system that wrote the entry: then the permissions below are read. */
const UNIX = 3;

/**
 * Bundles functions for Lambda's Node.js 22: one self-contained CommonJS `index.js` each, readable in a stack trace, in a zip
 * that has the same bytes whenever the sources are the same.
 *
 * @param directory holds `<name>/index.ts` for each name.
 * @returns the zips by name.
 * @throws MissingEntryPointError
 */
export function bundleFunctions<Name extends string>(
  directory: string,
  names: readonly Name[],
): Record<Name, Uint8Array> {
  const entryPoints = names.map((name) => ({ in: path.join(directory, name, "index.ts"), out: name }));
  for (const { in: entryPoint } of entryPoints) {
    if (!existsSync(entryPoint)) {
      throw new MissingEntryPointError(
        `${path.relative(process.cwd(), entryPoint)} is not there; every function needs an index.ts that exports handler`,
      );
    }
  }
  const { outputFiles } = buildSync({
    entryPoints,
    absWorkingDir: directory,
    outdir: path.join(directory, "out"),
    write: false,
    bundle: true,
    platform: "node",
    target: "node22",
    // The ES modules of the AWS SDK leave out what a function does not use.
    mainFields: ["module", "main"],
    format: "cjs",
    keepNames: true,
    legalComments: "none",
    // A package of the OpenSearch client takes it if it happens to be there, which depends on development tools.
    external: ["supports-color"],
    logLevel: "error",
  });
  // The earliest time a zip can hold; zips hold local time, so it is made in this time zone.
  const epoch = new Date(1980, 0, 1);
  const zips = outputFiles.map(({ path: file, contents }) => {
    const content: Zippable = {
      "index.js": [contents, { mtime: epoch, os: UNIX, attrs: 0o100644 << 16, level: 6 }],
    };
    return [path.basename(file, ".js"), zipSync(content)] as const;
  });
  return Object.fromEntries(zips) as Record<Name, Uint8Array>;
}
