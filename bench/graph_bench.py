#!/usr/bin/env python3
"""ondol's graph algorithms beside networkx, scipy and igraph: the same graphs, in turn, medians and ratios.

    bench/peers/setup.sh graph
    build/peers/graph/bin/python bench/graph_bench.py --data DATA [--rounds 5] [--out bench/runs/DATE-graph]

Personalised PageRank of the 50 MuSiQue questions: ours by push and by power iteration; networkx.pagerank as it is called;
its iteration alone over a matrix that is made once; igraph's solver (PRPACK), which is exact. "top 20" is the share of
questions whose 20 best nodes are those of power iteration to 1e-12, ties aside. Leiden with the modularity of the same seeds,
after two rounds (igraph's default) and until nothing changes. Everything on one thread, in processor time, so
that a shared machine matters less. The program is built with the flags
of a release build. --out writes .json (raw data, machine, versions) and .md (the tables).
"""
import argparse
import datetime
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
sys.path[:0] = [str(ROOT / "tools" / "golden"), str(ROOT / "bench" / "peers")]

import igraph
import networkx
import numpy
import scipy

import graph_data
from compare import Worker, machine, spread

FLAGS = ["-std=c++20", "-O2", "-DNDEBUG", "-ffp-contract=off"]
SOURCES = ["csr", "pagerank", "paths", "network", "leiden", "leiden_refine", "hierarchy"]


class Program(Worker):
    def __init__(self, path):
        self.process = subprocess.Popen([str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def build():
    path = ROOT / "build" / "bench" / "graph_bench"
    path.parent.mkdir(parents=True, exist_ok=True)
    sources = [ROOT / "src/ground/graph" / f"{name}.cpp" for name in SOURCES]
    sources += [ROOT / "src/base" / f"{name}.cpp" for name in ("rng", "error", "files")]
    subprocess.run(["c++", *FLAGS, f"-I{ROOT / 'src'}", "-o", path, ROOT / "bench/graph_bench.cpp", *sources, "-lfmt"], check=True)
    return path


def timed(work):
    start = time.process_time()
    result = work()
    return 1000 * (time.process_time() - start), result


def best(scores):
    return numpy.argsort(-numpy.asarray(scores), kind="stable")[:20].tolist()


class Peers:
    """The MuSiQue graph as each peer keeps it between queries."""

    def __init__(self, nodes, edges, restarts):
        self.nodes, self.restarts = nodes, [dict(r) for r in restarts]
        self.networkx = networkx.Graph()
        self.networkx.add_nodes_from(range(nodes))
        self.networkx.add_weighted_edges_from(edges)
        self.igraph = igraph.Graph(n=nodes, edges=[e[:2] for e in edges])
        self.igraph.es["weight"] = [e[2] for e in edges]
        matrix = networkx.to_scipy_sparse_array(self.networkx, weight="weight", dtype=float)
        strength = matrix.sum(axis=1)
        self.isolated = numpy.where(strength == 0)[0]
        inverse = numpy.divide(1.0, strength, out=numpy.zeros_like(strength), where=strength != 0)
        self.matrix = scipy.sparse.csr_array(scipy.sparse.dia_array((inverse, 0), shape=matrix.shape).tocsr() @ matrix)

    def by_networkx(self, alpha, restart):
        return networkx.pagerank(self.networkx, alpha=alpha, personalization=restart, max_iter=1000)

    def by_scipy(self, alpha, restart):
        start = numpy.zeros(self.nodes)
        start[list(restart)] = list(restart.values())
        start /= start.sum()
        x = start
        for _ in range(1000):
            last = x
            x = alpha * (x @ self.matrix + last[self.isolated].sum() * start) + (1 - alpha) * start
            if numpy.abs(x - last).sum() < self.nodes * 1e-6:  # networkx's default
                break
        return x

    def by_igraph(self, alpha, restart):
        reset = [0.0] * self.nodes
        for node, weight in restart.items():
            reset[node] = weight
        return self.igraph.personalized_pagerank(damping=alpha, reset=reset, weights="weight")

    def ask(self, name, alpha):
        """Scores are timed; choosing the best 20 is not, while ours includes it."""
        pairs = [timed(lambda r=r: getattr(self, "by_" + name)(alpha, r)) for r in self.restarts]
        all_ = range(self.nodes)
        return {"ms": [ms for ms, _ in pairs],
                "best": [best([s[i] for i in all_] if isinstance(s, dict) else s) for _, s in pairs]}


class Checker:
    """Scores to 1e-12, to tell whether 20 nodes are the best, ties aside."""

    def __init__(self, peers, alpha):
        self.scores = []
        for restart in peers.restarts:
            start = numpy.zeros(peers.nodes)
            start[list(restart)] = list(restart.values())
            start /= start.sum()
            x = start
            for _ in range(2000):
                last = x
                x = alpha * (x @ peers.matrix + last[peers.isolated].sum() * start) + (1 - alpha) * start
                if numpy.abs(x - last).sum() < 1e-13:
                    break
            self.scores.append(x)

    def right(self, answers):
        good = 0
        for x, nodes in zip(self.scores, answers):
            last = numpy.sort(x)[-20]
            good += len(nodes) == 20 and all(x[n] >= last - 1e-12 for n in nodes)
        return good / len(answers)


def pagerank_rows(program, data, rounds, epsilon):
    nodes, edges = graph_data.musique(data)
    restarts = list(graph_data.musique_restarts(data))
    opened = open_graph(program, nodes, edges, restarts)
    peers = Peers(nodes, edges, restarts)
    rows = {}
    for alpha in (0.5, 0.85):
        checker, times, share = Checker(peers, alpha), {}, {}
        for turn in range(rounds):
            answers = {
                "ondol push": program.ask({"push": {"alpha": alpha, "epsilon": epsilon}}),
                "ondol power iteration": program.ask({"power": {"alpha": alpha}}),
                **{name: peers.ask(name, alpha) for name in ("networkx", "scipy", "igraph")},
            }
            for name, answer in answers.items():
                times.setdefault(name, []).append(answer["ms"])
                share[name] = checker.right(answer["best"])
            print(f"alpha {alpha} round {turn + 1}: " + ", ".join(f"{n} {statistics.median(a['ms']):.3f} ms"
                                                             for n, a in answers.items()), file=sys.stderr)
        base = [statistics.median(ms) for ms in times["ondol push"]]
        for name, ms in times.items():
            medians = [statistics.median(r) for r in ms]
            rows[f"{name}, alpha {alpha}"] = {
                "ms": spread(medians), "slowest": max(map(max, ms)), "top20": share[name],
                "ratio": spread([theirs / ours for theirs, ours in zip(medians, base)])}
    return rows, opened


def open_graph(program, nodes, edges, restarts=()):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"nodes": nodes, "edges": edges, "restarts": list(restarts)}, file)
        file.flush()
        return program.ask({"open": file.name})


def leiden_rows(program, data, rounds):
    rows = {}
    for name, make in graph_data.GRAPHS.items():
        nodes, edges = make(data)
        open_graph(program, nodes, edges)
        graph = igraph.Graph(n=nodes, edges=[e[:2] for e in edges])
        weights = [e[2] for e in edges]
        for label, ours, theirs in (("two rounds", 2, 2), ("until stable", 0, -1)):
            times, quality = {"ondol": [], "igraph": []}, {"ondol": [], "igraph": []}
            for seed in range(1, 2 * rounds + 1):
                answer = program.ask({"leiden": {"iterations": ours, "seed": seed}})
                times["ondol"].append(answer["ms"])
                quality["ondol"].append(answer["modularity"])
                igraph.set_random_number_generator(random.Random(seed))
                ms, found = timed(lambda: graph.community_leiden(objective_function="modularity", weights=weights, n_iterations=theirs))
                times["igraph"].append(ms)
                quality["igraph"].append(graph.modularity(found.membership, weights=weights))
            rows[f"{name}, {label}"] = {
                "nodes": nodes, "edges": len(edges), "ms": {k: spread(v) for k, v in times.items()},
                "modularity": {k: spread(v) for k, v in quality.items()},
                "ratio": spread([b / a for a, b in zip(times["ondol"], times["igraph"])])}
            print(f"{name}, {label}: " + json.dumps({k: statistics.median(v) for k, v in times.items()}), file=sys.stderr)
        rows[f"{name}, two rounds"]["hierarchy"] = program.ask({"hierarchy": {"size_max": 10, "seed": 1}})
    return rows


def tables(report):
    out = ["| personalised PageRank, MuSiQue | ms a query (min-max of rounds) | slowest query | times ondol's push | top 20 as exact |", "|---|---|---|---|---|"]
    for name, row in report["pagerank"].items():
        ms, ratio = row["ms"], row["ratio"]
        out.append(f"| {name} | {ms['median']:.2f} ({ms['min']:.2f}-{ms['max']:.2f}) | {row['slowest']:.2f} "
                   f"| {ratio['median']:.1f} | {100 * row['top20']:.0f} % |")
    out += ["", "| Leiden | nodes, edges | ondol ms | igraph ms | igraph / ondol (min-max) | modularity ondol, igraph (medians) |", "|---|---|---|---|---|---|"]
    for name, row in report["leiden"].items():
        ms, q, ratio = row["ms"], row["modularity"], row["ratio"]
        out.append(f"| {name} | {row['nodes']:,}, {row['edges']:,} | {ms['ondol']['median']:.1f} | {ms['igraph']['median']:.1f} "
                   f"| {ratio['median']:.2f} ({ratio['min']:.2f}-{ratio['max']:.2f}) "
                   f"| {q['ondol']['median']:.4f}, {q['igraph']['median']:.4f} |")
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epsilon", type=float, default=1e-7)
    parser.add_argument("--out")
    options = parser.parse_args()
    report = {"date": datetime.date.today().isoformat(), "rounds": options.rounds, "epsilon": options.epsilon, "machine": machine(),
              "peers": {m.__name__: m.__version__ for m in (networkx, scipy, igraph)}}
    program = Program(build())
    report["pagerank"], report["graph"] = pagerank_rows(program, options.data, options.rounds, options.epsilon)
    report["leiden"] = leiden_rows(program, options.data, options.rounds)
    program.close()
    report["machine"]["load_after"] = os.getloadavg()[0]
    print(tables(report))
    if options.out:
        pathlib.Path(options.out + ".json").write_text(json.dumps(report, indent=1) + "\n")
        pathlib.Path(options.out + ".md").write_text(tables(report))


if __name__ == "__main__":
    main()
