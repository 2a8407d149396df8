import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogFollower } from "../../../emulation/stubs/log-follower.ts";
import { eventually } from "./emulated-aws.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "log-follower-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("LogFollower", () => {
  it("gives each line once, whole, however it was written", async () => {
    const file = path.join(directory, "log");
    const lines: string[] = [];
    const follower = new LogFollower(file, (more) => lines.push(...more));
    const umlaut = Buffer.from("größe\n");
    appendFileSync(file, "first\r\n");
    appendFileSync(file, umlaut.subarray(0, 3));
    await eventually(async () => (lines.length === 1 ? true : undefined));
    appendFileSync(file, umlaut.subarray(3));
    appendFileSync(file, "unfinished");
    await follower.finish();
    expect(lines).toEqual(["first", "größe", "unfinished"]);
  });
});
