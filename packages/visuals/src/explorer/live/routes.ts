import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import type { Collection } from "../collection.js";
import { binary } from "../server/answer.js";
import { viewOf } from "../server/views.js";
import { largestUpload, uploadTime } from "./limits.js";
import type { SeenPicture } from "./run-picture.js";

/** Bytes of a steering or a list of labels. */
const largestBody = 2 ** 18;

const limitOf = (maxSize: number, what: string) =>
  bodyLimit({
    maxSize,
    onError: () => {
      const size = maxSize < 2 ** 20 ? `${maxSize / 2 ** 10} KB` : `${maxSize / 2 ** 20} MB`;
      throw new HTTPException(413, { message: `${what} is larger than ${size}` });
    },
  });

/** `views/:view/live/…`: pictures that go through the model and the SAE. */
export function liveRoutes(collection: Collection): Hono {
  const view = (id: string) => viewOf(collection, id);
  const { live } = collection;
  return new Hono()
    .get("/:view/live/model.json", async (c) => c.json(await live.describe(view(c.req.param("view")))))
    .post("/:view/live/pictures", limitOf(largestUpload, "the file"), async (c) => {
      const open = view(c.req.param("view"));
      return c.json(await live.upload(open, () => bodyOf(c.req.raw)), 201);
    })
    .get("/:view/live/pictures/:id/picture.json", async (c) => {
      const { about } = await live.picture(view(c.req.param("view")), c.req.param("id"));
      return c.json(about);
    })
    .get("/:view/live/pictures/:id/picture.webp", async (c) => {
      const { seen } = await live.picture(view(c.req.param("view")), c.req.param("id"));
      return c.body(seen.webp as Uint8Array<ArrayBuffer>, 200, { "Content-Type": "image/webp" });
    })
    .get("/:view/live/pictures/:id/latents.bin", async (c) => {
      const { seen } = await live.picture(view(c.req.param("view")), c.req.param("id"));
      return binary(c, latentsFile(seen));
    })
    .post("/:view/live/pictures/:id/steer", limitOf(largestBody, "the body"), async (c) => {
      const body: unknown = await c.req.json().catch(() => undefined);
      return c.json(await live.steer(view(c.req.param("view")), c.req.param("id"), body));
    })
    .post("/:view/live/pictures/:id/scores", limitOf(largestBody, "the body"), async (c) => {
      const body: unknown = await c.req.json().catch(() => undefined);
      return c.json(await live.score(view(c.req.param("view")), c.req.param("id"), body));
    });
}

function latentsFile({ rowStart, latent, value }: SeenPicture): Uint8Array {
  const parts = [rowStart, latent, value].map(
    (part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
  );
  return new Uint8Array(Buffer.concat(parts));
}

/** The body's bytes. A client that stalls is given up, so that it does not keep the others waiting. */
async function bodyOf(request: Request): Promise<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new HTTPException(408, { message: `the upload took longer than ${uploadTime / 1000} s` })),
      uploadTime,
    );
  });
  try {
    return new Uint8Array(await Promise.race([request.arrayBuffer(), late]));
  } finally {
    clearTimeout(timer);
  }
}
