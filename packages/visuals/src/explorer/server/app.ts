import { Hono } from "hono";
import { compress } from "hono/compress";
import type { Refusal } from "../api.js";
import type { Collection } from "../collection.js";
import { liveRoutes } from "../live/routes.js";
import { compareViews } from "../sae/compare.js";
import { errorAnswer } from "./answer.js";
import { assetRoutes, pageFiles } from "./assets.js";
import { type GuardOptions, guard, isLoopback } from "./guard.js";
import { runRoutes } from "./runs.js";
import { viewOf, viewRoutes } from "./views.js";

/** The answers of `api.ts`, without the guard: what an export is written from. */
export function explorerApi(collection: Collection): Hono {
  return new Hono()
    .use(async (c, next) => {
      c.header("Cache-Control", "no-store");
      await next();
    })
    .get("/session.json", (c) => c.json(collection.session()))
    .route("/views", viewRoutes(collection))
    .route("/views", liveRoutes(collection))
    .route("/runs", runRoutes(collection))
    .get("/compare/:a/:file{[^/]+\\.json}", async (c) => {
      const [a, b] = [c.req.param("a"), c.req.param("file").replace(/\.json$/, "")];
      return c.json(await compareViews(viewOf(collection, a), viewOf(collection, b)));
    })
    .all("*", (c) => c.json({ error: `${c.req.path}: nothing is there` } satisfies Refusal, 404))
    .onError(errorAnswer);
}

/** Everything that the server answers: the page at `/`, the data below `/api/`. */
export function explorerApp(collection: Collection, options: GuardOptions): Hono {
  const app = new Hono().use(guard(options));
  // To this machine itself bytes are cheaper than packing them.
  if (!isLoopback(options.host)) app.use(compress());
  return app
    .route("/api", explorerApi(collection))
    .route("/", assetRoutes(pageFiles()))
    .notFound((c) => c.json({ error: `${c.req.path}: nothing is there` } satisfies Refusal, 404))
    .onError(errorAnswer);
}
