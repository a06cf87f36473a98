# SPDX-License-Identifier: Apache-2.0
"""Generation: streams, stops, repeats, and ends when interrupted."""
import os
import signal
import subprocess
import time
import unittest

from program import PROGRAM, SANITIZED, ProgramTest

MODEL = ["--model", "generate"]


class Generate(ProgramTest):
    def test_json_has_the_fields_of_the_interface(self):
        r = self.objects("generate", *MODEL, "--max-tokens", "20", "--policy", "kv-4x", "Once upon a time")[0]
        self.assertLessEqual(len(r["token_ids"]), 20)
        self.assertIn(r["finish_reason"], ["length", "stop", "eos"])
        for key in ["seconds", "prompt_seconds", "decode_seconds", "decode_tokens_per_second"]:
            self.assertGreaterEqual(r["timing"][key], 0)
        self.assertLess(r["work"]["kv_bytes_read"], r["work"]["kv_bytes_dense"])
        self.assertIn("survivors", r["pruning"])

    def test_text_in_a_pipe_is_the_prompt_and_what_came(self):
        text = self.objects("generate", *MODEL, "--max-tokens", "9", "Once")[0]["text"]
        self.assertEqual(self.output("generate", *MODEL, "--max-tokens", "9", "Once"), "Once" + text + "\n")
        self.assertEqual(self.output("generate", *MODEL, "--max-tokens", "9", "--no-echo", "Once"), text + "\n")

    def test_the_same_seed_gives_the_same_text_whatever_the_batch(self):
        prompts = ["Once", "The fox", "A river runs"]
        asked = ["generate", *MODEL, "--temperature", "1", "--max-tokens", "12", *prompts]
        one = [r["token_ids"] for r in self.objects(*asked, "--batch", "1", "--seed", "5")]
        all_at_once = [r["token_ids"] for r in self.objects(*asked, "--batch", "3", "--seed", "5")]
        other = [r["token_ids"] for r in self.objects(*asked, "--seed", "6")]
        self.assertEqual(one, all_at_once)
        self.assertNotEqual(one, other)

    def test_a_stop_string_ends_the_text_before_it(self):
        asked = ["generate", *MODEL, "--max-tokens", "60", "--temperature", "1", "Once"]
        whole = self.objects(*asked)[0]["text"]
        stop = next(c for c in whole[3:] if 32 < ord(c) < 127)  # whole characters only: the model's bytes are random
        r = self.objects(*asked, "--stop", "not there at all", "--stop", stop)[0]
        self.assertEqual(r["text"], whole[:whole.index(stop)])
        self.assertEqual(r["finish_reason"], "stop")

    def test_an_empty_prompt_is_allowed(self):
        self.assertEqual(len(self.objects("generate", *MODEL, "--max-tokens", "3", "")), 1)

    def test_a_prompt_past_the_limit_names_the_limit(self):
        self.assert_fails(1, ["argument 1", "128"], "generate", *MODEL, "x" * 300)

    def test_a_bert_model_is_refused(self):
        self.assert_fails(1, ["classify", "gpt2"], "generate", "--model", "classify", "x")


class Interrupted(ProgramTest):
    def start(self, *arguments, **how):
        return subprocess.Popen([PROGRAM, *arguments], cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **how)

    def test_text_streams_and_ctrl_c_ends_with_130(self):
        process = self.start("generate", *MODEL, "--max-tokens", "100", "--stop", "never", "--file", "/dev/stdin", "--batch", "1")
        process.stdin.write(b"Once\n" * 2000)  # long enough to be interrupted
        process.stdin.close()
        self.assertTrue(process.stdout.read(8))
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        error = process.stderr.read().decode()
        process.stdout.close()
        process.stderr.close()
        self.assertEqual(process.wait(timeout=60), 130, error)
        self.assertEqual(error, "spatten: interrupted\n")

    def test_an_interrupted_run_leaves_the_old_file_and_nothing_beside_it(self):
        self.write("kept.jsonl", "old\n")
        process = self.start("classify", "--model", "classify", "--json", "-o", "kept.jsonl", "-")
        process.stdin.write(b"a good film\n" * 100)
        process.stdin.flush()
        time.sleep(2 if SANITIZED else 0.5)  # now it waits for more input
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 130)
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
        with open(self.path("kept.jsonl"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "old\n")
        self.assertEqual([n for n in os.listdir(self.folder) if "tmp-" in n], [])

    def test_a_reader_that_goes_away_ends_the_run_quietly(self):
        process = self.start("classify", "--model", "classify", "--batch", "1", "--file", "/dev/stdin")
        process.stdout.close()
        process.stdin.write(b"a good film\n" * 50)
        process.stdin.close()
        self.assertEqual(process.wait(timeout=60), 141)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()


if __name__ == "__main__":
    unittest.main()
