import { SaevError, TensorFile } from "@saev/core";
import { makeUnit } from "../../names/unit.js";

/** What CLIPs are trained with in the end, where the file does not say. */
const usualScale = 100;

/**
 * Embeddings of class names, with which pictures are scored: a safetensors file with `embeddings`, float32 [classes,
 * d_embedding], in any length, and in its metadata `labels`, a JSON list of names, and perhaps `logit_scale`.
 */
export class ClassScores {
  private constructor(
    readonly labels: readonly string[],
    readonly width: number,
    /** [classes, width], each of length 1. */
    private readonly rows: Float32Array,
    private readonly logitScale: number,
  ) {}

  /**
   * Of the vectors of class names, in any length.
   * @param rows float32 [labels, width]; they are made unit in place.
   */
  static of(labels: readonly string[], rows: Float32Array, logitScale: number = usualScale): ClassScores {
    const width = rows.length / labels.length;
    return new ClassScores(labels, width, makeUnit(rows, width), logitScale);
  }

  /** @throws SaevError `BAD_FILE` for a file of another form; as `TensorFile.open`. */
  static async open(path: string): Promise<ClassScores> {
    using file = await TensorFile.open(path);
    const wrong = (why: string) => new SaevError("BAD_FILE", `${path}: ${why}`);
    if (!file.names().includes("embeddings"))
      throw wrong("expected a tensor embeddings [classes, d_embedding]");
    using tensor = file.get("embeddings");
    const [classes = 0, width = 0] = tensor.shape;
    if (tensor.dtype !== "float32" || tensor.shape.length !== 2 || classes < 2 || width < 1)
      throw wrong(
        `embeddings: expected float32 [classes ≥ 2, d_embedding], found ${tensor.dtype} [${tensor.shape.join(", ")}]`,
      );
    const labels = parseLabels(file.metadata.get("labels"));
    if (labels?.length !== classes)
      throw wrong(
        `metadata: expected labels, a JSON list of ${classes} names, found ${labels?.length ?? "none"}`,
      );
    const logitScale = Number(file.metadata.get("logit_scale") ?? usualScale);
    if (!(logitScale > 0 && Number.isFinite(logitScale)))
      throw wrong("metadata: logit_scale must be a number above 0");
    const rows = tensor.toFloat32Array();
    for (let c = 0; c < classes; c++) {
      const row = rows.subarray(c * width, (c + 1) * width);
      const size = Math.hypot(...row);
      if (!(size > 0 && Number.isFinite(size)))
        throw wrong(`embeddings: row ${c} (${labels[c]}) is zero or not finite`);
      for (let i = 0; i < width; i++) row[i]! /= size;
    }
    return new ClassScores(labels, width, rows, logitScale);
  }

  /** softmax of the scaled cosines; undefined for an embedding of another width, or zero. */
  of(embedding: Float32Array): number[] | undefined {
    const size = Math.sqrt(embedding.reduce((sum, v) => sum + v * v, 0));
    if (embedding.length !== this.width || !(size > 0)) return undefined;
    const logits = this.labels.map((_, c) => {
      let dot = 0;
      for (let i = 0; i < this.width; i++) dot += embedding[i]! * this.rows[c * this.width + i]!;
      return (this.logitScale * dot) / size;
    });
    const largest = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - largest));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / total);
  }
}

function parseLabels(text: string | undefined): string[] | undefined {
  try {
    const labels: unknown = JSON.parse(text ?? "");
    return Array.isArray(labels) && labels.every((label) => typeof label === "string") ? labels : undefined;
  } catch {
    return undefined;
  }
}
