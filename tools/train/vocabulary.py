# SPDX-License-Identifier: Apache-2.0
"""Trains the two vocabularies: byte-level BPE (GPT-2 files) and WordPiece (BERT vocab.txt).

Both are pair merging on word counts; they differ in the alphabet and in the file that they write.
"""
import collections
import heapq
import re
import unicodedata

GPT2_WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


def byte_alphabet():
    """GPT-2's reversible byte -> printable character table."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {b: chr(b) for b in printable}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return table


def learn_merges(words, count, join):
    """words: {tuple of symbols: frequency}. Returns the `count` best merges, ties by symbol order."""
    items = [[list(w), f] for w, f in sorted(words.items())]
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, (w, f) in enumerate(items):
        for p in zip(w, w[1:]):
            pairs[p] += f
            where[p].add(i)
    heap = [(-c, p) for p, c in pairs.items()]
    heapq.heapify(heap)
    merges = []
    while heap and len(merges) < count:
        c, p = heapq.heappop(heap)
        if pairs.get(p, 0) != -c:
            if pairs.get(p, 0) > 0:
                heapq.heappush(heap, (-pairs[p], p))
            continue
        if -c < 2:
            break
        merges.append(p)
        joined = join(*p)
        changed = set()
        for i in list(where.pop(p)):
            w, f = items[i]
            for q in zip(w, w[1:]):
                pairs[q] -= f
                changed.add(q)
            out, j = [], 0
            while j < len(w):
                if j + 1 < len(w) and (w[j], w[j + 1]) == p:
                    out.append(joined)
                    j += 2
                else:
                    out.append(w[j])
                    j += 1
            items[i][0] = out
            for q in zip(out, out[1:]):
                pairs[q] += f
                where[q].add(i)
                changed.add(q)
        for q in changed:
            if pairs[q] > 0:
                heapq.heappush(heap, (-pairs[q], q))
    return merges


def join_bytes(left, right):
    return left + right


def join_pieces(left, right):
    return left + right[2:]  # right is never the start of a word, so it carries "##"


def train_bpe(text, size, special="<|endoftext|>"):
    """Returns ({token: id}, [(left, right)]); the special token takes the last id."""
    table = byte_alphabet()
    counts = collections.Counter()
    for part in text.split(special):
        counts.update(GPT2_WORDS.findall(part))
    words = {tuple(table[b] for b in w.encode()): f for w, f in counts.items()}
    merges = learn_merges(words, size - 257, join_bytes)
    vocab = {c: i for i, c in enumerate(sorted(table.values()))}
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    vocab[special] = len(vocab)
    return vocab, merges


class Bpe:
    def __init__(self, vocab, merges):
        self.vocab, self.table, self.cache = vocab, byte_alphabet(), {}
        self.rank = {m: i for i, m in enumerate(merges)}

    def word(self, text):
        if text not in self.cache:
            w = [self.table[b] for b in text.encode()]
            while len(w) > 1:
                best = min(range(len(w) - 1), key=lambda i: self.rank.get((w[i], w[i + 1]), 1 << 30))
                pair = (w[best], w[best + 1])
                if pair not in self.rank:
                    break
                out, i = [], 0
                while i < len(w):
                    if i + 1 < len(w) and (w[i], w[i + 1]) == pair:
                        out.append(w[i] + w[i + 1])
                        i += 2
                    else:
                        out.append(w[i])
                        i += 1
                w = out
            self.cache[text] = [self.vocab[t] for t in w]
        return self.cache[text]

    def encode(self, text):
        return [i for w in GPT2_WORDS.findall(text) for i in self.word(w)]


def basic_words(text):
    """BERT's basic tokenizer, uncased: lower case, accents stripped, punctuation split."""
    text = unicodedata.normalize("NFD", text.lower())
    text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    return re.findall(r"\w+|[^\w\s]", text.replace("_", " _ "))


def train_wordpiece(texts, size):
    counts = collections.Counter()
    for t in texts:
        counts.update(basic_words(t))
    words = {tuple([w[0], *("##" + c for c in w[1:])]): f for w, f in counts.items()}
    alphabet = sorted({s for w in words for s in w} | {chr(c) for c in range(33, 127) if not chr(c).isupper()}
                      | {"##" + chr(c) for c in [*range(48, 58), *range(97, 123)]})
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *alphabet]
    seen = set(vocab)
    for pair in learn_merges(words, 4 * size, join_pieces):
        piece = join_pieces(*pair)
        if piece not in seen:
            seen.add(piece)
            vocab.append(piece)
        if len(vocab) == size:
            break
    return vocab


class WordPiece:
    def __init__(self, vocab):
        self.vocab, self.cache = {t: i for i, t in enumerate(vocab)}, {}

    def word(self, w):
        if w not in self.cache:
            out, start = [], 0
            while start < len(w):
                end = len(w)
                while end > start and ("##" if start else "") + w[start:end] not in self.vocab:
                    end -= 1
                if end == start:
                    out = [self.vocab["[UNK]"]]
                    break
                out.append(self.vocab[("##" if start else "") + w[start:end]])
                start = end
            self.cache[w] = out
        return self.cache[w]

    def encode(self, text):
        return [self.vocab["[CLS]"], *(i for w in basic_words(text) for i in self.word(w)), self.vocab["[SEP]"]]
