import { existsSync, readFileSync } from "node:fs";
import { SaevError, TensorFile } from "@saev/core";

/** Which activations of a patch a head reads: those that the SAE's layer gives, or those of the model's last block. */
export const headPlaces = ["layer", "last"] as const;
export type HeadPlace = (typeof headPlaces)[number];

/** A linear classifier of patches: a label for each, such as what is to be seen there. */
export class PatchHead {
  private constructor(
    readonly labels: readonly string[],
    readonly reads: HeadPlace,
    readonly width: number,
    private readonly weight: Float32Array,
    private readonly bias: Float32Array,
  ) {}

  /**
   * Reads a safetensors or torch file with `weight`, float32 [classes, d_vit], and perhaps `bias`, float32 [classes]. The names of
   * the classes are a JSON list: in a safetensors file's metadata as `labels`, or in a file beside it, `NAME.json` for `NAME.pt`.
   * Metadata `reads` may be `layer` (default) or `last`, see {@link HeadPlace}.
   * @throws SaevError `BAD_FILE` for a file of another form; as `TensorFile.open`.
   */
  static async open(path: string): Promise<PatchHead> {
    using file = await TensorFile.open(path);
    const wrong = (why: string) => new SaevError("BAD_FILE", `${path}: ${why}`);
    const read = (name: string, dims: number): { values: Float32Array; shape: readonly number[] } => {
      if (!file.names().includes(name)) throw wrong(`expected a tensor ${name}`);
      using tensor = file.get(name);
      if (tensor.dtype !== "float32" || tensor.shape.length !== dims) {
        const wanted = dims === 2 ? "[classes, d_vit]" : "[classes]";
        throw wrong(
          `${name}: expected float32 ${wanted}, found ${tensor.dtype} [${tensor.shape.join(", ")}]`,
        );
      }
      const values = tensor.toFloat32Array();
      const at = values.findIndex((value) => !Number.isFinite(value));
      if (at >= 0) throw wrong(`${name}: entry ${at} is ${values[at]}`);
      return { values, shape: tensor.shape };
    };
    const { values, shape } = read("weight", 2);
    const [classes = 0, width = 0] = shape;
    const bias = file.names().includes("bias") ? read("bias", 1).values : new Float32Array(classes);
    if (bias.length !== classes) throw wrong(`bias: expected float32 [${classes}], found [${bias.length}]`);
    const beside = path.replace(/\.[^./\\]+$/, ".json");
    const labels =
      listOf(file.metadata.get("labels")) ??
      (existsSync(beside) ? listOf(readFileSync(beside, "utf8")) : undefined);
    if (classes < 2 || labels?.length !== classes)
      throw wrong(
        `expected 2 or more classes and their names as a JSON list in the metadata's labels or in ${beside}, ` +
          `found ${classes} classes and ${labels?.length ?? "no"} names`,
      );
    const reads = (file.metadata.get("reads") ?? "layer") as HeadPlace;
    if (!headPlaces.includes(reads)) throw wrong(`metadata: reads: expected layer or last, found ${reads}`);
    return new PatchHead(labels, reads, width, values, bias);
  }

  /** The likeliest class of each patch. @param patches float32 [patches, width]. */
  of(patches: Float32Array): number[] {
    const { width, weight, bias } = this;
    return Array.from({ length: patches.length / width }, (_, p) => {
      let best = 0;
      let most = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < bias.length; c++) {
        let logit = bias[c]!;
        for (let i = 0; i < width; i++) logit += weight[c * width + i]! * patches[p * width + i]!;
        if (logit > most) [best, most] = [c, logit];
      }
      return best;
    });
  }
}

function listOf(text: string | undefined): string[] | undefined {
  try {
    const list: unknown = JSON.parse(text ?? "");
    return Array.isArray(list) && list.every((each) => typeof each === "string") ? list : undefined;
  } catch {
    return undefined;
  }
}
