/** One model in every form that its weights are saved in: the same activations, to the bit. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Tensor, TensorFile, ViT } from "../index.js";
import { python, runPython } from "../io/python.test-util.js";
import { randomNumbers, writeTinyClip } from "./testing/tiny-clip.js";
import { tinyDinov2, writeTinyDinov2, writeTinySiglip } from "./testing/tiny-timm.js";

/** Writes the model of a folder in all forms, with torch and the safetensors package themselves. */
const program = `
import glob, json, os, shutil, sys
import torch
from safetensors.torch import load_file, save_file

def forms(sd):
    names = list(sd)
    half = lambda t: {n: v.to(t).contiguous() for n, v in sd.items()}
    training = {"epoch": 3, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}, "args": {"lr": 1e-3}}
    pre = lambda p, d: {p + n: v for n, v in d.items()}
    legacy = lambda x, f: torch.save(x, f, _use_new_zipfile_serialization=False)
    def shards(kind):
        def write(folder, name):
            stem, ext = os.path.splitext(name)
            count = 3
            where = {}
            for i in range(count):
                part = {n: sd[n] for n in names[i::count]}
                file = f"{stem}-{i + 1:05d}-of-{count:05d}{ext}"
                save_file(part, os.path.join(folder, file)) if kind == "safetensors" else torch.save(part, os.path.join(folder, file))
                where.update({n: file for n in part})
            with open(os.path.join(folder, name + ".index.json"), "w") as f:
                json.dump({"metadata": {"total_size": 1}, "weight_map": where}, f)
        return write
    one = lambda save: lambda folder, name: save(os.path.join(folder, name))
    for name, dtype in [("float32", torch.float32), ("float16", torch.float16), ("bfloat16", torch.bfloat16)]:
        yield f"safetensors {name}", "safetensors", one(lambda f, d=dtype: save_file(half(d), f))
        yield f"torch zip {name}", "bin", one(lambda f, d=dtype: torch.save(half(d), f))
    yield "torch legacy", "bin", one(lambda f: legacy(sd, f))
    yield "torch legacy float16 in a state_dict", "pth", one(lambda f: legacy({"state_dict": half(torch.float16), **training}, f))
    for key in ["state_dict", "model", "model_state_dict"]:
        yield f"in {key}", "pt", one(lambda f, k=key: torch.save({k: sd, **training}, f))
    yield "module. before names", "pth", one(lambda f: torch.save(pre("module.", sd), f))
    yield "module. in a state_dict", "pt", one(lambda f: torch.save({**training, "state_dict": pre("module.", sd)}, f))
    yield "Lightning", "pt", one(lambda f: torch.save({"state_dict": pre("model.", sd), "hyper_parameters": {"a": 1}}, f))
    yield "compiled, in safetensors", "safetensors", one(lambda f: save_file(pre("_orig_mod.", sd), f))
    yield "average beside the weights", "pt", one(lambda f: torch.save({"state_dict_ema": pre("", {n: v + 1 for n, v in sd.items()}), "state_dict": sd}, f))
    yield "a teacher with its head", "pth", one(lambda f: torch.save({"teacher": {**pre("backbone.", sd), "dino_head.mlp.weight": torch.ones(2)}}, f))
    yield "sharded safetensors", "safetensors", shards("safetensors")
    yield "sharded bin", "bin", shards("bin")

made = {}
for folder, name in json.loads(sys.argv[1]):
    source, = [f for f in glob.glob(os.path.join(folder, "*")) if not f.endswith(".json")]
    sd = load_file(source) if source.endswith(".safetensors") else torch.load(source, weights_only=True)
    # Numbers that every form holds exactly.
    sd = {n: v.bfloat16().half().float().contiguous() for n, v in sd.items()}
    made[folder] = []
    for form, ext, write in forms(sd):
        out = os.path.join(folder, form)
        os.mkdir(out)
        for config in glob.glob(os.path.join(folder, "*.json")):
            shutil.copy(config, out)
        write(out, name[ext] if ext in name else "weights." + ext)
        made[folder].append(form)
    plain = os.path.join(folder, "plain")
    os.mkdir(plain)
    for config in glob.glob(os.path.join(folder, "*.json")):
        shutil.copy(config, plain)
    save_file(sd, os.path.join(plain, name["safetensors"]))
    misfit = os.path.join(folder, "misfit")
    shutil.copytree(plain, misfit, ignore=lambda _, names: [n for n in names if not n.endswith(".json")])
    sd = {n: v for n, v in sd.items() if not n.endswith("bias")}
    wide = next(n for n in sd if n.endswith(("pos_embed", "positional_embedding")))
    sd[wide] = torch.zeros(5, 5)
    sd[wide.rsplit(".", 1)[0] + ".surplus" if "." in wide else "surplus"] = torch.zeros(1)
    torch.save({"state_dict": {"module." + n: v for n, v in sd.items()}}, os.path.join(misfit, "weights.pt"))
print(json.dumps(made))
`;

const openClip = { safetensors: "open_clip_model.safetensors", bin: "open_clip_pytorch_model.bin" };
const families = {
  clip: { write: (folder: string) => writeTinyClip(folder), names: openClip },
  siglip: { write: (folder: string) => writeTinySiglip(folder), names: openClip },
  dinov2: {
    write: (folder: string) => writeTinyDinov2(folder, { ...tinyDinov2, registers: 2 }),
    names: { safetensors: "model.safetensors", bin: "pytorch_model.bin", pth: "model.pth" },
  },
};

let root: string;
let forms: Record<string, string[]> = {};
const has =
  python !== undefined &&
  (() => {
    try {
      return runPython("import safetensors; print('yes')").trim() === "yes";
    } catch {
      console.warn("skipping the forms of weights: $SAEV_PYTHON has no safetensors");
      return false;
    }
  })();

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-forms-"));
  if (!has) return;
  const jobs = [];
  for (const [family, { write, names }] of Object.entries(families)) {
    const folder = path.join(root, family);
    await write(folder);
    jobs.push([folder, names]);
  }
  forms = JSON.parse(runPython(program, JSON.stringify(jobs)));
}, 60_000);
afterAll(() => rmSync(root, { recursive: true }));

async function activations(family: string, ckpt: string): Promise<Float32Array> {
  using vit = await ViT.load(family, ckpt);
  const { height, width } = vit.transform;
  const random = randomNumbers(3);
  using input = Tensor.from(
    Float32Array.from({ length: 3 * height * width }, () => random()),
    [1, 3, height, width],
  );
  using acts = await vit.record(input, [0, -1]);
  return acts.toFloat32Array();
}

describe.skipIf(!has).each(Object.keys(families))("%s", (family) => {
  const folder = (...parts: string[]) => path.join(root, family, ...parts);
  const weightsIn = (form: string) =>
    readdirSync(folder(form)).filter((name) => /\.(safetensors|bin|pth|pt|index\.json)$/.test(name));

  it("gives the same activations in every form, from its folder and from its file", {
    timeout: 60_000,
  }, async () => {
    const plain = await activations(family, folder("plain"));
    expect(plain.some((v) => v !== 0)).toBe(true);
    expect(forms[folder()]).toHaveLength(19);
    for (const form of forms[folder()]!) {
      expect(await activations(family, folder(form)), form).toEqual(plain);
      if (!/float16|sharded|module/.test(form)) continue;
      const names = weightsIn(form);
      const file = names.find((name) => name.endsWith(".index.json")) ?? names[0]!;
      expect(await activations(family, folder(form, file)), `${form}, ${file}`).toEqual(plain);
    }
  });

  it("takes shards under any name without an index", async () => {
    const form = folder("renamed");
    mkdirSync(form);
    for (const name of readdirSync(folder("sharded safetensors")))
      if (!name.endsWith(".index.json"))
        copyFileSync(
          folder("sharded safetensors", name),
          path.join(form, name.replace(/^.*?(?=-\d+-of)/, "fine-tuned")),
        );
    expect(await activations(family, form)).toEqual(await activations(family, folder("plain")));
    rmSync(path.join(form, "fine-tuned-00002-of-00003.safetensors"));
    await expect(ViT.load(family, form)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("says which shard is not there, and which tensor is there twice", async () => {
    const form = folder("sharded bin");
    const [first, second] = weightsIn("sharded bin").filter((name) => name.endsWith(".bin"));
    const aside = path.join(root, "aside.bin");
    renameSync(path.join(form, second!), aside);
    const index = readdirSync(form).find((name) => name.endsWith(".index.json"))!;
    await expect(ViT.load(family, path.join(form, index))).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/index\.json: it names files that are not beside it/),
    });
    symlinkSync(path.join(form, first!), path.join(form, second!));
    await expect(ViT.load(family, form)).rejects.toMatchObject({
      code: "BAD_FILE",
      message: expect.stringMatching(/^tensor .* is in both .*-00001-of-.* and .*-00002-of-/),
    });
    rmSync(path.join(form, second!));
    renameSync(aside, path.join(form, second!));
  });

  it("lists what does not fit under the names of the bare model, whatever stands around it", async () => {
    const form = folder("misfit");
    const weights = readdirSync(folder("plain")).find((name) => name.endsWith(".safetensors"))!;
    const error = (await ViT.load(family, path.join(form, "weights.pt")).catch((e) => e)) as Error;
    expect(error.message).toMatch(
      /; missing: .*; of another shape: .*found Float \[5, 5\]\); unexpected: .*surplus$/,
    );
    expect(error.message).not.toMatch(/module\.| more/);
    using plain = await TensorFile.openWeights([folder("plain", weights)]);
    const pre = family === "dinov2" ? "" : "visual.";
    const needed = plain.names().filter((n) => n.startsWith(pre) && /(blocks|resblocks)\.0\..*bias$/.test(n));
    for (const name of needed) expect(error.message).toContain(name.replace(/blocks\.0\./, "blocks.{0-2}."));
    expect(needed.length).toBeGreaterThan(5);
  });
});
