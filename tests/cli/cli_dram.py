# SPDX-License-Identifier: Apache-2.0
"""`spatten dram`: results, bad traces and memories, interrupts."""
import os
import signal
import subprocess
import time
import unittest

from program import PROGRAM, ProgramTest

FIELDS = {"memory_cycles", "seconds", "requests", "bandwidth_gb_s", "bandwidth_ratio", "read_latency_cycles", "row_hits", "row_misses",
          "row_conflicts", "activates", "refreshes", "energy_pj"}


class Dram(ProgramTest):
    def test_a_small_trace_by_hand(self):
        # A closed bank, then a hit in the other pseudo-channel's closed bank; 32 clocks each, one clock apart.
        trace = self.write("two.trc", "0x0 R\n0x200 R\n")
        result, = self.objects("dram", trace)
        self.assertLessEqual(FIELDS, set(result))
        self.assertEqual(result["requests"], 2)
        self.assertEqual(result["row_misses"], 2)
        self.assertEqual(result["memory_cycles"], 34)  # the second activate waits two clocks for the row bus
        self.assertEqual(result["seconds"], 34e-9)
        self.assertEqual(result["read_latency_cycles"], {"mean": 32.5, "p50": 32, "p99": 33})
        self.assertAlmostEqual(result["bandwidth_gb_s"], 64 / 34)
        self.assertAlmostEqual(result["bandwidth_ratio"], 64 / 34 / 512)
        self.assertAlmostEqual(result["energy_pj"], 2 * (909 + 890.88))
        self.assertIs(result["partial"], False)
        self.assertIn("34 cycles", self.output("dram", trace))

    def test_memories_by_name_file_and_override(self):
        trace = self.write("one.trc", "0x0 R\n")
        for memory, cycles in [("hbm2-r21", 32), ("hbm2-d3", 32), ("hbm2-r20", 19), ("ideal:7", 7), ("ideal:7:1", 7)]:
            self.assertEqual(self.objects("dram", trace, "--memory", memory)[0]["memory_cycles"], cycles, memory)
        spec = self.output("dram", trace, "--memory", "hbm2-r21", "--set", "timing.clocks.nRCDRD=20", "--json")
        self.assertIn('"memory_cycles":38', spec)
        self.assert_fails(2, ["hbm2-r22", "hbm2-r21"], "dram", trace, "--memory", "hbm2-r22")
        self.assert_fails(2, ["nRC", "48", "47"], "dram", trace, "--set", "timing.clocks.nRC=47")
        self.assert_fails(2, ['"channels"'], "dram", trace, "--set", "chanels=2")
        self.assert_fails(2, "ideal", "dram", trace, "--memory", "ideal:x")
        self.write("bad.json", '{\n  "name": "x",\n  "chanels": 3, "channels": 2}\n')
        self.assert_fails(1, ["bad.json:3", "chanels", "channels"], "dram", trace, "--memory", self.path("bad.json"))

    def test_bad_traces_name_file_line_and_what_was_expected(self):
        for text, parts in [("", ["empty"]), ("0x0 R\n0x1 R\n", [":2:", "multiple of 32"]), ("0x0 R\n0x40", [":2:", "0xADDRESS R"]),
                            ("@ 7\n@ 6\n", [":2:", "7", "6"]), ("0xfffffffffff0 R\n", [":1:", "below"]), ("# none\n", ["at least one"])]:
            self.assert_fails(1, ["t.trc", *parts], "dram", self.write("t.trc", text))
        self.assert_fails(1, "nowhere.trc", "dram", "nowhere.trc")
        self.assert_fails(2, "expected a memory trace", "dram")

    def test_generated_traces_replay_from_a_pipe_and_in_parts(self):
        text = self.output("dram", "--generate", "rand64", "--seed", "5")
        self.assertEqual(text, self.output("dram", "--generate", "rand64", "--seed", "5"))
        self.assertNotEqual(text, self.output("dram", "--generate", "rand64"))
        piped, = self.objects("dram", "-", stdin=text)
        filed, = self.objects("dram", self.write("r.trc", text))
        self.assertEqual({**piped, "id": 0}, {**filed, "id": 0})
        self.assertEqual(piped["requests"], 65536)
        self.assert_fails(2, ["rand63", "rand64"], "dram", "--generate", "rand63")
        self.assert_fails(2, "--generate", "dram", "--seed", "5", "r.trc")
        both = self.objects("dram", "r.trc", "r.trc")
        self.assertEqual(both[0], both[1])

    def test_an_interrupt_prints_what_there_is(self):
        process = subprocess.Popen([PROGRAM, "dram", "--json", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(b"".join(b"0x%x R\n" % (32 * i) for i in range(200000)))
        process.stdin.flush()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, error)
        self.assertEqual(error, b"spatten: interrupted\n")
        self.assertIn(b'"partial":true', out)
        self.assertNotIn(b'"requests":0,', out)

    def test_huge_traces_take_little_memory(self):
        # 4 million lines through a pipe; the resident set stays that of the program.
        command = "import resource,subprocess,sys\n" \
                  "p=subprocess.Popen([sys.argv[1],'dram','-','--json'],stdin=subprocess.PIPE,stdout=subprocess.PIPE)\n" \
                  "block=b''.join(b'0x%x R\\n' % (32*i) for i in range(100000))\n" \
                  "for _ in range(40): p.stdin.write(block)\n" \
                  "p.stdin.close(); p.stdout.read(); p.wait()\n" \
                  "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        if os.environ.get("SPATTEN_SANITIZE"):
            self.skipTest("sanitizers take memory of their own")
        kilobytes = int(subprocess.run(["python3", "-c", command, PROGRAM], capture_output=True, text=True, timeout=120, check=True).stdout)
        self.assertLess(kilobytes, 64 * 1024)


if __name__ == "__main__":
    unittest.main()
