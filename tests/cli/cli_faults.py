# SPDX-License-Identifier: Apache-2.0
"""Robustness C36 and C37: every system call of a run fails, the first, the second, ... once and for ever after. The run ends
with status 1 and one line that names a path as the user gave it, or it gets over it with the same results; old files are
whole, and nothing is left beside them."""
import errno
import os
import unittest

from program import SANITIZED, ProgramTest

OUTPUTS = ["out.jsonl", "page.html", "run.trace"]
# Policies and models are read, three files are written: all that the text verbs do with files.
CALL = ["classify", "--model", "classify", "--policy", "policy.json", "--seed", "3", "--json", "-o", OUTPUTS[0],
        "--html", OUTPUTS[1], "--trace", OUTPUTS[2], "--file", "texts.txt", "--threads"]
FOR_EVER = 10**9


def steps():
    """1, 2, 3 ... and from 40 on in steps of a tenth."""
    k = 1
    while True:
        yield k
        k += max(1, k // 40 * k // 10)


@unittest.skipIf(SANITIZED, "sanitizers want to be the first library that is loaded")
class Faults(ProgramTest):
    def setUp(self):
        self.write("policy.json", '{"token": {"keep": 0.5}}')
        self.write("texts.txt", "a good film\nthe movie was dull, a very long and very very bad film\n")
        self.run_with({})
        self.good = self.outputs()
        self.assertTrue(all(self.good.values()))

    def outputs(self):
        found = {}
        for name in OUTPUTS:
            with open(self.path(name), "rb") as f:
                found[name] = f.read()
        found[OUTPUTS[0]] = b"\n".join(line[:line.index(b'"timing"')] if b'"timing"' in line else line
                                       for line in found[OUTPUTS[0]].split(b"\n"))
        return found

    def run_with(self, faults, threads="1"):
        environment = dict(os.environ, **{name: str(value) for name, value in faults.items()})
        environment["LD_PRELOAD"] = os.environ["SPATTEN_FAIL_CALLS"]
        return self.call(*CALL, threads, env=environment)

    def provoke(self, call, first, last, error, threads="1"):
        """One run; returns its status, or None when it made fewer such calls."""
        for name in OUTPUTS:
            self.write(name, "old\n")
        result = self.run_with({"FAIL_CALL": call, "FAIL_FIRST": first, "FAIL_LAST": last, "FAIL_ERRNO": error,
                                "FAIL_NOTICE": self.path("notice")}, threads)
        failed = os.path.exists(self.path("notice"))
        if failed:
            os.unlink(self.path("notice"))
        message, where = result.stderr.decode(), (call, first, last, error, result.stderr)
        self.assertIn(result.returncode, [0, 1], where)
        for name, contents in self.outputs().items():
            self.assertIn(contents, [self.good[name]] if result.returncode == 0 else [self.good[name], b"old\n"], (name, where))
        if result.returncode == 1 and call != "rename":  # all of them are on the disk before the first is renamed
            self.assertEqual(set(self.outputs().values()), {b"old\n"}, where)
        self.assertEqual([n for n in os.listdir(self.folder) if "tmp-" in n], [], where)
        if result.returncode == 1:
            self.assertRegex(message, r"^spatten: .*\n$", where)
            self.assertEqual(message.count("\n"), 1, where)
            self.assertRegex(message, r"classify/|policy\.json|texts\.txt|out\.jsonl|page\.html|run\.trace", where)
        return result.returncode if failed else None

    def fail_each(self, call, error, wanted_failures):
        """Until the run has fewer such calls; at least so many of them must have been fatal (a read of the control group
        is not)."""
        fatal = 0
        for k in steps():
            once, ever = self.provoke(call, k, k, error), self.provoke(call, k, FOR_EVER, error)
            if once is None:
                break
            fatal += once or ever
        self.assertGreaterEqual(fatal, wanted_failures, call)

    def test_reads(self):
        self.fail_each("read", errno.EIO, 5)

    def test_opens(self):
        self.fail_each("open", errno.EMFILE, 5)

    def test_stats(self):
        self.fail_each("fstat", errno.EACCES, 4)

    def test_writes_on_a_full_disk(self):
        self.fail_each("write", errno.ENOSPC, 3)

    def test_syncs(self):
        self.fail_each("fsync", errno.EIO, 3)

    def test_a_simulation_writes_all_its_files_or_none(self):
        names = ["result.json", "stats.json", "page.html", "timeline.json"]
        call = ["simulate", "--model", "gpt2-small", "--context", "8", "--generate", "1", "-q"]
        for option, name in zip(["-o", "--stats", "--html", "--timeline"], names):
            call += [option, name]
        for what in ["write", "fsync", "linkat", "close"]:
            for k in range(1, 8):
                for last in [k, FOR_EVER]:
                    for name in names:
                        self.write(name, "old\n")
                    faults = {"FAIL_CALL": what, "FAIL_FIRST": k, "FAIL_LAST": last, "FAIL_ERRNO": errno.ENOSPC}
                    environment = dict(os.environ, LD_PRELOAD=os.environ["SPATTEN_FAIL_CALLS"], **{n: str(v) for n, v in faults.items()})
                    result = self.call(*call, env=environment)
                    old = [name for name in names if os.path.getsize(self.path(name)) == 4]
                    self.assertEqual(old, names if result.returncode else [], (faults, result.stderr))

    def test_names(self):
        self.fail_each("rename", errno.EROFS, 3)
        self.fail_each("linkat", errno.ENOENT, 0)  # not called where the file system has no nameless files

    def test_closes(self):
        self.fail_each("close", errno.EIO, 3)

    def test_interrupted_and_short_calls_go_on(self):
        for call in ["read", "write"]:
            for error in [errno.EINTR, 0]:
                for k in range(1, 8):
                    self.assertIn(self.provoke(call, k, k, error), [0, None], (call, k, error))
        self.assertEqual(self.provoke("write", 1, FOR_EVER, 0), 0)
        self.assertEqual(self.provoke("open", 2, 2, errno.EINTR), 0)

    def test_threads_that_cannot_be_made_are_done_without(self):
        for first, last in [(1, FOR_EVER), (2, FOR_EVER), (1, 1)]:
            self.assertEqual(self.provoke("pthread_create", first, last, errno.EAGAIN, threads="3"), 0)


if __name__ == "__main__":
    unittest.main()
