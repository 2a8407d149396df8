import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { nodeOptions } from "../../../modules/functions/node-options.ts";

/** What V8 makes of the options: the heap it would grow to, in MiB. */
async function heapLimit(options: string): Promise<number> {
  const script = "process.stdout.write(String(v8.getHeapStatistics().heap_size_limit / 2 ** 20))";
  const { stdout } = await execa(process.execPath, ["-e", script], { env: { NODE_OPTIONS: options } });
  return Number(stdout);
}

describe("nodeOptions", () => {
  it.each([256, 2048])(
    "leaves memory of %d MB beside V8's heap, with a young generation of three times 2 MiB",
    async (memorySize) => {
      expect(await heapLimit(nodeOptions(memorySize))).toBe(Math.floor(memorySize * 0.9) + 3 * 2);
    },
  );
});
