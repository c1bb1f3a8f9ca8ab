import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parseOpenClipConfig } from "../vit/open-clip-config.js";
import { familyOfTag, openClipConfigOf, openClipTable } from "./open-clip-table.js";

const table = openClipTable();
const tags = Object.entries(table.pretrained).flatMap(([architecture, of]) =>
  Object.entries(of).map(([tag, entry]) => ({ name: `${architecture}/${tag}`, architecture, tag, entry })),
);

describe("the table of open_clip's pretrained models", () => {
  it("holds every size of ViT, and the tags that people use", () => {
    expect(tags.length).toBeGreaterThan(140);
    for (const name of [
      ...["B-32", "B-16", "L-14", "L-14-336"].map((size) => `ViT-${size}/openai`),
      "ViT-B-32/laion2b_s34b_b79k",
      "ViT-B-16/laion2b_s34b_b88k",
      "ViT-L-14/laion2b_s32b_b82k",
      "ViT-H-14/laion2b_s32b_b79k",
      "ViT-g-14/laion2b_s34b_b88k",
      "ViT-bigG-14/laion2b_s39b_b160k",
      "ViT-L-14-quickgelu/openai",
      "ViT-H-14-378-quickgelu/dfn5b",
      "ViT-B-16-SigLIP/webli",
      "ViT-L-16-SigLIP2-256/webli",
      "ViT-SO400M-14-SigLIP-384/webli",
      "ViT-L-14-CLIPA/datacomp1b",
      "EVA02-L-14/merged2b_s4b_b131k",
      "PE-Core-L-14-336/meta",
    ])
      expect(tags.map((t) => t.name)).toContain(name);
  });

  it.each(tags)("$name has sane sizes, a repository and a preprocessing", ({ architecture, entry }) => {
    const { tower } = table.architectures[architecture]!;
    expect(entry.repo).toMatch(/^[\w.-]+\/[\w.-]+$/);
    for (const three of [entry.mean, entry.std]) {
      expect(three.length).toBe(3);
      for (const x of three) expect(x).toBeGreaterThan(0);
    }
    expect(["bicubic", "bilinear"]).toContain(entry.interpolation);
    expect(["shortest", "squash"]).toContain(entry.resize_mode);
    expect(entry.url_format === undefined).toBe(entry.url === undefined);
    if (entry.url !== undefined) expect(entry.url).toMatch(/^https:\/\/.*\.(pt|pth)$/);
    for (const key of ["image_size", "patch_size", "d_vit", "layers", "heads", "hidden"] as const) {
      expect(Number.isSafeInteger(tower[key]) && tower[key] > 0, key).toBe(true);
    }
    expect(tower.d_vit % tower.heads).toBe(0);
    expect(tower.image_size).toBeGreaterThanOrEqual(tower.patch_size);
  });

  it.each(tags.filter(({ architecture }) => !table.architectures[architecture]!.tower.timm))(
    "$name has a config that the clip family reads to the same sizes",
    ({ name, architecture, entry }) => {
      const config = table.architectures[architecture]!;
      const { model, transform } = parseOpenClipConfig(JSON.stringify(openClipConfigOf(config, entry)), name);
      const { tower } = config;
      expect(model).toMatchObject({
        height: tower.image_size,
        patchWidth: tower.patch_size,
        nLayers: tower.layers,
        dVit: tower.d_vit,
        heads: tower.heads,
        hidden: tower.hidden,
      });
      expect(transform).toMatchObject({
        mode: entry.resize_mode,
        filter: entry.interpolation,
        mean: entry.mean,
      });
      expect(familyOfTag(architecture)).toBe("clip");
    },
  );

  it("knows which models want the quick GELU, whatever their architecture is called", () => {
    const gelu = (architecture: string, tag: string) =>
      parseOpenClipConfig(
        JSON.stringify(
          openClipConfigOf(table.architectures[architecture]!, table.pretrained[architecture]![tag]!),
        ),
        tag,
      ).model.gelu;
    expect(gelu("ViT-B-32", "openai")).toBe("quick");
    expect(gelu("ViT-B-32-quickgelu", "openai")).toBe("quick");
    expect(gelu("ViT-B-32", "laion400m_e32")).toBe("quick");
    expect(gelu("ViT-B-32", "laion2b_s34b_b79k")).toBe("erf");
    expect(gelu("ViT-B-16", "dfn2b")).toBe("quick");
    expect(gelu("ViT-L-14", "laion2b_s32b_b82k")).toBe("erf");
  });

  const script = path.resolve(import.meta.dirname, "../../../../scripts/open-clip-table.py");
  const packages = [process.env.SAEV_OPEN_CLIP_PYTHON, process.env.SAEV_PYTHON, "python3"].find((python) => {
    if (!python) return false;
    const versions = "from importlib.metadata import version as v; print(v('open_clip_torch'), v('timm'))";
    const run = spawnSync(python, ["-c", versions], { encoding: "utf8" });
    return run.status === 0 && run.stdout.trim() === `${table.open_clip} ${table.timm}`;
  });
  if (!packages) {
    console.warn(
      `skipping a comparison: no Python with open_clip_torch ${table.open_clip} and timm ${table.timm}`,
    );
  }
  it.skipIf(!packages)("is what the script makes of the installed packages", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "saev-table-"));
    const out = path.join(folder, "table.json");
    const run = spawnSync(packages!, [script, out], { encoding: "utf8" });
    expect(run.stderr).not.toMatch(/Traceback/);
    const committed = new URL("../../data/open-clip.json", import.meta.url);
    expect(readFileSync(out, "utf8")).toBe(readFileSync(committed, "utf8"));
    rmSync(folder, { recursive: true });
  });
});
