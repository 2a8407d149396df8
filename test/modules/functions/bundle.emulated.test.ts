import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { unzipSync } from "fflate";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { bundleFunctions, MissingEntryPointError } from "../../../modules/functions/bundle.ts";
import { temporaryDirectory } from "../stack-fixture.ts";

const Handlers = z.object({ handler: z.custom<() => Promise<unknown>>((value) => typeof value === "function") });

describe("bundleFunctions", () => {
  const work = temporaryDirectory();
  afterEach(() => work.remove());

  function source(folder: string, name: string, code: string): string {
    const directory = path.join(work.path, folder);
    mkdirSync(path.join(directory, name), { recursive: true });
    writeFileSync(path.join(directory, name, "index.ts"), code);
    return directory;
  }

  it("makes one self-contained CommonJS file that Lambda can load, with the names of errors kept", async () => {
    const directory = source("a", "errors", "export class BadInputError extends Error {}\n");
    const code =
      'import { BadInputError } from "../errors/index.ts";\nexport const handler = async () => BadInputError.name;\n';
    source("a", "fn", code);
    const files = unzipSync(bundleFunctions(directory, ["fn"]).fn);
    expect(Object.keys(files)).toEqual(["index.js"]);
    const bundle = path.join(work.path, "index.cjs");
    writeFileSync(bundle, files["index.js"] ?? "");
    const { handler } = Handlers.parse(createRequire(import.meta.url)(bundle));
    expect(await handler()).toBe("BadInputError");
  });

  it("gives the same bytes wherever and whenever it runs", () => {
    const code = "export const handler = async () => 1;\n";
    const first = bundleFunctions(source("first", "fn", code), ["fn"]).fn;
    const zone = process.env.TZ;
    process.env.TZ = "Pacific/Auckland";
    const second = bundleFunctions(source("second", "fn", code), ["fn"]).fn;
    process.env.TZ = zone;
    expect(Buffer.from(second).equals(Buffer.from(first))).toBe(true);
  });

  it("says which function is missing", () => {
    const directory = source("b", "fn", "export const handler = async () => 1;\n");
    expect(() => bundleFunctions(directory, ["fn", "gone"])).toThrow(MissingEntryPointError);
    expect(() => bundleFunctions(directory, ["fn", "gone"])).toThrow(/gone\/index\.ts/);
  });
});
