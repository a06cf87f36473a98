# SPDX-License-Identifier: Apache-2.0
"""spatten simulate and --simulate: the fields, the files, the same bytes every time, bad inputs."""
import html
import json
import os
import pty
import re
import resource
import shlex
import shutil
import signal
import stat
import subprocess
import time
import unittest

from program import PROGRAM, SOURCE, ProgramTest

FIELDS = ["id", "cycles", "seconds", "clock_hz", "rows", "ops_executed", "ops_dense_equivalent", "tflops_executed", "tops_dense_equivalent",
          "dram_bytes", "dram_bandwidth_gb_s", "bandwidth_ratio", "energy_joules", "power_watts", "area_mm2", "units", "assumptions"]
KINDS = ["logic", "sram", "dram"]
NAMES = ("iteration_id,layer_id,head_id,embedding_length_D,sentence_length_L,key_fetch_num,quant_key_bit,quant_query_bit,auto_requant_thres,"
         "if_requant,auto_requant_incre,value_fetch_num,quant_value_bit,if_accumulate_importance,if_rescale_previous_importance,if_topk,topk\n")
TECHNOLOGY = os.path.join(SOURCE, "configs", "tech", "tsmc40.json")
STORY = ["simulate", "--model", "gpt2-small", "--policy", "paper-gpt2", "--context", "300", "--generate", "2"]


class Simulate(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        def run(*arguments):
            subprocess.run([PROGRAM, *arguments], check=True, cwd=cls.folder, stderr=subprocess.DEVNULL)
        run("trace", "--model", "generate", "--policy", "kv-4x", "--generate", "6", "-o", "run.trace", "a film about a film")
        run("trace", "--to", "authors-csv", "run.trace", "-o", "run.csv")
        run("trace", "--from", "authors-csv", "run.csv", "-o", "csv.trace")

    def read(self, name, mode="r"):
        with open(self.path(name), mode, encoding=None if "b" in mode else "utf-8") as f:
            return f.read()

    def assert_adds_up(self, result):
        for unit, what in result["units"].items():
            self.assertEqual(what["busy_cycles"] + what["idle_cycles"] + what["stalled_cycles"], result["cycles"], unit)
            self.assertEqual(sum(what["stall_reasons"].values()), what["stalled_cycles"], unit)
        for field in ["energy_joules", "power_watts"]:
            self.assertAlmostEqual(sum(result[field][k] for k in KINDS) / result[field]["total"], 1)
        blocks = result["blocks"].values()
        self.assertAlmostEqual(sum(b["energy_joules"]["total"] for b in blocks) / result["energy_joules"]["total"], 1)
        self.assertAlmostEqual(sum(b["area_mm2"] for b in blocks) / result["area_mm2"], 1)
        self.assertAlmostEqual(result["power_watts"]["total"] * result["seconds"] / result["energy_joules"]["total"], 1)
        memory = result["units"]["memory"]
        # Writes that still wait when a layer ends are asked for and not yet on the bus, nor are two of one address in a row.
        on_the_bus = 32 * (memory["reads"] + memory["writes"])
        self.assertLessEqual(on_the_bus, result["dram_bytes"])
        self.assertLess(result["dram_bytes"] - on_the_bus, result["bytes"]["output"] + 1)
        self.assertEqual(result["dram_bytes"], sum(result["bytes"].values()))
        self.assertEqual(sum(layer["cycles"] for layer in result["layers"]) + result["fc"]["cycles"], result["cycles"])
        self.assertAlmostEqual(result["tflops_executed"] * result["seconds"] * 1e12 / result["ops_executed"], 1)
        self.assertAlmostEqual(result["tops_dense_equivalent"] * result["seconds"] * 1e12 / result["ops_dense_equivalent"], 1)

    def test_the_fields_are_those_of_the_contract_and_add_up(self):
        for arguments in [["run.trace"], ["csv.trace"], STORY[1:], ["--model", "bert-base", "--length", "24"]]:
            result, = self.objects("simulate", *arguments)
            self.assertEqual([f for f in FIELDS if f not in result], [])
            self.assertFalse(result["partial"])
            self.assert_adds_up(result)

    def test_end_to_end_counts_fc_layers_beside_attention(self):
        attention, = self.objects("simulate", *STORY[1:])
        self.assertEqual(set(attention["fc"].values()), {0})
        whole, = self.objects("simulate", *STORY[1:], "--chip", "spatten-e2e", "--set", "fc.weight_bits=8", "--stats", "e2e.json", "--html", "e2e.html")
        self.assert_adds_up(whole)
        fc = whole["fc"]
        weights = 12 * 12 * 768 * 768  # of GPT-2-Small's FC layers, all read for each of the two tokens
        self.assertEqual(fc["weight_bytes"], 2 * weights)
        self.assertEqual(fc["ops_executed"], 2 * 2 * weights)
        self.assertEqual(fc["ops_dense_equivalent"], fc["ops_executed"])  # one token a pass: none to leave out
        for field in ["ops_executed", "ops_dense_equivalent"]:
            self.assertEqual(whole[field] - fc[field], attention[field])
        self.assertEqual(sum(layer["bytes"][s] for layer in whole["layers"] for s in layer["bytes"]), whole["dram_bytes"] - fc["weight_bytes"])
        self.assertEqual(json.loads(self.read("e2e.json"))["fc"], fc)
        self.assertRegex(self.output(*STORY, "--chip", "spatten-e2e", "--set", "fc.weight_bits=8"), r"FC layers +\d+ % of the time")
        self.assertIn("FC layers", self.read("e2e.html"))
        # An encoder: tokens that left are left out of the FC layers, too.
        encoder, = self.objects("simulate", "--model", "bert-base", "--length", "64", "--policy", "tokens-half", "--chip", "spatten-e2e")
        self.assertEqual(encoder["fc"]["ops_dense_equivalent"], 2 * 64 * weights)
        self.assertLess(encoder["fc"]["ops_executed"], 0.8 * encoder["fc"]["ops_dense_equivalent"])

    def test_a_csv_is_the_trace_that_it_was_made_from(self):
        csv, = self.objects("simulate", "run.csv")
        trace, = self.objects("simulate", "csv.trace")
        self.assertEqual({**csv, "id": 0}, {**trace, "id": 0})
        piped = self.objects("simulate", "-", stdin=self.read("run.csv", "rb"))[0]
        self.assertEqual({**csv, "id": 0}, {**piped, "id": 0})

    def test_the_summary_names_both_units_of_throughput(self):
        text = self.output(*STORY)
        self.assertRegex(text, r"executed +\d+\.\d+ TFLOPS")
        self.assertRegex(text, r"dense-equivalent +\d+\.\d+ TOPS")
        for word in ["time", "DRAM", "energy", "power", "area", "topk", "Q x K", "busy", "stalled", "assumptions"]:
            self.assertIn(word, text)

    def test_one_number_changes_the_result(self):
        plain, = self.objects(*STORY)
        slow, = self.objects(*STORY, "--set", "topk.lanes=1")
        self.assertGreater(slow["cycles"], plain["cycles"])
        self.assertLess(slow["area_mm2"], plain["area_mm2"])
        self.assertEqual(slow["dram_bytes"], plain["dram_bytes"])
        far, = self.objects(*STORY, "--memory", "ideal:500")
        near, = self.objects(*STORY, "--memory", "ideal:500", "--set", "memory.latency=2")
        self.assertGreater(far["cycles"], near["cycles"])
        self.assertEqual(far["energy_joules"]["dram"], 0)
        self.assertIn("energy of DRAM", " ".join(far["assumptions"]))
        pruned, = self.objects(*STORY, "--set", "value.keep=0.05")
        self.assertLess(pruned["dram_bytes"], plain["dram_bytes"])
        batch, = self.objects(*STORY, "--batch", "4")
        self.assertEqual(batch["rows"], 4 * plain["rows"])

    def test_bandwidth_is_that_of_the_clock_and_the_channels_that_the_run_has(self):
        run = ["simulate", "--model", "gpt2-small", "--context", "300", "--generate", "1"]
        def of(*arguments):
            result, = self.objects(*run, *arguments, "--stats", "clock.json")
            self.assertGreater(result["bandwidth_ratio"], 0.3)
            self.assertLessEqual(result["bandwidth_ratio"], 1)
            return result, json.loads(self.read("clock.json"))
        plain, stats = of()
        self.assertEqual((stats["memory"]["channels"], stats["memory"]["peak_gb_s"], plain["assumptions"]), (16, 512, []))
        ddr, stats = of("--memory", "ddr4-2400")
        self.assertEqual((stats["memory"]["channels"], stats["chip"]["channels"], stats["memory"]["peak_gb_s"]), (4, 4, 64))
        self.assertEqual((stats["memory"]["clock_hz"], stats["memory"]["run_clock_hz"]), (1.2e9, 1e9))
        self.assertIn("The memory's clock of 1.2 GHz is taken as the chip's 1 GHz", " ".join(ddr["assumptions"]))
        fast, stats = of("--set", "clock_hz=4e9")
        self.assertEqual(stats["memory"]["peak_gb_s"], 2048)
        self.assertIn("1 GHz is taken as the chip's 4 GHz", " ".join(fast["assumptions"]))
        self.assertEqual(fast["cycles"], plain["cycles"])
        # Crossbars are as wide as the memory.
        narrow, stats = of("--set", "memory.channels=8")
        self.assertEqual((stats["memory"]["channels"], stats["chip"]["channels"]), (8, 8))
        self.assertLess(narrow["area_mm2"], plain["area_mm2"])
        self.assertIn("8 channels", " ".join(narrow["assumptions"]))
        wide, stats = of("--set", "channels=32")
        self.assertEqual((stats["memory"]["channels"], wide["assumptions"]), (32, []))
        self.assertGreater(wide["area_mm2"], plain["area_mm2"])
        self.assert_fails(2, ["memory.channels", "at most 64", "found 128"], *run, "--set", "memory.channels=128")

    def test_a_made_up_workload_says_what_it_assumes(self):
        encoder, = self.objects("simulate", "--model", "bert-base", "--length", "32", "--set", "value.keep=0.5")
        self.assertIn("random ranks", " ".join(encoder["assumptions"]))
        progressive = ["simulate", "--model", "gpt2-small", "--context", "100", "--generate", "1", "--policy", "progressive-6-4"]
        self.assertIn("5.9 % of the rows read low bits, an even share (the paper's average)", " ".join(self.objects(*progressive)[0]["assumptions"]))
        self.assertIn("20 % of the rows read low bits, an even share.", " ".join(self.objects(*progressive, "--lsb-ratio", "0.2")[0]["assumptions"]))

    def test_a_technology_has_the_name_that_the_user_gave(self):
        self.assertEqual(self.objects(*STORY)[0]["technology"], "tsmc40")
        with open(TECHNOLOGY, "rb") as f:
            self.write("mine.json", f.read())
        self.assertEqual(self.objects(*STORY, "--tech", "./mine.json")[0]["technology"], "./mine.json")

    def test_the_same_bytes_with_any_threads_and_from_any_folder(self):
        runs = []
        for number, (threads, folder) in enumerate([("1", self.folder), ("2", "/"), ("3", SOURCE)]):
            files = [self.path(f"{name}-{number}") for name in ["stats", "html", "timeline"]]
            text = self.output("simulate", self.path("run.trace"), "--json", "--threads", threads, "--stats", files[0], "--html", files[1],
                               "--timeline", files[2], cwd=folder)
            stats, page, timeline = [self.read(f) for f in files]
            runs.append([text, stats, re.sub("<code>.*?</code>", "", page), timeline])  # all but the command, which differs
        self.assertEqual(runs[0], runs[1])
        self.assertEqual(runs[0], runs[2])
        self.assertEqual(self.output(*STORY, "--threads", "1"), self.output(*STORY, "--threads", "2"))

    def test_the_name_of_a_chip_does_not_mean_a_file_that_happens_to_lie_here(self):
        self.write("spatten", "not a chip")
        self.write("mine.json", json.dumps({"name": "mine"}))
        self.assertEqual(self.objects(*STORY, "--chip", "spatten")[0]["cycles"], self.objects(*STORY)[0]["cycles"])
        self.assertGreater(self.objects(*STORY, "--chip", "mine.json", "--memory", "ideal:10")[0]["cycles"], 0)

    def test_stats_hold_every_counter_by_unit(self):
        result, = self.objects(*STORY, "--stats", "stats.json")
        stats = json.loads(self.read("stats.json"))
        self.assertEqual(stats["version"], 1)
        self.assertEqual(list(stats["units"]), list(result["units"]))
        for unit, what in stats["units"].items():
            for counter, count in what["counters"].items():
                name = "counted_" + counter if counter in what["activity"] else counter
                self.assertEqual(result["units"][unit][name], count)
        self.assertAlmostEqual(sum(e["joules"] for e in stats["energy"]) / result["energy_joules"]["total"], 1)
        self.assertAlmostEqual(sum(a["mm2"] for a in stats["area"]) / result["area_mm2"], 1)
        self.assertEqual(stats["chip"]["topk"]["lanes"], 16)

    def test_the_counter_tracks_of_a_timeline_add_up(self):
        result, = self.objects(*STORY, "--timeline", "whole.json", "--timeline-cycles", "10000000")
        samples = [e for e in json.loads(self.read("whole.json"))["traceEvents"] if e["ph"] == "C"]
        moved = [(e["ts"] * 1000, e["args"]["value"]) for e in samples if e["name"] == "DRAM, bytes per cycle"]
        ends = [begin for begin, _ in moved[1:]] + [result["cycles"]]
        memory = result["units"]["memory"]
        total = sum((end - begin) * value for (begin, value), end in zip(moved, ends))
        self.assertAlmostEqual(total / (32 * (memory["reads"] + memory["writes"])), 1, 6)
        self.assertGreater(max(e["args"]["value"] for e in samples if e["name"] == "rows in the chip"), 1)

    def test_a_timeline_has_the_units_of_its_window(self):
        result, = self.objects(*STORY, "--timeline", "timeline.json", "--timeline-from", "100", "--timeline-cycles", "500")
        timeline = json.loads(self.read("timeline.json"))
        slices = [e for e in timeline["traceEvents"] if e["ph"] == "X"]
        self.assertGreater(len(slices), 10)
        self.assertGreaterEqual(min(s["ts"] for s in slices), 0.1)
        self.assertLessEqual(max(s["ts"] + s["dur"] for s in slices), 0.6 + 1e-9)
        names = {e["args"]["name"] for e in timeline["traceEvents"] if e["name"] == "thread_name"}
        self.assertTrue({"qk", "softmax", "memory"} <= names & set(result["units"]), names)

    def test_a_window_of_a_timeline_is_a_part_of_the_whole(self):
        def slices(*window):
            self.output(*STORY, "--timeline", "window.json", *window)
            events = json.loads(self.read("window.json"))["traceEvents"]
            return [(e["tid"], e["name"], round(e["ts"] * 1000), round((e["ts"] + e["dur"]) * 1000)) for e in events if e["ph"] == "X"]
        result, = self.objects(*STORY, "--stats", "window-stats.json")
        whole = slices("--timeline-cycles", "10000000")
        self.assertGreater(max(end for *_, end in whole), 0.99 * result["cycles"])
        layers = json.loads(self.read("window-stats.json"))["layers"]
        border = layers[14]["last_response"]
        for begin, end in [(border - 500, border + 500), (result["cycles"] - 700, result["cycles"] + 100), (result["cycles"] * 3 // 5, result["cycles"] * 4 // 5)]:
            inside = [(t, n, max(b, begin), min(e, end)) for t, n, b, e in whole if b < end and e > begin]
            self.assertGreater(len(inside), 10)
            self.assertEqual(slices("--timeline-from", str(begin), "--timeline-cycles", str(end - begin)), inside)

    def test_a_timeline_with_nothing_in_it_says_so(self):
        late = ["--timeline", "late.json", "--timeline-from", "900000000"]
        note = self.call(*STORY, *late).stderr.decode()
        self.assertRegex(note, r"^spatten: late\.json: nothing is drawn: the window begins at cycle 900,000,000, and the units are done at cycle [\d,]+\n$")
        self.assertEqual(self.call(*STORY, *late, "-q").stderr, b"")

    def test_the_page_names_the_whole_command(self):
        self.output(*STORY, "--set", "value.keep=0.5", "--memory", "ideal:30", "--html", "it's a page.html")
        words = html.unescape(re.search("<code>(.*?)</code>", self.read("it's a page.html"))[1])
        self.assertEqual(shlex.split(words), ["spatten", *STORY, "--set", "value.keep=0.5", "--memory", "ideal:30", "--html", "it's a page.html"])

    def test_stalls_are_told_per_layer_where_layers_do_not_overlap(self):
        result, = self.objects(*STORY, "--stats", "layers.json", "--html", "layers.html")
        stats = json.loads(self.read("layers.json"))
        self.assertEqual(len(result["layers"]), 12)
        for layer, account in zip(result["layers"], stats["layer_activity"]):
            self.assertEqual((layer["layer"], layer["units"]), (account["layer"], account["units"]))
            for unit, what in layer["units"].items():
                self.assertEqual(what["busy_cycles"] + what["idle_cycles"] + what["stalled_cycles"], layer["cycles"], unit)
        for unit, what in result["units"].items():  # the layers are the run
            for field in ["busy_cycles", "idle_cycles", "stalled_cycles"]:
                self.assertEqual(sum(layer["units"][unit][field] for layer in result["layers"]), what[field], unit)
            for reason, cycles in what["stall_reasons"].items():
                self.assertEqual(sum(layer["units"][unit]["stall_reasons"][reason] for layer in result["layers"]), cycles, unit)
        page = self.read("layers.html")
        self.assertIn("Stalls per layer", page)
        heat = page[page.index('<table class="heat">'):]
        self.assertEqual(heat[:heat.index("</thead>")].count("<th>"), 14)
        self.assertEqual(heat[:heat.index("</table>")].count("<tr>"), 1 + len(result["units"]))
        qk = result["layers"][3]["units"]["qk"]
        self.assertIn(f"layer 3: stalled {qk['stalled_cycles']:,} of {result['layers'][3]['cycles']:,} cycles", heat)
        for barrier in ["none", "step"]:
            streamed, = self.objects(*STORY, "--set", "barrier=" + barrier, "--stats", "none.json", "--html", "none.html")
            self.assertNotIn("units", streamed["layers"][0])
            self.assertEqual(json.loads(self.read("none.json"))["layer_activity"], [])
            self.assertIn("Layers overlap on this chip", self.read("none.html"))

    def test_the_page_needs_nothing_from_outside_and_escapes_what_it_shows(self):
        self.write("<b>.trace", self.read("run.trace", "rb"))
        self.output("simulate", "<b>.trace", "--html", "page.html")
        page = self.read("page.html")
        self.assertIsNone(re.search(r"(?i)(src|href)\s*=|@import|url\(|<script", page))
        self.assertNotIn("<b>.trace", page)
        self.assertIn("&lt;b&gt;.trace", page)
        for words in ["Where the cycles go", "Where the joules go", "mm²", "Roofline", "Time per layer", "Assumptions", "prefers-color-scheme: dark"]:
            self.assertIn(words, page)

    def test_an_interrupted_run_prints_what_it_has_and_says_so(self):
        process = subprocess.Popen([PROGRAM, "simulate", "--model", "gpt2-medium", "--context", "200", "--generate", "800", "--json", "--stats", "partial.json"], cwd=self.folder,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # no two steps alike
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, error)
        result = json.loads(out)
        self.assertTrue(result["partial"])
        self.assertTrue(json.loads(self.read("partial.json"))["partial"])
        # Operations of what ran, not of what was read ahead: a row of step s sees 201 + s keys of 64 dimensions.
        steps = result["rows"] // (24 * 16)
        self.assertEqual(result["rows"], result["records"])
        self.assertGreater(result["ops_executed"], result["rows"] * 256 * 200)
        self.assertLessEqual(result["ops_executed"], result["rows"] * 256 * (201 + steps))
        self.assertEqual(result["ops_dense_equivalent"], result["ops_executed"])  # the policy is none
        self.assertEqual(result["rows"] % 16, 0)  # whole layers
        self.assertEqual(sum(layer["rows"] for layer in result["layers"]), result["rows"])

    def test_a_model_run_tells_what_it_needs_on_the_chip(self):
        for arguments in [["classify", "--model", "classify", "a film", "a movie about a film"],
                          ["generate", "--model", "generate", "--max-tokens", "5", "a film"]]:
            for result in self.objects(*arguments, "--simulate", "--policy", "tokens-half"):
                chip = result["chip"]
                self.assertGreater(chip["cycles"], 0)
                self.assertLessEqual(chip["dram_bytes"], chip["dense"]["dram_bytes"])
                self.assertEqual(chip["ops_dense_equivalent"], chip["dense"]["ops_executed"])
                self.assertIn("token and head top-k", " ".join(chip["assumptions"]))
                self.assertEqual(chip["dense"]["assumptions"], [])
            plain = self.objects(*arguments, "--simulate", "--set", "topk.lanes=4")[0]
            self.assertNotIn("dense", plain["chip"])
            self.assertIn("of DRAM", self.output(*arguments, "--simulate", "--policy", "tokens-half"))
            self.assertNotIn("chip", self.objects(*arguments)[0])
        self.assert_fails(2, ["--chip", "--simulate"], "classify", "--model", "classify", "--chip", "spatten", "a film")

    def test_a_trace_is_recorded_beside_the_simulation(self):
        texts = ["classify", "--model", "classify", "--policy", "tokens-half", "a film", "a movie"]
        self.output(*texts, "--trace", "one.trace")
        self.output(*texts, "--trace", "two.trace", "--simulate")
        self.assertEqual(self.read("one.trace", "rb"), self.read("two.trace", "rb"))


def seconds_of_children():
    """Processor time of the processes that have ended, which other load does not lengthen."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Stopping(ProgramTest):
    """Ctrl-C wherever it comes, and what standard input may be."""

    def start(self, *arguments, **how):
        return subprocess.Popen([PROGRAM, *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)

    def interrupt(self, process, after=0.0):
        """So many seconds after it began to handle the signal."""
        caught = 0
        while process.poll() is None and not caught & 1 << signal.SIGINT - 1:
            with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
                caught = int(re.search(r"SigCgt:\s*([0-9a-f]+)", f.read()).group(1), 16)
        time.sleep(after)
        process.send_signal(signal.SIGINT)

    def assert_ends(self, process, status, part):
        """Without the end of its input, and with one line."""
        try:
            process.wait(timeout=60)
        finally:
            process.kill()
        error = process.stderr.read().decode()
        self.assertEqual(process.returncode, status, error)
        self.assertIn(part, error)
        self.assertEqual(error.count("\n"), 1, error)
        self.assertEqual(process.stdout.read(), b"")
        for stream in [process.stdin, process.stdout, process.stderr]:
            if stream:
                stream.close()

    def test_at_any_moment(self):
        for milliseconds in range(4, 120, 4):
            process = self.start("simulate", "--model", "gpt2-medium", "--context", "200", "--generate", "800", "--json")
            time.sleep(milliseconds / 1000)
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=60)
            self.assertIn(process.returncode, [130, -signal.SIGINT], error)  # the latter before main() runs
            self.assertIn(error.decode(), ["spatten: interrupted\n"] if process.returncode == 130 else [""])
            if out:
                self.assertTrue(json.loads(out)["partial"])

    def test_while_standard_input_is_awaited(self):
        for verb in ["simulate", "trace"]:
            process = self.start(verb, "-", stdin=subprocess.PIPE)
            self.interrupt(process, after=0.5)
            self.assert_ends(process, 130, "interrupted")

    def test_while_a_reader_of_its_output_is_awaited(self):
        os.mkfifo(self.path("pipe"))
        process = self.start(*STORY, "-o", "pipe")
        self.interrupt(process, after=0.5)
        self.assert_ends(process, 130, "interrupted")

    def test_while_a_long_csv_is_checked(self):
        with open(self.path("long.csv"), "w", encoding="ascii") as f:
            f.write(NAMES)
            for step in range(1_500_000):
                f.write(f"{step},0,0,64.0,100,100,-1,-1,-1,False,-1,100,-1,False,False,False,-1\n")
            f.write("config,,,,,,,,,,,,,,,,\n")
        began = seconds_of_children()
        self.output("trace", "long.csv")
        whole = seconds_of_children() - began
        for verb in ["simulate", "trace"]:
            began = seconds_of_children()
            process = self.start(verb, "long.csv")
            self.interrupt(process, after=0.02)
            self.assert_ends(process, 130, "interrupted")
            self.assertLess(seconds_of_children() - began, whole / 3)  # checking takes half of it

    def test_standard_input_that_is_no_trace_is_refused_at_once(self):
        for begin, part in [(bytes(1 << 20), "4096 bytes in a line"), (b"iteration,layer\n", "standard input:1")]:
            process = self.start("simulate", "-", stdin=subprocess.PIPE)
            try:
                process.stdin.write(begin)
                process.stdin.flush()
            except BrokenPipeError:
                pass
            self.assert_ends(process, 1, part)


class Progress(ProgramTest):
    def test_a_terminal_sees_the_rows_of_the_whole_run(self):
        """No two steps alike, so that there is something to wait for."""
        ours, theirs = pty.openpty()
        call = [PROGRAM, "simulate", "--model", "gpt2-medium", "--context", "200", "--generate", "100", "--threads", "1", "--json"]
        result = subprocess.run(call, stdout=subprocess.PIPE, stderr=theirs, env=dict(os.environ, TERM="xterm"), timeout=300, check=True)
        os.close(theirs)
        drawn = b""
        while True:
            try:
                drawn += os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
        os.close(ours)
        rows = [int(n) for n in re.findall(rb"\rrows (\d+) ", drawn)]
        self.assertGreater(len(rows), 1, drawn)
        self.assertEqual(rows, sorted(rows))
        self.assertGreater(rows[-1], 24 * 16)  # more than a segment
        self.assertLessEqual(rows[-1], json.loads(result.stdout)["rows"])


class SimulateFailures(ProgramTest):
    def test_usage(self):
        self.assert_fails(2, "neither", "simulate")
        self.assert_fails(2, ["both", "x.trace"], "simulate", "x.trace", "--model", "bert-base")
        self.assert_fails(2, "expected one trace", "simulate", "a", "b")
        self.assert_fails(2, "belong to --model", "simulate", "x.trace", "--context", "10")
        self.assert_fails(2, "policy", "simulate", "x.trace", "--set", "token.keep=0.5")
        self.assert_fails(2, ["bert-base", "did you mean"], "simulate", "--model", "bert-bas")
        self.assert_fails(2, "--length", "simulate", "--model", "gpt2-small", "--length", "9")
        self.assert_fails(2, "encoder", "simulate", "--model", "bert-base", "--context", "9")
        self.assert_fails(2, ["1024", "1056"], "simulate", "--model", "gpt2-small", "--context", "1024", "--generate", "32")
        self.assert_fails(2, ["--lsb-ratio", "from 0 to 1"], "simulate", "--model", "gpt2-small", "--lsb-ratio", "2")
        self.assert_fails(2, ["--context", "1024", "generate"], "simulate", "--model", "gpt2-small", "--context", "1024")

    def test_a_file_has_one_part_in_a_run(self):
        self.assert_fails(2, ["--stats", "twice"], *STORY, "--html", "x", "--stats", "x")
        self.assert_fails(2, ["--stats", "--html", "./x", "twice"], *STORY, "--stats", "x", "--html", "./x")
        self.write("in.trace", "kept")
        os.symlink("in.trace", self.path("link.trace"))
        for output in ["in.trace", "link.trace", self.path("in.trace")]:
            self.assert_fails(2, ["--output", "the trace", output], "simulate", "in.trace", "-o", output)
        shutil.copy(os.path.join(SOURCE, "configs", "hw", "spatten.json"), self.path("chip.json"))
        self.assert_fails(2, ["--html", "--chip", "chip.json"], *STORY, "--chip", "chip.json", "--html", "chip.json")
        shutil.copy(TECHNOLOGY, self.path("tech.json"))
        self.assert_fails(2, ["--timeline", "--tech"], *STORY, "--tech", "tech.json", "--timeline", "tech.json")
        self.assert_fails(2, ["--output", "an input"], "trace", "in.trace", "-o", "./in.trace")
        self.assert_fails(2, ["--output", "a trace"], "dram", "in.trace", "-o", "./in.trace")
        with open(self.path("in.trace"), encoding="ascii") as f:
            self.assertEqual(f.read(), "kept")
        self.output("simulate", "--model", "gpt2-small", "--context", "8", "--generate", "1", "--stats", "/dev/null", "--html", "/dev/null", "--timeline", "/dev/null")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_names_of_files_and_knobs_find_the_nearest(self):
        self.assert_fails(2, ["--chip", 'did you mean "spatten"'], *STORY, "--chip", "spaten")
        self.assert_fails(2, ["--memory", "did you mean"], *STORY, "--memory", "hbm2-r2")
        self.assert_fails(2, ["--tech", 'did you mean "tsmc40"'], *STORY, "--tech", "tsmc4")
        self.assert_fails(2, ['did you mean "lanes"'], *STORY, "--set", "topk.lane=8")
        self.assert_fails(2, ['did you mean "topk.lanes"'], *STORY, "--set", "topp.lanes=8")
        self.assert_fails(2, "KEY=VALUE", *STORY, "--set", "topk.lanes")
        self.assert_fails(2, ["topk.lanes", "0"], *STORY, "--set", "topk.lanes=0")
        self.assert_fails(2, ["channels", "power of two"], *STORY, "--set", "channels=3")
        self.assert_fails(2, ["/key_sram/lines", "expected at least 128", "found 2"], *STORY, "--set", "key_sram.lines=2")
        self.assert_fails(2, "ideal:", *STORY, "--memory", "ideal:x")
        with open(os.path.join(SOURCE, "configs", "hw", "spatten.json"), encoding="utf-8") as f:
            chip = f.read()
        self.write("wrong.json", re.sub(r'"memory": "[^"]*"', '"memory": "hbm2-r2"', chip))
        self.assert_fails(1, ["wrong.json:", "/memory", "did you mean"], *STORY, "--chip", "wrong.json")
        self.assert_fails(2, ["--set memory", "did you mean"], *STORY, "--set", "memory=hbm2-r2")

    def test_bad_inputs_name_file_and_place(self):
        self.assert_fails(1, "missing.trace", "simulate", "missing.trace")
        self.assert_fails(1, "empty.csv", "simulate", self.write("empty.csv", ""))
        self.assert_fails(1, "cut.csv:1", "simulate", self.write("cut.csv", "a,b\n"))
        with open(TECHNOLOGY, encoding="utf-8") as f:
            good = f.read()
        self.write("t.json", good.replace('"qk.multiplies"', '"qk.multiplys"'))
        self.assert_fails(1, ["t.json:", "/actions/", "counter", 'did you mean "qk.multiplies"?'], *STORY, "--tech", "t.json")
        self.write("t.json", re.sub(r'"pj": ', '"pj": -', good, count=1))
        self.assert_fails(1, ["t.json:", "/actions/0/pj", "at least 0"], *STORY, "--tech", "t.json")
        self.write("t.json", good.replace('"key": "topk.lanes"', '"key": "topk.lane"'))
        self.assert_fails(1, ["t.json:", 'did you mean "topk.lanes"?'], *STORY, "--tech", "t.json")
        for key in ["pj", "milliwatts", "mm2"]:
            self.write("t.json", re.sub(rf'"{key}": [0-9.e-]+', f'"{key}": 1e308', good, count=1))
            self.assert_fails(1, ["t.json:", f"/0/{key}", "at most 1e+09"], *STORY, "--tech", "t.json")
        self.assert_fails(1, ["layer 0", "524288", "memory.organization"], *STORY, "--set", "memory.organization.rows=1")

    def test_what_does_not_fit_the_chip_is_named_by_its_place(self):
        self.output("trace", "--model", "generate", "--generate", "6", "-o", "run.trace", "a film about a film")
        self.output("trace", "--to", "authors-csv", "run.trace", "-o", "run.csv")
        small = ["--set", "rows.max_keys=20"]
        self.assertRegex(self.assert_fails(1, "expected at most 20 keys", "simulate", "run.trace", *small).stderr.decode(),
                         r"^spatten: run\.trace:record \d+: step 2, layer 0, head 0: ")
        with open(self.path("run.csv"), encoding="utf-8") as f:
            lines = [line.split(",") for line in f]
        too_long = next(i for i, line in enumerate(lines, 1) if i > 1 and int(line[lines[0].index("key_fetch_num")]) > 20)
        self.assert_fails(1, f"spatten: run.csv:{too_long}: step 1, ", "simulate", "run.csv", *small)
        self.assert_fails(1, "spatten: gpt2-small:record 1: step 0, ", *STORY, *small)
        with open(os.path.join(SOURCE, "configs", "hw", "spatten.json"), encoding="utf-8") as f:
            good = f.read()
        self.write("c.json", good.replace('"clock_hz": 1000000000.0', '"clock_hz": 0'))
        self.assert_fails(1, "spatten: c.json:5:/clock_hz: expected 1000000 to 100000000000, found 0", *STORY, "--chip", "c.json")

    def test_outputs_that_cannot_be_written_are_named_and_old_ones_stay(self):
        for option in ["--stats", "--html", "--timeline", "-o"]:
            self.assert_fails(1, "no/such/file", *STORY, option, "no/such/file")
        self.write("old.json", "old")
        self.assert_fails(1, "cut.csv", "simulate", self.write("cut.csv", "a,b\n"), "--stats", "old.json")
        with open(self.path("old.json"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "old")
        with open("/dev/full", "wb") as full:
            self.assert_fails(1, "standard output", *STORY, stdout=full)


if __name__ == "__main__":
    unittest.main()
