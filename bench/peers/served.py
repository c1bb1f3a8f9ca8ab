"""What training peers share: the folder they read, and answering one command a line.

The folder holds setup.json, x.bin and the four parameters, float32. "step" trains once and prints {"ms", "cpu_ms", …};
"save" writes the parameters beside the inputs and prints {}; "kept" the pairs row · d_sae + latent, int64, ascending, that a
BatchTopK SAE kept in the last step.
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


class Parameters(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.W_enc = torch.nn.Parameter(read("W_enc", d_vit, d_sae))
        self.b_enc = torch.nn.Parameter(read("b_enc", d_sae))
        self.W_dec = torch.nn.Parameter(read("W_dec", d_sae, d_vit))
        self.b_dec = torch.nn.Parameter(read("b_dec", d_vit))

    @torch.no_grad()
    def normalize(self):
        self.W_dec.data /= torch.norm(self.W_dec.data, dim=1, keepdim=True)


class Batches:
    """The rows of x in order, again and again, in batches of `rows`."""

    def __init__(self):
        self.x = read("x", -1, d_vit)
        self.step = 0

    def next(self):
        first = self.step * rows % len(self.x)
        self.step += 1
        return self.x[first : first + rows]


def learning_rate(step):
    """0 in the first step, then in a line up to the setup's."""
    return setup["lr"] * min(1.0, step / setup["n_lr_warmup"])


def serve(module, train):
    """`train(x, step)` makes one step and returns its figures."""
    batches = Batches()
    for line in sys.stdin:
        if line.strip() == "step":
            step, x = batches.step, batches.next()
            begin, cpu = time.perf_counter(), time.process_time()
            figures = train(x, step)
            wall = 1e3 * (time.perf_counter() - begin)
            print(json.dumps({"ms": wall, "cpu_ms": 1e3 * (time.process_time() - cpu), **figures}), flush=True)
        elif line.strip() == "kept":
            module.kept.sort().values.numpy().tofile(os.path.join(folder, "kept.bin"))
            print("{}", flush=True)
        elif line.strip() == "save":
            for name, value in module.state_dict().items():
                value.numpy().tofile(os.path.join(folder, name + ".after.bin"))
            print("{}", flush=True)
