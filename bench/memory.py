#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The memories of configs/memory against the public DRAM simulators that they describe, as the tables of docs/validation.md.

usage: bench/memory.py PROGRAM [--write]      PROGRAM is build/release/spatten; --write replaces the section in docs/validation.md

The figures of the simulators (Ramulator 2.0, commit 14a52ce; Ramulator 2.1, c5b1c3a; DRAMsim3, 2981759) were measured on the same
traces (`spatten dram --generate NAME`) under the same replay rule (docs/formats/dram_trace.md).
"""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TRACES = ["seq_read", "rand32", "rand64", "pruned50", "mix2r1w", "bankconflict"]

# simulator and address map, our file, (cycles, mean read latency) per trace
MODELS = [
    ("Ramulator 2.1, pcbg", "hbm2-r21", [(10357, 20.2), (18674, 69.7), (18493, 69.8), (9465, 24.3), (22693, 87.0), (863766, 843.2)]),
    ("Ramulator 2.1, RoBaRaCoCh", "hbm2-r21-robaracoch", [(27835, 54.3), (18518, 69.8), (18508, 69.7), (20263, 52.2), (26132, 100.2), (863766, 843.2)]),
    ("Ramulator 2.0, RoBaRaCoCh", "hbm2-r20", [(20338, 39.6), (15610, 59.0), (15607, 58.9), (14220, 36.4), (20714, 79.5), (393211, 383.8)]),
    ("Ramulator 2.0, pcbg", "hbm2-r20-pcbg", [(16401, 32.0), (15605, 59.0), (15575, 59.0), (13039, 33.5), (20607, 79.0), (393211, 383.8)]),
    ("DRAMsim3, RoBaRaCoCh", "hbm2-d3", [(19004, 37.1), (19970, 73.8), (19834, 73.8), (16156, 41.4), (22792, 86.7), (846032, 825.8)]),
    ("DRAMsim3, pcbg", "hbm2-d3-pcbg", [(10571, 20.6), (19938, 73.9), (19945, 74.2), (9321, 23.7), (21970, 83.9), (846032, 825.8)]),
    ("DRAMsim3, legacy mode", "hbm2-legacy", [(18226, 35.5), (34211, 129.7), (34278, 129.7), (15003, 38.6), (38260, 146.1), (846031, 825.8)]),
]

# our file, settings, (cycles, mean read latency) per trace
VARIANTS = [
    ("hbm2-r20", ["timing.clocks.nBL=2"], [(14167, 27.6), (15280, 57.9), (15452, 58.1), (10954, 28.1), (18587, 71.3), (393209, 383.8)]),
    ("hbm2-r20-pcbg", ["timing.clocks.nBL=2"], [(9385, 18.3), (15346, 57.9), (15323, 58.0), (8094, 20.8), (18806, 72.0), (393209, 383.8)]),
    ("hbm2-r21-robaracoch", ["refresh.policy=none"], [(27548, 53.7), (17047, 64.0), (17038, 63.9), (19514, 50.2), (24008, 91.6), (786416, 767.6)]),
    ("hbm2-d3", ["timing.clocks.nCCDS=2", "timing.clocks.nCCDL=4"], [(26992, 52.4), (19970, 73.8), (19834, 73.8), (20059, 51.3), (24633, 92.4), (846032, 825.8)]),
    ("hbm2-d3-pcbg", ["timing.clocks.nCCDS=2", "timing.clocks.nCCDL=4"], [(10574, 20.6), (19938, 73.9), (19945, 74.2), (9468, 24.2), (22316, 85.0), (846032, 825.8)]),
    ("hbm2-d3", ["refresh.policy=none"], [(19550, 38.1), (18462, 69.1), (18339, 69.1), (15940, 41.0), (21426, 81.2), (786416, 767.6)]),
]

# reads in flight per channel, and the share of 512 GB/s in percent for each; the simulators print one decimal
DEPTHS = [4, 8, 12, 14, 15, 16, 32, 64]
DEPTH_TABLE = [
    ("seq_read", "hbm2-r20", [21.4, 26.9, 36.5, 38.4, 40.2, 40.3, 49.9, 49.9]),
    ("seq_read", "hbm2-r21-robaracoch", [19.3, 22.6, 25.7, 27.7, 28.5, 29.4, 43.4, 50.2]),
    ("seq_read", "hbm2-d3", [18.8, 33.3, 38.8, 40.5, 41.3, 43.1, 62.5, 74.5]),
    ("seq_read", "hbm2-r21", [20.6, 40.7, 60.2, 70.9, 75.3, 79.1, 87.2, 90.6]),
    ("seq_read", "hbm2-d3-pcbg", [20.1, 39.8, 59.1, 67.3, 73.1, 77.5, 89.5, 92.7]),
    ("rand32", "hbm2-r20", [13.9, 23.2, 26.0, 26.2, 26.2, 26.2, 26.2, 26.2]),
    ("rand32", "hbm2-r21-robaracoch", [7.5, 13.5, 18.3, 20.1, 21.4, 22.1, 29.0, 29.5]),
    ("rand32", "hbm2-d3", [7.6, 13.5, 18.1, 19.5, 20.1, 20.5, 23.3, 23.3]),
    ("rand32", "hbm2-r21", [7.5, 13.5, 18.3, 20.0, 21.3, 21.9, 28.7, 29.2]),
    ("rand32", "hbm2-d3-pcbg", [7.6, 13.5, 18.0, 19.4, 20.1, 20.5, 23.4, 22.6]),
    ("pruned50", "hbm2-r20", [18.6, 27.3, 36.1, 40.1, 41.9, 43.2, 47.8, 47.9]),
    ("pruned50", "hbm2-r21-robaracoch", [16.8, 20.9, 25.7, 28.5, 29.5, 30.3, 48.6, 62.7]),
    ("pruned50", "hbm2-d3", [17.1, 26.4, 30.8, 34.7, 36.6, 38.0, 63.0, 91.8]),
    ("pruned50", "hbm2-r21", [19.4, 37.2, 53.9, 59.8, 62.5, 64.9, 83.4, 89.6]),
    ("pruned50", "hbm2-d3-pcbg", [18.9, 36.6, 53.4, 60.2, 63.2, 65.9, 85.5, 91.8]),
]


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        for name in TRACES:
            self.run("--generate", name, "-o", self.path(name))

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *arguments):
        return subprocess.run([self.program, "dram", *arguments], capture_output=True, text=True, check=True).stdout

    def replay(self, trace, memory, settings=()):
        overrides = [word for s in settings for word in ("--set", s)]
        return json.loads(self.run(self.path(trace), "--memory", memory, "--json", *overrides))

    def at_depth(self, trace, depth):
        """The same trace with another limit of reads in flight; returns its name."""
        name = "%s-q%d" % (trace, depth)
        with open(self.path(trace)) as source, open(self.path(name), "w") as out:
            source.readline()
            out.write("#! q=%d g=0\n" % depth)
            out.write(source.read())
        return name


def row(cells):
    return "| " + " | ".join(str(c) for c in cells) + " |"


def compare(bench, trace, memory, settings, theirs):
    ours = bench.replay(trace, memory, settings)
    latency = ours["read_latency_cycles"]["mean"]
    return [theirs[0], ours["memory_cycles"], "%.4f" % (ours["memory_cycles"] / theirs[0]), theirs[1], "%.1f" % latency,
            "%.3f" % (round(latency, 1) / theirs[1])]


def tables(bench):
    head = ["cycles there", "here", "ratio", "mean latency there", "here", "ratio"]
    yield "Each row: `spatten dram --generate TRACE -o /tmp/t.trc && spatten dram /tmp/t.trc --memory MEMORY`."
    yield ""
    yield row(["trace", "simulator, address map", "`--memory`"] + head)
    yield row(["---"] * 3 + ["--:"] * 6)
    for model, memory, figures in MODELS:
        for trace, theirs in zip(TRACES, figures):
            yield row([trace, model, memory] + compare(bench, trace, memory, (), theirs))
    yield ""
    yield "With other settings of the same simulators:"
    yield ""
    yield row(["trace", "`--memory`", "`--set`"] + head)
    yield row(["---"] * 3 + ["--:"] * 6)
    for memory, settings, figures in VARIANTS:
        for trace, theirs in zip(TRACES, figures):
            yield row([trace, memory, ", ".join(settings)] + compare(bench, trace, memory, settings, theirs))
    yield ""
    yield "Share of 512 GB/s in percent by reads in flight per channel (`#! q=N`), there / here:"
    yield ""
    yield row(["trace", "`--memory`"] + DEPTHS)
    yield row(["---"] * 2 + ["--:"] * len(DEPTHS))
    for trace, memory, theirs in DEPTH_TABLE:
        cells = []
        for depth, share in zip(DEPTHS, theirs):
            ours = bench.replay(bench.at_depth(trace, depth), memory)
            cells.append("%.1f / %.1f" % (share, ours["bandwidth_gb_s"] / 5.12))
        yield row([trace, memory] + cells)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join(tables(Bench(os.path.abspath(sys.argv[1]), folder))) + "\n"
    if "--write" not in sys.argv:
        print(text, end="")
        return
    page = os.path.join(ROOT, "docs", "validation.md")
    with open(page, encoding="utf-8") as f:
        before, rest = f.read().split("<!-- memory:begin -->\n")
    after = rest.split("<!-- memory:end -->")[1]
    with open(page, "w", encoding="utf-8") as f:
        f.write(before + "<!-- memory:begin -->\n" + text + "<!-- memory:end -->" + after)


if __name__ == "__main__":
    main()
