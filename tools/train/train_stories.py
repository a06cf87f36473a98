#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains models/stories-small: a GPT-2-format language model on TinyStories text.

  train_stories.py --text tinystories.txt --out models/stories-small [--tokens 6e6] [--threads 1]

The last 5 % of the stories are held back and give the reported perplexity (windows of 512, stride 256).
Resumes from OUT.checkpoint when it exists. Needs python3-torch and python3-numpy; about an hour on two cores.
"""
import argparse
import json
import math
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/reference"))
from checkpoint import save_safetensors
from muon import optimizers, set_scale
from plain_torch import Gpt2LMHead
from vocabulary import Bpe, train_bpe

END = "<|endoftext|>"
CONFIG = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new",
          "n_layer": 6, "n_embd": 256, "n_head": 4, "n_inner": None, "n_positions": 512, "n_ctx": 512,
          "layer_norm_epsilon": 1e-5, "vocab_size": 4096, "bos_token_id": 4095, "eos_token_id": 4095,
          "tie_word_embeddings": True, "torch_dtype": "float16"}


def perplexity(model, ids, window=512, stride=256):
    """Each token is predicted once, with at least window - stride tokens before it (but for the first window)."""
    model.eval()
    total, count, start = 0.0, 0, 0
    with torch.no_grad():
        while True:
            x = torch.tensor(ids[start:start + window])[None]
            first = 1 if start == 0 else window - stride
            if x.shape[1] <= first:
                break
            logits = model(x)[0, first - 1:-1]
            total += F.cross_entropy(logits, x[0, first:], reduction="sum").item()
            count += x.shape[1] - first
            if start + window >= len(ids):
                break
            start += stride
    model.train()
    return math.exp(total / count)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--text", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--tokens", type=float, default=6e6)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--dropout", type=float, default=0.1)
    a = a.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(a.threads)
    rng = np.random.default_rng(1)
    os.makedirs(a.out, exist_ok=True)

    stories = [s.strip() for s in open(a.text, encoding="utf-8").read().split(END) if s.strip()]
    held = len(stories) // 20
    vocab, merges = train_bpe(END.join(stories[:-held]), CONFIG["vocab_size"])
    json.dump(vocab, open(f"{a.out}/vocab.json", "w"), ensure_ascii=False)
    with open(f"{a.out}/merges.txt", "w") as f:
        f.write("#version: 0.2\n" + "".join(f"{l} {r}\n" for l, r in merges))
    json.dump(CONFIG, open(f"{a.out}/config.json", "w"), indent=2)
    bpe = Bpe(vocab, merges)
    encode = lambda part: np.array([t for s in part for t in [CONFIG["eos_token_id"], *bpe.encode(s)]])
    train, valid = encode(stories[:-held]), encode(stories[-held:])
    print(f"train {len(train)} valid {len(valid)} tokens, vocabulary {len(vocab)}", flush=True)

    model = Gpt2LMHead(CONFIG)
    for n, p in model.named_parameters():
        if n.endswith("wte.weight") or n.endswith("wpe.weight"):
            torch.nn.init.normal_(p, std=0.02)
    opts = optimizers(model, matrix_lr=0.02, other_lr=3e-3, weight_decay=0.05)
    done, step, saved = 0, 0, f"{a.out}.checkpoint"
    if os.path.exists(saved):
        s = torch.load(saved, weights_only=False)
        model.load_state_dict(s["model"])
        for o, so in zip(opts, s["opts"]):
            o.load_state_dict(so)
        done, step, rng = s["done"], s["step"], s["rng"]
    last_print = time.time()
    while done < a.tokens:
        progress = done / a.tokens
        # short windows first, at random position offsets so that all 512 positions learn; then full ones
        length, rows = (256, 16) if progress < 0.75 else (512, 8)
        offset = int(rng.integers(0, 512 - length + 1))
        starts = rng.integers(0, len(train) - length - 1, rows)
        x = torch.tensor(np.stack([train[s:s + length + 1] for s in starts]))
        scale = min(1.0, (step + 1) / 100) * min(1.0, (1 - progress) / 0.5 + 0.02)
        set_scale(opts, scale)
        loss = F.cross_entropy(model(x[:, :-1], a.dropout, offset).flatten(0, 1), x[:, 1:].flatten())
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in opts:
            o.step()
        done, step = done + rows * length, step + 1
        if step % 20 == 0:
            rate = 20 * rows * length / (time.time() - last_print)
            last_print = time.time()
            print(f"step {step} tokens {done} loss {loss.item():.3f} {rate:.0f} tokens/s", flush=True)
        if step % 200 == 0 or done >= a.tokens:
            print(f"  held-back perplexity {perplexity(model, valid[:20000]):.2f}", flush=True)
            torch.save({"model": model.state_dict(), "opts": [o.state_dict() for o in opts], "done": done,
                        "step": step, "rng": rng}, saved)
            last_print = time.time()
    model.half().float()  # report what is saved
    print(f"final held-back perplexity {perplexity(model, valid):.3f} on {len(valid)} tokens", flush=True)
    save_safetensors(model.state_dict(), f"{a.out}/model.safetensors")


if __name__ == "__main__":
    main()
