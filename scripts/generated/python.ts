/** Python that is generated from the pipeline's data: records that jobs exchange, and their command-line arguments. */
import { z } from "zod";
import { JOB_RECORDS, QueryStyle, Split } from "../../pipeline/artifacts.ts";
import { JOB_ARGUMENTS, parameter } from "../../pipeline/parameters/table.ts";
import { JOB_STAGES, STAGES } from "../../pipeline/stages.ts";

const HEADER = (source: string) => `# Generated from ${source} by \`npm run generate\`. Change it there.`;
const LINE_LENGTH = 120;

/** What the generator knows of JSON Schema; anything else is refused. */
const Schema = z.strictObject({
  $schema: z.string().optional(),
  $ref: z.string().optional(),
  id: z.string().optional(),
  description: z.string().optional(),
  type: z.enum(["object", "array", "string", "integer", "number", "boolean"]).optional(),
  enum: z.array(z.string()).optional(),
  get properties(): z.ZodOptional<z.ZodRecord<z.ZodString, typeof Schema>> {
    return z.record(z.string(), Schema).optional();
  },
  required: z.array(z.string()).optional(),
  additionalProperties: z.unknown().optional(),
  get propertyNames(): z.ZodOptional<typeof Schema> {
    return Schema.optional();
  },
  get items(): z.ZodOptional<typeof Schema> {
    return Schema.optional();
  },
  minLength: z.number().optional(),
  minItems: z.number().optional(),
  minimum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  maximum: z.number().optional(),
  pattern: z.string().optional(),
});
type Schema = z.infer<typeof Schema>;

/** A schema has a part that Python's side of the contract cannot express. */
export class UnsupportedSchemaError extends Error {
  override readonly name = "UnsupportedSchemaError";
}

const literal = (values: readonly unknown[]) => `Literal[${values.map((value) => JSON.stringify(value)).join(", ")}]`;

function annotated(type: string, constraints: Readonly<Record<string, number | string | undefined>>): string {
  const given = Object.entries(constraints).filter(([, value]) => value !== undefined);
  if (given.length === 0) return type;
  return `Annotated[${type}, Meta(${given.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")})]`;
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.replace("#/$defs/", "");
  if (schema.enum !== undefined) return literal(schema.enum);
  switch (schema.type) {
    case "string":
      return annotated("str", { min_length: schema.minLength, pattern: schema.pattern });
    case "integer":
      return "int";
    case "number":
      return "float";
    case "boolean":
      return "bool";
    case "array":
      if (schema.items !== undefined)
        return annotated(`list[${typeOf(schema.items)}]`, { min_length: schema.minItems });
      break;
    case "object":
      if (schema.properties === undefined) return `dict[str, ${typeOf(Schema.parse(schema.additionalProperties))}]`;
      break;
    default:
  }
  throw new UnsupportedSchemaError(`Python cannot express ${JSON.stringify(schema)}`);
}

/**
 * The Python type of a value with this JSON Schema.
 *
 * @throws UnsupportedSchemaError or z.ZodError for a schema that the contract's two sides cannot share.
 */
export function pythonType(schema: unknown): string {
  return typeOf(Schema.parse(schema));
}

/** A docstring, broken at words where a line would be too long. */
function docstring(text: string, indent: string): string {
  const lines: string[] = [];
  let line = `${indent}"""`;
  for (const word of text.split(" ")) {
    const longer = line.endsWith('"""') || line.trim() === "" ? `${line}${word}` : `${line} ${word}`;
    if (longer.length > LINE_LENGTH - 3) {
      lines.push(line);
      line = `${indent}${word}`;
    } else {
      line = longer;
    }
  }
  lines.push(line);
  return lines.length === 1 ? `${line}"""` : `${lines.join("\n")}\n${indent}"""`;
}

interface Field {
  readonly name: string;
  readonly type: string;
  readonly description: string | undefined;
  /** What an absent value stands for. */
  readonly absent?: string;
}

function structure(name: string, description: string, fields: readonly Field[]): string {
  const members = fields.map(({ name: field, type, description: text, absent }) => {
    const member = `    ${field}: ${type}${absent === undefined ? "" : ` = ${JSON.stringify(absent)}`}`;
    return text === undefined ? member : `${member}\n${docstring(text, "    ")}`;
  });
  return `class ${name}(Struct, frozen=True, kw_only=True):\n${docstring(description, "    ")}\n\n${members.join("\n")}\n`;
}

/**
 * \`training-script/finetuning/artifacts/records.py\`.
 *
 * @throws UnsupportedSchemaError
 */
export function pythonRecords(): string {
  const registry = z.registry<z.core.GlobalMeta>();
  for (const schema of [QueryStyle, Split, ...JOB_RECORDS]) registry.add(schema, z.globalRegistry.get(schema) ?? {});
  const { schemas } = z.toJSONSchema(registry, { metadata: z.globalRegistry, uri: (id) => `#/$defs/${id}` });
  const records = JOB_RECORDS.map((record) => {
    const { id = "" } = z.globalRegistry.get(record) ?? {};
    const { properties = {}, description = "" } = Schema.omit({ $schema: true }).loose().parse(schemas[id]);
    const fields = Object.entries(properties).map(([name, property]): Field => {
      const field = Schema.parse(property);
      return { name, type: typeOf(field), description: field.description };
    });
    return structure(id, description, fields);
  });
  return `${HEADER("pipeline/artifacts.ts")}
"""Records that jobs read and write. Decoding checks them."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

QueryStyle = ${literal(QueryStyle.options)}
Split = ${literal(Split.options)}


${records.join("\n\n")}`;
}

/** \`training-script/finetuning/artifacts/arguments.py\`. */
export function pythonArguments(): string {
  const types = { string: "str", number: "float", bool: "bool" } as const;
  const structures = JOB_STAGES.map((stage) => {
    const fields = JOB_ARGUMENTS[stage].map((name): Field => {
      const { type, rule, description, default: defaultValue } = parameter(name);
      if (type === "list(string)" || type === "map(string)") {
        throw new UnsupportedSchemaError(`${name} has the type ${type}, which no command line carries`);
      }
      const python = rule.oneOf !== undefined ? literal(rule.oneOf) : rule.integer === true ? "int" : types[type];
      // An empty text is not sent: resolve-parameters leaves it out.
      return { name, type: python, description, ...(defaultValue === "" ? { absent: "" } : {}) };
    });
    const { number, title, job } = STAGES[stage];
    return structure(
      `${stage.charAt(0).toUpperCase()}${stage.slice(1)}Arguments`,
      `Arguments of \`${job.program}\`, stage ${number}, ${title}.`,
      fields,
    );
  });
  return `${HEADER("pipeline/parameters/")}
"""Command-line arguments of the jobs: the parameters that they read, under the parameters' own names."""

from typing import Literal

from msgspec import Struct


${structures.join("\n\n")}`;
}
