#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains models/sst2-small: a BERT-format sentiment classifier on SST-2.

  train_sst2.py --data DATA --start models/fill-small --out models/sst2-small [--epochs 3] [--device cuda]

Starts from the masked language model of train_encoder.py. From the second epoch on, half of the batches run with cascade
token pruning at a random keep ratio (paper III-A: fine-tuning with pruning recovers accuracy).
"""
import argparse
import math
import time

import numpy as np
import torch
import torch.nn.functional as F

import corpora
from encoder import SHAPE, batches, copy_vocabulary, start_from, write_config
from training import Training, autocast
from plain_torch import BertForSequenceClassification

LABELS = {"id2label": {"0": "negative", "1": "positive"}, "label2id": {"negative": 0, "positive": 1}}
CONFIG = {**SHAPE, **LABELS}


def pruned_forward(model, ids, dropout, keep):
    """Cascade token pruning as in algo/: scores add up over heads, queries and layers; [CLS] is protected;
    the first layer keeps all, then the keep ratio falls linearly to 2 * keep - 1 (not under 0.1)."""
    bert = model.bert
    x = F.dropout(bert.embeddings(ids), dropout, model.training)
    length, layers = ids.shape[1], len(bert.encoder.layer)
    score = torch.zeros(ids.shape, device=ids.device)
    end = max(0.1, 2 * keep - 1)
    for i, layer in enumerate(bert.encoder.layer):
        probabilities = []
        x = layer(x, dropout, probabilities)
        score = score + probabilities[0].detach().float().sum((1, 2))
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


def predictions(model, ids, device, keep=1.0):
    """Probabilities [texts, 2] of a model in eval mode."""
    out = torch.zeros(len(ids), 2)
    with torch.no_grad():
        for b in batches([len(i) for i in ids], np.random.default_rng(0), 32768):
            x = torch.tensor([ids[i] for i in b], device=device)
            out[b] = (model(x) if keep == 1.0 else pruned_forward(model, x, 0.0, keep)).float().softmax(-1).cpu()
    return out


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", required=True)
    a.add_argument("--start", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--epochs", type=float, default=3)
    a.add_argument("--device", default="cpu")
    a.add_argument("--dropout", type=float, default=0.2)
    a.add_argument("--word-dropout", type=float, default=0.1)
    a.add_argument("--matrix-lr", type=float, default=0.002)
    a.add_argument("--other-lr", type=float, default=3e-4)
    a = a.parse_args()
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    write_config(a.out, architectures=["BertForSequenceClassification"], **LABELS)
    tokenizer = copy_vocabulary(a.start, a.out)
    texts, labels = corpora.sst2(f"{a.data}/glue/SST-2/train.tsv")
    dev_texts, dev_labels = corpora.sst2(f"{a.data}/glue/SST-2/dev.tsv")
    ids, dev_ids = [tokenizer.encode(t) for t in texts], [tokenizer.encode(t) for t in dev_texts]
    lengths = [len(i) for i in ids]
    fresh = lambda: BertForSequenceClassification(CONFIG).to(a.device)
    right = lambda p: (p.argmax(-1) == torch.tensor(dev_labels)).sum().item()

    model = fresh()
    start_from(model, a.start)
    per_epoch = len(batches(lengths, np.random.default_rng(0), 2048))
    training, start = Training(model, int(per_epoch * a.epochs), a.matrix_lr, a.other_lr), time.time()
    unk, best = tokenizer.vocab["[UNK]"], 0
    while training.step < training.steps:
        for b in batches(lengths, rng, 2048):
            x = torch.tensor([ids[i] for i in b], device=a.device)
            dropped = torch.rand(x.shape, device=a.device) < a.word_dropout
            dropped[:, 0] = dropped[:, -1] = False
            x = torch.where(dropped, unk, x)
            with autocast(a.device):
                if training.step > per_epoch and rng.random() < 0.5:
                    logits = pruned_forward(model, x, a.dropout, float(rng.uniform(0.3, 1.0)))
                else:
                    logits = model(x, None, a.dropout)
            y = torch.tensor([labels[i] for i in b], device=a.device)
            training.update(F.cross_entropy(logits.float(), y, label_smoothing=0.1))
            if training.step % (per_epoch // 2) == 0 or training.step == training.steps:
                copy = training.averaged(fresh())
                score = [right(predictions(copy, dev_ids, a.device, k)) for k in (1.0, 0.7, 0.5, 0.3)]
                print(f"step {training.step}/{training.steps} {time.time() - start:.0f} s, dev right of {len(dev_ids)} "
                      f"at keep 1, 0.7, 0.5, 0.3: {score}", flush=True)
                if score[0] >= best:
                    best = score[0]
                    training.save(a.out)
            if training.step >= training.steps:
                break


if __name__ == "__main__":
    main()
