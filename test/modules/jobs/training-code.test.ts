import { chmodSync, mkdirSync, mkdtempSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "fflate";
import { list } from "tar";
import { afterAll, describe, expect, it } from "vitest";
import { MissingTrainingCodeError, packTrainingCode } from "../../../modules/jobs/training-code.ts";
import { temporaryDirectory } from "../stack-fixture.ts";

interface Entry {
  readonly content: string;
  readonly mode: number | undefined;
}

function entries(archive: Uint8Array): Record<string, Entry> {
  const found: Record<string, Entry> = {};
  list({
    sync: true,
    onReadEntry: (entry) => {
      const chunks: Buffer[] = [];
      entry.on("data", (chunk) => chunks.push(chunk));
      entry.on("end", () => {
        found[entry.path] = { content: Buffer.concat(chunks).toString(), mode: entry.mode };
      });
    },
  }).end(Buffer.from(gunzipSync(archive)));
  return found;
}

describe("packTrainingCode", () => {
  const work = temporaryDirectory();
  afterAll(() => work.remove());

  function scripts(mode: number, modified: Date): string {
    const directory = mkdtempSync(path.join(work.path, "scripts-"));
    for (const folder of ["finetuning", "requirements", "finetuning/__pycache__", "finetuning/report"]) {
      mkdirSync(path.join(directory, folder));
    }
    const files = {
      "train.py": "import finetuning\n",
      "finetuning/__init__.py": "",
      "finetuning/loss.py": "X = 1\n",
      "finetuning/report/page.html.jinja": "<html></html>",
      "finetuning/report/page.css": "p {}",
      "finetuning/__pycache__/loss.cpython-311.pyc": "compiled",
      "requirements/training.txt": "torch==2.10.0\n",
      "requirements/inference.txt": "sentence-transformers==6.2.0\n",
      "requirements/scoring.txt": "transformers==5.0.0\n",
    };
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(directory, name);
      writeFileSync(file, content);
      chmodSync(file, mode);
      utimesSync(file, modified, modified);
    }
    return directory;
  }

  it("holds the scripts, their package, the model's requirements, and the stage's own under the name that SageMaker looks for", () => {
    const found = entries(packTrainingCode(scripts(0o644, new Date()), "training"));
    expect(Object.keys(found).sort()).toEqual([
      "finetuning/__init__.py",
      "finetuning/loss.py",
      "finetuning/report/page.css",
      "finetuning/report/page.html.jinja",
      "requirements.txt",
      "requirements/inference.txt",
      "train.py",
    ]);
    expect(found["requirements.txt"]?.content).toBe("torch==2.10.0\n");
    expect(found["train.py"]?.content).toBe("import finetuning\n");
  });

  it("differs between stages by the requirements alone", () => {
    const directory = scripts(0o644, new Date());
    const training = entries(packTrainingCode(directory, "training"));
    const scoring = entries(packTrainingCode(directory, "scoring"));
    expect(scoring["requirements.txt"]?.content).toBe("transformers==5.0.0\n");
    expect({ ...scoring, "requirements.txt": null }).toEqual({ ...training, "requirements.txt": null });
  });

  it("gives the same bytes whatever the files' times and permissions", () => {
    const first = packTrainingCode(scripts(0o600, new Date(0)), "training");
    const second = packTrainingCode(scripts(0o775, new Date()), "training");
    expect(Buffer.from(second).equals(Buffer.from(first))).toBe(true);
    expect(entries(first)["train.py"]?.mode).toBe(0o644);
  });

  it("changes when a script does", () => {
    const directory = scripts(0o644, new Date(0));
    const before = packTrainingCode(directory, "training");
    writeFileSync(
      path.join(directory, "train.py"),
      `${readFileSync(path.join(directory, "train.py"), "utf8")}# more\n`,
    );
    expect(Buffer.from(packTrainingCode(directory, "training")).equals(Buffer.from(before))).toBe(false);
  });

  it("says which requirements are missing", () => {
    expect(() => packTrainingCode(scripts(0o644, new Date()), "mining")).toThrow(MissingTrainingCodeError);
    expect(() => packTrainingCode(scripts(0o644, new Date()), "mining")).toThrow(/requirements\/mining\.txt/);
  });
});
