#!/usr/bin/env python3
"""ondol's encoder and sentence-transformers side by side: texts of about 105 tokens, in turn, medians and ratios.

    bench/peers/setup.sh embed
    python3 bench/peers/compare_embed.py --folder all-minilm-l6-v2 [--rounds 5] [--threads 2] [--ondol build/release/bin/ondol]
                                         [--python build/peers/embed/bin/python] [--out bench/runs/DATE-minilm]

Rows are ondol's forms of the weights (file, bf16, int8) and the peer in bf16 and f32; ratios are to the peer in bf16. Each
side's rate counts its own tokens, special ones included. Cosines of the forms to f32: ondol_infer_model_test.
"""
import argparse
import datetime
import json
import pathlib
import random
import subprocess
import sys

from compare import ROOT, Worker, machine, spread

TEXTS, TOKENS = 64, 105
FORMS = ("file", "bf16", "int8")
WORDS = "the of and to in for on with as by at from that this which work time people year way day world life part house water".split()


def ondol_rate(options, form):
    command = [options.ondol, "bench", "-m", options.folder, "-t", str(options.threads), "-r", "1", "--weights", form, "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["embed"]["tokens_per_second"]["median"]


def peer_rate(options, worker, dtype):
    texts = [" ".join(random.choices(WORDS, k=TOKENS - 2)) for _ in range(TEXTS)]
    order = {"model": options.folder, "threads": options.threads, "dtype": dtype, "texts": texts}
    return worker.ask(order)["tokens_per_second"]


def table(report):
    lines = [f"| all-MiniLM-L6-v2, {TOKENS} tokens, {report['threads']} threads | tokens/s (min-max) | to the peer in bf16 |", "|---|---|---|"]
    for name, row in report["rows"].items():
        rate, ratio = row["rate"], row["ratio"]
        lines.append(f"| {name} | {rate['median']:,.0f} ({rate['min']:,.0f}-{rate['max']:,.0f}) | {ratio['median']:.2f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ondol", default=str(ROOT / "build/release/bin/ondol"))
    parser.add_argument("--python", default=str(ROOT / "build/peers/embed/bin/python"))
    parser.add_argument("--out")
    options = parser.parse_args()
    peers = {dtype: Worker(options.python, ROOT / "bench/peers/embed_worker.py") for dtype in ("bfloat16", "float32")}
    rates = {}
    for turn in range(options.rounds):
        for form in FORMS:
            rates.setdefault(f"ondol {form}", []).append(ondol_rate(options, form))
        for dtype, worker in peers.items():
            rates.setdefault(f"sentence-transformers {dtype}", []).append(peer_rate(options, worker, dtype))
        print(f"round {turn + 1}: " + ", ".join(f"{k} {v[-1]:,.0f}" for k, v in rates.items()), file=sys.stderr)
    for worker in peers.values():
        worker.close()
    base = rates["sentence-transformers bfloat16"]
    rows = {name: {"rate": spread(all_), "ratio": spread([a / b for a, b in zip(all_, base)])} for name, all_ in rates.items()}
    report = {"date": datetime.date.today().isoformat(), "threads": options.threads, "rounds": options.rounds,
              "peer": "sentence-transformers 6.2.0, torch 2.15.0", "machine": machine(), "rows": rows}
    print(table(report))
    if options.out:
        pathlib.Path(options.out + ".json").write_text(json.dumps(report, indent=1) + "\n")
        pathlib.Path(options.out + ".md").write_text(table(report))


if __name__ == "__main__":
    main()
