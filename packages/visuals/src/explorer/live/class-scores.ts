import { SaevError, TensorFile } from "@saev/core";
import { makeUnit } from "../../names/unit.js";

/** What CLIPs are trained with in the end, where the file does not say. */
const usualScale = 100;

/**
 * What pictures are scored with: vectors of class names, whose scaled cosines with a picture's embedding are the logits, or a
 * linear head on that embedding.
 */
export class ClassScores {
  private constructor(
    readonly labels: readonly string[],
    readonly width: number,
    /** The logits of an embedding, [width]; undefined where there are none. */
    private readonly logits: (embedding: Float32Array) => number[] | undefined,
  ) {}

  /**
   * Of the vectors of class names, in any length.
   * @param rows float32 [labels, width]; they are made unit in place.
   */
  static of(labels: readonly string[], rows: Float32Array, logitScale: number = usualScale): ClassScores {
    const width = rows.length / labels.length;
    makeUnit(rows, width);
    return new ClassScores(labels, width, (embedding) => {
      const size = Math.sqrt(embedding.reduce((sum, v) => sum + v * v, 0));
      return size > 0 ? labels.map((_, c) => (logitScale * dot(rows, c, embedding)) / size) : undefined;
    });
  }

  /**
   * Of a linear head on the embedding.
   * @param weight float32 [labels, width]. @param bias float32 [labels].
   */
  static head(labels: readonly string[], weight: Float32Array, bias: Float32Array): ClassScores {
    const logits = (embedding: Float32Array) => labels.map((_, c) => dot(weight, c, embedding) + bias[c]!);
    return new ClassScores(labels, weight.length / labels.length, logits);
  }

  /**
   * Reads a safetensors file with `embeddings`, float32 [classes, d_embedding], in any length, or with a head's `weight` of that
   * shape and perhaps `bias`, float32 [classes]; its metadata have `labels`, a JSON list of names, and for embeddings perhaps
   * `logit_scale`.
   * @throws SaevError `BAD_FILE` for a file of another form; as `TensorFile.open`.
   */
  static async open(path: string): Promise<ClassScores> {
    using file = await TensorFile.open(path);
    const wrong = (why: string) => new SaevError("BAD_FILE", `${path}: ${why}`);
    const name = ["embeddings", "weight"].find((each) => file.names().includes(each));
    if (name === undefined)
      throw wrong("expected a tensor embeddings [classes, d_embedding], or a head's weight of that shape");
    using tensor = file.get(name);
    const [classes = 0, width = 0] = tensor.shape;
    if (tensor.dtype !== "float32" || tensor.shape.length !== 2 || classes < 2 || width < 1)
      throw wrong(
        `${name}: expected float32 [classes ≥ 2, d_embedding], found ${tensor.dtype} [${tensor.shape.join(", ")}]`,
      );
    const labels = parseLabels(file.metadata.get("labels"));
    if (labels?.length !== classes)
      throw wrong(
        `metadata: expected labels, a JSON list of ${classes} names, found ${labels?.length ?? "none"}`,
      );
    const rows = tensor.toFloat32Array();
    if (name === "weight")
      return ClassScores.head(labels, finite(rows, "weight", wrong), biasOf(file, classes, wrong));
    const logitScale = Number(file.metadata.get("logit_scale") ?? usualScale);
    if (!(logitScale > 0 && Number.isFinite(logitScale)))
      throw wrong("metadata: logit_scale must be a number above 0");
    for (let c = 0; c < classes; c++) {
      const size = Math.hypot(...rows.subarray(c * width, (c + 1) * width));
      if (!(size > 0 && Number.isFinite(size)))
        throw wrong(`embeddings: row ${c} (${labels[c]}) is zero or not finite`);
    }
    return ClassScores.of(labels, rows, logitScale);
  }

  /** softmax of the logits; undefined for an embedding of another width, or of zeros where cosines are taken. */
  of(embedding: Float32Array): number[] | undefined {
    const logits = embedding.length === this.width ? this.logits(embedding) : undefined;
    if (!logits) return undefined;
    const largest = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - largest));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / total);
  }
}

type Wrong = (why: string) => SaevError;

/** Row `c` of a matrix with a vector of its width. */
function dot(rows: Float32Array, c: number, vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i]! * rows[c * vector.length + i]!;
  return sum;
}

function biasOf(file: TensorFile, classes: number, wrong: Wrong): Float32Array {
  if (!file.names().includes("bias")) return new Float32Array(classes);
  using bias = file.get("bias");
  if (bias.dtype !== "float32" || bias.shape.length !== 1 || bias.shape[0] !== classes)
    throw wrong(`bias: expected float32 [${classes}], found ${bias.dtype} [${bias.shape.join(", ")}]`);
  return finite(bias.toFloat32Array(), "bias", wrong);
}

function finite(values: Float32Array, name: string, wrong: Wrong): Float32Array {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw wrong(`${name}: entry ${at} is ${values[at]}`);
  return values;
}

function parseLabels(text: string | undefined): string[] | undefined {
  try {
    const labels: unknown = JSON.parse(text ?? "");
    return Array.isArray(labels) && labels.every((label) => typeof label === "string") ? labels : undefined;
  } catch {
    return undefined;
  }
}
