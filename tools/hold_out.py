"""Keeps rows of a JSONL file out of the training: what docs/results.md measures with where a set has no test split.

    python tools/hold_out.py DATA/banking77/train.jsonl 2000 OUT/bank

Writes OUT/bank_test.jsonl (the first COUNT rows of a shuffle with --seed) and OUT/bank_train.jsonl (the others).
With --question "Which intent? {text}" and --answer "{label}" the rows become questions with answers, made of their fields.
"""

import argparse
import json
import random
from pathlib import Path


def asked(row, args):
    pair = {"question": args.question.format(**row), "answer": args.answer.format(**row)}
    return json.dumps(pair, ensure_ascii=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("to", help="folder and beginning of the two names")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--question", help="pattern with {field} places")
    parser.add_argument("--answer", help="likewise")
    args = parser.parse_args()
    if (args.question is None) != (args.answer is None):
        parser.error("--question and --answer belong together")
    rows = [line for line in args.file.read_text(encoding="utf-8").split("\n") if line.strip()]
    if not 0 < args.count < len(rows):
        parser.error(f"{args.file} has {len(rows)} rows: {args.count} cannot be held out")
    if args.question is not None:
        rows = [asked(json.loads(row), args) for row in rows]
    random.Random(args.seed).shuffle(rows)
    for name, part in [("test", rows[:args.count]), ("train", rows[args.count:])]:
        path = Path(f"{args.to}_{name}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(row + "\n" for row in part), encoding="utf-8")
        print(path, len(part))


if __name__ == "__main__":
    main()
