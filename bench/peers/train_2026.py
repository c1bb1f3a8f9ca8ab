"""Training steps in plain PyTorch, written as the Python package of March 2026 writes them. See served.py.

What is expensive there is so here: the k largest become a mask over all latents, decoding goes by blocks between prefixes
that are stacked and summed up, the error is of all prefixes at once, latents are counted that do not fire.
Its defaults: no ReLU after the k largest, gradients clipped to 1, fused Adam, AuxK for latents dead for 10 million rows.
"""

import torch
from served import Parameters, d_sae, learning_rate, rows, serve, setup

top_k, momentum, dead_after, k_aux, alpha, clip = setup["top_k"], 0.1, 10_000_000, 512, 1 / 32, 1.0


class Sae(Parameters):
    def __init__(self):
        super().__init__()
        # A copy of W_dec's transpose keeps its strides.
        self.W_enc = torch.nn.Parameter(self.W_enc.data.T.contiguous().T)
        self.threshold = torch.tensor(0.0)
        self.since_active = torch.zeros(d_sae, dtype=torch.int64)

    def activate(self, h):
        if setup["kind"] == "relu":
            return torch.relu(h)
        if setup["kind"] == "top-k":
            index = torch.topk(h, top_k, dim=-1, sorted=False).indices
            return torch.zeros_like(h).scatter(-1, index, 1.0) * h
        flat = h.flatten()
        index = torch.topk(flat, top_k * len(h), sorted=False).indices
        self.kept = index
        f = torch.zeros_like(flat).scatter(-1, index, 1.0).reshape(h.shape) * h
        with torch.no_grad():
            self.threshold.mul_(1 - momentum).add_(momentum * f[f > 0].min())
        return f

    def decode(self, f, prefixes):
        blocks, begin = [], 0
        for end in prefixes:
            block = torch.einsum("bs,sd->bd", f[:, begin:end], self.W_dec[begin:end])
            blocks.append(block if begin else block + self.b_dec)
            begin = end
        return torch.cumsum(torch.stack(blocks, dim=-2), dim=-2)

    def auxiliary(self, h, residual, dead):
        k = min(k_aux, int(dead.sum()))
        if k == 0:
            return torch.zeros(())
        index = h.masked_fill(~dead, -torch.inf).topk(k, dim=-1).indices
        kept = torch.zeros_like(h).scatter_(-1, index, h.gather(-1, index))
        return alpha * (self.decode(kept, [d_sae])[:, -1] - residual).pow(2).mean()

    @torch.no_grad()
    def remove_parallel(self):
        along = torch.einsum("sd,sd->s", self.W_dec.grad, self.W_dec.data)
        along /= (self.W_dec.data**2).sum(dim=1)
        self.W_dec.grad -= torch.einsum("s,sd->sd", along, self.W_dec.data)


def squared_error(x_hat, x):
    upper = x.abs().max().clamp(min=1e-12)
    return (x_hat / upper - x / upper) ** 2 * upper * upper


sae = Sae()
optimizer = torch.optim.Adam(sae.parameters(), lr=0.0, fused=True)


def train(x, step):
    sae.normalize()
    prefixes = setup["prefixes"][step] if setup["prefixes"] else [d_sae]
    h = torch.einsum("bd,ds->bs", x, sae.W_enc) + sae.b_enc
    f = sae.activate(h)
    with torch.no_grad():
        fired = (f.abs() > 0).any(dim=0)
        sae.since_active += rows
        sae.since_active[fired] = 0
        dead = sae.since_active >= dead_after
    x_hats = sae.decode(f, prefixes)
    mse = squared_error(x_hats, x.unsqueeze(1).expand(-1, len(prefixes), -1)).mean()
    relu = setup["kind"] == "relu"
    aux = torch.zeros(()) if relu else sae.auxiliary(h, (x - x_hats[:, -1]).detach(), dead)
    sparsity = setup["sparsity_coeff"] * f.abs().sum(dim=1).mean() if relu else torch.zeros(())
    l0 = (f != 0).float().sum(dim=1).mean()
    l1 = f.abs().sum(dim=1).mean()
    loss = mse + sparsity + aux
    loss.backward()
    sae.remove_parallel()
    norm = torch.nn.utils.clip_grad_norm_(sae.parameters(), clip)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step)
    optimizer.step()
    optimizer.zero_grad()
    return {
        "loss": loss.item(),
        "mse": mse.item(),
        "l0": l0.item(),
        "l1": l1.item(),
        "grad_norm": norm.item(),
        "threshold": sae.threshold.item(),
    }


serve(sae, train)
