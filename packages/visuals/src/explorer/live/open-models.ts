import { existsSync } from "node:fs";
import path from "node:path";
import type { DataLoad } from "@saev/config";
import { ActivationLoader, asTrained, SaevError, ShardFolder, SparseAutoencoder, ViT } from "@saev/core";
import { LRUCache } from "lru-cache";
import { fromBase } from "../from-base.js";
import type { OpenView } from "../views/open-view.js";

/** Models and SAEs open at a time: two SAEs of one model are compared often, two models seldom. */
const keptModels = 1;
const keptSaes = 4;

/** What reads a picture for one view. */
export interface Party {
  readonly vit: ViT;
  readonly sae: SparseAutoencoder;
  /** Of the recording. */
  readonly ckpt: string;
  /** Index of the block whose output the SAE reads. */
  readonly layer: number;
  readonly reads: "patches" | "cls";
  readonly scaling: Scaling;
  /** What the SAE's activations were recorded into. */
  readonly shards: ShardFolder;
}

/** The SAE sees (clamp(x) − mean) / scalar. */
export interface Scaling {
  readonly clamp: number;
  readonly mean: Float32Array;
  readonly scalar: number;
}

/** What a view says of what reads its pictures, before anything large is opened. */
interface Plan {
  readonly family: string;
  readonly ckpt: string;
  readonly dVit: number;
  readonly checkpoint: string;
  readonly data: DataLoad;
  readonly reads: "patches" | "cls";
  readonly layer: number;
  readonly shards: ShardFolder;
}

/**
 * The models and SAEs of the views, opened when a picture first needs them and never more than a few. Not for two callers at
 * once: what the one uses, the other's opening may close.
 */
export class OpenModels {
  readonly #vits = new LRUCache<string, ViT>({ max: keptModels, dispose: (vit) => vit.dispose() });
  readonly #saes = new LRUCache<string, SparseAutoencoder>({
    max: keptSaes,
    dispose: (sae) => sae.dispose(),
  });
  /** Small, and dear to compute. */
  readonly #scalings = new Map<string, Scaling>();

  /**
   * @throws SaevError saying what is missing: `NOT_FOUND` for visuals that do not name their SAE, a checkpoint, shards or a
   * model that are not on this machine; `UNSUPPORTED` for SAEs of means; `SHAPE_MISMATCH` where they do not belong together.
   */
  async open(view: OpenView): Promise<Party> {
    const plan = await planOf(view);
    let vit = this.#vits.get(`${plan.family} ${plan.ckpt}`);
    if (!vit) {
      // Room first: two large models at once may be more than there is.
      this.#vits.clear();
      // What is not here is not fetched: the explorer speaks to nobody.
      vit = await ViT.load(plan.family, plan.ckpt, { offline: true });
      this.#vits.set(`${plan.family} ${plan.ckpt}`, vit);
    }
    let sae = this.#saes.get(plan.checkpoint);
    if (!sae) {
      sae = await SparseAutoencoder.load(plan.checkpoint);
      this.#saes.set(plan.checkpoint, sae);
    }
    const wrong = (why: string) => new SaevError("SHAPE_MISMATCH", `${view.title}: ${why}`);
    if (sae.dSae !== view.tables.dSae)
      throw wrong(`${plan.checkpoint} has ${sae.dSae} latents, the visuals show ${view.tables.dSae}`);
    if (sae.dVit !== vit.dVit || plan.dVit !== vit.dVit)
      throw wrong(`the SAE reads ${sae.dVit} numbers, the model ${plan.ckpt} gives ${vit.dVit}`);
    if (plan.reads === "cls" && !vit.clsToken) throw wrong(`the model ${plan.ckpt} has no CLS token`);
    const layer = plan.layer < 0 ? plan.layer + vit.nLayers : plan.layer;
    if (!(layer >= 0 && layer < vit.nLayers))
      throw wrong(`the model ${plan.ckpt} has ${vit.nLayers} layers, the SAE reads layer ${plan.layer}`);
    const { ckpt, reads, shards } = plan;
    return { vit, sae, ckpt, layer, reads, shards, scaling: await this.#scalingOf(plan, sae) };
  }

  async #scalingOf({ data, dVit, checkpoint }: Plan, sae: SparseAutoencoder): Promise<Scaling> {
    if (sae.scaling) {
      using trained = await asTrained(data, sae.scaling, checkpoint);
      const { actMean, scalar } = sae.scaling;
      return { mean: actMean, scalar, clamp: trained.config.clamp };
    }
    const key = JSON.stringify(data);
    let scaling = this.#scalings.get(key);
    if (!scaling) {
      scaling = await readScaling(data, dVit);
      this.#scalings.set(key, scaling);
    }
    return scaling;
  }

  dispose(): void {
    this.#vits.clear();
    this.#saes.clear();
  }
}

async function planOf(view: OpenView): Promise<Plan> {
  const { cfg, base, checkpoint } = view;
  if (!cfg || checkpoint === undefined) {
    throw new SaevError(
      "NOT_FOUND",
      "these visuals do not say which SAE and which activations they are of (the Python package's do not); make them with saev visuals",
    );
  }
  const data = fromBase(cfg.data, base);
  if (typeof data.layer !== "number" || data.patches === "meanpool") {
    const what = typeof data.layer === "number" ? "the mean of a picture's patches" : `layer "${data.layer}"`;
    throw new SaevError(
      "UNSUPPORTED",
      `this SAE reads ${what}; pictures are looked at for SAEs of one layer's patches or CLS tokens`,
    );
  }
  const shards = await ShardFolder.open(data.shard_root);
  const { metadata } = shards;
  return {
    family: metadata.vit_family,
    ckpt: fromWhereRecorded(metadata.vit_ckpt, base),
    dVit: metadata.d_vit,
    ...{ checkpoint, data, layer: data.layer, reads: data.patches, shards },
  };
}

/** Recordings name a model's folder as it was given; it is looked for from where the visuals were made, too. */
function fromWhereRecorded(ckpt: string, base: string): string {
  const there = path.resolve(base, ckpt);
  return !existsSync(path.resolve(ckpt)) && existsSync(there) ? there : ckpt;
}

async function readScaling(data: DataLoad, dVit: number): Promise<Scaling> {
  const { clamp } = data;
  if (data.scale_mean === false && data.scale_norm === false)
    return { clamp, mean: new Float32Array(dVit), scalar: 1 };
  using loader = await ActivationLoader.open(data, { order: "ordered", nWorkers: 0, warn: () => {} });
  return { clamp, mean: loader.actMean.toFloat32Array(), scalar: loader.scalar };
}
