/** The three jobs through the real command, on pictures and a model that ship with the repository. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe } from "vitest";
import { fromPicturesToAGallery } from "./cli-jobs/gallery.js";
import { aModelOfTheHub } from "./cli-jobs/hub.js";
import { stopping } from "./cli-jobs/interrupt.js";
import { whatGoesWrong } from "./cli-jobs/mistakes.js";
import { fill, folder } from "./cli-jobs/workspace.js";
import { compile } from "./saev.js";

beforeAll(() => {
  compile();
  fill();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// One after the other in one process: what a job made is what the next one takes.
describe("from pictures to a gallery", fromPicturesToAGallery);
aModelOfTheHub();
describe("what goes wrong", whatGoesWrong);
describe("Ctrl-C", stopping);
