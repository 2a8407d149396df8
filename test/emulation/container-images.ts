import { ContainersUnavailableError } from "../../emulation/containers/engine.ts";
import { findImages, type RuntimeImages } from "../../emulation/images/available.ts";

/** The images that tests can run, or why they cannot. */
export async function containerImages(): Promise<
  { images: RuntimeImages; reason: undefined } | { images: undefined; reason: string }
> {
  try {
    const images = await findImages();
    // The tests remove what they start; Ryuk's image may not be there.
    process.env.TESTCONTAINERS_RYUK_DISABLED ??= "true";
    return { images, reason: undefined };
  } catch (error) {
    if (!(error instanceof ContainersUnavailableError)) throw error;
    return { images: undefined, reason: error.message };
  }
}
