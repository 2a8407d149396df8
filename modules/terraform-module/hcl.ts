/** Values as they stand in Terraform's JSON syntax. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** An attribute of a block, with its value in HCL. */
export type Attribute = readonly [name: string, value: string];

/** A text in HCL, with nothing in it taken for a template. */
export function hclText(text: string): string {
  return JSON.stringify(text).replaceAll(/[$%](?=\{)/g, "$&$&");
}

/**
 * A value of Terraform's JSON syntax in HCL: in strings, `${...}` is a template there as here. A string that is one template and
 * nothing else is the expression in it.
 */
export function hclValue(value: JsonValue): string {
  if (typeof value === "string") return expressionOf(value) ?? JSON.stringify(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(hclValue).join(", ")}]`;
  const entries = Object.entries(value).map(([name, entry]): Attribute => [key(name), hclValue(entry)]);
  return entries.length === 0 ? "{}" : `{\n${indented(attributeLines(entries))}\n}`;
}

/** A block with its attributes and the blocks in it, laid out as `terraform fmt` does. */
export function hclBlock(header: string, attributes: readonly Attribute[], inner: readonly string[] = []): string {
  return `${header} {\n${indented([attributeLines(attributes), ...inner].join("\n\n"))}\n}`;
}

/** Equals signs are aligned over neighbouring lines; a value of several lines has no neighbours. */
function attributeLines(attributes: readonly Attribute[]): string {
  const width = Math.max(...attributes.map(([name, value]) => (value.includes("\n") ? 0 : name.length)));
  return attributes.map(([name, value]) => `${value.includes("\n") ? name : name.padEnd(width)} = ${value}`).join("\n");
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}

/** The expression in `${...}` when that is the whole string. */
export function expressionOf(text: string): string | undefined {
  const inside = /^\$\{([\s\S]*)\}$/.exec(text)?.[1];
  // With a second template in the string, the first brace and the last do not belong together.
  return inside === undefined || inside.includes("${") ? undefined : inside;
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function key(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) ? name : hclText(name);
}
