#!/usr/bin/env python3
"""Writes tests/golden/bm25.jsonl: BM25 ranks of small random collections by the definition alone.

score(d, q) = sum over terms t of q, repeats counted, of
  ln(1 + (N - n + 0.5) / (n + 0.5)) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * |d| / avgdl))
Words look like "w12", so that no analysis changes them. Run: python3 tools/golden/bm25.py
"""
import json
import math
import pathlib
import platform
import random

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "bm25.jsonl"
SEED = 20261121


def rank(documents, query, k1, b):
    average = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        total = 0.0
        for term in query:
            n = sum(term in d for d in documents)
            tf = document.count(term)
            if tf == 0:
                continue
            idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
            total += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(document) / average))
        scores.append(total)
    order = sorted(range(len(documents)), key=lambda i: (-round(scores[i], 9), i))
    return [[i, scores[i]] for i in order if scores[i] > 0][:10]


def main():
    rng = random.Random(SEED)
    with OUT.open("w") as out:
        made = {"made_by": "tools/golden/bm25.py", "python": platform.python_version(), "seed": SEED}
        out.write(json.dumps(made) + "\n")
        for k1, b in ((1.2, 0.75), (0.0, 0.75), (2.0, 0.0), (0.9, 1.0)):
            # Word frequencies fall off as in language; some documents are one word long.
            words = [f"w{int(rng.paretovariate(0.7)) % 40}" for _ in range(2000)]
            documents = [[rng.choice(words) for _ in range(rng.choice((1, 5, 20, 60)))] for _ in range(40)]
            for _ in range(5):
                query = [rng.choice(words) for _ in range(rng.randint(1, 6))]
                row = {"k1": k1, "b": b, "query": " ".join(query), "top": rank(documents, query, k1, b)}
                row["documents"] = [" ".join(d) for d in documents]
                out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
