#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains models/sst2-small: a BERT-format sentiment classifier on SST-2.

  train_sst2.py --data glue/SST-2 --out models/sst2-small [--epochs 6] [--threads 1]

From the third epoch on, half of the batches run with cascade token pruning at a random keep ratio (paper III-A: fine-tuning
with pruning recovers accuracy). Needs python3-torch and python3-numpy; about 40 CPU minutes.
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
from plain_torch import BertForSequenceClassification
from vocabulary import WordPiece, train_wordpiece

CONFIG = {"architectures": ["BertForSequenceClassification"], "model_type": "bert", "hidden_act": "gelu",
          "num_hidden_layers": 6, "hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024,
          "max_position_embeddings": 128, "type_vocab_size": 2, "vocab_size": 8000, "layer_norm_eps": 1e-12,
          "pad_token_id": 0, "id2label": {"0": "negative", "1": "positive"},
          "label2id": {"negative": 0, "positive": 1}, "torch_dtype": "float16"}


def read(path):
    rows = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")][1:]
    return [r[1] for r in rows], [int(r[0]) for r in rows]


def pruned_forward(model, ids, dropout, keep, offset=0):
    """Cascade token pruning as in algo/: scores add up over heads, queries and layers; [CLS] is protected;
    the first layer keeps all, then the keep ratio falls linearly to 2 * keep - 1 (not under 0.1)."""
    bert = model.bert
    x = F.dropout(bert.embeddings(ids, None, offset), dropout, model.training)
    length, layers = ids.shape[1], len(bert.encoder.layer)
    score = torch.zeros(ids.shape)
    end = max(0.1, 2 * keep - 1)
    for i, layer in enumerate(bert.encoder.layer):
        probabilities = []
        x = layer(x, dropout, probabilities)
        score = score + probabilities[0].detach().sum((1, 2))
        if i + 1 == layers:
            break
        ratio = 1 + (end - 1) * (i + 1) / (layers - 1)
        count = min(x.shape[1], max(2, int(ratio * length)))
        if count < x.shape[1]:
            rank = score.clone()
            rank[:, 0] = math.inf
            kept = rank.topk(count, 1).indices.sort(1).values
            x = x.gather(1, kept[..., None].expand(-1, -1, x.shape[2]))
            score = score.gather(1, kept)
    return model.classifier(F.dropout(bert.pool(x), dropout, model.training))


def batches(lengths, rng, tokens):
    """Batches of equal length (no padding), about `tokens` tokens each, in random order."""
    order = rng.permutation(len(lengths))
    by_length = {}
    for i in order:
        by_length.setdefault(lengths[i], []).append(i)
    out = []
    for n, members in by_length.items():
        size = max(1, tokens // n)
        out += [members[i:i + size] for i in range(0, len(members), size)]
    return [out[i] for i in rng.permutation(len(out))]


def accuracy(model, ids, labels, keep=1.0):
    model.eval()
    right = 0
    with torch.no_grad():
        for b in batches([len(i) for i in ids], np.random.default_rng(0), 4096):
            x = torch.tensor([ids[i] for i in b])
            logits = model(x) if keep == 1.0 else pruned_forward(model, x, 0.0, keep)
            right += (logits.argmax(-1) == torch.tensor([labels[i] for i in b])).sum().item()
    model.train()
    return right


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--epochs", type=float, default=6)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--dropout", type=float, default=0.2)
    a.add_argument("--word-dropout", type=float, default=0.1)
    a = a.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(a.threads)
    rng = np.random.default_rng(1)
    os.makedirs(a.out, exist_ok=True)
    texts, labels = read(f"{a.data}/train.tsv")
    dev_texts, dev_labels = read(f"{a.data}/dev.tsv")
    vocab = train_wordpiece(texts, CONFIG["vocab_size"])
    open(f"{a.out}/vocab.txt", "w", encoding="utf-8").write("\n".join(vocab) + "\n")
    json.dump(CONFIG, open(f"{a.out}/config.json", "w"), indent=2)
    tokenizer = WordPiece(vocab)
    ids, dev_ids = [tokenizer.encode(t) for t in texts], [tokenizer.encode(t) for t in dev_texts]
    lengths = [len(i) for i in ids]
    print(f"{len(vocab)} pieces, {sum(lengths)} training tokens, longest {max(map(len, dev_ids))}", flush=True)

    model = BertForSequenceClassification(CONFIG)
    for n, p in model.named_parameters():
        if p.ndim == 2:
            torch.nn.init.normal_(p, std=0.02 if "embeddings" in n else p.shape[1] ** -0.5 * 0.5)
    opts = optimizers(model, matrix_lr=0.005, other_lr=1e-3, weight_decay=0.1)
    average = {n: p.detach().clone() for n, p in model.state_dict().items()}
    per_epoch = len(batches(lengths, np.random.default_rng(0), 2048))
    total, step, best, start = int(per_epoch * a.epochs), 0, 0, time.time()
    unk = vocab.index("[UNK]")
    while step < total:
        for b in batches(lengths, rng, 2048):
            x = torch.tensor([ids[i] for i in b])
            y = torch.tensor([labels[i] for i in b])
            dropped = torch.rand(x.shape) < a.word_dropout
            dropped[:, 0] = dropped[:, -1] = False
            x = torch.where(dropped, unk, x)
            offset = int(rng.integers(0, 128 - x.shape[1] + 1)) if rng.random() < 0.1 else 0
            set_scale(opts, min(1.0, (step + 1) / 200) * max(0.02, 1 - step / total))
            if step > per_epoch * 2 and rng.random() < 0.5:
                logits = pruned_forward(model, x, a.dropout, float(rng.uniform(0.3, 1.0)), offset)
            else:
                logits = model(x, None, a.dropout, offset)
            loss = F.cross_entropy(logits, y, label_smoothing=0.05)
            model.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for o in opts:
                o.step()
            decay = min(0.999, step / (step + 10))
            with torch.no_grad():
                for n, p in model.state_dict().items():
                    average[n].lerp_(p, 1 - decay)
            step += 1
            if step % 50 == 0:
                print(f"step {step}/{total} loss {loss.item():.3f} {time.time() - start:.0f} s", flush=True)
            if step % (per_epoch // 2) == 0 or step == total:
                copy = BertForSequenceClassification(CONFIG)
                copy.load_state_dict({n: p.half().float() for n, p in average.items()})
                score = [accuracy(copy, dev_ids, dev_labels, k) for k in (1.0, 0.7, 0.5, 0.3)]
                print(f"  dev correct of {len(dev_ids)} at keep 1, 0.7, 0.5, 0.3: {score}", flush=True)
                if score[0] >= best:
                    best = score[0]
                    save_safetensors(average, f"{a.out}/model.safetensors")
            if step >= total:
                break


if __name__ == "__main__":
    main()
