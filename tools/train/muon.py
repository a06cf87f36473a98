# SPDX-License-Identifier: Apache-2.0
"""Muon (Jordan 2024) for the weight matrices, AdamW for the rest: about 1.5 times fewer tokens to the same loss.

The update of a matrix is its momentum, orthogonalised by five Newton-Schulz steps.
"""
import torch


def orthogonalise(g, steps=5):
    """g: [matrices, rows, columns]; every singular value comes out near 1."""
    a, b, c = 3.4445, -4.7750, 2.0315  # the published quintic: fast from small singular values
    tall = g.shape[1] > g.shape[2]
    x = g.transpose(1, 2) if tall else g
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    x = x.bfloat16() if x.is_cuda else x
    for _ in range(steps):
        s = x @ x.transpose(1, 2)
        x = a * x + (b * s + c * s @ s) @ x
    return (x.transpose(1, 2) if tall else x).to(g.dtype)


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr=0.02, momentum=0.95, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape = {}
            for p in group["params"]:
                if p.grad is not None:
                    by_shape.setdefault(p.shape, []).append(p)
            for shape, matrices in by_shape.items():  # one batched product for all matrices of a shape
                updates = []
                for p in matrices:
                    m = self.state[p].setdefault("momentum", torch.zeros_like(p))
                    m.lerp_(p.grad, 1 - group["momentum"])
                    updates.append(p.grad.lerp(m, group["momentum"]))
                scale = -group["lr"] * max(1, shape[0] / shape[1]) ** 0.5
                for p, update in zip(matrices, orthogonalise(torch.stack(updates))):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update, alpha=scale)


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
