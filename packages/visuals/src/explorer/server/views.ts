import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { NoteConflict } from "../api.js";
import type { Collection } from "../collection.js";
import { ChangedMeanwhile } from "../notes.js";
import { type PictureSize, pictureSizes } from "../pictures.js";
import { neighboursOf } from "../sae/decoder.js";
import { bestLabels } from "../views/best-labels.js";
import { exampleMaps, examplesPage } from "../views/examples-page.js";
import type { OpenView } from "../views/open-view.js";
import { binary, index, notFound } from "./answer.js";

/** Nearest latents on a latent's page. */
const nNeighbours = 12;

/** A text of a thousand characters, with room for escapes. */
const largestTextBody = 16 * 1024;

/** A note and its name, with room for escapes. */
const largestNoteBody = 256 * 1024;

/** @throws SaevError `NOT_FOUND`. */
export function viewOf(collection: Collection, id: string): OpenView {
  const found = collection.views.get(id);
  if (!found) throw notFound(`view ${id}: there is no such view`);
  return found;
}

/** `views/:view/…`: tables, latents, pictures and notes of a visuals folder. */
export function viewRoutes(collection: Collection): Hono {
  const view = (id: string) => viewOf(collection, id);
  const latentOf = (open: OpenView, text: string) => index(text, open.tables.dSae, "latent");

  return new Hono()
    .get("/:view/view.json", (c) => {
      const open = view(c.req.param("view"));
      open.drawAhead();
      return c.json(open.describe());
    })
    .get("/:view/columns.bin", (c) => binary(c, view(c.req.param("view")).columns()))
    .get("/:view/labels.json", async (c) => c.json(await bestLabels(view(c.req.param("view")))))
    .get("/:view/latents/:latent/latent.json", async (c) => {
      const open = view(c.req.param("view"));
      return c.json(await open.latent(latentOf(open, c.req.param("latent"))));
    })
    .get("/:view/latents/:latent/maps.bin", (c) => {
      const open = view(c.req.param("view"));
      const { maps } = open.tables.ranked(latentOf(open, c.req.param("latent")));
      return binary(c, new Uint8Array(maps.buffer));
    })
    .get("/:view/latents/:latent/examples.json", async (c) => {
      const open = view(c.req.param("view"));
      return c.json(await examplesPage(open, latentOf(open, c.req.param("latent"))));
    })
    .get("/:view/latents/:latent/examples.bin", (c) => {
      const open = view(c.req.param("view"));
      return binary(c, new Uint8Array(exampleMaps(open, latentOf(open, c.req.param("latent"))).buffer));
    })
    .get("/:view/latents/:latent/neighbours.json", async (c) => {
      const open = view(c.req.param("view"));
      return c.json(await neighboursOf(open, latentOf(open, c.req.param("latent")), nNeighbours));
    })
    .get("/:view/map.json", (c) => c.json(view(c.req.param("view")).map.state()))
    .get("/:view/map.bin", (c) => binary(c, new Uint8Array(view(c.req.param("view")).map.points().buffer)))
    .get("/:view/images/:image/:file{\\d+\\.webp}", async (c) => {
      const open = view(c.req.param("view"));
      if (typeof open.pictures === "string") throw notFound(open.pictures);
      const size = Number.parseInt(c.req.param("file"), 10) as PictureSize;
      if (!pictureSizes.includes(size)) throw notFound(`size ${size}: expected ${pictureSizes.join(", ")}`);
      const bytes = await open.pictures.get(
        index(c.req.param("image"), open.pictures.dataset.length, "image"),
        size,
      );
      c.header("Cache-Control", "private, max-age=3600");
      return c.body(bytes as Uint8Array<ArrayBuffer>, 200, { "Content-Type": "image/webp" });
    })
    .get("/:view/names.json", (c) => c.json(collection.texts.names(view(c.req.param("view")))))
    .post("/:view/find", bodyLimit({ maxSize: largestTextBody }), async (c) => {
      const body: unknown = await c.req.json().catch(() => undefined);
      return c.json(await collection.texts.find(view(c.req.param("view")), body));
    })
    .get("/:view/notes.json", (c) => c.json(view(c.req.param("view")).notes.read()))
    .put("/:view/notes/:latent", bodyLimit({ maxSize: largestNoteBody }), async (c) => {
      const open = view(c.req.param("view"));
      const latent = latentOf(open, c.req.param("latent"));
      try {
        await open.notes.write(latent, await c.req.json().catch(() => undefined));
      } catch (error) {
        if (!(error instanceof ChangedMeanwhile)) throw error;
        return c.json({ error: error.message, there: error.there } satisfies NoteConflict, 409);
      }
      return c.body(null, 204);
    });
}
