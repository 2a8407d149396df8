import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { docker } from "./docker.ts";
import { type ImageRecipe, RECIPE_LABEL, recipeKey } from "./recipe.ts";

/** The base image could not be made; the message says what is missing. */
export class BaseImageError extends Error {
  override readonly name = "BaseImageError";
}

/** Debian 13: Python 3.13, Node 20, OpenJDK 21. LocalStack's sources need Python 3.12 or later. */
const SUITE = "trixie";
const PACKAGES = ["ca-certificates", "python3", "nodejs", "openjdk-21-jre-headless"];
/** Nobody reads these in a container. */
const LEFT_OUT = [
  "./var/cache/apt/archives/*.deb",
  "./var/lib/apt/lists/*_*",
  "./usr/share/doc/*",
  "./usr/share/man/*",
];
const LEFT_OUT_LOCALES = "./usr/share/locale/*";

/** The Debian mirror that this machine's apt uses; undefined leaves it to debootstrap. */
async function debianMirror(): Promise<string | undefined> {
  const targets = await execa("apt-get", ["indextargets", "--format", "$(SITE)", "Created-By: Packages"], {
    reject: false,
  });
  return targets.failed ? undefined : targets.stdout.split("\n").find((site) => /\/debian\/?$/.test(site));
}

/** A Debian root folder, owned by root as Debian's packages need it. */
async function debootstrap(directory: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new BaseImageError(
      'The base image is made with debootstrap, which needs root: run this command as root ("sudo").',
    );
  }
  const mirror = await debianMirror();
  const result = await execa(
    "debootstrap",
    [
      "--variant=minbase",
      `--include=${PACKAGES.join(",")}`,
      SUITE,
      directory,
      ...(mirror === undefined ? [] : [mirror]),
    ],
    { reject: false, all: true },
  );
  if (result.failed) {
    const missing = result.exitCode === undefined;
    throw new BaseImageError(
      missing
        ? 'debootstrap is not installed (Debian and Ubuntu: "apt-get install debootstrap").'
        : `debootstrap failed:\n${(result.all ?? "").split("\n").slice(-20).join("\n")}`,
      { cause: result },
    );
  }
}

async function build(reference: string, key: string): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), "debian-root-"));
  try {
    await debootstrap(directory);
    const exclude = [...LEFT_OUT, LEFT_OUT_LOCALES].map((pattern) => `--exclude=${pattern}`);
    const archive = execa("tar", ["--numeric-owner", "-C", directory, ...exclude, "-cf", "-", "."], {
      buffer: false,
      stdout: "pipe",
    });
    await Promise.all([
      archive,
      docker(["import", "--change", `LABEL ${RECIPE_LABEL}=${key}`, "-", reference], archive.stdout),
    ]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Debian with the interpreters that the other images need, from Debian's packages alone. */
export const BASE_IMAGE: ImageRecipe = {
  reference: `opensearch-finetuning/base:${SUITE}`,
  inputs: [SUITE, ...PACKAGES, ...LEFT_OUT, LEFT_OUT_LOCALES],
  build: (key) => build(BASE_IMAGE.reference, key),
};

/** Part of the key of every image on top. */
export const BASE_KEY = recipeKey(BASE_IMAGE);
