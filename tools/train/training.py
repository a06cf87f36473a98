# SPDX-License-Identifier: Apache-2.0
"""One training run: schedule, optimizer steps, running average of the weights. Importing it also finds plain_torch."""
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/reference"))
from checkpoint import save_safetensors
from muon import optimizers, set_scale


def autocast(device):
    """bf16 products on a GPU, plain fp32 on a CPU."""
    return torch.autocast(device, dtype=torch.bfloat16, enabled=device != "cpu")


class Training:
    """Steps with warm-up, linear decay and a running average of the weights, which is what gets saved."""

    def __init__(self, model, steps, matrix_lr=0.005, other_lr=1e-3, weight_decay=0.1, smooth=0.999, warm_up=200):
        self.model, self.steps, self.smooth, self.warm_up, self.step = model, steps, smooth, warm_up, 0
        self.opts = optimizers(model, matrix_lr, other_lr, weight_decay)
        self.average = {n: p.detach().clone() for n, p in model.state_dict().items()}

    def update(self, loss):
        set_scale(self.opts, min(1.0, (self.step + 1) / self.warm_up) * max(0.02, 1 - self.step / self.steps))
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for o in self.opts:
            o.step()
        decay = min(self.smooth, self.step / (self.step + 10))
        with torch.no_grad():
            averages = list(self.average.values())
            torch._foreach_mul_(averages, decay)
            torch._foreach_add_(averages, list(self.model.state_dict().values()), alpha=1 - decay)
        self.step += 1

    def averaged(self, model):
        """`model` with the averaged weights, rounded as they are saved."""
        model.load_state_dict({n: p.half().float() for n, p in self.average.items()})
        return model.eval()

    def save(self, folder):
        save_safetensors(self.average, f"{folder}/model.safetensors")
