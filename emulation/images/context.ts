import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { docker } from "./docker.ts";
import { RECIPE_LABEL } from "./recipe.ts";

/**
 * Builds an image from a folder that `fill` fills. Nothing is fetched during the build, so that the engine needs neither
 * a network nor this machine's settings for package registries.
 */
export async function buildFromContext(
  reference: string,
  key: string,
  fill: (context: string) => Promise<void>,
): Promise<void> {
  const context = await mkdtemp(path.join(tmpdir(), "image-context-"));
  try {
    await fill(context);
    await docker([
      "build",
      "--quiet",
      "--network",
      "none",
      "--label",
      `${RECIPE_LABEL}=${key}`,
      "--tag",
      reference,
      context,
    ]);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}
