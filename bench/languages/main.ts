/** `npm run bench:languages`: what BM25 finds in languages other than English, by its former words and by ours. */
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { execa } from "execa";
import { pythonEnvironment } from "../../emulation/python/environment.ts";
import { debianHandbook, HandbookError } from "./handbook.ts";

const MEASUREMENT = fileURLToPath(new URL("./languages.py", import.meta.url));
const LANGUAGE = /^[a-z]{2}-[A-Z]{2}$/;

async function measure(languages: readonly string[], { handbook }: { handbook?: string }): Promise<void> {
  const folder = handbook ?? (await debianHandbook());
  const all = (await readdir(folder)).filter((name) => LANGUAGE.test(name)).sort();
  const { python } = await pythonEnvironment("training");
  await execa(python, [MEASUREMENT, folder, ...(languages.length > 0 ? languages : all)], { stdio: "inherit" });
}

try {
  await new Command("npm run bench:languages --")
    .description(
      "Measures BM25 on the Debian handbook, a section's title being the query for its text: nDCG@10, Recall@100, the share of " +
        "sections at the first rank and of titles that nothing is found for, with tantivy's `simple` words and with ours.",
    )
    .argument("[language...]", "e.g. ja-JP zh-CN de-DE (default: all)")
    .option(
      "--handbook <dir>",
      "usr/share/doc/debian-handbook/html of the unpacked package (default: fetched with apt-get)",
    )
    .action(measure)
    .parseAsync();
} catch (error) {
  if (!(error instanceof HandbookError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
