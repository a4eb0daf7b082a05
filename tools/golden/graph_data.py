"""The graphs of the data folder that communities and PageRank are compared on, as lists of edges.

email_eu_core, codex_m: undirected, simple (no directions, repetitions or self-loops). musique: entities are the subjects
and objects of the given triples in lower case (ASCII), then the passages; an edge between subject and object weighs how often
they are said to be related, one between passage and entity 1. tests/support/data_graphs.h builds the same.
"""
import json


def lower(text):
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def simple(pairs):
    """Nodes numbered as they appear; (nodes, sorted edges of weight 1)."""
    ids, edges = {}, set()
    for a, b in pairs:
        u, v = ids.setdefault(a, len(ids)), ids.setdefault(b, len(ids))
        if u != v:
            edges.add((min(u, v), max(u, v)))
    return len(ids), [(u, v, 1.0) for u, v in sorted(edges)]


def email(data):
    return simple(line.split() for line in (data / "email_eu_core" / "edges.txt").open())


def codex(data):
    return simple(line.rstrip("\n").split("\t")[::2] for line in (data / "codex_m" / "train.tsv").open())


def musique_parts(data):
    """(ids of entities, ids of passages, nodes, edges)."""
    folder = data / "rag_musique"
    rows = [json.loads(line) for line in (folder / "openie_triples.jsonl").open(encoding="utf-8")]
    entities, facts, mentions = {}, {}, set()
    for row in rows:
        for triple in row["triples"]:
            if len(triple) != 3 or not triple[0] or not triple[2]:
                continue
            s, o = (entities.setdefault(lower(triple[i]), len(entities)) for i in (0, 2))
            mentions |= {(row["id"], s), (row["id"], o)}
            if s != o:
                facts[min(s, o), max(s, o)] = facts.get((min(s, o), max(s, o)), 0) + 1
    passages = {}
    for line in (folder / "corpus.jsonl").open(encoding="utf-8"):
        passages.setdefault(json.loads(line)["id"], len(entities) + len(passages))
    edges = [(u, v, float(count)) for (u, v), count in sorted(facts.items())]
    edges += sorted((e, passages[p], 1.0) for p, e in mentions)
    return entities, passages, len(entities) + len(passages), edges


def musique(data):
    return musique_parts(data)[2:]


GRAPHS = {"email_eu_core": email, "codex_m": codex, "rag_musique": musique}


def words(text):
    return {w for w in "".join(c if c.isalnum() else " " for c in lower(text)).split() if len(w) > 3}


def musique_restarts(data):
    """A restart vector a question: entities named in it by 1 / the passages they are in, 10 passages by words they share."""
    entities, passages, nodes, edges = musique_parts(data)
    mentions = {}
    for u, v, _ in edges:
        if u < len(entities) <= v:
            mentions[u] = mentions.get(u, 0) + 1
    folder = data / "rag_musique"
    texts = {row["id"]: words(row["title"] + " " + row["text"])
             for row in map(json.loads, (folder / "corpus.jsonl").open(encoding="utf-8"))}
    for row in map(json.loads, (folder / "queries.jsonl").open(encoding="utf-8")):
        asked = words(row["question"])
        spaced = " " + "".join(c if c.isalnum() else " " for c in lower(row["question"])) + " "
        vector = [(i, 1 / mentions[i]) for e, i in entities.items() if len(e) > 3 and f" {e} " in spaced]
        shared = sorted(((-len(asked & t), passages[p]) for p, t in texts.items()))[:10]
        yield vector + [(p, 0.05 * count / shared[0][0]) for count, p in shared if count < 0]
