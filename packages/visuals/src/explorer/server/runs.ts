import { setTimeout as sleep } from "node:timers/promises";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { Collection } from "../collection.js";
import type { OpenRun } from "../runs.js";
import { notFound } from "./answer.js";

/** How often a run that is followed is looked at, in milliseconds. */
const interval = 500;

/** `runs/…`: configs, metrics and evaluations of training runs. */
export function runRoutes(collection: Collection): Hono {
  const run = (id: string): OpenRun => {
    const found = collection.runs.get(id);
    if (!found) throw notFound(`run ${id}: there is no such run`);
    return found;
  };
  return new Hono()
    .get("/runs.json", (c) =>
      c.json([...collection.runs.values()].map((open) => open.read(collection.viewsOf(open)))),
    )
    .get("/:run/metrics.json", (c) => c.json(run(c.req.param("run")).metricsFrom(0).metrics))
    .get("/:run/follow", (c) => {
      const open = run(c.req.param("run"));
      // After a lost connection the browser says how far it was.
      let at = Number(c.req.header("last-event-id") ?? 0) || 0;
      return streamSSE(c, async (stream) => {
        while (!stream.aborted) {
          const { metrics, next } = open.metricsFrom(at);
          if (next < at) await stream.writeSSE({ event: "cut", data: "" });
          if (metrics.length > 0) await stream.writeSSE({ data: JSON.stringify(metrics), id: String(next) });
          at = next;
          await sleep(interval);
        }
      });
    });
}
