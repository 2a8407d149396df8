import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // The machine this is built for has two cores; more workers only make the timeouts of real servers fire.
    maxWorkers: 2,
    // A test's kind is the suffix of its file.
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.{emulated,terraform}.test.ts"],
          setupFiles: ["test/unit-guard.ts"],
          // Each takes milliseconds; a busy machine may need many times that.
          testTimeout: 15_000,
        },
      },
      {
        extends: true,
        test: {
          name: "emulated",
          include: ["test/**/*.emulated.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "terraform",
          include: ["test/**/*.terraform.test.ts"],
          globalSetup: ["test/modules/stack-setup.ts"],
          testTimeout: 30_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
