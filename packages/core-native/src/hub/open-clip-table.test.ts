import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { describeModel } from "../vit/describe.js";
import { parseOpenClipConfig } from "../vit/open-clip-config.js";
import { timmVit } from "../vit/timm-vits.js";
import { layouts } from "./layouts.js";
import { familyOfTag, openClipConfigOf, openClipTable } from "./open-clip-table.js";
import { parseModelReference } from "./references.js";
import { resolveConfig } from "./resolve.js";

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

  it("holds the towers and tags of open_clip 3.3.0, all of them", () => {
    expect(table.open_clip).toBe("3.3.0");
    expect(Object.keys(table.architectures)).toHaveLength(98);
    expect(tags).toHaveLength(144);
    for (const { architecture } of tags) expect(Object.keys(table.architectures)).toContain(architecture);
    expect(Object.keys(table.architectures).filter((name) => table.notVits.includes(name))).toEqual([]);
  });

  it.each(tags)(
    "$name names weights, a preprocessing and a tower that is run",
    async ({ name, architecture, entry }) => {
      const { tower } = table.architectures[architecture]!;
      const reference = parseModelReference(name);
      expect(reference).toMatchObject({ kind: "tag", architecture, entry });
      // The address of the weights: a file of this name in the repository, or open_clip's own.
      const [file] = entry.file ? [entry.file] : layouts.openClip.weights;
      expect(file).toMatch(/^[\w.-]+\.(safetensors|bin|pt|pth)$/);
      // What recording starts from, without a network.
      const family = familyOfTag(architecture);
      const { config } = await resolveConfig(family, name, { offline: true });
      const model = describeModel(config!)!;
      expect(model).toMatchObject({
        family,
        dVit: tower.d_vit,
        nLayers: tower.layers,
        heads: tower.heads,
        patchHeight: tower.patch_size,
        nPatches: Math.floor(tower.image_size / tower.patch_size) ** 2,
        clsToken: tower.cls_token,
      });
      expect(model.transform).toMatchObject({
        mode: entry.resize_mode,
        filter: entry.interpolation,
        ...{ mean: entry.mean, std: entry.std, height: tower.image_size, width: tower.image_size },
      });
      // SwiGLU has no GELU; of all others, the kind is that of the tag, the name or timm's arguments.
      const timm = tower.timm === undefined ? undefined : timmVit(tower.timm);
      const quick = table.architectures[architecture]!.quick_gelu || entry.quick_gelu;
      const act = { gelu_tanh: "tanh GELU", quick_gelu: "quick GELU" }[tower.act ?? ""] ?? "erf GELU";
      expect(model.mlp).toBe(
        timm?.swiglu_mlp === true
          ? "SwiGLU"
          : tower.timm === undefined
            ? quick
              ? "quick GELU"
              : "erf GELU"
            : act,
      );
    },
  );

  it.each(table.notVits)("%s, which is no plain ViT, is refused by name", (name) => {
    expect(() => parseModelReference(`${name}/openai`)).toThrow(
      expect.objectContaining({
        code: "UNSUPPORTED",
        message: `vit_ckpt "${name}/openai": ${name} is no plain vision transformer; only those can be recorded`,
      }),
    );
  });

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
  // scripts/requirements-models.txt, where set-up puts it.
  const env = { ...process.env, PYTHONPATH: path.resolve(script, "../../.cache/python-models") };
  const packages = [process.env.SAEV_OPEN_CLIP_PYTHON, process.env.SAEV_PYTHON, "python3"].find((python) => {
    if (!python) return false;
    const versions = "from importlib.metadata import version as v; print(v('open_clip_torch'), v('timm'))";
    const run = spawnSync(python, ["-c", versions], { encoding: "utf8", env });
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
    const run = spawnSync(packages!, [script, out], { encoding: "utf8", env });
    expect(run.stderr).not.toMatch(/Traceback/);
    const committed = new URL("../../data/open-clip.json", import.meta.url);
    expect(readFileSync(out, "utf8")).toBe(readFileSync(committed, "utf8"));
    rmSync(folder, { recursive: true });
  });
});
