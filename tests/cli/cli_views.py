# SPDX-License-Identifier: Apache-2.0
"""What people look at: the view in a terminal and in a pipe, the page, the trace, the demo."""
import json
import os
import pty
import re
import subprocess
import unittest

from program import PROGRAM, ProgramTest

PRUNED = ["classify", "--model", "classify", "--policy", "tokens-half"]
TEXT = "a very very long story of the unforgettable river"


class Views(ProgramTest):
    def on_a_terminal(self, *arguments, **environment):
        ours, theirs = pty.openpty()
        env = {**os.environ, "TERM": "xterm", **environment}
        env.pop("NO_COLOR", None) if "NO_COLOR" not in environment else None
        process = subprocess.Popen([PROGRAM, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=theirs,
                                   stderr=subprocess.PIPE, env=env)
        os.close(theirs)
        out = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            out += piece
        os.close(ours)
        error = process.stderr.read().decode()
        process.stderr.close()
        self.assertEqual(process.wait(timeout=60), 0, error)
        return out.decode()

    def test_the_view_in_a_pipe_is_plain_text_of_80_columns(self):
        text = self.output(*PRUNED, "--show-pruning", TEXT)
        self.assertNotIn("\x1b", text)
        self.assertIn("layer   tokens  heads  work", text)
        self.assertIn("····", text)
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()[1:]), text)

    def test_colour_is_for_terminals_without_no_color(self):
        self.assertIn("\x1b[", self.on_a_terminal(*PRUNED, "--show-pruning", TEXT))
        self.assertNotIn("\x1b[", self.on_a_terminal(*PRUNED, "--show-pruning", TEXT, NO_COLOR="1"))
        self.assertNotIn("\x1b[", self.on_a_terminal(*PRUNED, "--show-pruning", TEXT, TERM="dumb"))

    def test_with_json_the_view_goes_to_standard_error(self):
        result = self.call(*PRUNED, "--show-pruning", "--json", TEXT)
        json.loads(result.stdout)
        self.assertIn("layer   tokens", result.stderr.decode())

    def test_the_page_stands_alone_and_holds_the_words(self):
        for verb, model, text in [("classify", "classify", TEXT), ("embed", "classify", TEXT), ("fill", "fill", "the [MASK] river"),
                                  ("generate", "generate", "Once upon a time")]:
            policy = "kv-4x" if verb == "generate" else "tokens-half"
            self.output(verb, "--model", model, "--policy", policy, "--html", "page.html", text)
            with open(self.path("page.html"), encoding="utf-8") as f:
                page = f.read()
            self.assertTrue(page.startswith("<!DOCTYPE html>"))
            self.assertIsNone(re.search(r"https?:|src=|href=|url\(", page))
            data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S).group(1))
            self.assertEqual(data[0]["layers"], 4)
            self.assertTrue(all(len(w["scores"]) == 4 for w in data[0]["words"]), verb)

    def test_the_page_escapes_what_the_user_wrote(self):
        self.output("generate", "--model", "generate", "--policy", "kv-4x", "--max-tokens", "3", "--html", "page.html",
                    "<script>alert(1)</script>")
        with open(self.path("page.html"), encoding="utf-8") as f:
            page = f.read()
        self.assertNotIn("<script>alert", page)
        self.assertEqual(page.count("<script"), 2)

    def test_a_run_records_a_trace_that_sums_up(self):
        self.output(*PRUNED, "--trace", "run.trace", TEXT, "a film")
        by_option = self.objects("trace", "run.trace")[0]
        self.call("trace", "--model", "classify", "--policy", "tokens-half", "-o", "verb.trace", TEXT, "a film")
        by_verb = self.objects("trace", "verb.trace")[0]
        self.assertEqual({**by_option, "id": ""}, {**by_verb, "id": ""})
        self.call("trace", "--model", "classify", "--policy", "tokens-half", "--scores", "-o", "scores.trace", TEXT, "a film")
        with_scores = self.objects("trace", "scores.trace")[0]
        self.assertEqual({**with_scores, "id": ""}, {**by_verb, "id": ""})
        self.assertGreater(os.path.getsize(self.path("scores.trace")), os.path.getsize(self.path("verb.trace")))
        self.assertGreater(by_option["k_reduction"], 1)
        for key in ["rows", "k_reduction", "v_reduction", "kv_reduction", "k_reduction_per_head", "head_reduction", "lsb_row_ratio",
                    "ops_executed", "k_bytes", "v_bytes", "dram_reduction_vs_fp32"]:
            self.assertIn(key, by_option)

    def test_traces_convert_to_the_authors_format_and_back(self):
        result = self.call("trace", "--model", "generate", "--policy", "kv-4x", "--generate", "20", "-o", "story.trace", "Once upon a time")
        self.assertEqual(result.returncode, 0, result.stderr)
        result = self.call("trace", "--to", "authors-csv", "-o", "story.csv", "story.trace")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(b"left out", result.stderr)
        self.call("trace", "--from", "authors-csv", "story.csv", "-o", "again.trace")
        csv, again = self.objects("trace", "story.csv", "again.trace")
        self.assertEqual({**csv, "id": ""}, {**again, "id": ""})

    def test_trace_says_what_it_needs(self):
        self.assert_fails(2, "-o FILE", "trace", "--model", "classify", "a film")
        self.assert_fails(2, "trace file", "trace")
        self.write("junk", "neither,of,both\n")
        self.assert_fails(1, "junk", "trace", "junk")

    def test_the_demo_runs_on_any_two_models(self):
        text = self.output("demo", "--classifier", "classify", "--generator", "generate", "--html", "demo.html")
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines() if "build" not in line and PROGRAM not in line), text)
        for part in ["labels agree", "times the speed", "K and V read", "demo.html"]:
            self.assertIn(part, " ".join(text.split()))
        self.assertTrue(os.path.exists(self.path("demo.html")))


if __name__ == "__main__":
    unittest.main()
