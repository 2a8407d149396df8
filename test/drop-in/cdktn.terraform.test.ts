import { expect, it } from "vitest";
import { compareCdktn } from "./cdktn.ts";

// The first run installs the packages.
it("CDKTF's continuation synthesises what CDKTF does", async () => {
  const { passed, problems } = await compareCdktn();
  expect(problems).toEqual([]);
  expect(passed).toBeGreaterThan(0);
}, 600_000);
