// `tsx emulation/python/run.ts <environment> <python arguments...>`: runs Python in one of the harness's environments,
// e.g. `tsx emulation/python/run.ts training -m pytest test/training-script`.
import path from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { PYTHON_ENVIRONMENTS, pythonEnvironment } from "./environment.ts";

const [name, ...args] = z
  .tuple([z.enum(PYTHON_ENVIRONMENTS, `The first argument is the environment: ${PYTHON_ENVIRONMENTS.join(", ")}.`)])
  .rest(z.string())
  .parse(process.argv.slice(2));
const { python, madeFrom } = await pythonEnvironment(name);
process.stderr.write(`Python ${madeFrom.version} (${madeFrom.executable})\n`);
const scripts = path.dirname(python);
const result = await execa(python, args, {
  stdio: "inherit",
  reject: false,
  // Tools such as pyright look for their interpreter there.
  env: { VIRTUAL_ENV: path.dirname(scripts), PATH: `${scripts}${path.delimiter}${process.env.PATH ?? ""}` },
});
process.exitCode = result.exitCode ?? 1;
