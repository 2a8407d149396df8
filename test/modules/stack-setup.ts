import type { TestProject } from "vitest/node";
import { synthesize, temporaryDirectory, terraform } from "./stack-fixture.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Folder of the synthesised stack, initialised by Terraform. Tests copy it. */
    readonly stackDirectory: string;
  }
}

/** Set-up of the kind `terraform`: synthesises and initialises the stack once for all files. */
export default async function setUp(project: TestProject): Promise<() => void> {
  const work = temporaryDirectory();
  const directory = synthesize(work.path);
  await terraform(directory, ["init", "-input=false"]);
  project.provide("stackDirectory", directory);
  return () => work.remove();
}
