import { exec, execFileSync, fork } from "node:child_process";
import { createServer } from "node:http";
import { connect } from "node:tls";
import { Worker } from "node:worker_threads";
import { execa } from "execa";
import { it } from "vitest";

/** What a unit test may not do, each in code that handles the error and would pass without the guard. */
const REFUSED: readonly [string, () => unknown][] = [
  ["execa", () => execa("node", ["--version"])],
  ["child_process.exec", () => exec("true")],
  ["child_process.execFileSync", () => execFileSync("node", ["--version"])],
  ["child_process.fork", () => fork("absent.js", { silent: true })],
  ["new Worker", () => new Worker("", { eval: true })],
  ["fetch", () => fetch("http://127.0.0.1:65000/")],
  ["tls.connect", () => connect(65000).on("error", () => undefined)],
  ["listen", () => createServer().listen(0).unref()],
];

it.fails.each(REFUSED)("a unit test fails that calls %s", async (_name, call) => {
  try {
    await call();
  } catch {}
});
