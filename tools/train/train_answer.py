#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains models/answer-small: a BERT-format reader that marks the answer to a question in a text.

  train_answer.py --data DATA --start models/fill-small --out models/answer-small [--epochs 8] [--device cuda]

Questions of SQuAD v1.1's dev file (its last four articles held back) and questions that corpora.py makes of TinyStories
sentences. One window in eight lacks the answer, and [CLS] is its target, as for SQuAD v2.
"""
import argparse
import collections
import re
import string
import time

import numpy as np
import torch
import torch.nn.functional as F

import corpora
from encoder import SHAPE, batches, copy_vocabulary, start_from, write_config
from training import Training, autocast
from plain_torch import BertForQuestionAnswering

LENGTHS = (64, 96, 128, 160, 192, 256)


class Example:
    """Token ids of question and context, and where the answer lies in the context: [begin, end)."""

    def __init__(self, tokenizer, question, context, start, end, answers):
        inner = lambda text: tokenizer.encode(text)[1:-1]
        self.question, before = inner(question)[:40], inner(context[:start])
        answer, after = inner(context[start:end]), inner(context[end:])
        self.context, self.answers = before + answer + after, answers
        self.begin, self.end = len(before), len(before) + len(answer)
        self.usable = len(answer) > 0 and self.context == inner(context)

    def window(self, tokenizer, rng):
        """(ids, types, first, last) of a window of one of LENGTHS, or shorter where the text is."""
        room = 3 + len(self.question) + len(self.context)
        size = max([n for n in LENGTHS if n <= room], default=room) - 3 - len(self.question)
        low, high = max(0, self.end - size), min(self.begin, len(self.context) - size)
        absent = rng.random() < 0.125 and size < len(self.context)
        first = int(rng.integers(0, len(self.context) - size + 1)) if absent or low > high else int(rng.integers(low, high + 1))
        head = [tokenizer.vocab["[CLS]"], *self.question, tokenizer.vocab["[SEP]"]]
        ids = [*head, *self.context[first:first + size], tokenizer.vocab["[SEP]"]]
        inside = first <= self.begin and self.end <= first + size
        span = (len(head) + self.begin - first, len(head) + self.end - 1 - first) if inside else (0, 0)
        return ids, [0] * len(head) + [1] * (len(ids) - len(head)), *span


def normal(text):
    """SQuAD's normalisation: case, punctuation and articles do not count."""
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def f1(found, answers):
    best = 0.0
    for answer in answers:
        want, have = normal(answer), normal(found)
        same = sum((collections.Counter(want) & collections.Counter(have)).values())
        best = max(best, 2 * same / (len(want) + len(have)) if want or have else 1.0)
    return best


def score(model, tokenizer, examples, device):
    """Mean F1 and exact match, in per cent, over one window with the answer in it for each example."""
    words = {i: t for t, i in tokenizer.vocab.items()}
    rng, total, exact = np.random.default_rng(5), 0.0, 0
    windows = [e.window(tokenizer, rng) for e in examples]
    with torch.no_grad():
        for b in batches([len(w[0]) for w in windows], rng, 32768):
            ids, types = (torch.tensor([windows[i][k] for i in b], device=device) for k in (0, 1))
            logits = model(ids, types).float().masked_fill(types[..., None] == 0, -1e9)
            logits[:, -1] = -1e9
            begin, end = logits[..., 0].log_softmax(-1), logits[..., 1].log_softmax(-1)
            pairs = (begin[:, :, None] + end[:, None, :]).triu().tril(29) + torch.full(
                (ids.shape[1],) * 2, -1e9, device=device).tril(-1) + torch.full((ids.shape[1],) * 2, -1e9, device=device).triu(30)
            best = pairs.flatten(1).argmax(1)
            for i, j in enumerate(best.tolist()):
                first, last = divmod(j, ids.shape[1])
                found = " ".join(words[t] for t in ids[i, first:last + 1].tolist()).replace(" ##", "")
                value = max(f1(found, [" ".join(re.findall(r"\w+|[^\w\s]", x)) for x in examples[b[i]].answers]), 0)
                total, exact = total + value, exact + (value > 0.999)
    return 100 * total / len(examples), 100 * exact / len(examples)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", required=True)
    a.add_argument("--start", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--epochs", type=float, default=8)
    a.add_argument("--device", default="cpu")
    a.add_argument("--dropout", type=float, default=0.2)
    a = a.parse_args()
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    write_config(a.out, architectures=["BertForQuestionAnswering"])
    tokenizer = copy_vocabulary(a.start, a.out)
    articles, held_articles = corpora.squad(f"{a.data}/squad/dev-v1.1.json")
    told, held_told = corpora.stories(f"{a.data}/text/tinystories.txt")
    make = lambda questions: [e for e in (Example(tokenizer, *q) for q in questions) if e.usable]
    examples = make(corpora.squad_questions(articles)) + make(corpora.about_stories(told))
    held = {"SQuAD": make(corpora.squad_questions(held_articles)), "stories": make(corpora.about_stories(held_told))}
    print(f"{len(examples)} questions; held back {({k: len(v) for k, v in held.items()})}", flush=True)

    model = BertForQuestionAnswering(SHAPE).to(a.device)
    start_from(model, a.start)
    steps = int(a.epochs * len(examples) * 160 / 8192)
    training, start = Training(model, steps, matrix_lr=0.003, other_lr=5e-4), time.time()
    while training.step < steps:
        windows = [e.window(tokenizer, rng) for e in examples]
        for b in batches([len(w[0]) for w in windows], rng, 8192):
            ids, types, first, last = (torch.tensor([windows[i][k] for i in b], device=a.device) for k in range(4))
            with autocast(a.device):
                logits = model(ids, types, a.dropout).float()
            training.update(F.cross_entropy(logits[..., 0], first) + F.cross_entropy(logits[..., 1], last))
            if training.step % 250 == 0 or training.step == steps:
                copy = training.averaged(BertForQuestionAnswering(SHAPE).to(a.device))
                found = {k: "F1 %.1f, exact %.1f" % score(copy, tokenizer, v, a.device) for k, v in held.items()}
                print(f"step {training.step}/{steps} {time.time() - start:.0f} s {found}", flush=True)
                training.save(a.out)
            if training.step >= steps:
                break


if __name__ == "__main__":
    main()
