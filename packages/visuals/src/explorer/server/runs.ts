import { Hono } from "hono";
import type { Collection } from "../collection.js";
import { notFound } from "./answer.js";

/** `runs/:run/…`: a training run's config, metrics and evaluation. */
export function runRoutes(collection: Collection): Hono {
  return new Hono().get("/:run/run.json", (c) => {
    const run = collection.runs.get(c.req.param("run"));
    if (!run) throw notFound(`run ${c.req.param("run")}: there is no such run`);
    return c.json(run.read());
  });
}
