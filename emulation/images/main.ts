/** `npm run emulation:images`: the containers' images, from package registries alone. */
import { buildImages } from "./build.ts";

try {
  await buildImages();
} catch (error) {
  process.stderr.write(`${(error as Error).name}: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
