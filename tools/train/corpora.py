# SPDX-License-Identifier: Apache-2.0
"""Reads the texts that the bundled models are trained on; docs and model cards name their terms."""
import collections
import csv
import json
import random
import re

STORY_END = "<|endoftext|>"


def stories(path):
    """TinyStories: (training stories, the last 5 %, held back)."""
    texts = [s.strip() for s in open(path, encoding="utf-8").read().split(STORY_END) if s.strip()]
    held = len(texts) // 20
    return texts[:-held], texts[-held:]


def sst2(path):
    """SST-2's tab-separated file: (texts, labels)."""
    rows = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")][1:]
    return [r[1] for r in rows], [int(r[0]) for r in rows]


def columns(path, *wanted):
    rows = csv.reader(open(path, encoding="utf-8-sig"), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [row[c] for row in rows for c in wanted if c < len(row)]


def squad(path):
    """SQuAD v1.1's first split here, its dev file: (training articles, the last 4 articles, held back)."""
    articles = json.load(open(path, encoding="utf-8"))["data"]
    return articles[:-4], articles[-4:]


def everything(data):
    """Documents for masked-language-model training. Nothing that a bundled model is measured on is among them."""
    texts, _ = sst2(f"{data}/glue/SST-2/train.tsv")
    documents = [t for t in texts if len(t.split()) >= 6]
    documents += stories(f"{data}/text/tinystories.txt")[0]
    wiki = open(f"{data}/text/wikitext2-valid.txt", encoding="utf-8").read()
    documents += [p.strip() for p in wiki.split("\n") if len(p) > 60]
    for article in squad(f"{data}/squad/dev-v1.1.json")[0]:
        documents += [p["context"] for p in article["paragraphs"]]
    documents += columns(f"{data}/glue/MRPC/msr_paraphrase_train.txt", 3, 4)[2:]
    documents += columns(f"{data}/glue/RTE/train.tsv", 1)[1:]
    documents += columns(f"{data}/glue/STS-B/sts-train.csv", 5, 6)
    documents += columns(f"{data}/glue/CoLA/train.tsv", 3)
    return documents


# ---------------------------------------------------------------- questions about stories

VERBS = {"saw": "see", "found": "find", "loved": "love", "liked": "like", "had": "have", "got": "get", "made": "make",
         "bought": "buy", "took": "take", "wanted": "want", "lost": "lose", "heard": "hear", "opened": "open",
         "picked up": "pick up", "ate": "eat", "gave": "give", "brought": "bring", "needed": "need"}
VERB = "|".join(VERBS)


def story_questions(text, names):
    """(question, start, end) for sentences of a plain pattern: who, what, where, how, and names."""
    for m in re.finditer(r"\b(girl|boy|dog|cat|bear|bird|bunny|rabbit|man|woman|mouse|fish|fox|lion|frog|puppy|kitten|"
                         r"duck|monkey|elephant|turtle|squirrel|pig|butterfly) (?:named|called) ([A-Z][a-z]+)", text):
        question = f"What was the name of the {m[1]}?", f"What is the {m[1]}'s name?", f"What was the {m[1]} called?"
        yield question[len(text) % 3], *m.span(2)
    subject = "|".join(sorted(names))
    for m in re.finditer(rf"\b({subject}) ({VERB}) ((?:an?|the|his|her|some|two|three|lots of) (?:\w+ ){{0,2}}?\w+)(?=[.,!]| and | in | on "
                         r"| with | to | from | under | near | at )", text):
        yield f"What did {m[1]} {VERBS[m[2]]}?", *m.span(3)
        yield f"Who {m[2]} {m[3]}?", *m.span(1)
    for m in re.finditer(rf"\b({subject}|[Hh]e|[Ss]he|[Tt]hey) (?:went|ran|walked|came|drove|flew) (?:back )?(?:in|out )?to "
                         r"((?:the|a|his|her|their) (?:\w+ )?\w+)(?=[.,!]| and | with | to )", text):
        yield f"Where did {m[1] if m[1] in names else m[1].lower()} go?", *m.span(2)
    for m in re.finditer(rf"\b({subject}) (?:was|felt) (?:very |so |really )?(happy|sad|scared|angry|excited|proud|tired|"
                         r"hungry|sorry|curious|surprised|sleepy|lonely|thirsty|worried|nervous|kind|brave)\b", text):
        yield f"How did {m[1]} feel?", *m.span(2)
    for m in re.finditer(rf"\b({subject}) (?:loved|liked|wanted) to ((?:play|eat|run|go|help|look|jump|swim|read|draw|sing|"
                         r"dance|climb)(?: \w+){0,4}?)(?=[.,!]| and | because | but )", text):
        yield f"What did {m[1]} {VERBS[re.split(' ', text[m.start():m.end()])[1]]} to do?", *m.span(2)


def squad_questions(articles):
    """(question, context, start, end, answers), the first answer for training, all for scoring."""
    for article in articles:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                first = qa["answers"][0]
                yield (qa["question"], paragraph["context"], first["answer_start"],
                       first["answer_start"] + len(first["text"]), [x["text"] for x in qa["answers"]])


def about_stories(texts, per_story=6, seed=1):
    """As squad_questions; of a question that a story answers twice, the first answer."""
    pick = random.Random(seed)
    counts = collections.Counter(n for t in texts for n in re.findall(r"\b(?:named|called) ([A-Z][a-z]+)", t))
    names = [n for n, count in counts.items() if count > 2]
    for text in texts:
        found = {}
        for question, start, end in story_questions(text, names):
            found.setdefault(question, (start, end))
        for question, (start, end) in pick.sample(sorted(found.items()), min(per_story, len(found))):
            yield question, text, start, end, [text[start:end]]
