import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { PythonEnvironmentError, packageInstaller } from "../python/environment.ts";
import { BASE_IMAGE, BASE_KEY } from "./base.ts";
import { buildFromContext } from "./context.ts";
import type { ImageRecipe } from "./recipe.ts";

const REQUIREMENTS = fileURLToPath(new URL("./localstack.requirements.txt", import.meta.url));
/** Python of the base image; packages are fetched for it on this machine, whose package index may not be for containers. */
const PYTHON_VERSION = "3.13";
const PLATFORMS: Readonly<Record<string, string>> = {
  x64: "x86_64-manylinux_2_40",
  arm64: "aarch64-manylinux_2_40",
};

/** Packages that LocalStack names but the pipeline's services do not import; the image is made in half the time. */
const NOT_COMPILED = "/(awscli|amazon_kclpy|cfnlint|samtranslator|sympy|networkx|grpc|pymongo|mpmath|pygments)/";

async function installPackages(target: string): Promise<void> {
  const { uv } = await packageInstaller();
  const platform = PLATFORMS[process.arch];
  if (platform === undefined) throw new PythonEnvironmentError(`There are no images for ${process.arch} machines.`);
  const result = await execa(
    uv,
    [
      ...["pip", "install", "--quiet", "--no-deps", "--target", target],
      ...["--python-version", PYTHON_VERSION, "--python-platform", platform, "--requirement", REQUIREMENTS],
    ],
    { reject: false, all: true },
  );
  if (result.failed) {
    throw new PythonEnvironmentError(`Installing ${path.basename(REQUIREMENTS)} failed:\n${result.all}`, {
      cause: result,
    });
  }
}

/** LocalStack with exactly the packages of `localstack.requirements.txt`; our extensions are mounted when it is started. */
export async function localStackImage(reference: string): Promise<ImageRecipe> {
  const dockerfile = `FROM ${BASE_IMAGE.reference}
COPY packages /usr/local/lib/python${PYTHON_VERSION}/dist-packages
RUN python3 -m compileall -q -j 0 -x '${NOT_COMPILED}' /usr/local/lib/python${PYTHON_VERSION}/dist-packages || true
ENV PYTHONUNBUFFERED=1
EXPOSE 4566
CMD ["python3", "-m", "localstack.runtime.main"]
`;
  return {
    reference,
    inputs: [BASE_KEY, dockerfile, await readFile(REQUIREMENTS, "utf8")],
    build: (key) =>
      buildFromContext(reference, key, async (context) => {
        await installPackages(path.join(context, "packages"));
        await writeFile(path.join(context, "Dockerfile"), dockerfile);
      }),
  };
}
