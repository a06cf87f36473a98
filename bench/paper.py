#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The paper's figures beside ours, as the table of docs/validation.md.

usage: bench/paper.py TEST_PAPER [--write]      TEST_PAPER is build/release/tests/test_paper; --write replaces the section

Runs the tests of tests/paper, which leave each figure in their report, and prints a row for each. The rows that need the
authors' traces are there when SPATTEN_SHARED_DATA (or ../shared/data) holds official-workloads; else the run stops.
"""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BEGIN, END = "<!-- paper:begin -->\n", "<!-- paper:end -->"

HEAD = """The numbers of the paper (HPCA 2021, `configs/paper`) beside those of this machine, in the order of the claims. Nothing is set per row:
one chip (`configs/hw/spatten.json`), one memory (`configs/memory/hbm2-r21.json`), one table of energies and areas, calibrated once
(`configs/tech/tsmc40.json`), one policy for all tasks of BERT and one for all of GPT-2 (`configs/paper/benchmarks.json`; the paper
prints averages only). GPT-2 is timed by its first, second and last token of 32. A row is checked by
`ctest --test-dir build/release -R TEST`; where a `spatten` command shows the same, it stands below the table.
"""
COMMANDS = """With the program. A command runs one task, and of a generation all 32 tokens; a row has three of them, or the mean of its tasks. So a
command's figures may differ from the row's by some per cent, from a mean's by more:
"""
NOT_RUN = [
    ("F23", "4 times fewer tokens (PTB) and 1.2 times fewer heads (CoLA) at no loss", "", "not run: needs GPT-2-Small and BERT-Base, "
     "fine-tuned; curves in `configs/paper/figure_21.json`, what our own models lose in [benchmarks.md](benchmarks.md)"),
    ("F24", "attention on a GPU: 73 % data movement", "", "a profile of TITAN Xp, no figure of the chip: `configs/paper/figure_2.json`"),
]


def tests_of(program):
    """(test name, list of claims) of a run; stops when a test failed or was skipped."""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        run = subprocess.run([program, "--gtest_filter=Paper*", "--gtest_output=json:" + report], capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit("paper.py: tests failed\n" + run.stdout[-4000:])
        with open(report, encoding="utf-8") as f:
            suites = json.load(f)["testsuites"]
    for suite in suites:
        for test in suite["testsuite"]:
            name = suite["name"] + "." + test["name"]
            if test["result"] == "SKIPPED":
                sys.exit("paper.py: %s was skipped: the authors' traces are not there" % name)
            keys = sorted((k for k in test if k.startswith("claim_")), key=lambda k: int(k[6:]))
            yield name, [json.loads(test[k]) for k in keys]


def number(value):
    """Four digits, no exponent."""
    if value == 0 or abs(value) >= 1000:
        return "{:,.0f}".format(value)
    return "%.4g" % value


def row(cells):
    return "| " + " | ".join(cells) + " |"


def tables(program):
    rows, commands = [], []
    for test, claims in tests_of(program):
        for c in claims:
            unit = " " + c["unit"] if c["unit"] else ""
            ratio = "%.2f" % (c["ours"] / c["paper"])
            rows.append((int(c["id"][1:]), row([c["id"], c["what"], number(c["paper"]) + unit, number(c["ours"]) + unit, ratio, "`%s`" % test, c["remark"]])))
            if c["command"]:
                commands.append((int(c["id"][1:]), c["id"], c["what"], c["command"]))
    yield HEAD
    yield row(["claim", "what", "paper", "ours", "ours / paper", "test", "remark"])
    yield row(["---", "---", "--:", "--:", "--:", "---", "---"])
    for _, text in sorted(rows, key=lambda r: r[0]):
        yield text
    for claim, what, paper, remark in NOT_RUN:
        yield row([claim, what, paper, "", "", "", remark])
    yield "\n" + COMMANDS
    seen = {}
    for _, claim, what, command in sorted(commands, key=lambda c: c[0]):
        seen.setdefault(command, []).append("%s %s" % (claim, what))
    for command, names in seen.items():
        yield "    %s    # %s" % (command, "; ".join(names))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    text = "\n".join(tables(os.path.abspath(sys.argv[1]))) + "\n"
    if "--write" not in sys.argv:
        print(text, end="")
        return
    page = os.path.join(ROOT, "docs", "validation.md")
    with open(page, encoding="utf-8") as f:
        before, rest = f.read().split(BEGIN)
    with open(page, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + text + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
