import { describe, expect, it } from "vitest";
import { ContainersUnavailableError } from "../../../emulation/containers/engine.ts";
import { chooseRuntime, type RuntimeChoice } from "../../../emulation/runtimes/choice.ts";

async function choose(choice: RuntimeChoice, problem?: Error) {
  const said: string[] = [];
  const runtime = await chooseRuntime(
    choice,
    (line) => said.push(line),
    async () => {
      if (problem !== undefined) throw problem;
    },
  );
  return { name: runtime.name, said: said.join("\n") };
}

const noEngine = new ContainersUnavailableError("no Docker engine answers");

describe("the runtime", () => {
  it("is containers on its own where they can be used, and says why", async () => {
    expect(await choose({ runtime: "auto" })).toEqual({
      name: "containers",
      said: expect.stringContaining("a Docker engine answers and has the images"),
    });
  });

  it("is embedded on its own where they cannot, and says why", async () => {
    expect(await choose({ runtime: "auto" }, noEngine)).toEqual({
      name: "embedded",
      said: expect.stringContaining("because no Docker engine answers"),
    });
  });

  it("is what was asked for", async () => {
    for (const runtime of ["embedded", "containers"] as const) {
      expect(await choose({ runtime })).toMatchObject({ name: runtime });
    }
    expect(await choose({ runtime: "embedded" }, noEngine)).toMatchObject({ name: "embedded" });
  });

  it("is no other than asked for", async () => {
    await expect(choose({ runtime: "containers" }, noEngine)).rejects.toThrow(
      "Containers cannot be used, because no Docker engine answers.",
    );
  });

  it("is not guessed after an error of another kind", async () => {
    await expect(choose({ runtime: "auto" }, new TypeError("a bug"))).rejects.toThrow(TypeError);
  });
});
