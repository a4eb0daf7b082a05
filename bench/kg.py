#!/usr/bin/env python3
"""External knowledge graphs: the speed of importing synthetic triples and of looking an entity up.

    python3 bench/kg.py --ondol build/release/bin/ondol [--triples 1000000] [--json FILE]

The graph: 200,000 entities whose number of triples falls off like a power law, 100 predicates, an English name for each
entity and a Korean one for every fifth (seed 7; names are triples too and are counted). Import: `ondol kg import` of the
N-Triples, plain and .gz, wall clock and peak memory. Look-up: median and 99th percentile of 2,000 entities, each with its
facts one step away, inside one process, by `ondol kg bench`.
"""

import argparse
import gzip
import json
import os
import random
import resource
import subprocess
import tempfile
import time
from pathlib import Path

ENTITY = "<http://www.wikidata.org/entity/Q%d>"
LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"
SYLLABLES = "ka ro mi ten sul bar vo lin de pra".split()
KOREAN = "가 나 다 라 마 바 사 아 자 차".split()


def name(number, parts, gap):
    digits = [int(d) for d in str(number)]
    return gap.join("".join(parts[d] for d in digits[i:i + 3]) for i in range(0, len(digits), 3))


def write_graph(path, triples, entities):
    rng = random.Random(7)
    with open(path, "w", encoding="utf-8") as out:
        rows = 0
        for number in range(entities):
            out.write(f'{ENTITY % number} {LABEL} "{name(number, SYLLABLES, " ")}"@en .\n')
            rows += 1
            if number % 5 == 0:
                out.write(f'{ENTITY % number} {LABEL} "{name(number, KOREAN, " ")}"@ko .\n')
                rows += 1
        while rows < triples:
            subject = int(entities * rng.random() ** 3)
            target = int(entities * rng.random() ** 3)
            predicate = int(100 * rng.random() ** 2)
            out.write(f"{ENTITY % subject} <http://www.wikidata.org/prop/direct/P{predicate}> {ENTITY % target} .\n")
            rows += 1


def run(command, folder):
    start = time.time()
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=1200)
    return json.loads(done.stdout), time.time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ondol", required=True)
    parser.add_argument("--triples", type=int, default=1_000_000)
    parser.add_argument("--entities", type=int, default=200_000)
    parser.add_argument("--json", help="write the figures here")
    args = parser.parse_args()
    ondol = str(Path(args.ondol).resolve())
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([ondol, "init", "."], cwd=folder, check=True, capture_output=True)
        plain = Path(folder) / "graph.nt"
        write_graph(plain, args.triples, args.entities)
        with open(plain, "rb") as data, gzip.open(str(plain) + ".gz", "wb", compresslevel=6) as packed:
            packed.write(data.read())
        figures = {"triples": args.triples, "bytes": plain.stat().st_size}
        for file in ("graph.nt.gz", "graph.nt"):
            report, seconds = run([ondol, "kg", "import", file, "--json"], folder)
            figures[file] = {"seconds": seconds, "kept": report["triples"], "labels": report["labels"]}
        figures["peak_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        figures["kg_db_mb"] = os.path.getsize(Path(folder) / ".ondol" / "kg.db") / 1e6
        figures["lookup"], _ = run([ondol, "kg", "bench", "--entities", "2000", "--json"], folder)
    print(json.dumps(figures, indent=1))
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
