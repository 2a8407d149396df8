import { z } from "zod";
import { validationException } from "./service-error.ts";

/** Names in messages start in lower case whatever the wire's case is: `hyperParameters`, `inputDataConfig.1.member`. */
function memberPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) =>
      typeof part === "number"
        ? `${part + 1}.member`
        : `${String(part)[0]?.toLowerCase() ?? ""}${String(part).slice(1)}`,
    )
    .join(".");
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = input;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

function constraint(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      return value === undefined || value === null
        ? "Member must not be null"
        : `Member must be of type ${issue.expected}`;
    case "too_big":
      return issue.origin === "number" || issue.origin === "int"
        ? `Member must have value less than or equal to ${issue.maximum}`
        : `Member must have length less than or equal to ${issue.maximum}`;
    case "too_small":
      return issue.origin === "number" || issue.origin === "int"
        ? `Member must have value greater than or equal to ${issue.minimum}`
        : `Member must have length greater than or equal to ${issue.minimum}`;
    case "invalid_format":
      return `Member must satisfy regular expression pattern: ${(issue.pattern ?? "").replace(/^\/\^\(\?:|\)\$\/[a-z]*$/g, "")}`;
    case "invalid_value":
      return `Member must satisfy enum value set: [${issue.values.map(String).join(", ")}]`;
    default:
      return issue.message;
  }
}

/**
 * Parses the input of an operation.
 *
 * @throws ServiceError `ValidationException` in the words of AWS ("2 validation errors detected: Value … at … failed to satisfy constraint: …").
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  // What concerns the input as a whole is said in its own words, once the members are right.
  const [first] = parsed.error.issues;
  if (first?.code === "custom" && first.path.length === 0) throw validationException(first.message);
  const problems = parsed.error.issues.map((issue) => {
    const value = valueAt(input, issue.path);
    const shown =
      value === undefined || value === null
        ? "Value null"
        : `Value '${typeof value === "object" ? JSON.stringify(value) : String(value)}'`;
    return `${shown} at '${memberPath(issue.path)}' failed to satisfy constraint: ${constraint(issue, value)}`;
  });
  throw validationException(
    `${problems.length} validation error${problems.length === 1 ? "" : "s"} detected: ${problems.join("; ")}`,
  );
}

/** A string that matches `pattern` as a whole, as patterns of AWS's models do. */
export function matching(pattern: RegExp, limits: { min?: number; max: number }) {
  return z
    .string()
    .min(limits.min ?? 0)
    .max(limits.max)
    .regex(new RegExp(`^(?:${pattern.source})$`, pattern.flags));
}
