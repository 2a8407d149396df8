import type { AwsEmulatorName } from "../../emulation/aws/aws-emulator.ts";
import { ContainersUnavailableError } from "../../emulation/images/availability.ts";
import { findImages, type RuntimeImages } from "../../emulation/runtimes/containers.ts";

/** The images that tests can run, or why they cannot. */
export async function containerImages(
  aws: AwsEmulatorName,
): Promise<{ images: RuntimeImages; reason: undefined } | { images: undefined; reason: string }> {
  try {
    const images = await findImages(aws);
    // The tests remove what they start; Ryuk's image may not be there.
    process.env.TESTCONTAINERS_RYUK_DISABLED ??= "true";
    return { images, reason: undefined };
  } catch (error) {
    if (!(error instanceof ContainersUnavailableError)) throw error;
    return { images: undefined, reason: error.message };
  }
}
