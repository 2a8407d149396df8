/** Rules of parameters as Terraform expressions over `var.*`. */
import type { Condition } from "../../pipeline/parameters/conditions.ts";
import { type CrossFieldRule, conditionOf } from "../../pipeline/parameters/cross-field-rules.ts";
import { type ParameterName, parameter } from "../../pipeline/parameters/table.ts";
import { plainNumber } from "../../pipeline/parameters/values.ts";

/** The conditions of a parameter's own validation; empty when its type says it all. */
export function validationConditions(name: ParameterName): string[] {
  const { rule, type } = parameter(name);
  const variable = `var.${name}`;
  const conditions: string[] = [];
  if (rule.integer === true) conditions.push(`floor(${variable}) == ${variable}`);
  if (rule.min !== undefined) conditions.push(`${variable} >= ${plainNumber(rule.min)}`);
  if (rule.max !== undefined) conditions.push(`${variable} <= ${plainNumber(rule.max)}`);
  if (rule.pattern !== undefined) {
    const pattern = JSON.stringify(rule.pattern);
    conditions.push(
      type === "list(string)" || type === "map(string)"
        ? `alltrue([for entry in ${variable} : can(regex(${pattern}, entry))])`
        : `can(regex(${pattern}, ${variable}))`,
    );
  }
  if (rule.oneOf !== undefined) conditions.push(`contains(${list(rule.oneOf)}, ${variable})`);
  if (rule.keys !== undefined) conditions.push(`length(setsubtract(keys(${variable}), ${list(rule.keys)})) == 0`);
  return conditions;
}

/** What a rule between parameters asks, as one expression. */
export function crossFieldCondition(rule: CrossFieldRule): string {
  return expression(conditionOf(rule));
}

function expression(condition: Condition): string {
  if ("not" in condition) return `!(${expression(condition.not)})`;
  if ("all" in condition) return condition.all.map((part) => `(${expression(part)})`).join(" && ");
  if ("any" in condition) return condition.any.map((part) => `(${expression(part)})`).join(" || ");
  if ("given" in condition) return `length(var.${condition.given}) > 0`;
  const variable = `var.${condition.parameter}`;
  if ("is" in condition) return `${variable} == ${JSON.stringify(condition.is)}`;
  if ("matches" in condition) return `can(regex(${JSON.stringify(condition.matches)}, ${variable}))`;
  if ("isOneOf" in condition) return `contains(${list(condition.isOneOf)}, ${variable})`;
  if ("isAtMost" in condition) return `${variable} <= var.${condition.isAtMost}`;
  return `${variable} == var.${condition.equals}`;
}

function list(values: readonly (string | number)[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
}
