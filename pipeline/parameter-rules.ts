import { z } from "zod";

/** A parameter's value once it has its type. */
export type ParameterValue = string | number | boolean;

/** What a value of a parameter must be; the same rules that Terraform checks at plan time. */
export const ParameterRule = z.object({
  type: z.enum(["string", "number", "bool"]),
  integer: z.boolean().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  /** Regular expression, searched in the value. */
  pattern: z.string().optional(),
  one_of: z.array(z.union([z.string(), z.number(), z.boolean()])).optional(),
  /** What to write instead, for the user. */
  message: z.string(),
});
export type ParameterRule = z.infer<typeof ParameterRule>;

/** The value in the type the rule names, or undefined when it cannot be one. */
export function typed(value: unknown, rule: ParameterRule): ParameterValue | undefined {
  switch (rule.type) {
    case "bool":
      if (value === true || value === "true") return true;
      return value === false || value === "false" ? false : undefined;
    case "number": {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      return typeof number === "number" && Number.isFinite(number) ? number : undefined;
    }
    case "string":
      return typeof value === "string" ? value : undefined;
  }
}

/** Whether a typed value keeps the rule. */
export function keeps(value: ParameterValue, rule: ParameterRule): boolean {
  if (rule.one_of !== undefined && !rule.one_of.some((allowed) => allowed === value)) return false;
  if (rule.pattern !== undefined && !new RegExp(rule.pattern).test(String(value))) return false;
  if (typeof value !== "number") return true;
  return (
    (rule.integer !== true || Number.isInteger(value)) &&
    value >= (rule.min ?? Number.NEGATIVE_INFINITY) &&
    value <= (rule.max ?? Number.POSITIVE_INFINITY)
  );
}

/** A number without an exponent: JavaScript writes 1e-7 where a person writes 0.0000001. */
function plainNumber(value: number): string {
  const [mantissa = "", exponentText] = String(value).split("e");
  if (exponentText === undefined) return mantissa;
  const sign = mantissa.startsWith("-") ? "-" : "";
  const [whole = "", fraction = ""] = mantissa.replace("-", "").split(".");
  const digits = whole + fraction;
  const point = whole.length + Number(exponentText);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, "0");
}

/** The value as a job's argument, in a form Python parses. */
export function argument(value: ParameterValue): string {
  return typeof value === "number" ? plainNumber(value) : String(value);
}
