import { createHash } from "node:crypto";

/** How one image is made. Images of the same key are equal, so that one that is there is not made again. */
export interface ImageRecipe {
  /** Name and tag. */
  readonly reference: string;
  /** Everything that the content depends on, besides the package registries. */
  readonly inputs: readonly string[];
  /** Makes the image and labels it with the key. */
  build(key: string): Promise<void>;
}

/** Label that holds the key of the recipe an image was made by. */
export const RECIPE_LABEL = "org.opensearch-finetuning.recipe";

/** What tells one version of a recipe from another. */
export function recipeKey({ reference, inputs }: ImageRecipe): string {
  return createHash("sha256")
    .update(JSON.stringify([reference, inputs]))
    .digest("hex")
    .slice(0, 16);
}
