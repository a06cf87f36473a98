#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What pruning, few-bit attention and few-bit weights cost in quality, on real data, as Markdown tables (docs/benchmarks.md).

    python3 bench/quality.py --sst2 SST-2/dev.tsv --stories tinystories.txt

--sst2: tab-separated, with a header line that names the columns "sentence" (or "content") and "label". --stories: stories separated by <|endoftext|>; the
last 5 % are used, which tools/train/train_stories.py holds back. Everything is computed by the built program; this script
feeds it and counts. Only the standard library is needed.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
END = "<|endoftext|>"

CLASSIFIER_RUNS = [  # label, arguments
    ("dense", []),
    ("token.keep 0.7", ["--policy", "tokens-half", "--set", "token.keep=0.7"]),
    ("token.keep 0.5", ["--policy", "tokens-half"]),
    ("token.keep 0.3", ["--policy", "tokens-half", "--set", "token.keep=0.3"]),
    ("paper-bert", ["--policy", "paper-bert"]),
    ("8 bits", ["--policy", "static-8"]),
    ("progressive 8 + 4 bits", ["--policy", "progressive-8-4"]),
    ("progressive 6 + 4 bits", ["--policy", "progressive-6-4"]),
]
GENERATOR_RUNS = [
    ("dense", []),
    ("KV cache 2x smaller", ["--policy", "kv-2x"]),
    ("KV cache 4x smaller", ["--policy", "kv-4x"]),
    ("8 bits", ["--policy", "static-8"]),
    ("progressive 8 + 4 bits", ["--policy", "progressive-8-4"]),
    ("progressive 6 + 4 bits", ["--policy", "progressive-6-4"]),
]

CHIP_RUNS = [  # --chip, for both models
    ("fp32", []),
    ("chip, 12 bits", ["--arithmetic", "chip"]),
    ("chip, 8 + 4 bits", ["--arithmetic", "chip", "--policy", "progressive-8-4"]),
    ("chip, 6 + 4 bits", ["--arithmetic", "chip", "--policy", "progressive-6-4"]),
    ("fp32, 8 + 4 bits", ["--policy", "progressive-8-4"]),
    ("fp32, 6 + 4 bits", ["--policy", "progressive-6-4"]),
]

PRECISION_RUNS = [("fp32", [])] + [  # --precision, for both models
    (label, ["--precision", precision, *more])
    for precision in ("bf16", "int8")
    for label, more in [(precision, []), (precision + ", 8-bit K and V", ["--policy", "static-8"])]
]


class Program:
    def __init__(self, path, threads):
        self.path = path
        self.common = ["--threads", str(threads)] if threads else []

    def run(self, verb, *arguments):
        """The JSON objects that the program prints."""
        result = subprocess.run([self.path, verb, "--json", *arguments], capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit("quality.py: %s %s failed: %s" % (self.path, verb, result.stderr.strip()))
        return [json.loads(line) for line in result.stdout.splitlines()]


def wilson(hits, total, z=1.96):
    """95 % interval of a share."""
    p, square = hits / total, z * z / total
    middle = (p + square / 2) / (1 + square)
    half = z * math.sqrt(p * (1 - p) / total + square / (4 * total)) / (1 + square)
    return middle - half, middle + half


def mean_interval(values, z=1.96):
    """Mean and 95 % interval of it (normal approximation)."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, mean, mean
    half = z * math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))
    return mean, mean - half, mean + half


def total_work(results):
    total = {}
    for r in results:
        for key, value in r["work"].items():
            total[key] = total.get(key, 0) + value
    return total


def work_cells(work):
    """Operations and K/V bytes as shares of the dense run, and the share of rows that read the low bits."""
    lsb = "%.1f %%" % (100 * work["lsb_rows"] / work["rows"]) if work["lsb_rows"] else ""
    return ["%.3f" % (work["ops_executed"] / work["ops_dense_equivalent"]),
            "%.3f" % (work["kv_bytes_read"] / work["kv_bytes_dense"]), lsb]


def print_table(title, header, rows):
    print("\n%s\n" % title)
    print("| " + " | ".join(header) + " |")
    print("|" + "|".join(["---"] + ["--:"] * (len(header) - 1)) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def read_sst2(path, limit):
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    header = lines[0].split("\t") if lines else []
    text = next((header.index(name) for name in ("sentence", "content") if name in header), None)
    if text is None or "label" not in header:
        sys.exit("quality.py: %s:1: expected columns \"sentence\" and \"label\", found %s" % (path, header))
    rows = [line.split("\t") for line in lines[1:] if line]
    return [(row[text], int(row[header.index("label")])) for row in rows][:limit or None]


def classifier_table(program, model, runs, items, folder):
    path = os.path.join(folder, "sentences.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        for i, (sentence, _) in enumerate(items):
            f.write(json.dumps({"id": i, "text": sentence}) + "\n")
    rows, dense_labels = [], None
    for label, policy in runs:
        results = program.run("classify", "--model", model, "--input-format", "jsonl", "--file", path, *policy, *program.common)
        labels = [r["label_id"] for r in results]
        dense_labels = dense_labels or labels
        hits = sum(found == gold for found, (_, gold) in zip(labels, items))
        low, high = wilson(hits, len(items))
        same = sum(a == b for a, b in zip(labels, dense_labels)) / len(items)
        rows.append([label, "%.2f %%" % (100 * hits / len(items)), "%.1f .. %.1f" % (100 * low, 100 * high),
                     "%.1f %%" % (100 * same)] + work_cells(total_work(results)))
    print_table("SST-2, %d sentences, model `%s`:" % (len(items), os.path.basename(os.path.normpath(model))),
                ["policy", "accuracy", "95 % interval", "same label as dense", "operations", "K/V bytes", "rows with low bits"], rows)


def held_back_stories(path):
    with open(path, encoding="utf-8") as f:
        stories = [s.strip() for s in f.read().split(END) if s.strip()]
    return stories[-(len(stories) // 20):]


def write_segments(program, model, stories, tokens, segment_tokens, folder):
    """Files of whole stories with at least `segment_tokens` tokens each, until `tokens` are there."""
    path = os.path.join(folder, "stories.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        for i, story in enumerate(stories):
            f.write(json.dumps({"id": i, "text": END + story}) + "\n")
    lengths = [len(r["token_ids"]) for r in program.run("tokenize", "--model", model, "--input-format", "jsonl", "--file", path)]
    files, text, in_text, total = [], "", 0, 0
    for story, length in zip(stories, lengths):
        text, in_text = text + END + story, in_text + length
        if in_text < segment_tokens:
            continue
        files.append(os.path.join(folder, "segment-%04d.txt" % len(files)))
        with open(files[-1], "w", encoding="utf-8") as f:
            f.write(text)
        total += in_text
        text, in_text = "", 0
        if total >= tokens:
            break
    return files


def generator_table(program, model, runs, files):
    rows, dense = [], None
    for label, policy in runs:
        results = program.run("perplexity", "--model", model, *files, *policy, *program.common)
        dense = dense or results
        tokens = sum(r["tokens"] for r in results)
        perplexity = math.exp(sum(r["nll_per_token"] * r["tokens"] for r in results) / tokens)
        # Segment by segment against the dense run: what differs between segments cancels.
        mean, low, high = mean_interval([r["nll_per_token"] - d["nll_per_token"] for r, d in zip(results, dense)])
        change = [100 * (math.exp(x) - 1) for x in (mean, low, high)]
        rows.append([label, "%.3f" % perplexity] + (["", ""] if results is dense else ["%+.2f %%" % change[0], "%+.2f .. %+.2f" % tuple(change[1:])])
                    + work_cells(total_work(results)))
    print_table("Held-back stories, %d tokens in %d segments, model `%s`:" % (tokens, len(files), os.path.basename(os.path.normpath(model))),
                ["policy", "perplexity", "change", "95 % interval", "operations", "K/V bytes", "rows with low bits"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=os.path.join(SOURCE, "build", "release", "spatten"))
    parser.add_argument("--classifier", default=os.path.join(SOURCE, "models", "sst2-small"), metavar="DIR")
    parser.add_argument("--generator", default=os.path.join(SOURCE, "models", "stories-small"), metavar="DIR")
    parser.add_argument("--sst2", metavar="FILE", help="dev.tsv of SST-2")
    parser.add_argument("--sentences", type=int, default=0, metavar="N", help="the first N of them (default: all)")
    parser.add_argument("--stories", "--data", metavar="FILE", help="stories separated by " + END)
    parser.add_argument("--tokens", type=int, default=20000, metavar="N", help="of the held-back stories (default: 20000)")
    parser.add_argument("--segment", type=int, default=1000, metavar="N", help="least tokens of a segment (default: 1000)")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--chip", action="store_true", help="the arithmetic of the chip against fp32 (docs/validation.md)")
    one.add_argument("--precision", action="store_true", help="weights in bf16 and int8 against fp32 (docs/benchmarks.md)")
    parser.add_argument("--threads", type=int, default=0, metavar="N")
    a = parser.parse_args()
    if not a.sst2 and not a.stories:
        parser.error("expected --sst2 FILE or --stories FILE")
    program = Program(a.program, a.threads)
    shared_runs = CHIP_RUNS if a.chip else PRECISION_RUNS if a.precision else None
    with tempfile.TemporaryDirectory() as folder:
        if a.sst2:
            classifier_table(program, a.classifier, shared_runs or CLASSIFIER_RUNS, read_sst2(a.sst2, a.sentences), folder)
        if a.stories:
            files = write_segments(program, a.generator, held_back_stories(a.stories), a.tokens, a.segment, folder)
            generator_table(program, a.generator, shared_runs or GENERATOR_RUNS, files)


if __name__ == "__main__":
    main()
