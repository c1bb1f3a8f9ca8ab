import { readdirSync } from "node:fs";
import path from "node:path";
import type { ConformanceArea } from "../area.js";
import { checkpoints } from "../sae/checkpoints.js";
import { biases, datapoints, evaluations, squaredErrors } from "../sae/evaluations.js";
import { headTrace } from "../sae/head-trace.js";
import { cosineSchedules, limiter, prefixes, schedules } from "../sae/schedules.js";
import { trace } from "../sae/trace.js";

/** Sparse autoencoders: training, checkpoints, evaluation. */
export const area: ConformanceArea = {
  name: "sae",
  async *run(folder) {
    const traces = readdirSync(path.join(folder, "sae", "traces")).filter((name) => !name.includes("."));
    for (const name of traces.sort()) {
      yield* name.startsWith("head-") ? headTrace(folder, name) : trace(folder, name);
    }
    yield* checkpoints(folder);
    yield* evaluations(folder);
    yield* limiter(folder);
    yield* schedules(folder);
    yield* cosineSchedules(folder);
    yield* prefixes(folder);
    yield* squaredErrors(folder);
    yield* biases(folder);
    yield* datapoints(folder);
  },
};
