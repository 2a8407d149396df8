import { describe, expect, it } from "vitest";
import { checkNode, checkPrerequisites, MissingToolsError } from "../../../e2e/run/prerequisites.ts";

describe("the tools that a run needs", () => {
  const there = async () => undefined;
  const lacks = (message: string) => async () => {
    throw new Error(message);
  };

  it("are told all at once when several are missing", async () => {
    const required = [there, lacks("Terraform: install it"), lacks("Python: install it")];
    const checked = checkPrerequisites({ required, hasJava: async () => true });
    await expect(checked).rejects.toThrow(MissingToolsError);
    await expect(checked).rejects.toThrow(/- Terraform: install it\n {2}- Python: install it$/);
  });

  it("may lack Java, which the run fetches", async () => {
    expect(await checkPrerequisites({ required: [there], hasJava: async () => true })).toEqual([]);
    const [note] = await checkPrerequisites({ required: [there], hasJava: async () => false });
    expect(note).toContain("No Java runtime from 17 to 21 is installed");
  });

  it.each(["18.20.4", "20.8.9"])("refuse Node %s", async (version) => {
    await expect(checkNode(version)).rejects.toThrow(`Node ${version} is too old: install Node 20.9.0 or later`);
  });

  it.each(["20.9.0", "20.10.0", "22.0.0"])("accept Node %s", async (version) => {
    await expect(checkNode(version)).resolves.toBeUndefined();
  });
});
