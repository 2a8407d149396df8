import { parameterTable } from "../parameters/document.ts";
import { REQUIRED_PROVIDERS, REQUIRED_VERSION } from "../terraform/versions.ts";
import type { ModuleOutput } from "./module-files.ts";
import { MODULE_PARAMETER_NAMES } from "./module-stack.ts";

/** A template lacks the place for a generated part. */
export class MissingPlaceError extends Error {
  override readonly name = "MissingPlaceError";
}

/** An example of the module's use. */
export interface ModuleExample {
  readonly name: string;
  /** First comment of its `main.tf`. */
  readonly description: string;
}

/**
 * The module's README.
 *
 * @param template Markdown with the comments EXAMPLES, REQUIREMENTS, INPUTS and OUTPUTS where the generated parts belong.
 * @throws MissingPlaceError
 */
export function moduleReadme(
  template: string,
  outputs: Readonly<Record<string, ModuleOutput>>,
  examples: readonly ModuleExample[],
): string {
  const parts: Readonly<Record<string, string>> = {
    EXAMPLES: examples.map(({ name, description }) => `- [${name}](examples/${name}): ${description}`).join("\n"),
    REQUIREMENTS: table(
      ["Name", "Version"],
      [
        ["terraform", REQUIRED_VERSION],
        ...Object.entries(REQUIRED_PROVIDERS).map(([name, { version }]) => [name, version]),
      ],
    ),
    INPUTS: parameterTable(MODULE_PARAMETER_NAMES),
    OUTPUTS: table(
      ["Name", "Description"],
      Object.entries(outputs).map(([name, { description }]) => [`\`${name}\``, description]),
    ),
  };
  return Object.entries(parts).reduce((text, [name, part]) => {
    const place = `<!-- ${name} -->`;
    if (!text.includes(place)) throw new MissingPlaceError(`the template needs the line ${place}`);
    return text.replace(place, () => part);
  }, template);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
