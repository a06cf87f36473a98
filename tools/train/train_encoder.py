#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains models/fill-small: a BERT-format masked language model, from which the other BERT-format models start.

  train_encoder.py --data DATA --out models/fill-small [--steps 6000] [--device cuda]

DATA holds glue/, squad/ and text/ (corpora.py names the files). Windows of 32 to 256 tokens, half of them from the start of
a document; 20 % of the tokens masked as in Devlin 2019. Needs PyTorch 2 and numpy.
"""
import argparse
import time

import numpy as np
import torch
import torch.nn.functional as F

import corpora
from encoder import SHAPE, write_config
from training import Training, autocast
from plain_torch import BertForMaskedLM
from vocabulary import WordPiece, train_wordpiece


def masked(x, special, mask, vocab, generator):
    """Devlin's corruption: of the chosen 20 %, eight in ten [MASK], one random, one left; (input, chosen)."""
    u = torch.rand(x.shape, generator=generator, device=x.device)
    chosen = (u < 0.2) & (x >= special)
    kind = torch.rand(x.shape, generator=generator, device=x.device)
    other = torch.randint(special, vocab, x.shape, generator=generator, device=x.device)
    return torch.where(chosen & (kind < 0.8), mask, torch.where(chosen & (kind > 0.9), other, x)), chosen


def masked_loss(model, x, chosen, y, dropout=0.0):
    """The decoder runs on the chosen positions alone."""
    head = model.cls["predictions"]["transform"]
    h = model.bert(x, None, dropout)[chosen]
    h = head["LayerNorm"](F.gelu(head["dense"](h)))
    logits = h @ model.bert.embeddings.word_embeddings.weight.t() + model.cls["predictions"].bias
    return F.cross_entropy(logits.float(), y[chosen])


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--steps", type=int, default=6000)
    a.add_argument("--batch-tokens", type=int, default=16384)
    a.add_argument("--device", default="cpu")
    a = a.parse_args()
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    write_config(a.out, architectures=["BertForMaskedLM"])
    documents = corpora.everything(a.data)
    vocab = train_wordpiece(documents, SHAPE["vocab_size"])
    open(f"{a.out}/vocab.txt", "w", encoding="utf-8").write("\n".join(vocab) + "\n")
    tokenizer = WordPiece(vocab)
    cls, sep, mask = (vocab.index(t) for t in ("[CLS]", "[SEP]", "[MASK]"))
    encode = lambda texts: [tokenizer.encode(t)[1:] for t in texts]  # each document ends with [SEP]
    parts = encode([documents[i] for i in rng.permutation(len(documents))])
    stream = torch.tensor(np.concatenate(parts), device=a.device)
    begins = np.cumsum([0, *map(len, parts[:-1])])
    held = torch.tensor(np.concatenate(encode(corpora.stories(f"{a.data}/text/tinystories.txt")[1])), device=a.device)
    print(f"{len(stream)} tokens in {len(parts)} documents, {len(held)} held back", flush=True)

    def window(source, starts, length):
        x = torch.as_tensor(starts, device=a.device)[:, None] + torch.arange(length - 1, device=a.device)
        x = source[x]
        x[:, -1] = sep
        return F.pad(x, (1, 0), value=cls)

    model = BertForMaskedLM(SHAPE).to(a.device)
    for n, p in model.named_parameters():
        if p.ndim == 2:
            torch.nn.init.normal_(p, std=0.02 if "embeddings" in n else p.shape[1] ** -0.5 * 0.5)
    training, start = Training(model, a.steps, matrix_lr=0.01, other_lr=2e-3, weight_decay=0.05), time.time()
    generator = torch.Generator(a.device).manual_seed(1)
    while training.step < a.steps:
        length = int(rng.choice([32, 64, 128, 256]))
        rows = a.batch_tokens // length
        starts = np.where(rng.random(rows) < 0.5, rng.choice(begins, rows), rng.integers(0, len(stream), rows))
        y = window(stream, np.minimum(starts, len(stream) - length), length)
        x, chosen = masked(y, 5, mask, SHAPE["vocab_size"], generator)
        with autocast(a.device):
            loss = masked_loss(model, x, chosen, y, 0.1)
        training.update(loss)
        if training.step % 500 == 0 or training.step == a.steps:
            copy = training.averaged(BertForMaskedLM(SHAPE).to(a.device))
            fixed = torch.Generator(a.device).manual_seed(2)
            with torch.no_grad():
                y = window(held, np.arange(0, len(held) - 128, 128)[:400], 128)
                loss_held = np.mean([masked_loss(copy, *masked(b, 5, mask, SHAPE["vocab_size"], fixed), b).item()
                                     for b in y.split(64)])
            print(f"step {training.step}/{a.steps} loss {loss.item():.3f} on held-back stories {loss_held:.3f}, "
                  f"{time.time() - start:.0f} s", flush=True)
            training.save(a.out)


if __name__ == "__main__":
    main()
