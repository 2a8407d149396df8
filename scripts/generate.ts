// `npm run generate`: writes every file that derives from pipeline/.
import { writeFileSync } from "node:fs";
import { GENERATED_FILES } from "./generated/files.ts";

for (const { path, content } of GENERATED_FILES) {
  writeFileSync(new URL(`../${path}`, import.meta.url), content());
  process.stdout.write(`${path}\n`);
}
