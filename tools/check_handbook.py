#!/usr/bin/env python3
"""Checks the sample workspace examples/handbook: documents, questions, and that each belongs to the other.

    python3 tools/check_handbook.py [folder]      default: examples/handbook; --words prints the counts

Exits 1 and lists every breach. Only the standard library. What it cannot check is whether an unanswerable
question is truly unanswerable; it only catches a short passage that holds all of the question's content words.
"""
import argparse
import collections
import csv
import html.parser
import io
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIELDS = {"id", "question", "answers", "gold", "cluster", "split", "metric"}
DOCUMENTS_MIN = 16
WORDS_MIN = 10_500
KINDS_MIN = {".md": 8, ".html": 2, ".csv": 2, ".txt": 2}
QUESTIONS = {"train": 40, "dev": 20, "test": 60}
UNANSWERABLE = {"train": 6, "dev": 3, "test": 9}
ANSWER_WORDS_MAX = 5
SHARED_WORDS = 6  # a question may not share this many words in a row with its quote
PASSAGE_SENTENCES = 2  # the window searched for the words of an unanswerable question

STOP_WORDS = set("""a about an and any are as at be by can do does did for from get had has have he her his how i if in
is it its many me much must my no not of off on one or our out own she should so somebody someone than that the their
them there they this to up was we were what when where which who whom why will with would you your""".split())
# Elements whose words are not shown; every other tag is a word border.
HIDDEN = {"script", "style", "title", "head", "template"}


class VisibleText(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts, self.hidden = [], 0

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in HIDDEN
        self.border(tag)

    def handle_endtag(self, tag):
        self.hidden -= tag in HIDDEN
        self.border(tag)

    def border(self, tag):
        if tag not in ("i", "em", "b", "strong", "a", "span", "code"):
            self.parts.append("\n")

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data)


def collapse(text):
    return " ".join(text.split())


def visible_text(path):
    raw = path.read_text(encoding="utf-8")
    if path.suffix != ".html":
        return raw
    reader = VisibleText()
    reader.feed(raw)
    reader.close()
    return "\n".join(filter(None, (collapse(part) for part in "".join(reader.parts).split("\n"))))


def words(text):
    return re.findall(r"[\w]+(?:[.,:'\u2019-]\w+)*", text.lower())


def stem(word):
    for suffix in ("'s", "ing", "ies", "es", "ed", "s"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def content_words(text):
    return {stem(word) for word in words(text) if word not in STOP_WORDS}


def passages(text):
    """Runs of PASSAGE_SENTENCES sentences within a paragraph, with the lines of tables and lists as sentences."""
    for paragraph in re.split(r"\n\s*\n", text):
        sentences = [s for s in re.split(r"(?<=[.!?])\s+|\n", paragraph) if s.strip()]
        for at in range(max(1, len(sentences) - PASSAGE_SENTENCES + 1)):
            yield " ".join(sentences[at : at + PASSAGE_SENTENCES])


def runs(text):
    found = words(text)
    return {tuple(found[i : i + SHARED_WORDS]) for i in range(len(found) - SHARED_WORDS + 1)}


def contains_answer(text, answer):
    """As whole words: "5" stands neither in "15 pallets" nor in "5.5 metres"."""
    pattern = r"(?<!\w)(?<!\d[.,])" + re.escape(collapse(answer).lower()) + r"(?!\w|[.,]\d)"
    return re.search(pattern, collapse(text).lower()) is not None


def as_prose(document, quote):
    """A CSV row with its cells apart, so that 34 in "Base,34,2026" is a number of its own."""
    return " | ".join(next(csv.reader([quote]))) if document.endswith(".csv") and quote else quote


class Checker:
    def __init__(self, folder):
        self.folder, self.breaches = folder, []
        paths = sorted((folder / "documents").iterdir())
        self.texts = {path.name: visible_text(path) for path in paths}
        self.questions = []

    def say(self, where, what):
        self.breaches.append(f"{where}: {what}")

    def check_documents(self):
        if len(self.texts) < DOCUMENTS_MIN:
            self.say("documents", f"got {len(self.texts)}, expected at least {DOCUMENTS_MIN}")
        kinds = collections.Counter(pathlib.Path(name).suffix for name in self.texts)
        for kind, least in KINDS_MIN.items():
            if kinds[kind] < least:
                self.say("documents", f"got {kinds[kind]} of {kind}, expected at least {least}")
        total = sum(len(text.split()) for text in self.texts.values())
        if total < WORDS_MIN:
            self.say("documents", f"got {total} words, expected at least {WORDS_MIN}")
        for name, text in self.texts.items():
            self.check_document(name, text)

    def check_document(self, name, text):
        if name.endswith(".csv"):
            rows = list(csv.reader(io.StringIO(text)))
            for number, row in enumerate(rows, 1):
                if len(row) != len(rows[0]):
                    self.say(f"{name} row {number}", f"has {len(row)} cells, expected {len(rows[0])}")
            return
        sentences = [s for s in re.split(r"(?<=[.!?])\s+|\n", text) if len(s.split()) >= 8]
        for sentence, count in collections.Counter(sentences).items():
            if count > 1:
                self.say(name, f"says a sentence {count} times: {sentence[:60]!r}")

    def read_questions(self):
        path = self.folder / "questions.jsonl"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                question = json.loads(line)
            except json.JSONDecodeError as error:
                self.say(f"questions.jsonl:{number}", f"is not JSON: {error}")
                continue
            where = f"questions.jsonl:{number}"
            missing = FIELDS - {"metric"} - question.keys() if isinstance(question, dict) else FIELDS
            if missing:
                self.say(where, f"lacks {sorted(missing)}")
            elif question.keys() - FIELDS:
                self.say(where, f"has unknown fields {sorted(question.keys() - FIELDS)}")
            else:
                self.questions.append(question)

    def check_counts(self):
        for field in ("id", "question"):
            counts = collections.Counter(collapse(q[field]).lower() for q in self.questions)
            for value, count in counts.items():
                if count > 1:
                    self.say("questions", f"{field} {value!r} occurs {count} times")
        for name, rows, expected in (
            ("questions", self.questions, QUESTIONS),
            ("unanswerable questions", [q for q in self.questions if not q["answers"]], UNANSWERABLE),
        ):
            got = collections.Counter(q["split"] for q in rows)
            if got != expected:
                self.say(name, f"got {dict(got)} by split, expected {expected}")
        self.check_balance()

    def check_balance(self):
        """Every document is asked about in every split: no split may test what the others never touch."""
        asked = collections.defaultdict(collections.Counter)
        for q in self.questions:
            if q["gold"]:
                asked[q["gold"][0]["document"]][q["split"]] += 1
        for name in self.texts:
            for split in QUESTIONS:
                if not asked[name][split]:
                    self.say(name, f"no answerable question of split {split}")

    def check_answerable(self, q):
        if not q["gold"]:
            self.say(q["id"], "has answers but no gold")
        if q["cluster"] not in {gold["document"] for gold in q["gold"]}:
            self.say(q["id"], f"cluster {q['cluster']!r} is none of its gold documents")
        for answer in q["answers"]:
            if not 1 <= len(answer.split()) <= ANSWER_WORDS_MAX:
                self.say(q["id"], f"answer {answer!r} is not of 1 to {ANSWER_WORDS_MAX} words")
            if contains_answer(q["question"], answer):
                self.say(q["id"], f"the question gives its answer {answer!r} away")
        for gold in q["gold"]:
            self.check_gold(q, gold)

    def check_gold(self, q, gold):
        text = self.texts.get(gold["document"])
        if text is None:
            self.say(q["id"], f"no document {gold['document']!r}")
            return
        if gold["document"].endswith(".html"):
            text = collapse(text)
        if not gold["quote"] or gold["quote"] not in text:
            self.say(q["id"], f"quote not in {gold['document']}: {gold['quote']!r}")
        markup = "*`|\n" if gold["document"].endswith(".md") else "\n"
        if any(sign in gold["quote"] for sign in markup):
            self.say(q["id"], "the quote holds markup or a line end, which readers of documents may drop")
        prose = as_prose(gold["document"], gold["quote"])
        if not any(contains_answer(prose, answer) for answer in q["answers"]):
            self.say(q["id"], f"no accepted answer stands in the quote {gold['quote']!r}")
        for run in sorted(runs(q["question"]) & runs(prose)):
            self.say(q["id"], f"question and quote share {' '.join(run)!r}")

    def check_unanswerable(self, q):
        if q["gold"]:
            self.say(q["id"], "has gold but no answers")
        if q["cluster"] not in self.texts:
            self.say(q["id"], f"cluster {q['cluster']!r} is no document")
        wanted = content_words(q["question"])
        if len(wanted) < 3:
            self.say(q["id"], "has fewer than 3 content words: nothing to check it by")
        for name, text in self.texts.items():
            for passage in passages(text):
                if wanted <= content_words(passage):
                    self.say(q["id"], f"all its words stand together in {name}: {passage[:90]!r}")

    def run(self):
        self.check_documents()
        self.read_questions()
        self.check_counts()
        for q in self.questions:
            (self.check_answerable if q["answers"] else self.check_unanswerable)(q)
        return self.breaches


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=ROOT / "examples" / "handbook")
    parser.add_argument("--words", action="store_true", help="print the words of each document")
    options = parser.parse_args()
    checker = Checker(options.folder)
    breaches = checker.run()
    if options.words:
        for name, text in checker.texts.items():
            print(f"{len(text.split()):6d} {name}")
    for breach in breaches:
        print(breach)
    total = sum(len(text.split()) for text in checker.texts.values())
    print(f"{len(checker.texts)} documents, {total} words, {len(checker.questions)} questions, "
          f"{len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
