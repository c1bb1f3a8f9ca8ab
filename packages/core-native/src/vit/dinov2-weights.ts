/** Width of a head in every model of dinov2. */
const headWidth = 64;

/**
 * The constructor's arguments that a state_dict of dinov2's own code shows: all of dinov2's published models, and models
 * like them. What no tensor shows is as in hubconf: heads are 64 wide, positions of models with registers are
 * interpolated with antialiasing and without an offset.
 * @returns the text of a config.json, undefined for other models.
 */
export function dinov2ConfigOfWeights(
  names: readonly string[],
  shape: (name: string) => readonly number[] | undefined,
): string | undefined {
  const patches = shape("patch_embed.proj.weight");
  const positions = shape("pos_embed");
  const cls = shape("cls_token");
  const dVit = cls?.[2];
  if (dVit === undefined || patches?.length !== 4 || positions?.length !== 3) return undefined;
  const side = Math.sqrt(positions[1]! - 1);
  const patchSide = patches[2]!;
  const square = Number.isInteger(side) && side > 0 && patches[3] === patchSide;
  if (!square || dVit === 0 || dVit % headWidth !== 0) return undefined;

  // "blocks.3.norm1.weight", or with its chunk in front: "blocks.1.3.norm1.weight".
  const norms = names.flatMap((name) => {
    const found = /^blocks\.(?:(\d+)\.)?(\d+)\.norm1\.weight$/.exec(name);
    return found ? [{ chunk: found[1], layer: Number(found[2]) }] : [];
  });
  const depth = norms.length;
  const first = norms.find(({ layer }) => layer === 0);
  if (!first || norms.some(({ layer }) => layer >= depth)) return undefined;
  const chunks = new Set(norms.map(({ chunk }) => chunk)).size;
  const block = `blocks.${first.chunk === undefined ? "" : `${first.chunk}.`}0`;
  const swiglu = shape(`${block}.mlp.w12.weight`) !== undefined;
  const hidden = swiglu ? shape(`${block}.mlp.w3.weight`)?.[1] : shape(`${block}.mlp.fc1.weight`)?.[0];
  // LayerScale tells dinov2 from other models of the same names, timm's for one.
  if (hidden === undefined || shape(`${block}.ls1.gamma`) === undefined) return undefined;
  const registers = shape("register_tokens")?.[1] ?? 0;
  return JSON.stringify({
    ...{ img_size: side * patchSide, patch_size: patchSide, embed_dim: dVit, depth },
    num_heads: dVit / headWidth,
    // Of a SwiGLU, two thirds are its hidden width.
    mlp_ratio: (swiglu ? hidden * 1.5 : hidden) / dVit,
    ffn_layer: swiglu ? "swiglufused" : "mlp",
    init_values: 1,
    block_chunks: first.chunk === undefined ? 0 : chunks,
    num_register_tokens: registers,
    interpolate_antialias: registers > 0,
    interpolate_offset: registers > 0 ? 0 : 0.1,
  });
}
