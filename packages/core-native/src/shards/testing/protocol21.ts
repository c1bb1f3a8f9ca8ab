import path from "node:path";
import { runPython } from "../../io/python.test-util.js";

/**
 * Writes a folder as the Python package does (protocol 2.1): orjson's compact text is that of json.dumps without spaces
 * and without escapes. Value of [example, layer, token, dim]: ((e * 2 + l) * 4 + t) * 8 + d + 1. A shard that is filled
 * exactly is followed by an empty one. `short` ends the last file after its last example.
 */
const program = `
import base64, hashlib, json, pathlib, pickle, sys
import numpy as np
root, n, short, labels = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "short", sys.argv[4] == "labels"
md = dict(family="dinov2", ckpt="dinov2_vits14 é", layers=[-2, -1], content_tokens_per_example=3, cls_token=True, d_model=8,
  n_examples=n, max_tokens_per_shard=25, data=base64.b64encode(pickle.dumps({"root": "x"})).decode(), dataset="/data/é",
  pixel_agg="majority" if labels else None, dtype="float32", protocol="2.1")
name = hashlib.sha256(json.dumps(md, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()[:8]
dir = root / name
dir.mkdir(parents=True)
(dir / "metadata.json").write_text(json.dumps(md, indent=2, ensure_ascii=False), encoding="utf-8")
per, shape = 25 // (4 * 2), (25 // (4 * 2), 2, 4, 8)
acts = (np.arange(n * 64, dtype=np.float32) + 1).reshape(n, 2, 4, 8)
entries = []
for i in range(n // per + 1):
    here = acts[i * per:(i + 1) * per]
    shard = np.memmap(dir / f"acts{i:06}.bin", mode="w+", dtype=np.float32, shape=shape)
    shard[:len(here)] = here
    shard.flush()
    entries.append(dict(name=f"acts{i:06}.bin", n_examples=len(here)))
(dir / "shards.json").write_text(json.dumps(entries, indent=2))
if short:
    with open(dir / entries[-1]["name"], "r+b") as f: f.truncate(entries[-1]["n_examples"] * 256)
if labels:
    (np.arange(n * 3) % 256).astype(np.uint8).reshape(n, 3).tofile(dir / "labels.bin")
print(name)
`;

/** Runs it: `parent`/<hash> with `n` examples of 3 patches and CLS, 3 examples a shard. @returns the folder. */
export const writeWithPython = (
  parent: string,
  n: number,
  { short = false, labels = false }: { readonly short?: boolean; readonly labels?: boolean } = {},
): string =>
  path.join(
    parent,
    runPython(program, parent, String(n), short ? "short" : "", labels ? "labels" : "").trim(),
  );
