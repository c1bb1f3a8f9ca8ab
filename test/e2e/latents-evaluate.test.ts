/** `saev latents` and `saev evaluate` as people type them, on a small real run. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { EvaluationReport } from "@saev/config";
import { ActivationLoader, ShardFolder, SparseAutoencoder, Tensor, ViT, writeSafetensors } from "@saev/core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readRunRecord } from "../../packages/core-native/src/training/run-record.js";
import { compile, type Ended, saev, saevHere } from "./saev.js";
import { type SmallRun, smallRun } from "./small-run.js";

/** Each test starts the command some times. */
vi.setConfig({ testTimeout: 240_000 });

let small: SmallRun;
let runs: readonly string[];
const nPatches = 100;

beforeAll(async () => {
  compile();
  small = await smallRun();
  runs = small.runs.map((dir) => path.relative(small.folder, dir));
}, 240_000);
afterAll(() => small?.remove());

const at = (...parts: string[]) => path.join(small.folder, ...parts);
const command = (...args: string[]) => saevHere(args, { cwd: small.folder });

const good = async (...args: string[]): Promise<string> => outputOf(await command(...args));
/** The same in a process of its own, as people run it. */
const goodAlone = async (...args: string[]): Promise<string> =>
  outputOf(await saev(args, { cwd: small.folder }));

function outputOf(ended: Ended): string {
  expect(ended.stderr.split("\n").filter((line) => line.startsWith("saev:"))).toEqual([]);
  expect(ended.code, ended.stderr).toBe(0);
  return ended.stdout;
}

/** The names and bytes of a folder's files. */
const filesOf = (dir: string) =>
  Object.fromEntries(
    readdirSync(dir)
      .toSorted()
      .map((name) => [name, readFileSync(path.join(dir, name), "base64")]),
  );

describe("saev latents", () => {
  test("writes beside the run, from the run alone, what encoding by hand gives", async () => {
    const [written] = JSON.parse(await goodAlone("latents", runs[0]!, "--device", "cpu", "--json")) as [
      { dir: string; rows: number; d_sae: number; nnz: number; files: string[] },
    ];
    const hash = path.basename(small.shards).slice(0, 8);
    expect(written.dir).toBe(path.join(runs[0]!, "inference", hash));
    for (const file of written.files) expect(existsSync(at(written.dir, file)), file).toBe(true);

    using sae = await SparseAutoencoder.load(path.join(small.runs[0]!, "sae.pt"));
    const { config } = readRunRecord(small.runs[0]!);
    using loader = await ActivationLoader.open(
      { ...config.data, shard_root: small.shards },
      { order: "ordered", nWorkers: 0 },
    );
    let nnz = 0;
    for await (const batch of loader.batches(10_000)) nnz += (await sae.encode(batch.acts)).nnz;
    expect(written).toMatchObject({ rows: small.files.length * nPatches, d_sae: 256, nnz });
    const again = await command("latents", runs[0]!, "--device", "cpu");
    expect(again.code).toBe(0);
    expect(again.stderr).toContain("are there already");
  });

  test("goes on after a stop in the middle to the same bytes", async () => {
    const flags = ["latents", runs[1]!, "--device", "cpu", "--sae-batch-size", "3", "--formats", "npz"];
    await good(...flags, "--dump-to", "whole");
    const folder = path.basename(small.shards).slice(0, 8);
    const parts = at("killed", folder, "partial");
    let asked = false;
    const killed = await saev([...flags, "--dump-to", "killed", "--log-format", "json"], {
      cwd: small.folder,
      started: (child) => {
        child.stderr?.on("data", (piece: Buffer) => {
          if (asked || !/"done":\s*[1-9]/.test(String(piece))) return;
          asked = true;
          child.kill("SIGTERM");
        });
      },
    });
    expect(killed.code).toBe(143);
    expect(killed.stderr).toContain("run the same command again to go on");
    expect(readdirSync(parts)).toContain("state.json");
    // What a kill leaves behind the last state: half an entry more.
    writeFileSync(path.join(parts, "values.f32"), "xyz", { flag: "a" });
    const went = await command(...flags, "--dump-to", "killed");
    expect(went.stderr).toContain("went on after");
    const [a, b] = [filesOf(at("whole", folder)), filesOf(at("killed", folder))];
    delete a["config.json"];
    delete b["config.json"];
    expect(b).toEqual(a);
  });

  test("plans, and says what is wrong in one line", async () => {
    const plan = await good("latents", ...runs, "--dry-run");
    for (const run of runs) expect(plan).toContain(path.join(run, "inference"));
    const wrong: [string[], RegExp][] = [
      [["latents", "nowhere"], /NOT_FOUND: nowhere: no such file or folder; expected a training run/],
      [["latents", small.pictures], /pictures: expected a training run .*--ckpt/],
      [
        ["latents", "--ckpt", "none.pt", "--data.shard-root", small.shards, "--data.layer", "-2"],
        /NOT_FOUND: .*none\.pt/,
      ],
      [["latents", runs[0]!, "--data.layer", "-1", "--dump-to", "x"], /layer: -1 was not recorded/],
      [
        ["latents", runs[0]!, "--formats", "csv"],
        /--formats: expected "all", "npz" or "parquet", found "csv"/,
      ],
      [["latents", runs[0]!, "--config", "a.toml"], /--config: cannot be combined with runs/],
      [["latents", ...runs, "--print-config"], /--print-config: prints one config, found 2 runs/],
    ];
    for (const [words, message] of wrong) {
      const { code, stderr } = await command(...words);
      expect(stderr).toMatch(message);
      expect(code === 1 || code === 2, words.join(" ")).toBe(true);
    }
    const toml = await good("latents", runs[0]!, "--print-config");
    writeFileSync(at("latents.toml"), toml);
    expect(await good("latents", "--config", "latents.toml", "--print-config")).toBe(toml);
  });
});

describe("saev evaluate", () => {
  test("reports a sweep as text, JSON and a page", async () => {
    const text = await goodAlone(
      "evaluate",
      "runs",
      "--device",
      "cpu",
      "--prefixes",
      "16",
      "64",
      "--n-images",
      "0",
    );
    for (const word of [...runs, "expl. var.", "coherence", "first latents", "animals", "vehicles"])
      expect(text).toContain(word);
    const report = EvaluationReport.parse(JSON.parse(readFileSync(at("evaluation/evaluation.json"), "utf8")));
    expect(report.saes.map(({ ckpt }) => ckpt)).toEqual(runs.map((run) => path.join(run, "sae.pt")));
    const html = readFileSync(at("evaluation/report.html"), "utf8");
    for (const [i, sae] of report.saes.entries()) {
      expect(html).toContain(sae.ckpt);
      // The run's own figures are of the same data.
      const own = JSON.parse(readFileSync(path.join(small.runs[i]!, "evaluation.json"), "utf8"));
      for (const name of ["l0", "l1", "mse", "explained_variance", "cosine", "l2_ratio", "relative_bias"])
        expect(sae.figures[name]).toBeCloseTo(own[name], 6);
      for (const name of ["n_dead", "n_dense", "n_rows"]) expect(sae.figures[name]).toBe(own[name]);
      expect(sae.prefixes.map((p) => p.length)).toEqual([16, 64, 256]);
      expect(sae.prefixes[2]!.mse).toBe(sae.figures.mse);
      expect(sae.image_probes!.classes.map((c) => [c.class, c.n])).toEqual([
        ["animals", 4],
        ["food", 4],
        ["vehicles", 4],
      ]);
      for (const { best_by_ap, base_rate } of sae.image_probes!.classes)
        expect(best_by_ap!.average_precision).toBeGreaterThan(base_rate);
      expect(sae.patch_probes).toBeNull();
    }
  });

  test("probes labels of patches, and goes without images that moved", async () => {
    const copy = at("labelled", path.basename(small.shards));
    mkdirSync(path.dirname(copy), { recursive: true });
    const { cpSync, renameSync } = await import("node:fs");
    cpSync(small.shards, copy, { recursive: true });
    const { imagesDone } = await ShardFolder.open(copy);
    // The upper half of every image is class 1, the lower half class 2.
    const labels = Uint8Array.from({ length: imagesDone * nPatches }, (_, i) =>
      i % nPatches < nPatches / 2 ? 1 : 2,
    );
    writeFileSync(path.join(copy, "labels.bin"), labels);
    renameSync(small.pictures, at("moved"));
    try {
      const flags = ["evaluate", runs[0]!, "--data.shard-root", copy, "--device", "cpu", "--no-dictionary"];
      const gone = JSON.parse(await good(...flags, "--json", "--dump-to", "gone")) as EvaluationReport;
      const [sae] = gone.saes;
      expect(sae!.notes.join("\n")).toMatch(/the images are not at hand .*say where they are with --images/);
      expect([sae!.image_probes, sae!.dictionary]).toEqual([null, null]);
      expect(sae!.patch_probes!.classes.map((c) => [c.class, c.n])).toEqual([
        ["1", 600],
        ["2", 600],
      ]);
      const found = JSON.parse(
        await good(...flags, "--images", "moved", "--json", "--dump-to", "found"),
      ) as EvaluationReport;
      expect(found.saes[0]!.image_probes!.units).toBe(12);
      writeFileSync(path.join(copy, "labels.bin"), labels.subarray(1));
      const wrong = await command(...flags, "--images", "moved", "--dump-to", "wrong");
      expect(wrong.stderr).toMatch(/BAD_FILE: .*labels\.bin: expected 1200 bytes/);
    } finally {
      renameSync(at("moved"), small.pictures);
    }
  });

  test("puts reconstructions back: a perfect one changes nothing, the mean and zeros do", async () => {
    // f = [relu(x), relu(−x)], x̂ = f₁ − f₂: exact but for rounding.
    const dVit = 128;
    const wEnc = new Float32Array(dVit * 2 * dVit);
    const wDec = new Float32Array(2 * dVit * dVit);
    for (let k = 0; k < dVit; k++) {
      wEnc[k * 2 * dVit + k] = wDec[k * dVit + k] = 1;
      wEnc[k * 2 * dVit + dVit + k] = wDec[(dVit + k) * dVit + k] = -1;
    }
    using perfect = SparseAutoencoder.from({
      wEnc: Tensor.from(wEnc, [dVit, 2 * dVit]),
      bEnc: Tensor.from(new Float32Array(2 * dVit)),
      wDec: Tensor.from(wDec, [2 * dVit, dVit]),
      bDec: Tensor.from(new Float32Array(dVit)),
    });
    await perfect.save(at("perfect.pt"));
    using vit = await ViT.load("clip", small.model);
    const classes = Float32Array.from({ length: 5 * vit.dEmbedding }, (_, i) => Math.sin(3.7 * i));
    await writeSafetensors(at("classes.safetensors"), { classes: Tensor.from(classes, [5, vit.dEmbedding]) });
    const flags = ["evaluate", "--device", "cpu", "--no-probes", "--no-dictionary", "--json"];
    const own = ["--ckpt", "perfect.pt", "--data.shard-root", small.shards, "--data.layer", "-2"];
    const zeroShot = ["--text-embeddings", "classes.safetensors", "--n-images", "7", "--vit-batch-size", "3"];
    const report = JSON.parse(
      await good(...flags, ...own, ...zeroShot, "--dump-to", "fidelity"),
    ) as EvaluationReport;
    const { fidelity, notes } = EvaluationReport.parse(report).saes[0]!;
    expect(notes).toEqual([]);
    expect(fidelity).toMatchObject({ layer: -2, tokens: "patches", images: 7 });
    // What is left is float32's rounding, of scaling and of a forward pass.
    expect(fidelity!.reconstruction.cosine).toBeGreaterThan(1 - 1e-5);
    expect(fidelity!.reconstruction.same_class).toBe(1);
    expect(fidelity!.recovered).toBeGreaterThan(0.999);
    for (const other of [fidelity!.mean, fidelity!.zero]) expect(other.cosine).toBeLessThan(1 - 1e-3);

    // Names of classes, which the model's text tower reads, do as well.
    writeFileSync(at("classes.txt"), "# three\nlion\nbroccoli\nviolin\n");
    const named = ["--text-embeddings", "classes.txt", "--n-images", "4", "--vit-batch-size", "4"];
    const byName = EvaluationReport.parse(
      JSON.parse(await good(...flags, ...own, ...named, "--dump-to", "by-name")),
    );
    expect(byName.saes[0]!.fidelity!.reconstruction.same_class).toBe(1);
    writeFileSync(at("classes.txt"), "lion\n");
    const single = await command(...flags, ...own, ...named, "--dump-to", "x");
    expect(single.stderr).toMatch(
      /BAD_FILE: text_embeddings: classes\.txt: expected two class names or more/,
    );

    // A trained SAE lies between; as a page and text too.
    const trained = await good("evaluate", runs[0]!, "--device", "cpu", "--no-probes", "--n-images", "4");
    expect(trained).toContain("output cosine");
    const [sae] = EvaluationReport.parse(
      JSON.parse(readFileSync(at("evaluation/evaluation.json"), "utf8")),
    ).saes;
    expect(sae!.fidelity!.reconstruction.cosine).toBeLessThan(1 - 1e-5);
    expect(sae!.fidelity!.reconstruction.same_class).toBeNull();
    expect(readFileSync(at("evaluation/report.html"), "utf8")).toContain(
      "the patches of layer -2 are replaced",
    );

    await writeSafetensors(at("wrong.safetensors"), { classes: Tensor.from(classes, [vit.dEmbedding, 5]) });
    const wrong = await command(...flags, ...own, "--text-embeddings", "wrong.safetensors", "--dump-to", "x");
    expect(wrong.stderr).toMatch(
      /SHAPE_MISMATCH: text_embeddings: wrong\.safetensors: expected float32 \[classes, /,
    );
    const all = JSON.parse(
      await good(
        ...flags,
        "--ckpt",
        "perfect.pt",
        "--data.shard-root",
        small.shards,
        "--data.layer",
        "meanpool",
        "--dump-to",
        "x",
      ),
    ) as EvaluationReport;
    expect(all.saes[0]!.fidelity).toBeNull();
    expect(all.saes[0]!.notes).toEqual([
      'no fidelity: data.layer = "meanpool" is no single layer of the model',
    ]);
  });

  test("says what is wrong in one line, and leaves an earlier report", async () => {
    const before = existsSync(at("evaluation/report.html"));
    const wrong: [string[], RegExp][] = [
      [["evaluate"], /NOT_FOUND/],
      [["evaluate", runs[0]!, "--prefixes", "64", "16"], /prefixes: expected numbers of latents that ascend/],
      [
        ["evaluate", runs[0]!, "--prefixes", "0"],
        /--prefixes: expected a list of integers >= 1|expected an integer >= 1/,
      ],
      [["evaluate", runs[0]!, "--n-imgs", "3"], /did you mean --n-images/],
      [["evaluate", path.join(small.shards, "metadata.json")], /lies in no training run/],
    ];
    for (const [words, message] of wrong) {
      const { code, stderr } = await command(...words);
      expect(stderr).toMatch(message);
      expect(code === 1 || code === 2, words.join(" ")).toBe(true);
    }
    expect(existsSync(at("evaluation/report.html"))).toBe(before);
    expect(await good("evaluate", "runs", "--dry-run")).toContain("evaluation/report.html");
  });
});
