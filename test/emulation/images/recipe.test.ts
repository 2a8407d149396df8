import { describe, expect, it } from "vitest";
import { imageRecipes } from "../../../emulation/images/build.ts";
import { recipeKey } from "../../../emulation/images/recipe.ts";
import { LOCALSTACK_IMAGES, OPENSEARCH_IMAGES } from "../../../emulation/images/references.ts";

describe("the images' recipes", () => {
  it("make the base and every image that the containers runtime looks for", async () => {
    const references = (await imageRecipes()).map(({ reference }) => reference);
    expect(references[0]).toMatch(/^opensearch-finetuning\/base:/);
    expect(references.slice(1).sort()).toEqual([LOCALSTACK_IMAGES.own, OPENSEARCH_IMAGES.own].sort());
  });

  it("have keys that stay while nothing changes, and change with every input", async () => {
    const keys = (await imageRecipes()).map(recipeKey);
    expect((await imageRecipes()).map(recipeKey)).toEqual(keys);
    const [base] = await imageRecipes();
    if (base === undefined) throw new TypeError("there is no base");
    expect(recipeKey({ ...base, inputs: [...base.inputs, "another package"] })).not.toBe(recipeKey(base));
    expect(new Set(keys).size).toBe(keys.length);
  });
});
