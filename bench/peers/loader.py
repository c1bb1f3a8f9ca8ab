"""The Python package's way of reading activations: a map-style dataset that opens a memory map for every item, behind
torch's DataLoader. One line of input, a number of batches: reads so many and prints the rows a second."""

import json
import os
import sys
import time

import numpy as np
import torch


class Dataset(torch.utils.data.Dataset):
    def __init__(self, root: str, layer: int, clamp: float, act_mean: torch.Tensor, scalar: float):
        with open(os.path.join(root, "metadata.json")) as fd:
            self.metadata = json.load(fd)
        m = self.metadata
        self.root, self.clamp, self.act_mean, self.scalar = root, clamp, act_mean, scalar
        self.layer_index = m["layers"].index(layer)
        n_tokens = m["n_patches_per_img"] + 1
        n_imgs = m["n_patches_per_shard"] // len(m["layers"]) // n_tokens
        self.shape = (n_imgs, len(m["layers"]), n_tokens, m["d_vit"])

    def __len__(self) -> int:
        return self.metadata["n_imgs"] * self.metadata["n_patches_per_img"]

    def transform(self, act: np.ndarray) -> torch.Tensor:
        act = torch.from_numpy(act.copy())
        act = torch.clamp(act, min=-self.clamp, max=self.clamp)
        act = act - self.act_mean
        return act / self.scalar

    def __getitem__(self, i: int) -> dict:
        image_i, patch_i = divmod(i, self.metadata["n_patches_per_img"])
        shard, pos = divmod(image_i, self.shape[0])
        fpath = os.path.join(self.root, f"acts{shard:06}.bin")
        acts = np.memmap(fpath, mode="c", dtype=np.float32, shape=self.shape)
        act = acts[pos, self.layer_index, patch_i + 1]
        return {"act": self.transform(act), "image_i": image_i, "patch_i": patch_i}


def main() -> None:
    root, layer, batch_size, n_workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    d_vit = json.load(open(os.path.join(root, "metadata.json")))["d_vit"]
    dataset = Dataset(root, layer, 1e5, torch.full((d_vit,), 0.25), 1.5)
    loader = torch.utils.data.DataLoader(dataset, batch_size=batch_size, shuffle=True, num_workers=n_workers)
    batches = iter(loader)
    print("ready", flush=True)
    for line in sys.stdin:
        # What the workers read ahead while nobody asked does not count.
        for _ in range(2 * n_workers):
            next(batches)
        rows, start = 0, time.perf_counter()
        for _ in range(int(line)):
            rows += len(next(batches)["act"])
        print(rows / (time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
