#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From the published RTL to the paper's machine, one switch after the other, as the table of docs/validation.md.

usage: bench/switches.py PROGRAM MEDIUM_WIKITEXT2_CSV [--write]
       PROGRAM is build/release/spatten; --write replaces the table in docs/validation.md

Cycles per row of the first eight tokens of the authors' GPT-2-Medium/Wikitext-2 workload. Every run is configs/hw/rtl-full.json
with Ramulator 2.0's timing and with settings of configs/hw/spatten.json: one of them alone, and all down to its line.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BEGIN, END = "<!-- switches:begin -->\n", "<!-- switches:end -->"
TOKENS = 8

# what it is; settings of the chip, or the memory
SWITCHES = [
    ("keys of the next row are fetched while one is multiplied", ["controller.overlap_keys"]),
    ("an SRAM line that is not there is asked for every cycle, not every fifth",
     ["key_sram.retry_cycles", "value_sram.retry_cycles"]),
    ("read requests of any length", ["key_sram.read_ahead", "value_sram.read_ahead"]),
    ("values of four rows under way, not of one", ["controller.value_writes"]),
    ("the top-k is held by its passes, not by the row that streams through", ["topk.hold"]),
    ("the crossbar serves the oldest set first, not the lowest lane", ["crossbar.arbitration"]),
    ("64 addresses wait in a lane, not 16", ["fetcher.address_fifo"]),
    ("64 rows before their decision, not 16", ["controller.rows_under_way", "controller.rows_reserved", "requant.decided_rows"]),
    ("keys of four rows in the SRAM, not of 16", ["key_sram.allocations"]),
    ("HBM2 at one access per cycle and channel, with refresh, not at half of it", "hbm2-r21"),
    ("ids of survivors, not the index memory", ["rows.ids"]),
    ("K and V where a model holds them, not in windows of 64 KiB per row", ["rows.addresses"]),
    ("counts not rounded to 32", ["rows.count_rounding"]),
    ("12-bit keys in one pass of 96 bytes, not 8 bits and 4 more", ["rows.widths"]),
    ("passes of the top-k from random ranks", ["rows.pivots"]),
    ("queries read, outputs written", ["controller.fetch_queries", "controller.write_outputs"]),
    ("softmax of 87 cycles for up to 1,024 keys, adder tree for heads of 512",
     ["rows.max_keys", "softmax.latency_cycles", "qk.max_head_dim"]),
    ("token top-k and importance accumulators", ["rows.select_tokens", "importance"]),
    ("a layer waits for the one before", ["barrier"]),
]


def load(name):
    with open(os.path.join(ROOT, "configs/hw", name + ".json"), encoding="utf-8") as f:
        return json.load(f)


def setting(chip, key):
    value = chip
    for part in key.split("."):
        value = value[part]
    return f"{key}={json.dumps(value) if not isinstance(value, str) else value}"


def cycles_per_row(program, trace, chip, memory, settings):
    command = [program, "simulate", trace, "--chip", chip, "--memory", memory, "--json"]
    for s in settings:
        command += ["--set", s]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return report["cycles"] / report["rows"]


def table(program, trace):
    paper = load("spatten")
    lines = ["| switch | alone | so far |", "|---|--:|--:|"]

    def line(what, alone, so_far):
        lines.append(f"| {what} | {alone} | {so_far:.1f} |")

    rtl = cycles_per_row(program, trace, "rtl-full", "hbm2-r20", [])
    line("the published RTL with Ramulator 2 (measured: 502.7)", f"{rtl:.1f}", rtl)
    memory, settings = "hbm2-r20", []
    for what, switch in SWITCHES:
        if isinstance(switch, str):
            memory = switch
            alone, shown = cycles_per_row(program, trace, "rtl-full", switch, []), [switch]
        else:
            shown = [setting(paper, key) for key in switch]
            alone = cycles_per_row(program, trace, "rtl-full", "hbm2-r20", shown)
            settings += shown
        line(f"{what} ({', '.join(f'`{s}`' for s in shown)})", f"{alone:.1f}",
             cycles_per_row(program, trace, "rtl-full", memory, settings))
    line("`configs/hw/spatten.json`", "", cycles_per_row(program, trace, "spatten", "hbm2-r21", []))
    return "\n".join(lines) + "\n"


def main():
    arguments = [a for a in sys.argv[1:] if a != "--write"]
    if len(arguments) != 2:
        sys.exit(__doc__)
    program, workload = arguments
    with tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False) as cut:
        with open(workload, encoding="utf-8") as f:
            cut.writelines(row for row in f if not row[0].isdigit() or int(row.split(",")[0]) < TOKENS)
    try:
        text = table(program, cut.name)
    finally:
        os.unlink(cut.name)
    if "--write" not in sys.argv[1:]:
        print(text, end="")
        return
    path = os.path.join(ROOT, "docs/validation.md")
    with open(path, encoding="utf-8") as f:
        page = f.read()
    page, replaced = re.subn(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: BEGIN + text + END, page, flags=re.DOTALL)
    if replaced != 1:
        sys.exit(f"{path} has no section {BEGIN.strip()}")
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        f.write(page)
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    main()
