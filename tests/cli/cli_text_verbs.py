# SPDX-License-Identifier: Apache-2.0
"""What the text verbs print: fields, order, ids, batches, files."""
import json
import math
import os
import unittest

from program import ProgramTest

TEXTS = ["a good film", "the movie was dull", "who lived in the wood ?", "unforgettable", "a very very long story of the river"]
WORK = {"ops_executed", "ops_dense_equivalent", "attention_ops_executed", "kv_bytes_read", "kv_bytes_dense", "rows", "lsb_rows"}
PRUNING = {"tokens", "survivors", "heads", "token_scores", "schedule"}


class TextVerbs(ProgramTest):
    def assert_common(self, result, pruned=False):
        self.assertEqual(set(result["work"]), WORK)
        self.assertTrue(all(isinstance(v, int) for v in result["work"].values()))
        self.assertGreater(result["timing"]["seconds"], 0)
        self.assertEqual("pruning" in result, pruned)

    def test_classify_gives_label_scores_and_logits(self):
        results = self.objects("classify", "--model", "classify", *TEXTS)
        self.assertEqual([r["id"] for r in results], list(range(len(TEXTS))))
        for r in results:
            self.assert_common(r)
            self.assertEqual(r["label"], ["negative", "positive"][r["label_id"]])
            self.assertAlmostEqual(sum(r["scores"]), 1, places=5)
            softmax = [math.exp(x - max(r["logits"])) for x in r["logits"]]
            for got, want in zip(r["scores"], softmax):
                self.assertAlmostEqual(got, want / sum(softmax), places=5)

    def test_a_policy_adds_the_pruning_and_saves_work(self):
        dense = self.objects("classify", "--model", "classify", TEXTS[4])[0]
        pruned = self.objects("classify", "--model", "classify", "--policy", "tokens-half", TEXTS[4])[0]
        self.assert_common(pruned, pruned=True)
        self.assertEqual(set(pruned["pruning"]), PRUNING)
        survivors = pruned["pruning"]["survivors"]
        self.assertEqual([len(s) for s in survivors], pruned["pruning"]["schedule"]["tokens"])
        self.assertEqual(survivors[0], list(range(len(pruned["pruning"]["tokens"]))))
        for before, after in zip(survivors, survivors[1:]):
            self.assertLessEqual(set(after), set(before))
        self.assertLess(pruned["work"]["ops_executed"], pruned["work"]["ops_dense_equivalent"])
        self.assertEqual(dense["work"]["ops_executed"], dense["work"]["ops_dense_equivalent"])
        self.assertEqual(dense["work"]["ops_executed"], pruned["work"]["ops_dense_equivalent"])

    def test_the_policy_none_and_one_that_keeps_all_are_the_dense_run(self):
        dense, none, all_kept = (self.objects("classify", "--model", "classify", *more, TEXTS[1])[0]
                                 for more in [[], ["--policy", "none"], ["--policy", "none", "--set", "token.keep=1"]])
        self.assertEqual(dense["logits"], none["logits"])
        self.assertEqual(dense["logits"], all_kept["logits"])
        self.assertNotIn("pruning", all_kept)

    def test_quantization_alone_reports_that_all_stay(self):
        r = self.objects("classify", "--model", "classify", "--policy", "static-8", TEXTS[0])[0]
        self.assertTrue(all(len(s) == len(r["pruning"]["tokens"]) for s in r["pruning"]["survivors"]))

    def test_results_do_not_depend_on_batch_or_threads(self):
        stdin = "\n".join(TEXTS * 6) + "\n"
        seen = []
        for batch, threads in [("1", "1"), ("7", "2"), ("64", "1")]:
            results = self.objects("classify", "--model", "classify", "--policy", "tokens-half", "--batch", batch,
                                   "--threads", threads, "-", stdin=stdin)
            for r in results:
                del r["timing"]
            seen.append(results)
        self.assertEqual(len(seen[0]), 30)
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0], seen[2])

    def test_ids_of_json_lines_come_back_as_they_were(self):
        lines = "".join(json.dumps(o) + "\n" for o in
                        [{"id": "ä", "text": "a film"}, {"id": 12, "text": "a film", "pair": "good"}, {"text": "a film"}])
        results = self.objects("classify", "--model", "classify", "--input-format", "jsonl", "-", stdin=lines)
        self.assertEqual([r["id"] for r in results], ["ä", 12, 2])
        self.assertNotEqual(results[0]["logits"], results[1]["logits"])
        self.assertEqual(results[0]["logits"], results[2]["logits"])

    def test_pairs_are_the_same_by_option_and_by_json(self):
        option = self.objects("classify", "--model", "classify", "--pair", "good", "a film")[0]
        line = self.objects("classify", "--model", "classify", "--input-format", "jsonl", "-",
                            stdin='{"text": "a film", "pair": "good"}')[0]
        self.assertEqual(option["logits"], line["logits"])

    def test_an_output_file_holds_what_standard_output_would(self):
        expected = self.output("classify", "--model", "classify", *TEXTS)
        self.assertEqual(self.output("classify", "--model", "classify", "-o", "out.txt", *TEXTS), "")
        with open(self.path("out.txt"), encoding="utf-8") as f:
            self.assertEqual(f.read(), expected)

    def test_people_get_a_line_per_text(self):
        lines = self.output("classify", "--model", "classify", *TEXTS).splitlines()
        self.assertEqual(len(lines), len(TEXTS))
        for line, text in zip(lines, TEXTS):
            self.assertRegex(line, r"^(negative|positive)  +\d+\.\d %%  %s$" % text.replace("?", r"\?"))

    def test_embed_gives_vectors(self):
        mean, cls, unit = (self.objects("embed", "--model", "classify", *more, TEXTS[0])[0]["embedding"]
                           for more in [[], ["--pooling", "cls"], ["--normalize"]])
        self.assertEqual(len(mean), 64)
        self.assertNotEqual(mean, cls)
        self.assertAlmostEqual(sum(x * x for x in unit), 1, places=5)
        printed = self.output("embed", "--model", "classify", TEXTS[0]).split()
        self.assertEqual([float(x) for x in printed], mean)

    def test_rerank_orders_passages_best_first(self):
        results = self.objects("rerank", "--model", "classify", "--query", "what film", *TEXTS)
        self.assertEqual(sorted(r["index"] for r in results), list(range(len(TEXTS))))
        self.assertEqual([r["text"] for r in results], [TEXTS[r["index"]] for r in results])
        scores = [r["score"] for r in results]
        self.assertEqual(scores, sorted(scores, reverse=True))
        top = self.objects("rerank", "--model", "classify", "--query", "what film", "--top", "2", "--batch", "2", *TEXTS)
        self.assertEqual([r["index"] for r in top], [r["index"] for r in results[:2]])
        line = json.dumps({"id": "q", "query": "what film", "passages": TEXTS})
        by_line = self.objects("rerank", "--model", "classify", "--input-format", "jsonl", "-", stdin=line)
        self.assertEqual([(r["id"], r["score"]) for r in by_line], [("q", s) for s in scores])

    def test_answer_is_a_piece_of_the_context(self):
        context = "The fox lived in the wood, by the river."
        r = self.objects("answer", "--model", "answer", "--question", "where?", "--policy", "tokens-half", context)[0]
        self.assert_common(r, pruned=True)
        self.assertEqual(r["answer"], context[r["start_char"]:r["end_char"]])
        self.assertIsInstance(r["no_answer_score"], float)

    def test_answer_offsets_count_characters_and_long_contexts_have_windows(self):
        context = "ä ö 日本 the fox " * 30
        r = self.objects("answer", "--model", "answer", "--question", "who?", "--window", "40", "--stride", "10", context)[0]
        self.assertGreater(r["windows"], 1)
        self.assertEqual(r["answer"], context[r["start_char"]:r["end_char"]])

    def test_fill_gives_the_best_tokens_with_their_probabilities(self):
        r = self.objects("fill", "--model", "fill", "--top", "3", "the [MASK] was good")[0]
        self.assertEqual(len(r["predictions"]), 3)
        probabilities = [p["probability"] for p in r["predictions"]]
        self.assertEqual(probabilities, sorted(probabilities, reverse=True))
        self.assertTrue(all(0 < p <= 1 for p in probabilities))

    def test_tokenize_goes_there_and_back(self):
        text = "ä unforgettable film"
        r = self.objects("tokenize", "--model", "classify", text)[0]
        self.assertEqual(r["tokens"], ["[CLS]", "[UNK]" if "[UNK]" in r["tokens"] else "a", "un", "##for", "##get", "##table", "film", "[SEP]"])
        begin, end = r["offsets"][2]
        self.assertEqual(text[begin:end], "un")
        begin, end = r["offsets"][6]
        self.assertEqual(text[begin:end], "film")
        back = self.output("tokenize", "--model", "classify", "--decode", "--no-special", " ".join(map(str, r["token_ids"])))
        self.assertTrue(back.endswith("unforgettable film\n"), back)
        story = "Ähm, 日本\t!"
        ids = self.objects("tokenize", "--model", "generate", story)[0]["token_ids"]
        self.assertEqual(self.output("tokenize", "--model", "generate", "--decode", ",".join(map(str, ids))), story + "\n")
        self.assert_fails(1, "argument 1", "tokenize", "--model", "classify", "--decode", "99999")

    def test_every_precision_gives_nearly_the_same_and_a_policy_works_in_each(self):
        for more in [[], ["--policy", "tokens-half", "--set", "head.keep=0.6"]]:
            exact, *rounded = (self.objects("classify", "--model", "classify", "--precision", p, *more, *TEXTS) for p in ["fp32", "bf16", "int8"])
            for results in rounded:
                for r, e in zip(results, exact):
                    self.assert_common(r, pruned=bool(more))
                    self.assertNotEqual(r["logits"], e["logits"])
                    self.assertEqual(r["work"], e["work"])
                    self.assertAlmostEqual(r["scores"][0], e["scores"][0], delta=0.05)

    def test_every_verb_with_a_model_takes_a_precision(self):
        self.write("story.txt", "The fox lived by the river. " * 5)
        for p in ["bf16", "int8"]:
            for call in [["answer", "--model", "answer", "--question", "who", "the fox lived in the wood ."],
                         ["embed", "--model", "classify", "a film"],
                         ["rerank", "--model", "classify", "--query", "who", "a fox", "the wood"],
                         ["fill", "--model", "fill", "a [MASK] film"],
                         ["generate", "--model", "generate", "--max-tokens", "4", "--policy", "kv-4x", "Once"],
                         ["perplexity", "--model", "generate", "--window", "64", "story.txt"]]:
                self.assertGreaterEqual(len(self.objects(*call, "--precision", p)), 1)
            self.output("trace", "--model", "generate", "--generate", "4", "--precision", p, "-o", "out.trace", "Once")

    def test_inspect_tells_the_memory_of_a_precision(self):
        exact, bf16, int8 = (self.objects("inspect", "classify", "--precision", p)[0] for p in ["fp32", "bf16", "int8"])
        self.assertEqual(exact["weight_bytes"], 4 * exact["parameters"])
        self.assertEqual([r["precision"] for r in (exact, bf16, int8)], ["fp32", "bf16", "int8"])
        self.assertEqual(exact["bytes"], int8["bytes"])
        self.assertLess(int8["weight_bytes"], bf16["weight_bytes"])
        self.assertLess(bf16["weight_bytes"], exact["weight_bytes"])
        self.assertIn("in memory in int8", self.output("inspect", "classify", "--precision", "int8"))

    def test_inspect_tells_the_widths_of_an_arithmetic(self):
        policy = ["--policy", "tokens-half", "--set", "quantization.msb_bits=6", "--length", "32"]
        widths = {}
        for arithmetic in ["float", "chip"]:
            for options in [[], policy]:
                r = self.objects("inspect", "classify", "--arithmetic", arithmetic, *options)[0]
                self.assertEqual(r["arithmetic"], arithmetic)
                widths[arithmetic, bool(options)] = [r[k] for k in ("query_bits", "key_bits", "key_lsb_bits", "value_bits")]
        self.assertEqual(widths["float", False], [32, 32, 0, 32])
        self.assertEqual(widths["chip", False], [12, 12, 0, 12])
        self.assertEqual(widths["float", True], [32, 10, 4, 32])
        self.assertEqual(widths["chip", True], [12, 10, 4, 12])
        kept = [self.objects("inspect", "classify", "--arithmetic", a, *policy)[0]["kept_tokens_per_layer"] for a in ("float", "chip")]
        self.assertEqual(kept[0], kept[1])
        self.assertIn("fp32; bits of Q, K, V: 32, 32, 32", self.output("inspect", "classify"))
        self.assertIn("12-bit datapath; bits of Q, K, V: 12, 6 + 4, 12", self.output("inspect", "classify", "--arithmetic", "chip", *policy))

    def test_inspect_tells_the_shape_and_the_schedule(self):
        r = self.objects("inspect", "classify")[0]
        self.assertEqual((r["family"], r["layers"], r["heads"], r["hidden"], r["head_dim"]), ("bert", 4, 4, 64, 16))
        self.assertEqual(r["tasks"], ["classify", "rerank", "embed"])
        self.assertEqual(r["bytes"], os.path.getsize(self.path("classify/model.safetensors")))
        self.assertNotIn("kept_tokens_per_layer", r)
        r = self.objects("inspect", "--model", "classify", "--policy", "tokens-half", "--length", "32")[0]
        self.assertEqual(len(r["kept_tokens_per_layer"]), 4)
        self.assertEqual(r["kept_tokens_per_layer"][0], 32)
        self.assertLess(r["kept_tokens_per_layer"][3], 32)
        self.assertEqual(r["kept_heads_per_layer"], [4, 4, 4, 4])
        self.assertIn("generate, perplexity", self.output("inspect", "generate"))

    def test_perplexity_has_its_fields(self):
        self.write("text.txt", "The fox lived by the river. " * 20)
        r = self.objects("perplexity", "--model", "generate", "--window", "64", "text.txt")[0]
        self.assert_common(r)
        self.assertAlmostEqual(r["perplexity"], math.exp(r["nll_per_token"]), delta=r["perplexity"] * 1e-6)
        self.assertGreater(r["perplexity_per_word"], r["perplexity"])
        self.assertGreater(r["bits_per_byte"], 0)
        self.assertEqual((r["window"], r["stride"]), (64, 32))
        self.assertNotIn("pruning", r)
        pruned = self.objects("perplexity", "--model", "generate", "--policy", "kv-4x", "--window", "64", "text.txt")[0]["pruning"]
        self.assertEqual(len(pruned["survivors"]), 4)
        self.assertLess(len(pruned["survivors"][3]), len(pruned["tokens"]) / 2)


if __name__ == "__main__":
    unittest.main()
