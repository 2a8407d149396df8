import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { arch, platform, tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeCliConfiguration } from "../../../emulation/terraform/cli-configuration.ts";

const PLATFORM = `${platform()}_${arch() === "x64" ? "amd64" : arch()}`;

let directory: string;
let home: string | undefined;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "cli-configuration-"));
  home = process.env.HOME;
  process.env.HOME = directory;
});
afterEach(async () => {
  process.env.HOME = home;
  await rm(directory, { recursive: true, force: true });
});

async function mirror(name: string, entry: string): Promise<string> {
  const made = path.join(directory, name);
  await mkdir(path.join(made, "registry.terraform.io/hashicorp/aws", entry), { recursive: true });
  return made;
}

async function configure(env: NodeJS.ProcessEnv, mirrorCandidates: readonly string[]) {
  const configuration = await writeCliConfiguration({
    workDirectory: directory,
    providerCache: path.join(directory, "providers"),
    env,
    mirrorCandidates,
  });
  return { ...configuration, text: await readFile(configuration.file, "utf8") };
}

it("prefers a mirror that holds the provider for this platform", async () => {
  const other = await mirror("other", "5.100.0/plan9_arm");
  const fitting = await mirror("fitting", `5.100.0/${PLATFORM}`);
  const { text, sharedCache } = await configure({}, [path.join(directory, "absent"), other, fitting]);
  expect(text).toContain(`filesystem_mirror { path = "${fitting}" }`);
  expect(sharedCache).toBe(false);
});

it("knows the packed layout of a mirror", async () => {
  const packed = await mirror("packed", `terraform-provider-aws_5.100.0_${PLATFORM}.zip`);
  expect((await configure({}, [packed])).source).toBe(packed);
});

it("takes TF_PLUGIN_MIRROR before all else", async () => {
  const named = await mirror("named", `5.100.0/${PLATFORM}`);
  const own = path.join(directory, "own.rc");
  await writeFile(own, "");
  const found = await mirror("found", `5.100.0/${PLATFORM}`);
  expect((await configure({ TF_PLUGIN_MIRROR: named, TF_CLI_CONFIG_FILE: own }, [found])).source).toBe(named);
});

it("leaves a user's own configuration as it is, unless the file is gone", async () => {
  const own = path.join(directory, "own.rc");
  const found = await mirror("found", `5.100.0/${PLATFORM}`);
  expect((await configure({ TF_CLI_CONFIG_FILE: own }, [found])).source).toBe(found);
  await writeFile(own, "# mine\n");
  expect(await configure({ TF_CLI_CONFIG_FILE: own }, [found])).toMatchObject({ file: own, text: "# mine\n" });
});

it("falls back on the registry, with a cache that several runs share", async () => {
  const { text, sharedCache } = await configure({}, []);
  expect(text).toContain(`plugin_cache_dir = "${path.join(directory, "providers")}"`);
  expect(sharedCache).toBe(true);
});
