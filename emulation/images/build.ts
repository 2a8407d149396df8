import path from "node:path";
import { cacheDirectory } from "../cache/cache.ts";
import { reportProgress, withLock } from "../cache/cached-build.ts";
import { BASE_IMAGE } from "./base.ts";
import { docker, imageLabel } from "./docker.ts";
import { localStackImage } from "./localstack-image.ts";
import { openSearchImage } from "./opensearch-image.ts";
import { type ImageRecipe, RECIPE_LABEL, recipeKey } from "./recipe.ts";
import { LOCALSTACK_IMAGES, OPENSEARCH_IMAGES } from "./references.ts";

/** Every image, the base first. */
export async function imageRecipes(): Promise<ImageRecipe[]> {
  return [BASE_IMAGE, await localStackImage(LOCALSTACK_IMAGES.own), await openSearchImage(OPENSEARCH_IMAGES.own)];
}

/**
 * Makes the images that are not there yet, or were made by another recipe.
 *
 * @throws DockerCommandError, BaseImageError, PythonEnvironmentError, MavenError
 */
export async function buildImages(): Promise<void> {
  await docker(["version", "--format", "{{.Server.Version}}"]);
  await withLock(path.join(cacheDirectory("images"), "lock"), "the container images", async () => {
    for (const recipe of await imageRecipes()) {
      const key = recipeKey(recipe);
      if ((await imageLabel(recipe.reference, RECIPE_LABEL)) === key) {
        reportProgress(`${recipe.reference} is there`);
        continue;
      }
      const started = Date.now();
      reportProgress(`Making ${recipe.reference} ...`);
      await recipe.build(key);
      reportProgress(`Made ${recipe.reference} in ${Math.round((Date.now() - started) / 1000)} s`);
    }
  });
}
