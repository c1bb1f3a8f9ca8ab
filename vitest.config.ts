import { createRequire } from "node:module";
import { configDefaults, defineConfig } from "vitest/config";

// What measures time (*.timing.test.ts) runs after everything else, one file at a time: other tests would take its cores.
const timing = ["packages/*/src/**/*.timing.test.ts", "test/**/*.timing.test.ts"];

// Dozens of tests ask Python's packages, which are installed uncompiled: they are compiled once, and not by each process anew.
delete process.env.PYTHONDONTWRITEBYTECODE;

// Native code runs in forked processes: a crash then fails one file and not the runner.
export default defineConfig({
  // Vite would take clipanion's files for bundlers, which Node cannot load.
  resolve: {
    conditions: ["@saev/source"],
    alias: { clipanion: createRequire(import.meta.url).resolve("clipanion") },
  },
  ssr: { resolve: { conditions: ["@saev/source"], externalConditions: ["@saev/source"] } },
  test: {
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A browser beside other tests may take a while to draw.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "tests",
          include: ["packages/*/{src,page}/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...timing],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "timing", include: timing, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
