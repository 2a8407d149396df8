import { execa } from "execa";
import { z } from "zod";

const Bom = z.looseObject({
  bomFormat: z.literal("CycloneDX"),
  serialNumber: z.string(),
  metadata: z.looseObject({ timestamp: z.string() }),
  components: z.array(z.unknown()),
});

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
  const { serialNumber: _serial, ...bom } = Bom.parse(JSON.parse(stdout));
  const { timestamp: _time, ...metadata } = bom.metadata;
  return `${JSON.stringify({ ...bom, metadata }, null, 2)}\n`;
}
