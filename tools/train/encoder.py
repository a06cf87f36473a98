# SPDX-License-Identifier: Apache-2.0
"""What the trainings of the BERT-format models share: shape, vocabulary, start, batches."""
import json
import os

from checkpoint import load_safetensors
from vocabulary import WordPiece

SHAPE = {"model_type": "bert", "hidden_act": "gelu", "num_hidden_layers": 8, "hidden_size": 256,
         "num_attention_heads": 4, "intermediate_size": 1024, "max_position_embeddings": 256, "type_vocab_size": 2,
         "vocab_size": 8000, "layer_norm_eps": 1e-12, "pad_token_id": 0, "torch_dtype": "float16"}


def write_config(folder, **more):
    os.makedirs(folder, exist_ok=True)
    json.dump({**more, **SHAPE}, open(f"{folder}/config.json", "w"), indent=2)


def copy_vocabulary(source, folder):
    text = open(f"{source}/vocab.txt", encoding="utf-8").read()
    open(f"{folder}/vocab.txt", "w", encoding="utf-8").write(text)
    return WordPiece(text.splitlines())


def start_from(model, folder):
    """The encoder's weights from another folder's model; the head keeps its random start."""
    state = {n: t for n, t in load_safetensors(f"{folder}/model.safetensors").items() if n.startswith("bert.")}
    missing, unknown = model.load_state_dict(state, strict=False)
    if unknown or any(n.startswith("bert.") for n in missing):
        raise SystemExit(f"{folder}: expected the encoder's tensors, found {missing} missing and {unknown} unknown")


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
