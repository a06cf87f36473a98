#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the runtime with plain PyTorch on random weights: full BERT-Base and GPT-2-Small shapes, many lengths.

  compare.py FORWARD_PROGRAM [--small]

Writes the checkpoints to a temporary folder, prints the largest absolute difference per case and exits 1 when one is
above 1e-4. Exits 77 (skipped) when python3-torch is absent.
"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError as e:
    print(f"skipped: {e} (Debian package python3-torch)")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../reference"), os.path.join(HERE, "../../tools/train")]
import plain_torch as plain
from checkpoint import save_safetensors

LIMIT = 1e-4
BERT = {"model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
        "intermediate_size": 3072, "vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2,
        "layer_norm_eps": 1e-12, "hidden_act": "gelu"}
GPT2 = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": 768, "n_layer": 12, "n_head": 12,
        "vocab_size": 50257, "n_positions": 1024, "n_ctx": 1024, "layer_norm_epsilon": 1e-5,
        "activation_function": "gelu_new"}


def randomise(model):
    """Weights as a trained model has them: spread over the residual stream, LayerNorm away from the identity."""
    for name, p in model.named_parameters():
        if name.endswith("LayerNorm.weight") or ".ln_" in name and name.endswith("weight"):
            torch.nn.init.normal_(p, 1.0, 0.1)
        elif p.ndim == 1:
            torch.nn.init.normal_(p, 0.0, 0.05)
        else:
            torch.nn.init.normal_(p, 0.0, 0.04)
    return model.eval()


def run(program, folder, ids, task, shape):
    with open(f"{folder}/ids.json", "w") as f:
        json.dump(ids, f)
    subprocess.run([program, folder, f"{folder}/ids.json", f"{folder}/out.bin", task], check=True)
    return torch.from_numpy(np.fromfile(f"{folder}/out.bin", np.float32).reshape(shape).copy())


def sequences(lengths, vocab):
    g = torch.Generator().manual_seed(3)
    return [torch.randint(0, vocab, (n,), generator=g).tolist() for n in lengths]


def types(ids):
    return torch.tensor([[0] * (len(ids) // 2) + [1] * (len(ids) - len(ids) // 2)])


def report(name, ours, theirs):
    difference = (ours - theirs).abs().max().item()
    verdict = "ok" if difference <= LIMIT else "TOO LARGE"
    print(f"{name:48s} max abs difference {difference:.2e} {verdict}", flush=True)
    return difference <= LIMIT


def save(model, config, folder, architecture, dtype=torch.float32):
    with open(f"{folder}/config.json", "w") as f:
        json.dump(dict(config, architectures=[architecture]), f)
    state = model.state_dict()
    save_safetensors(state, f"{folder}/model.safetensors", dtype)


def bert_cases(program, folder, config, lengths, tag):
    good = True
    torch.manual_seed(1)
    ids = sequences(lengths, config["vocab_size"])
    for cls, architecture, task, width in [
            (plain.BertForSequenceClassification, "BertForSequenceClassification", "classify", 2),
            (plain.BertForQuestionAnswering, "BertForQuestionAnswering", "spans", 2),
            (plain.BertForMaskedLM, "BertForMaskedLM", "vocabulary", config["vocab_size"])]:
        model = randomise(cls(config))
        save(model, config, folder, architecture)
        with torch.no_grad():
            if task == "classify":
                hidden = torch.cat([model.bert(torch.tensor([i]), types(i))[0] for i in ids])
                ours = run(program, folder, ids, "hidden", hidden.shape)
                good &= report(f"{tag} hidden states, {len(ids)} lengths, one batch", ours, hidden)
                theirs = torch.cat([model(torch.tensor([i]), types(i)) for i in ids])
            else:
                ids = [i for i in ids if len(i) <= 128 or task == "spans"]
                theirs = torch.cat([model(torch.tensor([i]), types(i))[0] for i in ids])
            good &= report(f"{tag} {task} logits", run(program, folder, ids, task, theirs.shape), theirs)
    return good


def gpt2_cases(program, folder, config, lengths, cached, tag):
    torch.manual_seed(2)
    model = randomise(plain.Gpt2LMHead(config))
    save(model, config, folder, "GPT2LMHeadModel")
    ids = sequences(lengths, config["vocab_size"])
    with torch.no_grad():
        theirs = torch.cat([model(torch.tensor([i]))[0] for i in ids])
        good = report(f"{tag} logits, lengths {lengths}", run(program, folder, ids, "lm", theirs.shape), theirs)
        ids = sequences([cached], config["vocab_size"])
        theirs = model(torch.tensor(ids))[0]
        return good & report(f"{tag} logits, {cached} tokens through the cache",
                             run(program, folder, ids, "cached", theirs.shape), theirs)


def main():
    program, small = sys.argv[1], "--small" in sys.argv
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        shrink = dict(num_hidden_layers=3, hidden_size=128, intermediate_size=512, num_attention_heads=4, vocab_size=500)
        good = bert_cases(program, folder, dict(BERT, **shrink), list(range(1, 40)) + [127, 128, 129, 512], "BERT D=32")
        good &= bert_cases(program, folder, dict(BERT, **dict(shrink, num_attention_heads=1)), [1, 5, 64, 200], "BERT D=128")
        good &= gpt2_cases(program, folder, dict(GPT2, n_embd=128, n_layer=3, n_head=2, vocab_size=500),
                           list(range(1, 20)) + [255, 1024], 300, "GPT-2 D=64, small")
        if not small:
            good &= bert_cases(program, folder, BERT, [1, 2, 3, 17, 64, 128, 129, 384, 512], "BERT-Base")
            good &= gpt2_cases(program, folder, GPT2, [1, 2, 33, 128, 1024], 40, "GPT-2-Small")
    print("equal" if good else "NOT equal")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
