import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { HubServer } from "../../../packages/core-native/src/hub/testing/hub-server.js";
import { root, saev } from "../saev.js";
import { at, folder } from "./workspace.js";

/** A model that is not there yet. */
export function aModelOfTheHub(): void {
  test("activations: a model of the hub is downloaded, and the download is shown", async () => {
    const files = Object.fromEntries(
      ["open_clip_config.json", "open_clip_model.safetensors"].map((name) => [
        name,
        readFileSync(path.join(root, "examples/data/models/clip-demo", name)),
      ]),
    );
    const hub = await HubServer.start({ "me/clip": { commit: "c".repeat(40), files } });
    try {
      const line = ["activations", "--config", "activations.toml", "--vit-ckpt", "hf-hub:me/clip"];
      const { code, stderr } = await saev([...line, "--dump-to", "from-hub", "--log-format", "json"], {
        cwd: folder,
        env: { HF_ENDPOINT: hub.url, HF_HOME: at("hf"), HF_HUB_CACHE: undefined, HF_HUB_OFFLINE: undefined },
      });
      const events = stderr
        .trim()
        .split("\n")
        .map((text) => JSON.parse(text) as Record<string, unknown>);
      expect(events.filter(({ event }) => event === "end")).toEqual([
        expect.objectContaining({
          label: "downloading open_clip_model.safetensors",
          done: 6,
          total: 6,
          unit: "MB",
        }),
        expect.objectContaining({ label: "recording", done: 12, total: 12, finished: true }),
      ]);
      expect(code).toBe(0);
    } finally {
      await hub.stop();
    }
  });
}
