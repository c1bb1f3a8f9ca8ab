"""
Galleries the way the Python package of June 2025 makes them, in PyTorch and Pillow: a map-style dataset over
memory-mapped shards behind a DataLoader, dense latents, `torch.topk` over each batch, a percentile that is updated row
by row, and Pillow for the pictures.

usage: visuals.py CONFIG.json  ->  one line of JSON with seconds
"""

import json
import math
import os
import sys
import time

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image, ImageDraw


class Activations(torch.utils.data.Dataset):
    """One patch an item, scaled, with its image."""

    def __init__(self, cfg):
        self.cfg = cfg
        self.shape = (cfg["n_imgs"], 1, cfg["n_patches"] + 1, cfg["d_vit"])

    def __len__(self):
        return self.cfg["n_imgs"] * self.cfg["n_patches"]

    def __getitem__(self, i):
        image, patch = divmod(i, self.cfg["n_patches"])
        acts = np.memmap(self.cfg["shard"], mode="c", dtype=np.float32, shape=self.shape)
        act = torch.from_numpy(acts[image, 0, patch + 1].copy()).clamp(-1e5, 1e5)
        return {"act": act, "image_i": image, "patch_i": patch}


class Percentile:
    def __init__(self, percentile, total, lr, shape):
        self.percentile, self.total, self.lr = percentile, total, lr
        self.estimate = torch.zeros(shape)
        self.step = 0

    def update(self, x):
        self.step += 1
        size = self.lr * (self.total - self.step) / self.total
        self.estimate += size * (torch.sign(x - self.estimate) + 2 * self.percentile / 100 - 1.0)


def gather(values, index):
    return torch.gather(values, 1, index[..., None].expand(-1, -1, values.shape[-1]))


@torch.inference_mode()
def rank(cfg, sae):
    data = Activations(cfg)
    patches, k, d_sae = cfg["n_patches"], cfg["top_k"], cfg["d_sae"]
    batch_size = cfg["topk_batch_size"] // patches * patches
    loader = torch.utils.data.DataLoader(
        data, batch_size=batch_size, num_workers=cfg["n_workers"], drop_last=False
    )
    top_values = torch.full((d_sae, k, patches), -1.0)
    top_images = torch.zeros((d_sae, k), dtype=torch.long)
    total, firings = torch.zeros(d_sae), torch.zeros(d_sae)
    distributions = torch.zeros(cfg["n_distributions"], len(data))
    percentile = Percentile(cfg["percentile"], len(data), 1e-3, (d_sae,))
    for batch in loader:
        f = torch.cat(
            [
                torch.relu((x - sae["b_dec"]) @ sae["W_enc"] + sae["b_enc"])
                for x in batch["act"].split(cfg["sae_batch_size"])
            ]
        )
        for row in f:
            percentile.update(row)
        f = f.T
        distributions[:, batch["image_i"]] = f[: cfg["n_distributions"]]
        total += f.sum(1)
        firings += (f > 0).sum(1)
        images = torch.unique(batch["image_i"])
        values = f.reshape(d_sae, len(images), patches)
        at = torch.topk(f, k, dim=1).indices // patches
        all_values = torch.cat((top_values, gather(values, at)), 1)
        all_images = torch.cat((top_images, images[at]), 1)
        best = torch.topk(all_values.max(-1).values, k, dim=1).indices
        top_values = gather(all_values, best)
        top_images = torch.gather(all_images, 1, best)
    mean, sparsity = total / firings, firings / len(data)
    for name, tensor in [
        ("top_values", top_values),
        ("top_img_i", top_images),
        ("mean_values", mean),
        ("sparsity", sparsity),
        ("distributions", distributions),
        ("percentiles_p99", percentile.estimate),
    ]:
        torch.save(tensor, os.path.join(cfg["out"], name + ".pt"))
    return top_values, top_images, mean, sparsity


def highlight(img, patches, upper, opacity=0.9):
    side = int(math.sqrt(len(patches)))
    w, h = img.width // side, img.height // side
    layer = Image.new("RGBA", img.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    colours = (colormaps["plasma"](patches / (upper + 1e-9))[:, :3] * 256).astype(np.uint8)
    for p, (value, colour) in enumerate(zip(patches, colours)):
        x, y = p % side * w, p // side * h
        alpha = int(opacity * value / upper * 256)
        draw.rectangle([(x, y), (x + w, y + h)], fill=(*(int(c) for c in colour), alpha))
    return Image.alpha_composite(img.convert("RGBA"), layer)


def draw(cfg, top_values, top_images, latents):
    pictures = 0
    for latent in latents:
        folder = os.path.join(cfg["out"], "neurons", str(latent))
        os.makedirs(folder, exist_ok=True)
        upper = top_values[latent].max().item()
        seen = set()
        for image, values in zip(top_images[latent].tolist(), top_values[latent]):
            if image in seen:
                continue
            img = Image.open(cfg["images"][image]).convert("RGB")
            img = img.resize((512, 512)).crop((32, 32, 480, 480))
            highlight(img, values.numpy(), upper).save(os.path.join(folder, f"{len(seen)}.png"))
            with open(os.path.join(folder, f"{len(seen)}.txt"), "w") as fd:
                fd.write("label\n")
            seen.add(image)
        pictures += len(seen)
    return pictures


def main():
    with open(sys.argv[1]) as fd:
        cfg = json.load(fd)
    torch.set_num_threads(cfg["threads"])
    with open(cfg["ckpt"], "rb") as fd:
        fd.readline()
        sae = torch.load(fd, weights_only=True)
    start = time.perf_counter()
    top_values, top_images, mean, sparsity = rank(cfg, sae)
    ranked = time.perf_counter()
    freq, value = torch.log10(sparsity), torch.log10(mean)
    inside = (freq > -6) & (freq < 0) & (value > -6) & (value < 6)
    latents = inside.nonzero()[: cfg["n_latents"], 0].tolist()
    pictures = draw(cfg, top_values, top_images, latents)
    end = time.perf_counter()
    print(json.dumps({"rank": ranked - start, "draw": end - ranked, "pictures": pictures}))


if __name__ == "__main__":
    main()
