import type { EmulatorProcess } from "../../../emulation/aws/emulator-process.ts";
import { LocalStack } from "../../../emulation/aws/localstack.ts";
import { MiniStack } from "../../../emulation/aws/ministack.ts";
import {
  findLocalStackPython,
  PythonEnvironmentError,
  type PythonEnvironmentName,
  pythonEnvironment,
} from "../../../emulation/python/environment.ts";

/** An emulator that runs as a process of this machine. */
export interface ProcessForm {
  readonly name: string;
  /** The class and the file that has it. */
  readonly className: string;
  readonly file: string;
  readonly environment: PythonEnvironmentName;
  readonly unavailableBecause: string | undefined;
  create(): Promise<EmulatorProcess>;
}

async function pythonProblem(): Promise<string | undefined> {
  try {
    await findLocalStackPython();
    return undefined;
  } catch (error) {
    if (!(error instanceof PythonEnvironmentError)) throw error;
    return error.message;
  }
}

export const MINISTACK_PROCESS: ProcessForm = {
  name: "MiniStack as a process",
  className: "MiniStack",
  file: "emulation/aws/ministack.ts",
  environment: "ministack",
  unavailableBecause: undefined,
  create: async () => new MiniStack().withPython((await pythonEnvironment("ministack")).python),
};

export const LOCALSTACK_PROCESS: ProcessForm = {
  name: "LocalStack as a process",
  className: "LocalStack",
  file: "emulation/aws/localstack.ts",
  environment: "localstack",
  unavailableBecause: await pythonProblem(),
  create: async () => new LocalStack().withPython((await pythonEnvironment("localstack")).python),
};
