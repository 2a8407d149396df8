import { Command, CommanderError, InvalidArgumentError } from "commander";

/** The command line asks for its help, or is wrong: the message is what to print, the program ends with `exitCode`. */
export class CommandLineEnd extends Error {
  override readonly name = "CommandLineEnd";
  /** 0 after --help, 2 after a wrong command line. */
  readonly exitCode: 0 | 2;

  constructor(message: string, exitCode: 0 | 2, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }

  /** Prints the message where it belongs. */
  print(): void {
    (this.exitCode === 0 ? process.stdout : process.stderr).write(`${this.message}\n`);
  }
}

/** A command of this repository: wrong options are refused with the one that was probably meant. */
export function command(name: string, description: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(description)
    .usage("-- [options]")
    .helpOption("--help", "this text")
    .allowExcessArguments(false)
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}`)
    .showHelpAfterError(`"${name} -- --help" tells every option.`)
    .exitOverride();
}

/**
 * Reads a command line.
 *
 * @param check looks at options that depend on one another; says what is wrong, or nothing.
 * @throws CommandLineEnd
 */
export function readOptions<Options extends object>(
  program: Command,
  args: readonly string[],
  check: (options: Options) => string | undefined = () => undefined,
): Options {
  let said = "";
  const keep = (text: string) => {
    said += text;
  };
  program.configureOutput({ writeOut: keep, writeErr: keep });
  try {
    program.parse(args, { from: "user" });
    const options = program.opts<Options>();
    const wrong = check(options);
    if (wrong !== undefined) program.error(`error: ${wrong}`);
    return options;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new CommandLineEnd(said.trimEnd(), error.exitCode === 0 ? 0 : 2, { cause: error });
  }
}

/** For an option that takes a whole number. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(
      most === Number.MAX_SAFE_INTEGER
        ? `It takes a whole number from ${least} on.`
        : `It takes a whole number from ${least} to ${most}.`,
    );
  };
}

/** For an option that takes one of `choices`, or some of them with {@link listOf} or {@link repeated}. */
export function oneOf<Choice extends string>(choices: readonly Choice[]): (text: string) => Choice {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice !== undefined) return choice;
    throw new InvalidArgumentError(`Allowed are ${choices.join(", ")}.`);
  };
}

/** For an option that takes several values, separated by commas. */
export function listOf<Item>(item: (text: string) => Item): (text: string) => Item[] {
  return (text) => [...new Set(text.split(",").map((part) => item(part.trim())))];
}

/** For an option that may be given several times; what is given takes the place of the default. */
export function repeated<Item>(item: (text: string) => Item): (text: string) => Item[] {
  const given: Item[] = [];
  return (text) => {
    given.push(item(text));
    return [...given];
  };
}
