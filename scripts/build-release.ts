import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { MODULE_NAME, writeModule } from "../modules/terraform-module/write-module.ts";
import { packFolder } from "./release/archive.ts";
import { npmBillOfMaterials, pythonBillOfMaterials } from "./release/bill-of-materials.ts";
import { changesOf } from "./release/changelog.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(path.join(repository, "package.json"), "utf8")));
const changes = changesOf(readFileSync(path.join(repository, "CHANGELOG.md"), "utf8"), version);
const release = path.join(repository, "dist", `release-${version}`);
const work = mkdtempSync(path.join(tmpdir(), "release-"));
try {
  const module = path.join(work, MODULE_NAME);
  writeModule(module, {
    lambdas: path.join(repository, "lambdas"),
    trainingScripts: path.join(repository, "training-script"),
  });
  const assets = path.join(module, "assets");
  for (const [folder, ending] of [
    ["lambda-functions", ".zip"],
    ["training-code", ".tar.gz"],
  ] as const) {
    for (const file of readdirSync(assets).filter((name) => name.endsWith(ending))) {
      cpSync(path.join(assets, file), path.join(work, folder, file));
    }
  }
  rmSync(release, { recursive: true, force: true });
  mkdirSync(release, { recursive: true });
  for (const folder of [MODULE_NAME, "lambda-functions", "training-code"]) {
    writeFileSync(path.join(release, `${folder}-${version}.tar.gz`), packFolder(path.join(work, folder)));
  }
  const billsOfMaterials = {
    npm: await npmBillOfMaterials(repository),
    python: await pythonBillOfMaterials(path.join(repository, "training-script", "requirements")),
  };
  for (const [packages, bill] of Object.entries(billsOfMaterials)) {
    writeFileSync(path.join(release, `sbom-${packages}-${version}.cdx.json`), bill);
  }
  writeFileSync(path.join(release, `CHANGELOG-${version}.md`), changes);
  const sums = readdirSync(release)
    .sort()
    .map(
      (file) =>
        `${createHash("sha256")
          .update(readFileSync(path.join(release, file)))
          .digest("hex")}  ${file}\n`,
    );
  writeFileSync(path.join(release, "SHA256SUMS"), sums.join(""));
  process.stdout.write(`${release}\n${sums.join("")}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
