#!/usr/bin/env python3
"""The baseline of `ondol train classify`: logistic regression over counts, of words and of runs of characters.

    python bench/peers/bag_of_words.py nsmc_train.jsonl nsmc_test.jsonl

Rows are {"text", "label"}. Needs scikit-learn.
"""

import argparse
import json

import sklearn
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression


def read(path):
    rows = [json.loads(line) for line in open(path, encoding="utf-8")]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("train")
    parser.add_argument("test")
    args = parser.parse_args()
    texts, labels = read(args.train)
    unseen, answers = read(args.test)
    print(f"scikit-learn {sklearn.__version__}, {len(texts)} rows to learn, {len(unseen)} to measure with")
    for name, counter, strength in [
            ("words", CountVectorizer(), 1.0),
            ("characters, 1 to 3 in a row", CountVectorizer(analyzer="char_wb", ngram_range=(1, 3)), 0.1)]:
        model = LogisticRegression(max_iter=2000, C=strength).fit(counter.fit_transform(texts), labels)
        print(f"{name}: {100 * model.score(counter.transform(unseen), answers):.1f} %")


if __name__ == "__main__":
    main()
