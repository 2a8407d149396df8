import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { z } from "zod";
import { environmentFrom } from "../../emulation/python/environment.ts";

const PythonBom = z.looseObject({ bomFormat: z.literal("CycloneDX"), components: z.array(z.unknown()) });
const NpmBom = PythonBom.extend({ serialNumber: z.string(), metadata: z.looseObject({ timestamp: z.string() }) });

/**
 * The npm packages that the functions and the synthesis are made of, in CycloneDX, as npm reads them from the lock file: without
 * the serial number and the time, so that the same lock file gives the same bytes.
 *
 * @param repository folder of the package.json.
 */
export async function npmBillOfMaterials(repository: string): Promise<string> {
  const { stdout } = await execa("npm", ["sbom", "--sbom-format=cyclonedx", "--omit=dev", "--package-lock-only"], {
    cwd: repository,
  });
  const { serialNumber: _serial, ...bom } = NpmBom.parse(JSON.parse(stdout));
  const { timestamp: _time, ...metadata } = bom.metadata;
  return `${JSON.stringify({ ...bom, metadata }, null, 2)}\n`;
}

const REQUIREMENTS_OF_TOOL = fileURLToPath(new URL("cyclonedx.requirements.txt", import.meta.url));

/**
 * The Python packages that the jobs and the model server install, in CycloneDX: each version that any stage pins, once. The same
 * requirements give the same bytes.
 *
 * @param requirements folder with a requirements file for each stage.
 * @throws PythonEnvironmentError when there is no Python, or the tool cannot be installed.
 */
export async function pythonBillOfMaterials(requirements: string): Promise<string> {
  const files = readdirSync(requirements).map((file) => readFileSync(path.join(requirements, file), "utf8"));
  const pinned = new Set(files.flatMap((text) => text.split("\n").filter((line) => /^[^#\s]/.test(line))));
  const { python } = await environmentFrom(REQUIREMENTS_OF_TOOL, "cyclonedx");
  const { stdout } = await execa(
    python,
    ["-m", "cyclonedx_py", "requirements", "--spec-version", "1.5", "--output-reproducible", "-"],
    // Whichever index this machine installs from, the packages are PyPI's.
    { input: [...pinned].sort().join("\n"), env: { PIP_INDEX_URL: undefined, PIP_EXTRA_INDEX_URL: undefined } },
  );
  return `${JSON.stringify(PythonBom.parse(JSON.parse(stdout)), null, 2)}\n`;
}
