import {
  PARAMETER_NAMES,
  type Parameter,
  type ParameterName,
  type ParameterType,
  parameter,
} from "../../pipeline/parameters.ts";

/** Between these two lines of the README stands the generated table. */
export const TABLE_BEGIN = "<!-- BEGIN PARAMETERS: npm run docs:parameters -->";
export const TABLE_END = "<!-- END PARAMETERS -->";

/** A text has no place for the table. */
export class MissingMarkersError extends Error {
  override readonly name = "MissingMarkersError";
}

const EXECUTION_COLUMN: Readonly<Record<Parameter["scope"], string>> = {
  execution: "yes",
  fixed: "no",
  deployment: "no",
};

/** The parameters as a Markdown table: name, type, default, allowed values, meaning, and whether an execution may override it. */
export function parameterTable(names: readonly ParameterName[] = PARAMETER_NAMES): string {
  const rows = names.map((name) => {
    const { type, default: defaultValue, must, description, scope } = parameter(name);
    const shownDefault = defaultValue === undefined ? "required" : `\`${JSON.stringify(defaultValue)}\``;
    return [`\`${name}\``, type, shownDefault, must, description, EXECUTION_COLUMN[scope]];
  });
  const header = ["Parameter", "Type", "Default", "Must be", "Meaning", "Per execution"];
  return [header, header.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}

/**
 * A document with its table brought up to date.
 *
 * @throws MissingMarkersError
 */
export function withParameterTable(document: string): string {
  const begin = document.indexOf(TABLE_BEGIN);
  const end = document.indexOf(TABLE_END);
  if (begin === -1 || end < begin) {
    throw new MissingMarkersError(
      `the document needs the lines ${TABLE_BEGIN} and ${TABLE_END} where the table belongs`,
    );
  }
  return `${document.slice(0, begin + TABLE_BEGIN.length)}\n${parameterTable()}\n${document.slice(end)}`;
}

const PROP_TYPES: Readonly<Record<ParameterType, string>> = {
  string: "string",
  number: "number",
  bool: "boolean | IResolvable",
  "list(string)": "string[]",
  "map(string)": "Record<string, string>",
};

/** The name of a parameter as a prop of the construct. */
export function propName(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

/** Source of the construct's props, with the documentation that an editor shows. The region is the provider's, not the construct's. */
export function propsSource(): string {
  const members = PARAMETER_NAMES.filter((name) => name !== "region").map((name: ParameterName) => {
    const { type, default: defaultValue, description, must } = parameter(name);
    const lines = ["  /**", `   * ${description}`, `   * Must be ${must}.`];
    if (defaultValue !== undefined) lines.push("   *", `   * @default ${JSON.stringify(defaultValue)}`);
    lines.push("   */", `  readonly ${propName(name)}${defaultValue === undefined ? "" : "?"}: ${PROP_TYPES[type]};`);
    return lines.join("\n");
  });
  return `// Generated from modules/parameters.ts by \`npm run docs:parameters\`; change it there.
import type { IResolvable } from "cdktf";

/** Parameters of the pipeline. Every value may be a Terraform expression. */
export interface FineTuningPipelineProps {
${members.join("\n")}
}
`;
}
