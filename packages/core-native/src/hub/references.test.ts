import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { SaevError } from "../errors.js";
import { parseModelReference } from "./references.js";

const root = mkdtempSync(path.join(tmpdir(), "saev-references-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("parseModelReference", () => {
  it.each([
    ["ViT-B-16/openai", { kind: "tag", architecture: "ViT-B-16", tag: "openai" }],
    ["ViT-L-14/laion2b_s32b_b82k", { kind: "tag", architecture: "ViT-L-14", tag: "laion2b_s32b_b82k" }],
    ["ViT-L-14/laion2B-s32B-b82K", { kind: "tag", architecture: "ViT-L-14", tag: "laion2b_s32b_b82k" }],
    ["ViT-B/32/openai", { kind: "tag", architecture: "ViT-B-32", tag: "openai" }],
    ["hf-hub:imageomics/bioclip", { kind: "hub", repo: "imageomics/bioclip", revision: "main" }],
    [
      "hf-hub:timm/ViT-L-16-SigLIP2-256",
      { kind: "hub", repo: "timm/ViT-L-16-SigLIP2-256", revision: "main" },
    ],
    [
      "hf:google/vit-base-patch16-224@v1.0",
      { kind: "hub", repo: "google/vit-base-patch16-224", revision: "v1.0" },
    ],
    ["hf:gpt2@refs/pr/1", { kind: "hub", repo: "gpt2", revision: "refs/pr/1" }],
    ["dinov2_vitb14_reg", { kind: "dinov2", name: "dinov2_vitb14_reg" }],
    ["dinov2_vitg14", { kind: "dinov2", model: { dVit: 1536, swiglu: true, registers: 0 } }],
  ])("reads %s", (ckpt, expected) => {
    expect(parseModelReference(ckpt)).toMatchObject(expected);
  });

  it("takes folders and files, and names of models before folders of that name", () => {
    const folder = path.join(root, "ViT-B-16", "openai");
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(root, "m.pt"), "x");
    expect(parseModelReference(root)).toEqual({ kind: "folder", path: root });
    expect(parseModelReference(`local-dir:${root}`)).toEqual({ kind: "folder", path: root });
    expect(parseModelReference(path.join(root, "m.pt"))).toEqual({
      kind: "file",
      path: path.join(root, "m.pt"),
    });
    const before = process.cwd();
    try {
      process.chdir(root);
      const here = process.cwd();
      expect(parseModelReference("ViT-B-16/openai").kind).toBe("tag");
      expect(parseModelReference("./ViT-B-16/openai")).toEqual({
        kind: "folder",
        path: path.join(here, "ViT-B-16/openai"),
      });
      expect(parseModelReference("ViT-B-16")).toEqual({ kind: "folder", path: path.join(here, "ViT-B-16") });
      expect(parseModelReference("m.pt")).toEqual({ kind: "file", path: path.join(here, "m.pt") });
    } finally {
      process.chdir(before);
    }
  });

  it.each<[string, string, RegExp]>([
    ["ViT-B-16/opanai", "NOT_FOUND", /did you mean ViT-B-16\/openai\? ViT-B-16 has the tags openai, .*dfn2b/],
    ["ViT-B-16", "NOT_FOUND", /ViT-B-16 has the tags openai/],
    ["ViT-S-16/openai", "NOT_FOUND", /no pretrained weights for ViT-S-16/],
    ["Vit-B16/openai", "NOT_FOUND", /did you mean ViT-B-16\/openai\?/],
    ["dinov2_vitb14_regs", "NOT_FOUND", /did you mean dinov2_vitb14_reg\?/],
    ["RN50/openai", "UNSUPPORTED", /RN50 is no plain vision transformer/],
    ["./gone", "NOT_FOUND", /there is no such file or folder/],
    ["local-dir:", "NOT_FOUND", /there is no such file or folder/],
    ["something else", "NOT_FOUND", /names nothing here: expected a pretrained tag .* saev models lists/],
    ["hf-hub:", "INVALID_ARGUMENT", /expected a repository/],
    ["hf:../../x", "INVALID_ARGUMENT", /expected a repository/],
    ["hf:a/b/c", "INVALID_ARGUMENT", /expected a repository/],
    ["hf:a--b/c", "INVALID_ARGUMENT", /expected a repository/],
    ["hf:a/b@", "INVALID_ARGUMENT", /after "@"/],
    ["hf:a/b@../../c", "INVALID_ARGUMENT", /after "@"/],
    ["__proto__/x", "NOT_FOUND", /names nothing/],
    ["ViT-B-16/constructor", "NOT_FOUND", /ViT-B-16 has the tags/],
    ["constructor", "NOT_FOUND", /names nothing/],
  ])("says what is wrong with %s", (ckpt, code, message) => {
    let error: SaevError | undefined;
    try {
      parseModelReference(ckpt);
    } catch (e) {
      error = e as SaevError;
    }
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error!.message).not.toContain("\n");
  });
});
