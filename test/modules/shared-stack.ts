import { cpSync } from "node:fs";
import path from "node:path";
import { inject } from "vitest";
import type {} from "./stack-setup.ts";

/** A copy of the synthesised stack, initialised by Terraform; returns its folder. */
export function copyOfStack(directory: string): string {
  const copy = path.join(directory, "stack");
  cpSync(inject("stackDirectory"), copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}
