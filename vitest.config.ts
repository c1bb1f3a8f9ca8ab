import { defineConfig } from "vitest/config";

// Native code runs in forked processes: a crash then fails one file and not the runner.
export default defineConfig({
  resolve: { conditions: ["@saev/source"] },
  ssr: { resolve: { conditions: ["@saev/source"], externalConditions: ["@saev/source"] } },
  test: {
    pool: "forks",
    maxWorkers: 2,
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
