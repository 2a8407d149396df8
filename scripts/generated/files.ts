import { parametersDocument } from "../../modules/parameters/document.ts";
import { pythonArguments, pythonRecords } from "./python.ts";

/** A file that derives from pipeline/. */
export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string;
  content(): string;
}

/** Every generated file that is committed. */
export const GENERATED_FILES: readonly GeneratedFile[] = [
  { path: "docs/parameters.md", content: parametersDocument },
  { path: "training-script/finetuning/artifacts/records.py", content: pythonRecords },
  { path: "training-script/finetuning/artifacts/arguments.py", content: pythonArguments },
];
