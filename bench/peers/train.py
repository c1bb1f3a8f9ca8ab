"""A ReLU SAE's training step in plain PyTorch, written as the Python package writes it.

Reads a folder with setup.json, x.bin and the four parameters; then one command a line on standard input:
"step" trains once and prints {"ms", "loss", "l0"}; "save" writes the parameters beside the inputs and prints {}.
"""

import json
import os
import sys
import time

import numpy as np
import torch

folder = sys.argv[1]
with open(os.path.join(folder, "setup.json")) as f:
    setup = json.load(f)
torch.set_num_threads(setup["threads"])
rows, d_vit, d_sae = setup["rows"], setup["d_vit"], setup["d_sae"]


def read(name, *shape):
    data = np.fromfile(os.path.join(folder, name + ".bin"), dtype=np.float32)
    return torch.from_numpy(data).reshape(shape)


class Relu(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.W_enc = torch.nn.Parameter(read("W_enc", d_vit, d_sae))
        self.b_enc = torch.nn.Parameter(read("b_enc", d_sae))
        self.W_dec = torch.nn.Parameter(read("W_dec", d_sae, d_vit))
        self.b_dec = torch.nn.Parameter(read("b_dec", d_vit))

    def forward(self, x):
        h = torch.einsum("bd,ds->bs", x - self.b_dec, self.W_enc) + self.b_enc
        f = torch.relu(h)
        x_hat = torch.einsum("bs,sd->bd", f, self.W_dec) + self.b_dec
        return x_hat, f

    @torch.no_grad()
    def normalize(self):
        self.W_dec.data /= torch.norm(self.W_dec.data, dim=1, keepdim=True)

    @torch.no_grad()
    def remove_parallel(self):
        parallel = torch.einsum("sd,sd->s", self.W_dec.grad, self.W_dec.data)
        self.W_dec.grad -= torch.einsum("s,sd->sd", parallel, self.W_dec.data)


def squared_error(x_hat, x):
    upper = x.abs().max()
    return (x_hat / upper - x / upper) ** 2 * upper * upper


x = read("x", rows, d_vit)
sae = Relu()
optimizer = torch.optim.Adam(sae.parameters(), lr=0.0)
step = 0


def train():
    global step
    sae.normalize()
    x_hat, f = sae(x)
    mse = squared_error(x_hat, x).mean()
    l0 = (f > 0).float().sum(dim=1).mean()
    l1 = torch.linalg.norm(f, ord=1, dim=-1).mean()
    loss = mse + setup["sparsity_coeff"] * l1
    loss.backward()
    sae.remove_parallel()
    for group in optimizer.param_groups:
        group["lr"] = 0.0 if step == 0 else setup["lr"]
    optimizer.step()
    optimizer.zero_grad()
    step += 1
    return loss.item(), l0.item()


for line in sys.stdin:
    if line.strip() == "step":
        begin = time.perf_counter()
        loss, l0 = train()
        print(json.dumps({"ms": 1e3 * (time.perf_counter() - begin), "loss": loss, "l0": l0}), flush=True)
    elif line.strip() == "save":
        for name, value in sae.state_dict().items():
            value.numpy().tofile(os.path.join(folder, name + ".after.bin"))
        print("{}", flush=True)
