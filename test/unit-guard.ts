/**
 * Set-up of the kind `unit`: its tests start no process and open no connection, so that they need nothing but Node.js and
 * cannot fail for the machine's sake. A call that breaks the rule throws, and fails the test also where the code under test
 * handles the error.
 */
import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import workerThreads from "node:worker_threads";
import { afterAll, afterEach } from "vitest";

/** What a unit test called although its kind excludes it. */
class UnitTestRuleError extends Error {
  override readonly name = "UnitTestRuleError";

  constructor(call: string) {
    super(
      `a unit test must not call ${call}: move it to a file *.terraform.test.ts when it runs Terraform, tflint or checkov, ` +
        "to *.emulated.test.ts when it runs another process or uses a port",
    );
  }
}

const broken: UnitTestRuleError[] = [];

function refuse(call: string): never {
  const error = new UnitTestRuleError(call);
  broken.push(error);
  throw error;
}

/** Asynchronous calls all end in this method, also those of a module that kept `spawn` before this file was loaded. */
Object.assign(childProcess.ChildProcess.prototype, {
  spawn: ({ file }: { file: string }) => refuse(`child_process.spawn of ${file}`),
});
for (const name of ["spawnSync", "execSync", "execFileSync"] as const) {
  Object.assign(childProcess, { [name]: (command: string) => refuse(`child_process.${name} of ${command}`) });
}
/** esbuild's synchronous calls start its process in a worker, out of this file's reach. */
Object.assign(workerThreads, {
  Worker: class {
    constructor() {
      refuse("new Worker of worker_threads");
    }
  },
});
// tls, http, http2 and fetch connect and listen through these two.
Object.assign(net.Socket.prototype, { connect: () => refuse("connect of net, tls, http or fetch") });
Object.assign(net.Server.prototype, { listen: () => refuse("listen of net, tls or http") });
syncBuiltinESMExports();

function failOnBrokenRule(): void {
  const [first] = broken.splice(0);
  if (first !== undefined) throw first;
}
afterEach(failOnBrokenRule);
afterAll(failOnBrokenRule);
