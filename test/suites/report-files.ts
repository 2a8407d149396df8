import { readFile } from "node:fs/promises";

/** The text of a report; empty when the suite wrote none. */
export async function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}

/** The JSON of a report; undefined when the suite wrote none. */
export async function readJson(file: string): Promise<unknown> {
  const content = await readText(file);
  return content === "" ? undefined : JSON.parse(content);
}
