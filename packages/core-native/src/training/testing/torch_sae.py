"""Training steps of every kind and objective in plain PyTorch, with autograd, as the papers write them.

Called with a folder: cases.json (a list), x.bin [steps, rows, d_vit] and NAME.bin, float32, what each case starts from.
Each case is run in float32 and in float64 and leaves CASE.PRECISION.NAME.bin, float64. Prints the losses of all steps.
"""

import json
import os
import sys

import numpy as np
import torch

folder = sys.argv[1]
with open(os.path.join(folder, "cases.json")) as f:
    setup = json.load(f)
rows, d_vit, d_sae, steps = setup["rows"], setup["d_vit"], setup["d_sae"], setup["steps"]
shapes = {
    "W_enc": (d_vit, d_sae),
    "b_enc": (d_sae,),
    "W_dec": (d_sae, d_vit),
    "b_dec": (d_vit,),
    "threshold": (d_sae,),
    "r_mag": (d_sae,),
    "b_mag": (d_sae,),
}
torch.set_num_threads(1)
# Muon iterates in bfloat16; here in the parameters' own precision, which is what is compared.
torch.Tensor.bfloat16 = lambda tensor: tensor.clone()


def read(name, shape, dtype):
    data = np.fromfile(os.path.join(folder, name + ".bin"), dtype=np.float32)
    return torch.from_numpy(data).reshape(shape).to(dtype)


def inside(h, theta, width):
    return (((h - theta) / width).abs() < 0.5).to(h.dtype)


class Step(torch.autograd.Function):
    """H(h - theta), with a rectangle for its derivative in theta and none in h."""

    @staticmethod
    def forward(ctx, h, theta, width):
        ctx.save_for_backward(h, theta)
        ctx.width = width
        return (h > theta).to(h.dtype)

    @staticmethod
    def backward(ctx, g):
        h, theta = ctx.saved_tensors
        return None, (-1 / ctx.width * inside(h, theta, ctx.width) * g).sum(0), None


class JumpReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, h, theta, width):
        ctx.save_for_backward(h, theta)
        ctx.width = width
        return h * (h > theta)

    @staticmethod
    def backward(ctx, g):
        h, theta = ctx.saved_tensors
        moved = (-theta / ctx.width * inside(h, theta, ctx.width) * g).sum(0)
        return g * (h > theta), moved, None


def keep_top(h, k):
    top = torch.topk(h, k, dim=-1)
    return torch.zeros_like(h).scatter(-1, top.indices, top.values)


class Case:
    def __init__(self, case, dtype):
        self.case, self.dtype = case, dtype
        names = ["W_enc", "b_enc", "W_dec", "b_dec"]
        names += {"jump-relu": ["threshold"], "gated": ["r_mag", "b_mag"]}.get(case["kind"], [])
        self.p = {n: read(n, shapes[n], dtype) for n in names}
        if "threshold" in self.p:
            self.p["threshold"] = self.p["threshold"].log()
        for v in self.p.values():
            v.requires_grad_(True)
        matrices = [self.p["W_enc"], self.p["W_dec"]]
        rest = [v for n, v in self.p.items() if n not in ("W_enc", "W_dec")]
        decay = case.get("weight_decay", 0)
        if case.get("optimizer") == "muon":
            self.optimizers = [
                torch.optim.Muon(matrices, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
                torch.optim.Adam(rest),
            ]
        else:
            groups = [{"params": matrices, "weight_decay": decay}, {"params": rest, "weight_decay": 0}]
            self.optimizers = [torch.optim.AdamW(groups)]
        self.since = torch.zeros(d_sae, dtype=torch.int64)
        self.threshold = 0.0

    def latents(self, h):
        """f, and what sparsity is weighed on."""
        case, p = self.case, self.p
        kind = case["kind"]
        if kind == "gated":
            # The encoder's product without its bias, scaled: weights are shared between gate and magnitude.
            magnitude = torch.exp(p["r_mag"]) * (h - p["b_enc"]) + p["b_mag"]
            return (h > 0) * torch.relu(magnitude), torch.relu(h).sum(-1).mean()
        if kind == "jump-relu":
            theta = p["threshold"].exp()
            f = JumpReLU.apply(h, theta, case["bandwidth"])
            if case["penalty"] == "l0":
                return f, Step.apply(h, theta, case["bandwidth"]).sum(-1).mean()
            return f, torch.tanh(case["tanh_scale"] * f).sum(-1).mean()
        if kind == "relu":
            f = torch.relu(h)
        elif kind == "top-k":
            f = keep_top(h, case["top_k"])
        else:
            f = keep_top(h.reshape(-1), case["top_k"] * h.shape[0]).reshape(h.shape)
        if kind != "relu" and case["relu"]:
            f = torch.relu(f)
        if kind == "batch-top-k" and (f > 0).any():
            self.threshold = 0.9 * self.threshold + 0.1 * f[f > 0].min().item()
        if case.get("penalty") == "tanh-l0":
            return f, torch.tanh(case["tanh_scale"] * f).sum(-1).mean()
        return f, f.abs().sum(-1).mean()

    def auxiliary(self, h, f, error):
        case, p = self.case, self.p
        fired = (f != 0).any(0)
        self.since = torch.where(fired, 0, self.since + h.shape[0])
        dead = self.since >= case.get("dead_threshold", 1 << 60)
        if case.get("k_aux", 0) == 0 or not dead.any():
            return 0
        masked = torch.where(dead, h, torch.full_like(h, -torch.inf))
        a = keep_top(masked, min(case["k_aux"], int(dead.sum())))
        published = case["aux_form"] == "published"
        if published:
            a = torch.relu(a)
        residual = a @ p["W_dec"] + (0 if published else p["b_dec"]) - error.detach()
        return case["alpha"] * (residual**2).mean()

    def step(self, x, lr, coeff):
        case, p = self.case, self.p
        with torch.no_grad():
            p["W_dec"] /= p["W_dec"].norm(dim=1, keepdim=True)
        h = (x - p["b_dec"] if case["centred"] else x) @ p["W_enc"] + p["b_enc"]
        f, penalty = self.latents(h)
        prefixes = case.get("prefixes") or [d_sae]
        hats = [f[:, :m] @ p["W_dec"][:m] + p["b_dec"] for m in prefixes]
        loss = torch.stack([((x_hat - x) ** 2).mean() for x_hat in hats]).mean() + coeff * penalty
        if case["kind"] == "gated":
            frozen = torch.relu(h) @ p["W_dec"].detach() + p["b_dec"].detach()
            loss = loss + ((frozen - x) ** 2).mean()
        loss = loss + self.auxiliary(h, f, x - hats[-1])
        loss.backward()
        with torch.no_grad():
            w, g = p["W_dec"], p["W_dec"].grad
            g -= (g * w).sum(1, keepdim=True) / (w * w).sum(1, keepdim=True) * w
        if case.get("grad_clip", 0) > 0:
            torch.nn.utils.clip_grad_norm_(p.values(), case["grad_clip"])
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = lr
            optimizer.step()
            optimizer.zero_grad()
        return loss.item()


out = {}
for case in setup["cases"]:
    for name, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        run = Case(case, dtype)
        x = read("x", (steps, rows, d_vit), dtype)
        losses = [run.step(x[t], case["lrs"][t], case["coeffs"][t]) for t in range(steps)]
        for n, v in run.p.items():
            value = v.detach().exp() if n == "threshold" else v.detach()
            value.double().numpy().tofile(os.path.join(folder, f"{case['name']}.{name}.{n}.bin"))
        out[f"{case['name']}.{name}"] = {"losses": losses, "threshold": run.threshold}
print(json.dumps(out))
