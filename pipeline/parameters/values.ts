/** Checks of single values. */
import { z } from "zod";
import type { ParameterRule, ParameterType, ParameterValue } from "./parameter.ts";
import { PARAMETER_NAMES, type ParameterName, parameter, propName, type ValueOf } from "./table.ts";

/** A value that fits into an execution's input. */
export type ScalarValue = string | number | boolean;

/** The sentence that refuses a value: what it must be and what to write instead. */
export function message(name: ParameterName): string {
  const { must, write } = parameter(name);
  return `${name} must be ${must}; write ${write}.`;
}

const NAMES_IN_TEXT = new RegExp(`\\b(${[...PARAMETER_NAMES].sort((a, b) => b.length - a.length).join("|")})\\b`, "g");

/** A message with the parameters' names as the construct's props have them. */
export function inPropNames(text: string): string {
  return text.replaceAll(NAMES_IN_TEXT, propName);
}

/** Whether a value, of the parameter's type, satisfies its rule. */
export function satisfiesRule(rule: ParameterRule, value: ParameterValue): boolean {
  const { integer: whole, min, max, pattern, oneOf, keys } = rule;
  if (typeof value === "number") {
    if (whole === true && !Number.isInteger(value)) return false;
    if (min !== undefined && value < min) return false;
    if (max !== undefined && value > max) return false;
  }
  if (typeof value === "string" && pattern !== undefined && !new RegExp(pattern).test(value)) return false;
  if (Array.isArray(value) && pattern !== undefined) {
    return value.every((entry) => new RegExp(pattern).test(String(entry)));
  }
  if (typeof value === "object" && !Array.isArray(value)) {
    const entries = Object.entries(value);
    if (keys !== undefined && !entries.every(([key]) => keys.includes(key))) return false;
    if (pattern !== undefined && !entries.every(([, entry]) => new RegExp(pattern).test(String(entry)))) return false;
  }
  return oneOf === undefined || oneOf.some((allowed) => allowed === value);
}

/** A value of an execution's input in the parameter's type, or undefined when it cannot be one. */
export function typed(value: unknown, type: ParameterType): ScalarValue | undefined {
  switch (type) {
    case "bool":
      if (value === true || value === "true") return true;
      return value === false || value === "false" ? false : undefined;
    case "number": {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      return typeof number === "number" && Number.isFinite(number) ? number : undefined;
    }
    case "string":
      return typeof value === "string" ? value : undefined;
    case "list(string)":
    case "map(string)":
      return undefined;
  }
}

/** A number without an exponent: JavaScript writes 1e-7 where a person writes 0.0000001. */
export function plainNumber(value: number): string {
  return value.toLocaleString("en", { useGrouping: false, maximumFractionDigits: 20 });
}

/** The value as a job's argument, in a form Python parses. */
export function argument(value: ScalarValue): string {
  return typeof value === "number" ? plainNumber(value) : String(value);
}

type Values<Names extends readonly ParameterName[]> = { readonly [Name in Names[number]]: ValueOf<Name> };

/** A schema of these parameters' values as an execution carries them, once resolved. */
export function valuesSchema<const Names extends readonly ParameterName[]>(names: Names): z.ZodType<Values<Names>> {
  const schemas = { string: z.string(), number: z.number(), bool: z.boolean() } as const;
  const shape = Object.fromEntries(
    names.map((name) => {
      const { type } = parameter(name);
      if (type === "list(string)" || type === "map(string)") {
        throw new TypeError(`${name} has the type ${type}, which an execution cannot carry`);
      }
      return [name, schemas[type]];
    }),
  );
  return z.object(shape) as unknown as z.ZodType<Values<Names>>;
}
