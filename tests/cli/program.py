# SPDX-License-Identifier: Apache-2.0
"""Runs the built program for the tests beside this file, on tiny models made for the occasion."""
import json
import os
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["SPATTEN_PROGRAM"]
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SANITIZED = bool(os.environ.get("SPATTEN_SANITIZE"))
VERBS = ["demo", "classify", "answer", "embed", "rerank", "fill", "generate", "perplexity", "tokenize", "inspect", "trace", "bench", "simulate", "dram"]


class ProgramTest(unittest.TestCase):
    """A folder with the models classify, answer, fill and generate, and a way to call the program in it."""

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory(prefix="spatten-cli-")
        cls.folder = cls._folder.name
        subprocess.run([os.environ["SPATTEN_MAKE_MODELS"], cls.folder], check=True)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, contents):
        with open(self.path(name), "wb") as f:
            f.write(contents if isinstance(contents, bytes) else contents.encode())
        return self.path(name)

    def call(self, *arguments, stdin="", **how):
        if isinstance(stdin, str):
            stdin = stdin.encode()
        how.setdefault("cwd", self.folder)
        return subprocess.run([PROGRAM, *arguments], input=stdin, stdout=how.pop("stdout", subprocess.PIPE),
                              stderr=subprocess.PIPE, timeout=120, **how)

    def output(self, *arguments, **how):
        """Standard output of a call that must end well."""
        result = self.call(*arguments, **how)
        self.assertEqual(result.returncode, 0, (arguments, result.stderr.decode()))
        return result.stdout.decode()

    def objects(self, *arguments, **how):
        """The JSON lines of a call that must end well; strict: no NaN, and each line reads alone."""
        def refuse(name):
            raise ValueError(name + " is not JSON")
        lines = self.output(*arguments, "--json", **how).splitlines()
        return [json.loads(line, parse_constant=refuse) for line in lines]

    def assert_fails(self, status, parts, *arguments, **how):
        """The call ends with this status, one line on standard error that holds the parts, and nothing else there."""
        result = self.call(*arguments, **how)
        error = result.stderr.decode()
        self.assertEqual(result.returncode, status, (arguments, error))
        self.assertTrue(error.startswith("spatten: "), error)
        self.assertEqual(error.count("\n"), 1, error)
        for part in [parts] if isinstance(parts, str) else parts:
            self.assertIn(part, error)
        return result
