# SPDX-License-Identifier: Apache-2.0
"""Bad inputs: status 1, one line that names the place, old files untouched."""
import json
import os
import shutil
import signal
import stat
import subprocess
import time
import unittest

from program import PROGRAM, SANITIZED, SOURCE, ProgramTest

CLASSIFY = ["classify", "--model", "classify"]


class Failures(ProgramTest):
    def test_a_missing_model_tells_where_it_was_looked_for(self):
        self.assert_fails(1, ["nowhere", "looked in", "models/nowhere"], "classify", "--model", "nowhere", "x")

    def test_a_model_that_is_a_file_says_so(self):
        self.write("a-file", "x")
        self.assert_fails(1, ["a-file", "expected a folder"], "classify", "--model", "a-file", "x")

    def test_an_empty_model_folder_names_the_file_that_is_missing(self):
        os.makedirs(self.path("empty"), exist_ok=True)
        self.assert_fails(1, "config.json", "classify", "--model", "empty", "x")

    def test_a_missing_tensor_is_named(self):
        shutil.copytree(self.path("classify"), self.path("no-classifier"))
        config = self.path("no-classifier/config.json")
        with open(config, encoding="utf-8") as f:
            values = json.load(f)
        values["num_hidden_layers"] += 1
        self.write("no-classifier/config.json", json.dumps(values))
        self.assert_fails(1, ["encoder.layer.4", "no-classifier"], "classify", "--model", "no-classifier", "x")

    def test_a_model_for_another_task_is_refused(self):
        self.assert_fails(1, "classification head", "classify", "--model", "answer", "a film")
        self.assert_fails(1, ["generate", "bert"], "classify", "--model", "generate", "a film")

    def test_policies_are_checked_before_the_run(self):
        self.assert_fails(2, ['did you mean "keep"?'], *CLASSIFY, "--set", "token.kep=0.5", "x")
        self.assert_fails(2, ["tokens-half"], *CLASSIFY, "--policy", "tokens-haf", "x")
        self.assert_fails(2, ["keep", "0"], *CLASSIFY, "--set", "token.keep=0", "x")
        self.assert_fails(2, ["KEY=VALUE"], *CLASSIFY, "--set", "token.keep", "x")
        self.write("bad.json", '{\n  "token": {"keep": "half"}\n}\n')
        self.assert_fails(1, ["bad.json:2", "/token/keep"], *CLASSIFY, "--policy", "bad.json", "x")
        self.write("deep.json", '{"token": {"counts": [5, 4, 3]}}')
        self.assert_fails(1, ["4"], *CLASSIFY, "--policy", "deep.json", "a film")

    def test_a_text_past_the_limit_names_place_and_limit_and_truncate_allows_it(self):
        stdin = "a film\n" + "a film " * 50 + "\n"
        self.assert_fails(1, ["standard input:2", "64"], *CLASSIFY, "-", stdin=stdin)
        self.assertEqual(len(self.objects(*CLASSIFY, "--truncate", "-", stdin=stdin)), 2)

    def test_good_items_before_a_bad_one_come_out(self):
        result = self.assert_fails(1, ["standard input:3", "empty"], *CLASSIFY, "-", stdin="a film\nthe movie\n\nbad\n")
        self.assertEqual(len(result.stdout.splitlines()), 2)
        result = self.assert_fails(1, "standard input:2", *CLASSIFY, "-", stdin="a film\n" + "a film " * 50 + "\ngood\n")
        self.assertEqual(len(result.stdout.splitlines()), 1)

    def test_empty_texts_bad_bytes_and_broken_json_have_their_place(self):
        self.assert_fails(1, ["argument 1", "empty"], *CLASSIFY, "")
        self.assert_fails(1, ["standard input:1:byte 3", "UTF-8"], *CLASSIFY, "-", stdin=b"ab\xff\n")
        self.assert_fails(1, ["standard input:2", "JSON"], *CLASSIFY, "--input-format", "jsonl", "-",
                          stdin='{"text": "a"}\n{"text": \n')
        self.assert_fails(1, ["standard input:1", "text"], *CLASSIFY, "--input-format", "jsonl", "-", stdin='{"id": 1}\n')
        self.assert_fails(1, ["missing.txt", "cannot open"], *CLASSIFY, "--file", "missing.txt")
        self.assert_fails(1, ["argument 1", "[MASK]"], "fill", "--model", "fill", "a film")

    def test_a_failed_run_leaves_the_old_output(self):
        self.write("kept.jsonl", "old\n")
        self.assert_fails(1, "empty", *CLASSIFY, "--json", "-o", "kept.jsonl", "-", stdin="a film\n\n")
        with open(self.path("kept.jsonl"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "old\n")
        self.assertEqual([n for n in os.listdir(self.folder) if "tmp-" in n], [])

    def test_outputs_that_cannot_be_written_are_named(self):
        self.assert_fails(1, "no/such/folder/out", *CLASSIFY, "-o", "no/such/folder/out", "a film")
        self.assert_fails(1, ["classify", "found a folder"], *CLASSIFY, "-o", "classify", "a film")
        self.assert_fails(1, "no/page.html", *CLASSIFY, "--policy", "tokens-half", "--html", "no/page.html", "a film")
        self.assert_fails(1, "no/run.trace", *CLASSIFY, "--trace", "no/run.trace", "a film")
        self.assert_fails(2, "--html", *CLASSIFY, "--policy", "tokens-half", "--html", "same", "-o", "same", "a film")

    def test_an_interrupt_in_the_middle_of_a_product_of_matrices(self):
        """Their kernels keep no stack where a signal handler could put its registers."""
        model = os.path.join(SOURCE, "models", "sst2-small")
        for milliseconds in range(30, 150, 3):
            process = subprocess.Popen([PROGRAM, "classify", "--model", model, "--threads", "1", *["a gripping and funny film"] * 400], cwd=self.folder,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            time.sleep(milliseconds / 1000)
            process.send_signal(signal.SIGINT)
            error = process.communicate(timeout=60)[1]
            self.assertIn(process.returncode, [130, 0, -signal.SIGINT], error)

    def test_a_file_that_is_read_is_not_replaced(self):
        self.write("policy.json", '{"token": {"keep": 0.5}}')
        self.write("texts.txt", "a film\n")
        self.assert_fails(2, ["--output", "an input", "texts.txt"], *CLASSIFY, "--file", "texts.txt", "-o", "./texts.txt")
        self.assert_fails(2, ["--trace", "--html", "twice"], *CLASSIFY, "--policy", "tokens-half", "--html", "same", "--trace", "./same", "a film")
        self.assert_fails(2, ["--html", "--policy"], *CLASSIFY, "--policy", "policy.json", "--html", "policy.json", "a film")
        self.assert_fails(2, ["--output", "model"], *CLASSIFY, "-o", "classify/config.json", "a film")
        self.assert_fails(2, ["--trace", "model"], *CLASSIFY, "--trace", "classify/model.safetensors", "a film")
        self.assert_fails(2, ["--output", "model"], "inspect", "classify", "-o", "classify/config.json")
        self.assert_fails(2, ["--output", "an input"], "tokenize", "--model", "classify", "--file", "texts.txt", "-o", "texts.txt")
        self.assert_fails(2, ["--output", "an input"], "perplexity", "--model", "generate", "texts.txt", "-o", "texts.txt")

    def test_outputs_that_are_no_files_keep_their_place(self):
        os.mkfifo(self.path("pipe"))
        os.symlink("target.jsonl", self.path("link"))
        reader = subprocess.Popen(["cat", self.path("pipe")], stdout=subprocess.PIPE)
        self.output(*CLASSIFY, "--json", "-o", "pipe", "a film")
        self.assertIn(b'"label"', reader.communicate(timeout=60)[0])
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("pipe")).st_mode))
        self.output(*CLASSIFY, "--json", "-o", "link", "a film")
        self.assertTrue(os.path.islink(self.path("link")))
        with open(self.path("target.jsonl"), encoding="utf-8") as f:
            self.assertIn('"label"', f.read())

    def test_a_device_that_is_full_is_a_failure(self):
        try:
            os.mknod(self.path("full"), 0o600 | stat.S_IFCHR, os.makedev(1, 7))
            with open(self.path("full"), "wb"):
                pass
        except OSError:
            self.skipTest("this user makes no devices here")
        self.assert_fails(1, ["full", "No space left"], *CLASSIFY, "-o", "full", "a film")
        self.assertTrue(stat.S_ISCHR(os.stat(self.path("full")).st_mode))

    def test_a_full_disk_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            self.assert_fails(1, ["standard output", "No space left"], *CLASSIFY, "a film", stdout=full)
            self.assert_fails(1, "No space left", "--help", stdout=full)
            self.assert_fails(1, "No space left", "tokenize", "--model", "classify", "a film", stdout=full)

    def add_large_model(self):
        """The model classify with an embedding table of 256 MB, all zeros, in a file with a hole."""
        shutil.copytree(self.path("classify"), self.path("large"))
        with open(self.path("large/config.json"), encoding="utf-8") as f:
            config = json.load(f)
        config["vocab_size"] = 1_000_000
        self.write("large/config.json", json.dumps(config))
        with open(self.path("classify/model.safetensors"), "rb") as f:
            size = int.from_bytes(f.read(8), "little")
            header, data = json.loads(f.read(size)), f.read()
        name = "bert.embeddings.word_embeddings.weight"
        first, end = header[name]["data_offsets"]
        for tensor in header.values():
            if "data_offsets" in tensor and tensor["data_offsets"][0] >= end:
                tensor["data_offsets"] = [o - (end - first) for o in tensor["data_offsets"]]
        rest = data[:first] + data[end:]
        table = 4 * config["vocab_size"] * config["hidden_size"]
        header[name].update(shape=[config["vocab_size"], config["hidden_size"]], data_offsets=[len(rest), len(rest) + table])
        text = json.dumps(header).encode()
        with open(self.path("large/model.safetensors"), "wb") as f:
            f.write(len(text).to_bytes(8, "little") + text + rest)
            f.truncate(f.tell() + table)

    @unittest.skipIf(SANITIZED, "sanitizers need address space of their own")
    def test_too_little_memory_is_said_in_one_line(self):
        self.add_large_model()
        command = 'ulimit -v 150000; exec "$0" classify --model large --threads 1 "a film"'
        result = subprocess.run(["bash", "-c", command, PROGRAM], cwd=self.folder, capture_output=True, timeout=60)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr.decode(), r"^spatten: .*memory.*\n$")


if __name__ == "__main__":
    unittest.main()
