# SPDX-License-Identifier: Apache-2.0
"""Help texts, examples, wrong words."""
import os
import re
import subprocess
import unittest

from program import PROGRAM, SOURCE, VERBS, ProgramTest


def long_options(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


class Usage(ProgramTest):
    def test_version_is_one_line(self):
        self.assertRegex(self.output("--version"), r"^spatten \d+\.\d+\.\d+\n$")

    def test_overview_lists_every_verb(self):
        text = self.output("--help")
        self.assertEqual(text, self.output("help"))
        for verb in VERBS:
            self.assertRegex(text, r"(?m)^  %s +\S" % verb)

    def test_each_verb_has_the_same_help_both_ways_in_80_columns(self):
        for verb in VERBS:
            text = self.output(verb, "--help")
            self.assertEqual(text, self.output("help", verb))
            self.assertIn("Usage: spatten " + verb, text)
            body, example = text.split("\nExample, from the repository root:\n")
            self.assertTrue(all(len(line) <= 80 for line in body.splitlines()), body)
            self.assertEqual(len(example.strip().splitlines()), 1)

    @unittest.skipUnless(os.path.isdir(os.path.join(SOURCE, "models", "sst2-small")), "no bundled models")
    def test_each_example_works_from_the_repository_root(self):
        for verb in VERBS:
            example = self.output(verb, "--help").split("from the repository root:\n")[1].strip()
            self.assertTrue(example.startswith(PROGRAM), example)
            result = subprocess.run(example, shell=True, cwd=SOURCE, capture_output=True, timeout=300)
            self.assertEqual(result.returncode, 0, (example, result.stderr.decode()))
            self.assertTrue(result.stdout or result.stderr, example)

    def test_documentation_and_help_know_the_same_options(self):
        with open(os.path.join(SOURCE, "docs", "interface.md"), encoding="utf-8") as f:
            documented = long_options(f.read())
        known = {"--version"}
        for verb in VERBS:
            options = self.output(verb, "--help").split("\nExample")[0]
            known |= set(re.findall(r"(?m)^  (?:-\w, )?(--[a-z][a-z-]*)", options))
        self.assertEqual(documented - known, set(), "documented, but no verb has it")
        self.assertEqual(known - documented, set(), "not documented")

    def test_unknown_words_name_the_nearest(self):
        self.assert_fails(2, '"classfy", did you mean "classify"?', "classfy")
        self.assert_fails(2, '"simul", did you mean "simulate"?', "simul")
        self.assert_fails(2, '"--polcy", did you mean "--policy"?', "classify", "--model", "classify", "--polcy", "none", "x")
        self.assert_fails(2, '"--polcy", did you mean "--policy"?', "classify", "--polcy=none", "x")
        self.assert_fails(2, "--help", "--hepl")
        self.assert_fails(2, "expected a verb")

    def test_wrong_values_name_the_option_and_the_range(self):
        model = ["--model", "classify", "x"]
        for value in ["0", "-1", "1.5", "many", "100000"]:
            self.assert_fails(2, ["--threads", "from 1 to", value], "classify", "--threads", value, *model)
        self.assert_fails(2, ["--batch", "from 1 to"], "classify", "--batch", "0", *model)
        self.assert_fails(2, ["--seed", "from 0 to"], "classify", "--seed", "-4", *model)
        self.assert_fails(2, ["--max-tokens", "from 1 to"], "generate", "--max-tokens", "-1", "--model", "generate", "x")
        self.assert_fails(2, ["--temperature", "nan"], "generate", "--temperature", "nan", "--model", "generate", "x")
        self.assert_fails(2, ["--top-p", "above 0"], "generate", "--top-p", "0", "--model", "generate", "x")
        self.assert_fails(2, ["--pooling", "mean, cls"], "embed", "--pooling", "max", *model)
        self.assert_fails(2, ["--input-format", "did you mean \"jsonl\"?"], "classify", "--input-format", "json", *model)
        self.assert_fails(2, "--model", "classify", "--model")

    def test_a_precision_is_one_of_three_and_the_chip_has_its_own(self):
        model = ["--model", "classify", "a film"]
        self.assert_fails(2, ["--precision", "fp32, bf16, int8", 'did you mean "int8"?'], "classify", "--precision", "int4", *model)
        for verb in ["classify", "inspect"]:
            self.assert_fails(2, ["--precision", "fp32 beside --arithmetic chip", "int8"], verb, "--precision", "int8",
                              "--arithmetic", "chip", *model[:2 if verb == "inspect" else 3])
        self.output("classify", "--precision", "fp32", "--arithmetic", "chip", *model)
        self.assert_fails(2, ["--precision", "fp32, bf16, int8"], "bench", "--precision", "fp16")
        self.assert_fails(2, ["--precision", "several"], "bench", "--load", "classify", "--precision", "bf16", "--precision", "int8")

    def test_the_arithmetic_of_the_chip_counts_its_twelve_bits(self):
        chip, plain = (self.objects("classify", "--arithmetic", word, "--model", "classify", "a film")[0] for word in ("chip", "float"))
        self.assertEqual(chip["work"]["kv_bytes_read"] * 32, plain["work"]["kv_bytes_read"] * 12)
        self.assertEqual(chip["work"]["rows"], plain["work"]["rows"])
        self.assertAlmostEqual(chip["scores"][0], plain["scores"][0], places=2)
        self.assert_fails(2, ["--arithmetic", "float, chip"], "classify", "--arithmetic", "chips", "--model", "classify", "x")

    def test_what_is_missing_is_named(self):
        self.assert_fails(2, "--model", "classify", "x")
        self.assert_fails(2, "no input", "classify", "--model", "classify")
        self.assert_fails(2, "--question", "answer", "--model", "answer", "x")
        self.assert_fails(2, "--query", "rerank", "--model", "classify", "x")
        self.assert_fails(2, ["--show-pruning", "--policy"], "classify", "--model", "classify", "--show-pruning", "x")
        self.assert_fails(2, ["--html", "--policy"], "classify", "--model", "classify", "--html", "x.html", "x")

    def test_a_text_may_look_like_an_option_or_a_list(self):
        self.output("classify", "--model", "classify", "--", "--a film--")
        self.assertEqual(len(self.objects("classify", "--model", "classify", "[a, film]", "-5 stars")), 2)
        filled = self.objects("fill", "--model", "fill", "[MASK] is [MASK]")
        self.assertEqual({p["mask"] for p in filled[0]["predictions"]}, {0, 1})


if __name__ == "__main__":
    unittest.main()
