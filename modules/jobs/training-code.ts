import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "fflate";
import { create } from "tar";

/** The training scripts are not there, or a stage has no requirements. */
export class MissingTrainingCodeError extends Error {
  override readonly name = "MissingTrainingCodeError";
}

/** Requirements that `train.py` puts into the model's artifact, for the container that serves it. */
const INFERENCE_REQUIREMENTS = "requirements/inference.txt";

/** Code, and the template of the evaluation's page. */
const SOURCE_FILE = /\.(py|jinja|css)$/;

/**
 * Packs the training scripts as SageMaker's script mode takes them: every source file, and the stage's own requirements as
 * `requirements.txt`, which the container installs. The same sources give the same bytes on any machine.
 *
 * @param directory the folder of the scripts, with `requirements/<stage>.txt`.
 * @throws MissingTrainingCodeError
 */
export function packTrainingCode(directory: string, stage: string): Uint8Array {
  const requirements = `requirements/${stage}.txt`;
  for (const needed of [requirements, INFERENCE_REQUIREMENTS]) {
    if (existsSync(path.join(directory, needed))) continue;
    throw new MissingTrainingCodeError(
      `${path.relative(process.cwd(), path.join(directory, needed))} is not there; every stage and the model need their requirements`,
    );
  }
  const sources = readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((file) => file.split(path.sep).join("/"))
    .filter((file) => SOURCE_FILE.test(file) && !file.includes("__pycache__/"))
    .sort();
  const archive = create(
    {
      cwd: directory,
      sync: true,
      portable: true,
      mtime: new Date(0),
      filter: (_file, entry) => {
        entry.mode = 0o100644;
        return true;
      },
      onWriteEntry: (entry) => {
        if (entry.path === requirements) entry.path = "requirements.txt";
      },
    },
    [...sources, requirements, INFERENCE_REQUIREMENTS],
  ).read();
  if (!(archive instanceof Buffer)) throw new MissingTrainingCodeError(`nothing was packed from ${directory}`);
  return gzipSync(archive, { level: 9, mtime: 0 });
}
