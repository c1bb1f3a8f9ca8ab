"""A ReLU SAE's training step in plain PyTorch, written as the Python package of June 2025 writes it. See served.py."""

import torch
from served import Parameters, learning_rate, serve, setup


class Relu(Parameters):
    def forward(self, x):
        h = torch.einsum("bd,ds->bs", x - self.b_dec, self.W_enc) + self.b_enc
        f = torch.relu(h)
        x_hat = torch.einsum("bs,sd->bd", f, self.W_dec) + self.b_dec
        return x_hat, f

    @torch.no_grad()
    def remove_parallel(self):
        parallel = torch.einsum("sd,sd->s", self.W_dec.grad, self.W_dec.data)
        self.W_dec.grad -= torch.einsum("s,sd->sd", parallel, self.W_dec.data)


def squared_error(x_hat, x):
    upper = x.abs().max()
    return (x_hat / upper - x / upper) ** 2 * upper * upper


sae = Relu()
optimizer = torch.optim.Adam(sae.parameters(), lr=0.0)


def train(x, step):
    sae.normalize()
    x_hat, f = sae(x)
    mse = squared_error(x_hat, x).mean()
    l0 = (f > 0).float().sum(dim=1).mean()
    l1 = torch.linalg.norm(f, ord=1, dim=-1).mean()
    loss = mse + setup["sparsity_coeff"] * l1
    loss.backward()
    sae.remove_parallel()
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step)
    optimizer.step()
    optimizer.zero_grad()
    return {"loss": loss.item(), "mse": mse.item(), "l0": l0.item()}


serve(sae, train)
