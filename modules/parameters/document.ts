import { markdownTable } from "markdown-table";
import { CROSS_FIELD_RULES, crossFieldMessage } from "../../pipeline/parameters/cross-field-rules.ts";
import type { Parameter } from "../../pipeline/parameters/parameter.ts";
import { PARAMETER_GROUPS, PARAMETER_NAMES, type ParameterName, parameter } from "../../pipeline/parameters/table.ts";

const EXECUTION_COLUMN: Readonly<Record<Parameter["scope"], string>> = {
  execution: "yes",
  suffixed: "with a suffix",
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
  return markdownTable([["Parameter", "Type", "Default", "Must be", "Meaning", "Per execution"], ...rows], {
    padding: true,
    alignDelimiters: false,
  });
}

/** docs/parameters.md: every parameter, by the stage at which it matters, and the rules between them. */
export function parametersDocument(): string {
  const groups = Object.entries(PARAMETER_GROUPS).map(([heading, group]) => {
    return `## ${heading}\n\n${parameterTable(Object.keys(group) as ParameterName[])}\n`;
  });
  const rules = CROSS_FIELD_RULES.map((rule) => `- ${crossFieldMessage(rule)}\n`);
  return `<!-- Generated from pipeline/parameters/ by \`npm run generate\`. Change it there. -->

# Parameters

A parameter has one name everywhere: it is a Terraform variable, a key of an execution's input, and, with hyphens, a flag of the
training scripts. The construct's props have the same names in camelCase. The last column tells whether an execution's input may
override the deployment's value.

${groups.join("\n")}
## Rules between parameters

A plan, an execution's input and the construct's props refuse the same combinations with these words:

${rules.join("")}`;
}
