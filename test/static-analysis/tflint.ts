import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { cacheDirectory } from "../../emulation/cache/cache.ts";
import { buildOnce } from "../../emulation/cache/cached-build.ts";
import { type Findings, ToolUnavailableError } from "./tools.ts";

const VERSION = "0.64.0";

const Report = z.object({
  issues: z.array(
    z.object({
      rule: z.object({ name: z.string() }),
      message: z.string(),
      range: z.object({ filename: z.string(), start: z.object({ line: z.number() }) }),
    }),
  ),
  errors: z.array(z.object({ message: z.string() })),
});

/**
 * tflint with the rules that it brings along, compiled on first use (some two minutes) and kept in the cache. Its rules for AWS
 * are a program of their own, which the Go module proxy does not have.
 *
 * @throws ToolUnavailableError when there is no Go, or it cannot compile tflint.
 */
async function tflint(): Promise<string> {
  const directory = path.join(cacheDirectory("go"), `tflint-${VERSION}`);
  await buildOnce(directory, `tflint ${VERSION}`, async () => {
    const work = await mkdtemp(path.join(tmpdir(), "tflint-"));
    try {
      const built = await execa(
        "go",
        ["install", "-modcacherw", "-ldflags=-s -w", `github.com/terraform-linters/tflint@v${VERSION}`],
        {
          all: true,
          reject: false,
          env: {
            GOBIN: directory,
            GOCACHE: path.join(work, "build"),
            GOMODCACHE: path.join(work, "modules"),
            CGO_ENABLED: "0",
          },
        },
      );
      if (built.code === "ENOENT") {
        throw new ToolUnavailableError(
          'tflint is compiled with Go 1.25 or later: install it so that "go" is on the PATH',
        );
      }
      if (built.failed) throw new ToolUnavailableError(`Go could not compile tflint:\n${built.all}`, { cause: built });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
  return path.join(directory, "tflint");
}

/**
 * Lints a Terraform module and its examples with the rules that the module's `.tflint.hcl` turns on.
 *
 * @throws ToolUnavailableError
 */
export async function lintTerraform(directory: string): Promise<Findings> {
  const config = path.join(directory, ".tflint.hcl");
  const result = await execa(await tflint(), ["--recursive", `--config=${config}`, "--format=json"], {
    cwd: directory,
    reject: false,
  });
  const { issues, errors } = Report.parse(JSON.parse(result.stdout));
  const problems = [
    ...errors.map(({ message }) => message),
    ...issues.map(({ rule, message, range }) => `${range.filename}:${range.start.line}: ${message} (${rule.name})`),
  ];
  return { passed: problems.length === 0 ? 1 : 0, problems };
}
