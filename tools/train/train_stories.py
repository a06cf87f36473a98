#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains models/stories-small: a GPT-2-format language model on TinyStories text.

  train_stories.py --text tinystories.txt --out models/stories-small [--tokens 3e7] [--teachers DIR ...] [--device cuda]

The last 5 % of the stories are held back and give the reported perplexity (windows of 512, stride 256). With --teachers the
targets are the mean prediction of larger models of the same script (--layers 8 --hidden 512 --seed N): the sample holds one
million tokens, and several models that each pass over it a few times know more than one (Hinton 2015).
"""
import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import corpora
from checkpoint import load_safetensors
from training import Training, autocast
from plain_torch import Gpt2LMHead
from vocabulary import Bpe, train_bpe

CONFIG = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new",
          "n_inner": None, "n_positions": 512, "n_ctx": 512, "layer_norm_epsilon": 1e-5, "vocab_size": 4096,
          "bos_token_id": 4095, "eos_token_id": 4095, "tie_word_embeddings": True, "torch_dtype": "float16"}


def perplexity(model, ids, device, window=512, stride=256):
    """Each token is predicted once, with at least window - stride tokens before it (but for the first window)."""
    total, count, start = 0.0, 0, 0
    with torch.no_grad():
        while True:
            x = torch.tensor(ids[start:start + window], device=device)[None]
            first = 1 if start == 0 else window - stride
            if x.shape[1] <= first:
                break
            logits = model(x)[0, first - 1:-1]
            total += F.cross_entropy(logits, x[0, first:], reduction="sum").item()
            count += x.shape[1] - first
            if start + window >= len(ids):
                break
            start += stride
    return math.exp(total / count)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--text", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--teachers", nargs="*", default=[])
    a.add_argument("--tokens", type=float, default=3e7)
    a.add_argument("--batch-tokens", type=int, default=16384)
    a.add_argument("--layers", type=int, default=8)
    a.add_argument("--hidden", type=int, default=256)
    a.add_argument("--dropout", type=float, default=0.1)
    a.add_argument("--weight-decay", type=float, default=0.1)
    a.add_argument("--matrix-lr", type=float, default=0.02)
    a.add_argument("--other-lr", type=float, default=3e-3)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--device", default="cpu")
    a = a.parse_args()
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)
    os.makedirs(a.out, exist_ok=True)
    config = {**CONFIG, "n_layer": a.layers, "n_embd": a.hidden, "n_head": a.hidden // 64}

    told, held = corpora.stories(a.text)
    vocab, merges = train_bpe(corpora.STORY_END.join(told), CONFIG["vocab_size"])
    json.dump(vocab, open(f"{a.out}/vocab.json", "w"), ensure_ascii=False)
    with open(f"{a.out}/merges.txt", "w") as f:
        f.write("#version: 0.2\n" + "".join(f"{l} {r}\n" for l, r in merges))
    json.dump(config, open(f"{a.out}/config.json", "w"), indent=2)
    bpe = Bpe(vocab, merges)
    encode = lambda part: np.array([t for s in part for t in [CONFIG["eos_token_id"], *bpe.encode(s)]])
    train, valid = torch.tensor(encode(told), device=a.device), encode(held)
    print(f"train {len(train)} valid {len(valid)} tokens, vocabulary {len(vocab)}", flush=True)

    def fresh(config):
        return Gpt2LMHead(config).to(a.device)

    teachers = []
    for folder in a.teachers:
        teachers.append(fresh(json.load(open(f"{folder}/config.json"))).eval())
        teachers[-1].load_state_dict(load_safetensors(f"{folder}/model.safetensors"))
    if teachers:
        together = lambda x: sum(t(x).softmax(-1) for t in teachers).div(len(teachers)).log()
        print(f"teachers together {perplexity(together, valid, a.device):.2f}", flush=True)

    model = fresh(config)
    for n, p in model.named_parameters():
        if n.endswith("wte.weight") or n.endswith("wpe.weight"):
            torch.nn.init.normal_(p, std=0.02)
    steps = int(a.tokens / a.batch_tokens)
    training, start = Training(model, steps, a.matrix_lr, a.other_lr, a.weight_decay, smooth=0.99), time.time()
    while training.step < steps:
        # short windows first, at random position offsets so that all 512 positions learn; then full ones
        length = 256 if training.step < 0.6 * steps else 512
        offset = int(rng.integers(0, 512 - length + 1))
        starts = torch.as_tensor(rng.integers(0, len(train) - length - 1, a.batch_tokens // length), device=a.device)
        x = train[starts[:, None] + torch.arange(length + 1, device=a.device)]
        with autocast(a.device):
            logits = model(x[:, :-1], a.dropout, offset).float().flatten(0, 1)
            targets = x[:, 1:].flatten()
            if teachers:
                with torch.no_grad():
                    soft = sum(t(x[:, :-1], 0.0, offset).float().softmax(-1) for t in teachers).flatten(0, 1)
                targets = (0.9 / len(teachers)) * soft + 0.1 * F.one_hot(targets, CONFIG["vocab_size"])
        loss = F.cross_entropy(logits, targets)
        training.update(loss)
        if training.step % 200 == 0 or training.step == steps:
            copy = training.averaged(fresh(config))
            with torch.no_grad():
                own = F.cross_entropy(model.eval()(x[:8, :-1], 0.0, offset).flatten(0, 1), x[:8, 1:].flatten()).exp().item()
            model.train()
            print(f"step {training.step}/{steps} loss {loss.item():.3f} {time.time() - start:.0f} s, perplexity of the "
                  f"training text {own:.2f}, held back {perplexity(copy, valid, a.device):.3f}", flush=True)
            training.save(a.out)


if __name__ == "__main__":
    main()
