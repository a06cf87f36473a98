# SPDX-License-Identifier: Apache-2.0
"""The bundled models answer, dense and pruned, and two of them as well as their cards say."""
import os
import unittest

from program import SANITIZED, SOURCE, ProgramTest

SHARED = os.environ.get("SPATTEN_SHARED_DATA") or os.path.join(os.path.dirname(SOURCE), "shared", "data")
SST2 = os.path.join(SHARED, "glue", "SST-2", "dev.tsv")
STORIES = os.path.join(SHARED, "text", "tinystories.txt")
TOWER = "The tower was built in 1889. It was designed by Gustave Eiffel for the World Fair in Paris."
TOM = "One day, Tom and his dog Max went to the park. They saw a big red ball. Tom was happy."


@unittest.skipUnless(os.path.isdir(os.path.join(SOURCE, "models", "sst2-small")), "no bundled models")
class BundledModels(ProgramTest):
    def test_the_classifier_knows_praise_from_blame(self):
        texts = ["a gorgeous , witty , seductive movie .", "the plot is a mess and nobody cares ."]
        for policy in ["none", "tokens-half", "paper-bert"]:
            results = self.objects("classify", "--model", "sst2-small", "--policy", policy, *texts)
            self.assertEqual([r["label"] for r in results], ["positive", "negative"], policy)

    def test_the_masked_language_model_fills_in(self):
        for policy in ["none", "tokens-half"]:
            result, = self.objects("fill", "--model", "fill-small", "--policy", policy, "--top", "3", "Lily went to the [MASK] with her mom.")
            self.assertIn("park", [p["token"] for p in result["predictions"]], policy)

    def test_the_reader_finds_the_answer(self):
        for keep in ["1", "0.9"]:
            for question, context, want in [("Who designed the tower?", TOWER, "Gustave Eiffel"),
                                            ("Where did Tom go?", TOM, "the park")]:
                result, = self.objects("answer", "--model", "answer-small", "--policy", "tokens-half", "--set", "token.keep=" + keep,
                                       "--question", question, context)
                self.assertEqual(result["answer"], want, keep)
                self.assertEqual(context[result["start_char"]:result["end_char"]], want, keep)

    def test_the_story_teller_begins_a_story(self):
        for policy in ["none", "kv-2x"]:
            result, = self.objects("generate", "--model", "stories-small", "--policy", policy, "--max-tokens", "40", "Once upon a time, there was a little")
            words = result["text"].split()
            self.assertGreater(len(words), 20, policy)
            self.assertGreater(len(set(words)), 10, policy)

    @unittest.skipIf(SANITIZED, "slow under sanitizers")
    @unittest.skipUnless(os.path.exists(SST2), "needs SST-2 dev, which is not part of the repository: " + SST2)
    def test_accuracy_on_sst2(self):
        with open(SST2, encoding="utf-8") as f:
            rows = [line.rstrip("\n").split("\t") for line in f][1:]
        text = self.write("dev.txt", "".join(r[1] + "\n" for r in rows))
        for policy, least in [("none", 0.85), ("tokens-half", 0.84)]:
            results = self.objects("classify", "--model", "sst2-small", "--policy", policy, "--file", text)
            right = sum(r["label_id"] == int(row[0]) for r, row in zip(results, rows, strict=True))
            self.assertGreaterEqual(right / len(rows), least, policy)

    @unittest.skipIf(SANITIZED, "slow under sanitizers")
    @unittest.skipUnless(os.path.exists(STORIES), "needs the stories, which are not part of the repository: " + STORIES)
    def test_perplexity_of_held_back_stories(self):
        with open(STORIES, encoding="utf-8") as f:
            stories = [s.strip() for s in f.read().split("<|endoftext|>") if s.strip()]
        held = self.write("held.txt", "<|endoftext|>" + "<|endoftext|>".join(stories[-(len(stories) // 20):]))
        result, = self.objects("perplexity", "--model", "stories-small", "--window", "512", "--stride", "256", "--file", held)
        self.assertLess(result["perplexity"], 13)


if __name__ == "__main__":
    unittest.main()
