#!/usr/bin/env python3
"""Writes tests/golden/graph.json: PageRank as networkx computes it, modularity and communities as igraph does.

Run: python3 -P tools/golden/make_graph_golden.py DATA     (pip install networkx igraph; versions and seeds are written inside)
"""
import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import igraph
import networkx
import numpy
import scipy

import graph_data

SEED = 20261122
SEEDS = range(1, 11)


def weighted(rng, nodes, count, directed):
    """Simple random edges with weights and some self-loops; the last two nodes have none (that leave them)."""
    edges = {}
    while len(edges) < count:
        a, b = rng.randrange(nodes - 2), rng.randrange(nodes - 1 if directed else nodes - 2)
        if not directed:
            a, b = min(a, b), max(a, b)
        edges[a, b] = round(rng.uniform(0.1, 4), 3)
    return [(a, b, w) for (a, b), w in sorted(edges.items())]


def small_graphs():
    rng = random.Random(SEED)
    karate = networkx.karate_club_graph()
    yield "karate", len(karate), False, [(a, b, 1.0) for a, b in karate.edges()]
    yield "undirected", 60, False, weighted(rng, 60, 130, False)
    yield "directed", 60, True, weighted(rng, 60, 130, True)


def to_networkx(nodes, directed, edges):
    graph = networkx.DiGraph() if directed else networkx.Graph()
    graph.add_nodes_from(range(nodes))
    graph.add_weighted_edges_from(edges)
    return graph


def pagerank_rows(graphs):
    for name, (nodes, directed, edges) in graphs.items():
        graph = to_networkx(nodes, directed, edges)
        for alpha in (0.85, 0.5):
            for restart in ({}, {0: 1.0}, {2: 0.5, 7: 2.0, nodes - 1: 1.0}):
                scores = networkx.pagerank(graph, alpha=alpha, personalization=restart or None, tol=1e-12, max_iter=10000)
                yield {"graph": name, "alpha": alpha, "restart": {str(k): v for k, v in restart.items()},
                       "scores": [scores[i] for i in range(nodes)]}


def to_igraph(nodes, edges):
    return igraph.Graph(n=nodes, edges=[e[:2] for e in edges]), [e[2] for e in edges]


def modularity_rows(graphs):
    rng = random.Random(SEED + 1)
    for name, (nodes, directed, edges) in graphs.items():
        if directed:
            continue
        graph, weights = to_igraph(nodes, edges)
        for resolution in (1.0, 0.5, 2.0):
            for groups in (1, 3, nodes):
                community = [rng.randrange(groups) for _ in range(nodes)]
                value = graph.modularity(community, weights=weights, resolution=resolution, directed=False)
                yield {"graph": name, "resolution": resolution, "community": community, "modularity": value}


def leiden_row(nodes, edges):
    """igraph's modularity over seeds: two rounds, as is its default, and until nothing changes."""
    graph, weights = to_igraph(nodes, edges)
    row = {"nodes": nodes, "edges": len(edges), "weight": sum(weights)}
    for key, rounds in (("two_rounds", 2), ("until_stable", -1)):
        values = []
        for seed in SEEDS:
            igraph.set_random_number_generator(random.Random(seed))
            found = graph.community_leiden(objective_function="modularity", weights=weights, n_iterations=rounds)
            values.append(graph.modularity(found.membership, weights=weights))
        row[key] = {"mean": sum(values) / len(values), "max": max(values)}
    return row


def main():
    data = pathlib.Path(sys.argv[1])
    graphs = {name: (nodes, directed, edges) for name, nodes, directed, edges in small_graphs()}
    golden = {
        "magic": "ondol-golden-graph", "version": 1, "command": "python3 -P tools/golden/make_graph_golden.py DATA",
        "versions": {"networkx": networkx.__version__, "igraph": igraph.__version__, "scipy": scipy.__version__,
                     "numpy": numpy.__version__}, "seed": SEED, "leiden_seeds": list(SEEDS),
        "graphs": {n: {"nodes": k, "directed": d, "edges": e} for n, (k, d, e) in graphs.items()},
        "pagerank": list(pagerank_rows(graphs)), "modularity": list(modularity_rows(graphs)),
        "leiden": {"karate": leiden_row(graphs["karate"][0], graphs["karate"][2]),
                   **{name: leiden_row(*make(data)) for name, make in graph_data.GRAPHS.items()}},
    }
    path = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "graph.json"
    path.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
