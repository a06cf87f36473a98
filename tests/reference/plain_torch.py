# SPDX-License-Identifier: Apache-2.0
"""Plain-torch BERT and GPT-2: the reference that the C++ runtime is compared with.

Module names follow the Hugging Face checkpoints, so `state_dict()` is a valid model.safetensors.
No pruning, no cache, no fused kernels: each line is one line of the papers (Devlin 2019, Radford 2019).
`tools/train` trains these same classes, hence the optional dropout.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn


class Conv1D(nn.Module):
    """GPT-2's linear layer: weight stored [in, out]."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_in, n_out) * 0.02)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return F.linear(x, self.weight.t(), self.bias)


def split_heads(x, heads):
    batch, length, hidden = x.shape
    return x.view(batch, length, heads, hidden // heads).transpose(1, 2)


def merge_heads(x):
    batch, heads, length, dim = x.shape
    return x.transpose(1, 2).reshape(batch, length, heads * dim)


def attention_probabilities(q, k, causal):
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1)


# ---------------------------------------------------------------- BERT


class BertSelfAttention(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(hidden, hidden) for _ in range(3))


class BertSelfOutput(nn.Module):
    def __init__(self, n_in, n_out, eps):
        super().__init__()
        self.dense = nn.Linear(n_in, n_out)
        self.LayerNorm = nn.LayerNorm(n_out, eps=eps)


class BertAttention(nn.Module):
    def __init__(self, hidden, eps):
        super().__init__()
        self.self = BertSelfAttention(hidden)
        self.output = BertSelfOutput(hidden, hidden, eps)


class BertIntermediate(nn.Module):
    def __init__(self, hidden, ffn):
        super().__init__()
        self.dense = nn.Linear(hidden, ffn)


class BertLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        hidden, eps = c["hidden_size"], c["layer_norm_eps"]
        self.heads = c["num_attention_heads"]
        self.attention = BertAttention(hidden, eps)
        self.intermediate = BertIntermediate(hidden, c["intermediate_size"])
        self.output = BertSelfOutput(c["intermediate_size"], hidden, eps)

    def forward(self, x, dropout=0.0, probabilities=None):
        drop = lambda t: F.dropout(t, dropout, self.training)
        a = self.attention
        q, k, v = (split_heads(f(x), self.heads) for f in (a.self.query, a.self.key, a.self.value))
        p = attention_probabilities(q, k, causal=False)
        if probabilities is not None:
            probabilities.append(p)
        x = a.output.LayerNorm(x + drop(a.output.dense(merge_heads(p @ v))))
        return self.output.LayerNorm(x + drop(self.output.dense(F.gelu(self.intermediate.dense(x)))))


class BertEmbeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        hidden = c["hidden_size"]
        self.word_embeddings = nn.Embedding(c["vocab_size"], hidden)
        self.position_embeddings = nn.Embedding(c["max_position_embeddings"], hidden)
        self.token_type_embeddings = nn.Embedding(c["type_vocab_size"], hidden)
        self.LayerNorm = nn.LayerNorm(hidden, eps=c["layer_norm_eps"])

    def forward(self, ids, types=None, offset=0):
        positions = torch.arange(offset, offset + ids.shape[1], device=ids.device)
        types = torch.zeros_like(ids) if types is None else types
        x = self.word_embeddings(ids) + self.position_embeddings(positions) + self.token_type_embeddings(types)
        return self.LayerNorm(x)


class BertEncoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.layer = nn.ModuleList(BertLayer(c) for _ in range(c["num_hidden_layers"]))


class BertPooler(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.dense = nn.Linear(hidden, hidden)


class Bert(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embeddings = BertEmbeddings(c)
        self.encoder = BertEncoder(c)
        self.pooler = BertPooler(c["hidden_size"])

    def forward(self, ids, types=None, dropout=0.0, offset=0):
        x = F.dropout(self.embeddings(ids, types, offset), dropout, self.training)
        for layer in self.encoder.layer:
            x = layer(x, dropout)
        return x

    def pool(self, x):
        return torch.tanh(self.pooler.dense(x[:, 0]))


class BertForSequenceClassification(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.bert = Bert(c)
        self.classifier = nn.Linear(c["hidden_size"], len(c.get("id2label", {0: 0, 1: 1})))

    def forward(self, ids, types=None, dropout=0.0, offset=0):
        pooled = self.bert.pool(self.bert(ids, types, dropout, offset))
        return self.classifier(F.dropout(pooled, dropout, self.training))


class BertForQuestionAnswering(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.bert = Bert(c)
        self.qa_outputs = nn.Linear(c["hidden_size"], 2)

    def forward(self, ids, types=None, dropout=0.0):
        return self.qa_outputs(self.bert(ids, types, dropout))


class BertForMaskedLM(nn.Module):
    """Decoder tied to the word embeddings, as in the published checkpoints."""

    def __init__(self, c):
        super().__init__()
        hidden = c["hidden_size"]
        self.bert = Bert(c)
        self.cls = nn.ModuleDict({"predictions": nn.ModuleDict({"transform": nn.ModuleDict({
            "dense": nn.Linear(hidden, hidden), "LayerNorm": nn.LayerNorm(hidden, eps=c["layer_norm_eps"])})})})
        self.cls["predictions"].register_parameter("bias", nn.Parameter(torch.zeros(c["vocab_size"])))

    def forward(self, ids, types=None):
        head = self.cls["predictions"]["transform"]
        x = head["LayerNorm"](F.gelu(head["dense"](self.bert(ids, types))))
        return x @ self.bert.embeddings.word_embeddings.weight.t() + self.cls["predictions"].bias


# ---------------------------------------------------------------- GPT-2


class Gpt2Attention(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.c_attn = Conv1D(hidden, 3 * hidden)
        self.c_proj = Conv1D(hidden, hidden)


class Gpt2Mlp(nn.Module):
    def __init__(self, hidden, inner):
        super().__init__()
        self.c_fc = Conv1D(hidden, inner)
        self.c_proj = Conv1D(inner, hidden)


class Gpt2Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        hidden = c["n_embd"]
        self.heads = c["n_head"]
        self.ln_1 = nn.LayerNorm(hidden, eps=c["layer_norm_epsilon"])
        self.attn = Gpt2Attention(hidden)
        self.ln_2 = nn.LayerNorm(hidden, eps=c["layer_norm_epsilon"])
        self.mlp = Gpt2Mlp(hidden, c.get("n_inner") or 4 * hidden)

    def forward(self, x, dropout=0.0):
        drop = lambda t: F.dropout(t, dropout, self.training)
        q, k, v = (split_heads(t, self.heads) for t in self.attn.c_attn(self.ln_1(x)).chunk(3, -1))
        if self.training and hasattr(F, "scaled_dot_product_attention"):  # PyTorch 2: same value without the L x L matrix
            context = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            context = attention_probabilities(q, k, causal=True) @ v
        x = x + drop(self.attn.c_proj(merge_heads(context)))
        return x + drop(self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x)), approximate="tanh")))


class Gpt2Transformer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.wte = nn.Embedding(c["vocab_size"], c["n_embd"])
        self.wpe = nn.Embedding(c["n_positions"], c["n_embd"])
        self.h = nn.ModuleList(Gpt2Block(c) for _ in range(c["n_layer"]))
        self.ln_f = nn.LayerNorm(c["n_embd"], eps=c["layer_norm_epsilon"])


class Gpt2LMHead(nn.Module):
    """LM head tied to wte."""

    def __init__(self, c):
        super().__init__()
        self.transformer = Gpt2Transformer(c)

    def forward(self, ids, dropout=0.0, offset=0):
        t = self.transformer
        x = t.wte(ids) + t.wpe(torch.arange(offset, offset + ids.shape[1], device=ids.device))
        x = F.dropout(x, dropout, self.training)
        for block in t.h:
            x = block(x, dropout)
        return t.ln_f(x) @ t.wte.weight.t()
