#!/usr/bin/env python3
"""word2vec of gensim and of ondol on the same words: speed and likeness to people's judgements.

    python bench/peers/word2vec_gensim.py --ondol build/release/bin/ondol --data ../shared/data

Runs alternate, so that both meet the same machine; every seed is one run of each. The words are cut
once (letters, marks and digits, lower case), and both read them split at spaces. Speed is words of the text times
epochs over the seconds of training alone. Both results are judged by gensim's evaluation. Run it in
the environment that bench/peers/setup.sh makes; smart_open and gensim need no network.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time
import unicodedata

from gensim.models import KeyedVectors, Word2Vec

TEXTS = ["word_eval/lee_background.cor", "corpora/war_and_peace.txt", "corpora/wiki_demo.txt",
         "corpora/gatsby.txt", "corpora/christmas_carol.txt", "corpora/tinyshakespeare.txt"]


def words_of(line: str) -> list[str]:
    """Runs of letters, marks and digits, as ondol cuts them."""
    kept = (c if unicodedata.category(c)[0] in "LMN" else " " for c in unicodedata.normalize("NFC", line).lower())
    return "".join(kept).split()


def run_gensim(sentences: list[list[str]], args: argparse.Namespace, seed: int) -> tuple[KeyedVectors, float]:
    model = Word2Vec(sg=args.sg, vector_size=args.vector_size, window=5, min_count=5, negative=5,
                     workers=args.threads, seed=seed)
    model.build_vocab(sentences)
    start = time.perf_counter()
    # By words, as ondol counts; by lines, its default, the rate falls slower where lines are long.
    model.train(sentences, total_words=sum(map(len, sentences)), epochs=args.epochs)
    return model.wv, time.perf_counter() - start


def run_ondol(text: pathlib.Path, args: argparse.Namespace, seed: int, folder: pathlib.Path) -> tuple[KeyedVectors, float]:
    subprocess.run(
        [args.ondol, "train", "word2vec", "--dataset", str(text), "--output-dir", str(folder),
         "--sg", str(args.sg), "--vector-size", str(args.vector_size), "--epochs", str(args.epochs),
         "--seed", str(seed), "--split-at-spaces", "true", "--deterministic", args.deterministic,
         "--threads", str(args.threads)], check=True, stdout=subprocess.DEVNULL)
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    vectors = KeyedVectors.load_word2vec_format(str(folder / "vectors.bin"), binary=True)
    return vectors, sum(row["seconds"] for row in rows)


def judge(vectors: KeyedVectors, data: pathlib.Path) -> dict[str, float]:
    scores = {}
    for name, file in [("wordsim353", "wordsim353.tsv"), ("simlex999", "simlex999.txt")]:
        _, rho, missing = vectors.evaluate_word_pairs(str(data / "word_eval" / file))
        scores[name] = float(rho.statistic if hasattr(rho, "statistic") else rho[0])
        scores[name + "_unknown_percent"] = float(missing)
    return scores


def spread(values: list[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):8.3f} +- {deviation:.3f}"


def report(results: dict[str, list[dict[str, float]]]) -> None:
    print(f"{'':12}{'words/s, median':>18}{'WordSim-353':>20}{'SimLex-999':>20}")
    for name, runs in results.items():
        speed = statistics.median(run["words_per_second"] for run in runs)
        print(f"{name:12}{speed:18,.0f}{spread([r['wordsim353'] for r in runs]):>20}"
              f"{spread([r['simlex999'] for r in runs]):>20}")
    ratios = [a["words_per_second"] / b["words_per_second"]
              for a, b in zip(results["ondol"], results["gensim"])]
    print(f"speed, ondol over gensim, run by run: {min(ratios):.2f} to {max(ratios):.2f}, "
          f"median {statistics.median(ratios):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ondol", required=True, help="the program")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the data folder")
    parser.add_argument("--texts", nargs="+", default=TEXTS, help="below the data folder")
    parser.add_argument("--sg", type=int, choices=[0, 1], default=1)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--deterministic", choices=["true", "false"], default="false")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    lines = [words_of(line) for text in args.texts
             for line in (args.data / text).read_text(encoding="utf-8").split("\n")]
    sentences = [line for line in lines if line]
    count = sum(map(len, sentences)) * args.epochs
    results: dict[str, list[dict[str, float]]] = {"ondol": [], "gensim": []}
    with tempfile.TemporaryDirectory() as name:
        text = pathlib.Path(name) / "text.txt"
        text.write_text("\n".join(map(" ".join, sentences)) + "\n", encoding="utf-8")
        for seed in range(1, args.seeds + 1):
            for program in results:
                vectors, seconds = (run_gensim(sentences, args, seed) if program == "gensim"
                                    else run_ondol(text, args, seed, pathlib.Path(name) / str(seed)))
                results[program].append({"words_per_second": count / seconds, "vocabulary": len(vectors),
                                         **judge(vectors, args.data)})
    if args.json:
        print(json.dumps({"words": count // args.epochs, "settings": vars(args) | {"data": None}, "runs": results}))
    else:
        report(results)


if __name__ == "__main__":
    main()
