#!/usr/bin/env python3
"""How long a graph without a model takes to build: a corpus of passages, each a document, ingested without and with --graph.

    python3 bench/graph_ingest.py --data DATA [--set corpus_2wiki] [--rounds 3] [--ondol build/release/bin/ondol]

No embeddings. Prints seconds and peak memory in all and a 1,000 passages, medians of the rounds (plain and graph in turn), and
what the graph holds. The wanted: 3,000 passages of corpus_2wiki in under 20 s.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


def make_workspace(folder, ondol, corpus):
    subprocess.run([ondol, "init", str(folder)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    config = folder / "ondol.toml"
    lines = ['embedder = ""' if line.startswith("embedder") else line for line in config.read_text().splitlines()]
    config.write_text("\n".join(lines) + "\n")
    count = 0
    with open(corpus, encoding="utf-8") as rows:
        for line in rows:
            row = json.loads(line)
            (folder / "documents" / f"{count:06}.md").write_text(f"# {row['title']}\n\n{row['text']}\n", encoding="utf-8")
            count += 1
    return count


def ingest(folder, ondol, graph):
    """Seconds and peak memory (MiB) of one ingest into an empty store."""
    for file in (folder / ".ondol").glob("*"):
        if file.is_file():
            file.unlink()
    command = [ondol, "ingest", "--json", "-w", str(folder)] + (["--graph"] if graph else [])
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"graph_ingest: {' '.join(command)} ended with {status}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of the data sets")
    parser.add_argument("--set", default="corpus_2wiki")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ondol", default=str(ROOT / "build/release/bin/ondol"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "workspace"
        passages = make_workspace(folder, options.ondol, pathlib.Path(options.data) / options.set / "corpus.jsonl")
        plain, graph = [], []
        for _ in range(options.rounds):
            plain.append(ingest(folder, options.ondol, False))
            graph.append(ingest(folder, options.ondol, True))
        print(f"{options.set}: {passages} passages, medians of {options.rounds}")
        for name, rows in (("plain", plain), ("with graph", graph)):
            seconds = statistics.median(row[0] for row in rows)
            memory = statistics.median(row[1] for row in rows)
            print(f"  {name:10}  {seconds:6.2f} s  ({1000 * seconds / passages:.2f} s a 1,000)  peak {memory:.0f} MiB")
        stats = subprocess.run(
            [options.ondol, "graph", "stats", "--json", "-w", str(folder)], check=True, capture_output=True, text=True
        )
        print("  " + stats.stdout.strip())


if __name__ == "__main__":
    main()
