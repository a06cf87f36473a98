#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sets the calibration factors of a technology table (configs/tech) on the paper's measured blocks.

    tools/calibrate_technology.py PROGRAM TRACE [TABLE]

Runs TRACE (the authors' GPT-2-Medium/Wikitext-2 CSV) on configs/hw/spatten.json and changes three things in TABLE:
energy_factor and area_factor of each block, so that its mean power and its area are those of Fig. 13; the energy of the wires
between the planes of the K and V SRAM and the arrays (one length for all), so that SRAM takes the share of Table II; and the
factor of DRAM. Nothing else is fitted, and one load is used. Run it again when the timing of the chip or a number of the table
has changed.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WATTS = {"fetcher": 0.243, "qk": 1.13, "softmax": 0.50, "topk": 0.08, "prob_v": 0.53, "others": 0.12}  # HPCA'21 Fig. 13
MM2 = {"fetcher": 2.649, "qk": 7.123, "softmax": 0.7914, "topk": 0.498, "prob_v": 7.222, "others": 0.43}  # Fig. 13
SRAM_WATTS, DRAM_WATTS = 1.24, 5.71  # Table II
WIRE_PJ_PER_BIT_MM = 0.05


def is_wire(action):
    return action["source"].startswith("wires")


def wire_bits(action):
    return 2048 if ".lsb_" in action["counter"] else 6144


def run(program, trace, table):
    with tempfile.TemporaryDirectory() as folder:
        stats = os.path.join(folder, "stats.json")
        subprocess.run([program, "simulate", trace, "--chip", os.path.join(ROOT, "configs/hw/spatten.json"), "--tech", table,
                        "--stats", stats, "--json"], check=True, stdout=subprocess.DEVNULL)
        with open(stats, encoding="utf-8") as f:
            return json.load(f)


def watts(table, stats, seconds, wire_mm):
    """Uncalibrated power of each block by kind. The load runs on the reference chip, so every scale is 1."""
    out = {b["name"]: {"logic": 0.0, "sram": 0.0} for b in table["blocks"]}
    for a in table["actions"]:
        unit, counter = a["counter"].split(".")
        pj = wire_bits(a) * wire_mm * WIRE_PJ_PER_BIT_MM if is_wire(a) else a["pj"]
        out[a["block"]][a["kind"]] += stats["units"][unit]["counters"][counter] * pj * 1e-12 / seconds
    for leak in table["leaks"]:
        out[leak["block"]][leak["kind"]] += leak["milliwatts"] * 1e-3
    return out


def factors(power):
    return {b: WATTS[b] / (power[b]["logic"] + power[b]["sram"]) for b in WATTS}


def sram_watts(power):
    f = factors(power)
    return sum(f[b] * power[b]["sram"] for b in WATTS)


def find_wire_length(table, stats, seconds):
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sram_watts(watts(table, stats, seconds, middle)) < SRAM_WATTS else (low, middle)
    return low


def main():
    program, trace = sys.argv[1:3]
    path = sys.argv[3] if len(sys.argv) > 3 else os.path.join(ROOT, "configs/tech/tsmc40.json")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    table = json.loads(text)
    stats = run(program, trace, path)
    seconds = stats["cycles"] / stats["chip"]["clock_hz"]
    wire_mm = find_wire_length(table, stats, seconds)
    power = watts(table, stats, seconds, wire_mm)
    energy = factors(power)
    dram = sum(e["joules"] for e in stats["energy"] if e["what"] == "memory") / table["dram"]["energy_factor"] / seconds
    lines = []
    for line in text.splitlines():
        block = re.match(r'    {"name": "(\w+)", .*"energy_factor"', line)
        if block:
            name = block.group(1)
            area = MM2[name] / sum(a["mm2"] for a in table["areas"] if a["block"] == name)
            line = re.sub(r'"energy_factor": [\d.]+', f'"energy_factor": {energy[name]:.4f}', line)
            line = re.sub(r'"area_factor": [\d.]+', f'"area_factor": {area:.4f}', line)
            print(f"{name:10} {sum(power[name].values()):7.3f} W x {energy[name]:6.3f}  area x {area:6.3f}")
        if '"source": "wires' in line:
            action = json.loads(line.strip().rstrip(","))
            line = re.sub(r'"pj": [\d.]+', f'"pj": {wire_bits(action) * wire_mm * WIRE_PJ_PER_BIT_MM:.2f}', line)
        if line.startswith('  "dram"'):
            line = re.sub(r'"energy_factor": [\d.]+', f'"energy_factor": {DRAM_WATTS / dram:.4f}', line)
        lines.append(line)
    print(f"dram       {dram:7.3f} W x {DRAM_WATTS / dram:6.3f}\nwires      {wire_mm:.3f} mm; the run took {1e3 * seconds:.3f} ms")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
