import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { npmBillOfMaterials, pythonBillOfMaterials } from "../../../scripts/release/bill-of-materials.ts";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));
const REQUIREMENTS = path.join(REPOSITORY, "training-script", "requirements");
const Bom = z.object({ components: z.array(z.object({ name: z.string(), version: z.string(), purl: z.string() })) });
const components = (bill: string) => Bom.parse(JSON.parse(bill)).components;

describe("the bills of materials", () => {
  it("name every Python package that any stage installs, in every version", async () => {
    const bill = await pythonBillOfMaterials(REQUIREMENTS);
    const pinned = readdirSync(REQUIREMENTS).flatMap(
      (file) => readFileSync(path.join(REQUIREMENTS, file), "utf8").match(/^[a-z].*$/gm) ?? [],
    );
    const named = components(bill).map(({ name, version }) => `${name}==${version}`);
    expect(pinned.length).toBeGreaterThan(10);
    expect(named.sort()).toEqual([...new Set(pinned)].sort());
    for (const { name, version, purl } of components(bill)) expect(purl).toBe(`pkg:pypi/${name}@${version}`);
    await expect(pythonBillOfMaterials(REQUIREMENTS)).resolves.toBe(bill);
  }, 120_000);

  it("name the npm packages that are bundled, and none of the tests'", async () => {
    const names = components(await npmBillOfMaterials(REPOSITORY)).map(({ purl }) => decodeURIComponent(purl));
    expect(names).toContainEqual(expect.stringMatching(/^pkg:npm\/@aws-sdk\/client-s3@/));
    expect(names).not.toContainEqual(expect.stringMatching(/^pkg:npm\/vitest@/));
  }, 60_000);
});
