"""Records activations the way the Python package does: DataLoader workers with Pillow, an open_clip-like ViT with
nn.MultiheadAttention, forward hooks on the blocks, a numpy memmap for the shard.

usage: activations.py FOLDER BATCH WORKERS. FOLDER holds images/all/*.jpg and model/open_clip_model.safetensors.
Reads lines: "ready" loads the model and answers "ok"; "run FILE" records into FILE and answers the images a second;
"decode WORKERS REPEATS" decodes and transforms all images so many times, and answers the images a second.
"""

import collections
import json
import pathlib
import sys
import time

import numpy as np
import torch
from PIL import Image
from torch import nn

root, batch_size, n_workers = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class Images(torch.utils.data.Dataset):
    """torchvision's ImageFolder with open_clip's transform: shorter side to 224, bicubic, centre crop, normalise."""

    def __init__(self):
        self.files = sorted((root / "images").glob("*/*.jpg"))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        with open(self.files[i], "rb") as f:
            image = Image.open(f).convert("RGB")
        w, h = image.size
        size = (224, int(224 * h / w)) if w <= h else (int(224 * w / h), 224)
        image = image.resize(size, Image.Resampling.BICUBIC)
        top, left = round((image.height - 224) / 2), round((image.width - 224) / 2)
        image = image.crop((left, top, left + 224, top + 224))
        x = torch.from_numpy(np.array(image, copy=True)).permute(2, 0, 1).contiguous().to(torch.float32).div(255)
        return x.sub_(torch.tensor(MEAN)[:, None, None]).div_(torch.tensor(STD)[:, None, None]), i


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.ln_1 = nn.LayerNorm(d)
        self.attn = nn.MultiheadAttention(d, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(d)
        layers = [("c_fc", nn.Linear(d, 4 * d)), ("gelu", nn.GELU()), ("c_proj", nn.Linear(4 * d, d))]
        self.mlp = nn.Sequential(collections.OrderedDict(layers))

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, d, heads, n):
        super().__init__()
        self.resblocks = nn.ModuleList([Block(d, heads) for _ in range(n)])

    def forward(self, x):
        for block in self.resblocks:
            x = block(x)
        return x


class Vision(nn.Module):
    def __init__(self, d=768, heads=12, n=12, patch=32, tokens=50):
        super().__init__()
        self.conv1 = nn.Conv2d(3, d, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(d))
        self.positional_embedding = nn.Parameter(torch.zeros(tokens, d))
        self.ln_pre = nn.LayerNorm(d)
        self.transformer = Transformer(d, heads, n)
        self.ln_post = nn.LayerNorm(d)

    def forward(self, x):
        x = self.conv1(x)
        x = x.reshape(x.shape[0], x.shape[1], -1).permute(0, 2, 1)
        cls = self.class_embedding.view(1, 1, -1).expand(x.shape[0], -1, -1)
        x = self.ln_pre(torch.cat([cls, x], dim=1) + self.positional_embedding)
        return self.ln_post(self.transformer(x))


class Recorder(nn.Module):
    """Keeps what the hooked blocks put out, as the package's RecordedVisionTransformer does."""

    def __init__(self, model, layers):
        super().__init__()
        self.model, self.layers, self.kept = model, layers, []
        for layer in layers:
            model.transformer.resblocks[layer].register_forward_hook(self.hook)

    def hook(self, module, args, output):
        self.kept.append(output.detach())

    def forward(self, x):
        self.kept = []
        out = self.model(x)
        return out, torch.stack(self.kept, dim=1)


def read_safetensors(path):
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = torch.from_numpy(np.frombuffer(raw[begin:end], np.float32).reshape(entry["shape"]).copy())
    return tensors


def load():
    weights = read_safetensors(root / "model" / "open_clip_model.safetensors")
    vision = Vision()
    state = {name.removeprefix("visual."): tensor for name, tensor in weights.items() if name != "visual.proj"}
    vision.load_state_dict(state)
    return Recorder(vision, [-2]).eval()


def main():
    model, dataset = None, Images()
    for line in sys.stdin:
        command = line.split()
        if command[0] == "decode":
            many = torch.utils.data.ConcatDataset([dataset] * int(command[2]))
            loader = torch.utils.data.DataLoader(many, batch_size=batch_size, num_workers=int(command[1]))
            start = time.perf_counter()
            n = sum(len(index) for _, index in loader)
            print(n / (time.perf_counter() - start), flush=True)
            continue
        if command[0] == "ready":
            model = load()
            print("ok", flush=True)
            continue
        loader = torch.utils.data.DataLoader(dataset, batch_size=batch_size, num_workers=n_workers, shuffle=False)
        start = time.perf_counter()
        shard = np.memmap(command[1], dtype=np.float32, mode="w+", shape=(len(dataset), 1, 50, 768))
        with torch.inference_mode():
            for x, index in loader:
                _, acts = model(x)
                shard[index[0] : index[0] + len(index)] = acts.numpy()
        shard.flush()
        print(len(dataset) / (time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
