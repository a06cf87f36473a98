# SPDX-License-Identifier: Apache-2.0
"""No instruction of AVX or later stands in a function that every CPU runs. Kernels are compiled once per instruction set, in
namespaces N_AVX2, N_AVX3, ... of their own; an inline function of a standard header that were compiled there, too, would be
one weak symbol among many, and the linker might keep it for the whole program."""
import os
import platform
import re
import shutil
import subprocess
import unittest

from program import PROGRAM, SANITIZED

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
# VEX and EVEX: %ymm, %zmm, mask registers, or a mnemonic with v on %xmm.
AVX = re.compile(r"%ymm|%zmm|%k[0-7]\b|\tv[a-z0-9]+ .*%xmm")
OF_A_TARGET = re.compile(r"\d+N_[A-Z]")  # in a mangled name


@unittest.skipIf(platform.machine() != "x86_64" or not shutil.which("objdump"), "needs x86-64 and objdump")
@unittest.skipIf(SANITIZED, "sanitizers bring code of their own")
@unittest.skipIf("march" in os.environ.get("SPATTEN_CXX_FLAGS", ""), "built for one CPU")
class VectorCode(unittest.TestCase):
    def test_stays_in_the_functions_of_its_target(self):
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", PROGRAM], check=True, stdout=subprocess.PIPE, text=True).stdout
        function, inside, outside = "", set(), set()
        for line in code.splitlines():
            start = FUNCTION.match(line)
            if start:
                function = start[1]
            elif AVX.search(line):
                (inside if OF_A_TARGET.search(function) else outside).add(function)
        self.assertGreater(len(inside), 5)
        self.assertEqual(outside, set())


if __name__ == "__main__":
    unittest.main()
