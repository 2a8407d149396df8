// Runs one Node function, as the runtime of Lambda does: a request a line on standard input, a reply a line on the file
// descriptor given as argument. Ends when standard input does. Handlers must be async functions.
import { existsSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { types } from "node:util";

const replyDescriptor = Number(process.argv[2]);
const { LAMBDA_TASK_ROOT, _HANDLER } = process.env;
/** Of a synchronous invocation's response, bytes. */
const MAX_RESPONSE_BYTES = 6_291_556;

function reply(message) {
  const line = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let written = 0; written < line.length; ) {
    try {
      written += writeSync(replyDescriptor, line, written);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

class RuntimeError extends Error {
  constructor(name, message, options) {
    super(message, options);
    this.name = name;
  }
}

function describe(error) {
  if (types.isNativeError(error) || error instanceof Error) {
    return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split("\n") };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

async function loadHandler() {
  const match = /^(.*\/)?([^/.]+)\.(.+)$/.exec(_HANDLER);
  if (match === null) throw new RuntimeError("Runtime.MalformedHandlerName", `Bad handler: ${_HANDLER}`);
  const [, directory = "", file, name] = match;
  const base = path.join(LAMBDA_TASK_ROOT, directory, file);
  const found = [".mjs", ".cjs", ".js"].map((extension) => base + extension).find((candidate) => existsSync(candidate));
  if (found === undefined) {
    throw new RuntimeError("Runtime.ImportModuleError", `Error: Cannot find module '${directory}${file}'`);
  }
  let module;
  try {
    module = found.endsWith(".mjs") ? await import(pathToFileURL(found).href) : createRequire(found)(found);
  } catch (error) {
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      throw new RuntimeError("Runtime.ImportModuleError", `Error: ${error.message}`, { cause: error });
    }
    if (error instanceof SyntaxError) {
      throw new RuntimeError("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`, { cause: error });
    }
    throw error;
  }
  const handler = name.split(".").reduce((parent, key) => parent?.[key], module);
  if (typeof handler !== "function") {
    throw new RuntimeError("Runtime.HandlerNotFound", `${_HANDLER} is undefined or not exported`);
  }
  return handler;
}

let handler;
try {
  handler = await loadHandler();
} catch (error) {
  console.error(error);
  reply({ ok: false, body: describe(error) });
  process.exit(1);
}
reply({ ok: true, body: null });

function endWith(error) {
  console.error(error);
  reply({ ok: false, body: describe(error), last: true });
  process.exit(1);
}
process.on("uncaughtException", endWith);
process.on("unhandledRejection", (reason) => {
  endWith(new RuntimeError("Runtime.UnhandledPromiseRejection", String(reason), { cause: reason }));
});

const requests = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
requests.on("close", () => process.exit(0));
requests.on("line", async (line) => {
  const { requestId, functionArn, deadlineMs, event } = JSON.parse(line);
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: functionArn,
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
  let outcome;
  try {
    const body = (await handler(event, context)) ?? null;
    const size = Buffer.byteLength(JSON.stringify(body) ?? "null");
    if (size > MAX_RESPONSE_BYTES) {
      throw new RuntimeError(
        "Function.ResponseSizeTooLarge",
        `Response payload size (${size} bytes) exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
      );
    }
    outcome = { ok: true, body };
  } catch (error) {
    console.error(error);
    outcome = { ok: false, body: describe(error) };
  }
  reply(outcome);
});
