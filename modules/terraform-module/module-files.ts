import { z } from "zod";
import { REQUIRED_PROVIDERS, REQUIRED_VERSION } from "../terraform/versions.ts";
import { type Attribute, expressionOf, hclBlock, hclText, hclValue } from "./hcl.ts";

/** The synthesised stack is not what a module can be made from. */
export class NotAModuleError extends Error {
  override readonly name = "NotAModuleError";
}

const Variable = z.strictObject({
  type: z.string(),
  description: z.string(),
  default: z.json().optional(),
  nullable: z.boolean(),
  validation: z.array(z.strictObject({ condition: z.string(), error_message: z.string() })).default([]),
});
type Variable = z.infer<typeof Variable>;

const Output = z.strictObject({ description: z.string(), value: z.json() });
export type ModuleOutput = z.infer<typeof Output>;

const SynthesizedStack = z.strictObject({
  // The backend that CDKTF always puts in; a module has the root's.
  terraform: z.unknown(),
  variable: z.record(z.string(), Variable),
  output: z.record(z.string(), Output),
  locals: z.record(z.string(), z.json()),
  data: z.json(),
  resource: z.json(),
});

/** A module's Terraform files. */
export interface ModuleFiles {
  /** Content by name. */
  readonly files: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, ModuleOutput>>;
}

/**
 * Makes a module's files of a synthesised stack: what a user reads (versions, variables, outputs) in HCL, the resources in
 * Terraform's JSON syntax, without CDKTF's comments.
 *
 * @param stack content of the `cdk.tf.json`.
 * @throws NotAModuleError when the stack configures a provider, or has anything else that no module may have.
 */
export function moduleFiles(stack: unknown): ModuleFiles {
  const parsed = SynthesizedStack.safeParse(withoutComments(stack));
  if (!parsed.success) {
    throw new NotAModuleError(`no module can be made of this stack: ${z.prettifyError(parsed.error)}`);
  }
  const { variable, output, locals, data, resource } = parsed.data;
  return {
    files: {
      "versions.tf": `${versionsBlock()}\n`,
      "variables.tf": blocks(Object.entries(variable).map(([name, one]) => variableBlock(name, one))),
      "outputs.tf": blocks(Object.entries(output).map(([name, one]) => outputBlock(name, one))),
      "main.tf.json": `${JSON.stringify({ locals, data, resource }, null, 2)}\n`,
    },
    outputs: output,
  };
}

function versionsBlock(): string {
  const providers = Object.entries(REQUIRED_PROVIDERS).map(
    ([name, { source, version }]) => `${name} = {\n  source  = ${hclText(source)}\n  version = ${hclText(version)}\n}`,
  );
  return hclBlock(
    "terraform",
    [["required_version", hclText(REQUIRED_VERSION)]],
    [`required_providers {\n${providers.join("\n").replaceAll(/^/gm, "  ")}\n}`],
  );
}

function variableBlock(name: string, { description, type, default: defaultValue, nullable, validation }: Variable) {
  const attributes: Attribute[] = [
    ["description", hclText(description)],
    ["type", type],
    ...(defaultValue === undefined ? [] : [["default", hclValue(defaultValue)] as const]),
    ["nullable", String(nullable)],
  ];
  const validations = validation.map(({ condition, error_message }) =>
    hclBlock("validation", [
      ["condition", expressionOf(condition) ?? condition],
      ["error_message", hclText(error_message)],
    ]),
  );
  return hclBlock(`variable ${hclText(name)}`, attributes, validations);
}

function outputBlock(name: string, { description, value }: ModuleOutput): string {
  return hclBlock(`output ${hclText(name)}`, [
    ["description", hclText(description)],
    ["value", hclValue(value)],
  ]);
}

function blocks(texts: readonly string[]): string {
  return `${texts.join("\n\n")}\n`;
}

/** CDKTF's comments name construct paths and its version, which are no part of a module. */
function withoutComments(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutComments);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== "//")
      .map(([name, entry]) => [name, withoutComments(entry)]),
  );
}
