#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The chip's 12-bit attention a second time, in exact rational arithmetic, to make and check the golden integers.

    python3 tests/golden/fixed_point.py           writes fixed_point.json beside this file
    python3 tests/golden/fixed_point.py --check   exits with 1 when the file is not what would be written

Written from the rules in src/spatten/algo/fixed_*.h and docs/deviations.md and not from the C++: every number is a Fraction,
and fp32() is the only place that rounds. Q, K and V are integers that both sides divide by 64.
"""
import json
import os
import sys
from fractions import Fraction

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixed_point.json")
UNIT = 64  # inputs are integers / UNIT


def fp32(x):
    """The nearest number of 24 significant bits, ties to even. No case here leaves the normal range of fp32."""
    x = Fraction(x)
    if x == 0:
        return x
    exponent = abs(x.numerator).bit_length() - x.denominator.bit_length()
    if abs(x) < Fraction(2) ** exponent:
        exponent -= 1
    assert -126 <= exponent <= 127
    step = Fraction(2) ** (exponent - 23)
    return round(x / step) * step  # round() of a Fraction goes to even


def fma(a, b, c):
    return fp32(a * b + c)


# ---------------------------------------------------------------- quantization


def scale_of(rows, bits):
    largest = max(abs(x) for row in rows for x in row)
    return max(fp32(largest / (2 ** (bits - 1) - 1)), Fraction(2) ** -126)


def levels(row, scale, bits):
    limit = 2 ** (bits - 1) - 1
    return [round(max(-limit, min(limit, fp32(x / scale)))) for x in row]


def aligned(level, bits):
    return level << (12 - bits) if bits <= 12 else level >> (bits - 12)


def aligned_scale(scale, bits):
    return max(scale * Fraction(2) ** (bits - 12), Fraction(2) ** -126)


def fixed(rows, bits, shared):
    """12-bit integers and the scale of each row."""
    scales = [scale_of(rows if shared else [row], bits) for row in rows]
    values = [[aligned(x, bits) for x in levels(row, s, bits)] for row, s in zip(rows, scales)]
    return values, [aligned_scale(s, bits) for s in scales]


def fixed_keys(rows, msb_bits, lsb_bits):
    """What the first fetch gives, and all bits."""
    bits = msb_bits + lsb_bits
    full, scales = fixed(rows, bits, True)
    stored = [levels(row, scale_of(rows, bits), bits) for row in rows]
    msb = [[aligned(x >> lsb_bits, msb_bits) for x in row] for row in stored]
    return msb, full, scales[0]


# ---------------------------------------------------------------- softmax


LOG2E = fp32(Fraction("1.44269504"))
LN2_HIGH = Fraction(0x162E4, 2 ** 17)
LN2_LOW = Fraction(0x17F7D1C, 2 ** 44)
COEFFICIENTS = [fp32(Fraction(1, n)) for n in (120, 24, 6, 2, 1, 1)]


def exp(x):
    if x < -87:
        return Fraction(0)
    k = round(fp32(x * LOG2E))
    r = fma(-k, LN2_LOW, fma(-k, LN2_HIGH, x))
    total = COEFFICIENTS[0]
    for c in COEFFICIENTS[1:]:
        total = fma(total, r, c)
    return total * Fraction(2) ** k


def softmax(scores, scale):
    x = [fp32(fp32(s) * scale) for s in scores]
    e = [exp(fp32(v - max(x))) for v in x]
    lanes = [Fraction(0)] * 8
    for j, v in enumerate(e):
        lanes[j % 8] = fp32(lanes[j % 8] + v)
    pairs = [fp32(lanes[i] + lanes[i + 1]) for i in (0, 2, 4, 6)]
    total = fp32(fp32(pairs[0] + pairs[1]) + fp32(pairs[2] + pairs[3]))
    return [min(4095, round(quotient(v, total) * 4096)) for v in e]


def quotient(value, total):
    """value / total in fp32; a quotient far below half a code need not be rounded, and may leave the normal range."""
    exact = value / total
    return Fraction(0) if exact < Fraction(2) ** -100 else fp32(exact)


def score_scale(query_scale, key_scale, inverse_sqrt_dim):
    product = float(query_scale) * float(key_scale) * float(inverse_sqrt_dim)  # doubles, left to right
    return fp32(Fraction(min(2.0 ** 96, max(2.0 ** -126, product))))


# ---------------------------------------------------------------- attention


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def half_up(value, shift):
    return (value + (1 << (shift - 1))) >> shift


def attend(case):
    q, k, v = ([[Fraction(x, UNIT) for x in row] for row in case[name]] for name in ("q", "k", "v"))
    bits = case["bits"]
    queries, query_scales = fixed(q, bits["query"], case["shared_query_scale"])
    msb, full, key_scale = fixed_keys(k, bits["key_msb"], bits["key_lsb"])
    values, value_scales = fixed(v, bits["value"], True)
    inverse = fp32(Fraction(case["inverse_sqrt_dim"]))
    rows, importance, magnitude = [], [0] * len(k), 0
    for r, query in enumerate(queries):
        visible = len(k) - len(q) + r + 1 if case["causal"] else len(k)
        scale = score_scale(query_scales[r], key_scale, inverse)
        p = softmax([dot(query, key) for key in msb[:visible]], scale)
        used_lsb = bits["key_lsb"] > 0 and Fraction(max(p), 4096) < Fraction(case["threshold"])
        if used_lsb:
            p = softmax([dot(query, key) for key in full[:visible]], scale)
        count = case["value_keeps"][r] if case["value_keeps"] else visible
        kept = sorted(sorted(range(visible), key=lambda j: (-p[j], j))[:count])
        sums = [sum(p[j] * values[j][d] for j in kept) for d in range(len(query))]
        out = [max(-2047, min(2047, half_up(s, 12))) for s in sums]
        for j in range(visible):
            importance[j] += p[j]
        magnitude += sum(abs(x) for x in out)
        rows.append({"probabilities": p, "kept": kept, "out": out, "used_lsb": used_lsb})
    return {"rows": rows, "importance": importance, "magnitude": magnitude, "value_scale": float(value_scales[0])}


# ---------------------------------------------------------------- cases


class Numbers:
    """A small generator of its own: the cases must not change with Python's."""

    def __init__(self, seed):
        self.state = seed

    def matrix(self, rows, cols, largest):
        out = []
        for _ in range(rows):
            row = []
            for _ in range(cols):
                # The sum of four draws: many small numbers, few large ones, as in a trained model.
                total = 0
                for _ in range(4):
                    self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2 ** 64
                    total += (self.state >> 33) % (2 * largest + 1) - largest
                row.append(total // 2)
            out.append(row)
        return out


def case(name, seed, shape, bits, size=(150, 80, 200), threshold="0.1", causal=False, value_keeps=(), shared=False, q=None):
    rows, keys, dim = shape
    numbers = Numbers(seed)
    c = {"name": name, "bits": dict(zip(("query", "key_msb", "key_lsb", "value"), bits)), "threshold": float(threshold),
         "causal": causal, "value_keeps": list(value_keeps), "shared_query_scale": shared, "inverse_sqrt_dim": dim ** -0.5,
         "q": numbers.matrix(rows, dim, size[0]), "k": numbers.matrix(keys, dim, size[1]), "v": numbers.matrix(keys, dim, size[2])}
    if q is not None:
        c["q"] = q(c["k"])
    c["inverse_sqrt_dim"] = float(fp32(Fraction(c["inverse_sqrt_dim"])))
    c["expected"] = attend(c)
    return c


def cases():
    return [
        case("12 bits", 1, (4, 21, 16), (12, 12, 0, 12)),
        case("12 bits, D = 64", 2, (2, 11, 64), (12, 12, 0, 12), size=(90, 60, 100)),
        case("4 bits everywhere", 3, (3, 12, 16), (4, 4, 0, 4)),
        case("8 + 4, causal", 4, (6, 18, 16), (12, 8, 4, 8), causal=True, threshold="0.2"),
        case("6 + 4, local values", 5, (4, 24, 16), (10, 6, 4, 6), value_keeps=(6, 6, 1, 24), threshold="0.25"),
        case("4 + 4, always refetched", 6, (2, 10, 16), (12, 4, 4, 12), threshold="1"),
        case("10 + 4 loses two bits", 7, (2, 14, 16), (12, 10, 4, 12), threshold="0.4"),
        case("12 + 4 loses four", 8, (2, 14, 16), (12, 12, 4, 12), threshold="0.4"),
        case("equal scores, ties to the lower key", 9, (2, 13, 16), (12, 12, 0, 12), value_keeps=(5, 9), q=lambda k: [[0] * 16] * 2),
        case("one key takes all", 10, (2, 9, 16), (12, 12, 0, 12), q=lambda k: [[1000 * x for x in k[3]], [-700 * x for x in k[5]]]),
        case("one scale for the queries", 11, (3, 10, 16), (9, 7, 0, 5), shared=True),
        case("one key", 12, (1, 1, 16), (12, 8, 4, 12), threshold="0"),
    ]


def text():
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases())
    return '{"unit": %d, "cases": [\n%s\n]}\n' % (UNIT, lines)


def main():
    if sys.argv[1:] == ["--check"]:
        with open(PATH, encoding="ascii") as file:
            if file.read() != text():
                sys.exit("fixed_point.py: %s is not what this script writes" % PATH)
        return
    if sys.argv[1:]:
        sys.exit(__doc__)
    with open(PATH, "w", encoding="ascii") as file:
        file.write(text())


if __name__ == "__main__":
    main()
