"""Rows for small encoder-decoders: what docs/results.md trains and measures on.

    python tools/seq2seq_data.py OUT [DATA]

Writes OUT/{order,numbers}.{train,test}.jsonl, and with DATA (the shared data folder) OUT/captions.{train,test}.jsonl:
- order: letters to reverse or to sort, `reverse: q f a` -> `a f q`;
- numbers: numbers below a million in English and in Korean words;
- captions: English sentences of STS (headlines and captions of images) and their Korean translations of KorSTS, joined by
  year, source and number. Pairs of one sentence text are on one side of the split only.
No row of a test set is in its training set.
"""

import json
import random
import sys
from pathlib import Path

ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen").split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
DIGITS = "영일이삼사오육칠팔구"


def write(path, rows):
    path.write_text("".join(json.dumps({"source": s, "target": t}, ensure_ascii=False) + "\n" for s, t in rows))
    print(path, len(rows))


def split(folder, name, rows, test):
    write(folder / f"{name}.train.jsonl", rows[test:])
    write(folder / f"{name}.test.jsonl", rows[:test])


def order_rows(rng, count):
    rows = {}
    while len(rows) < count:
        letters = [rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 10))]
        kind = rng.choice(["reverse", "sort"])
        answer = letters[::-1] if kind == "reverse" else sorted(letters)
        rows[f"{kind}: {''.join(letters)}"] = "".join(answer)
    return list(rows.items())


def english(n):
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10] + ("-" + ONES[n % 10] if n % 10 else "")
    if n < 1000:
        return ONES[n // 100] + " hundred" + (" and " + english(n % 100) if n % 100 else "")
    return english(n // 1000) + " thousand" + (" " + english(n % 1000) if n % 1000 else "")


def korean_below_10000(n):
    text = ""
    for size, unit in [(1000, "천"), (100, "백"), (10, "십"), (1, "")]:
        digit = n // size % 10
        if digit:
            text += ("" if digit == 1 and unit else DIGITS[digit]) + unit
    return text


def korean(n):
    if n == 0:
        return DIGITS[0]
    high, low = n // 10000, n % 10000
    text = ("" if high == 1 else korean_below_10000(high)) + "만" if high else ""
    return text + (" " if text and low else "") + korean_below_10000(low)


def number_rows(rng, count):
    numbers = set()
    while len(numbers) < count:
        numbers.add(rng.randrange(10 ** rng.randint(1, 6)))
    rows = [(english(n), korean(n)) for n in sorted(numbers)]
    rng.shuffle(rows)
    return rows


def captions(data):
    lines = (data / "sts_semeval/train.jsonl").read_text().splitlines()
    sources = {}
    for line in lines:
        row = json.loads(line)
        sources.setdefault(row["source"], []).append(row)
    pairs = []
    for file in ["train", "dev"]:
        for line in (data / f"korsts/{file}.jsonl").read_text().splitlines():
            row = json.loads(line)
            name, number = row["id"].rsplit("-", 1)
            kind, _, year = name.rpartition("-")
            # The two sources that lost no row: numbers are places there.
            english_rows = sources.get(f"{year}.{kind}.test", [])
            if len(english_rows) != 750:
                continue
            match = english_rows[int(number)]
            if abs(match["score"] - row["score"]) > 0.01:
                raise SystemExit(f"{row['id']}: scores differ, the rows do not belong together")
            pairs += [(match["sentence1"], row["sentence1"]), (match["sentence2"], row["sentence2"])]
    return list(dict(pairs).items())


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(42)
    split(folder, "order", order_rows(rng, 40500), 500)
    split(folder, "numbers", number_rows(rng, 20300), 300)
    if len(sys.argv) > 2:
        rows = captions(Path(sys.argv[2]))
        rng.shuffle(rows)
        split(folder, "captions", rows, 200)


if __name__ == "__main__":
    main()
