#!/usr/bin/env python3
"""A workspace out of a data set of passages and questions (rag_xquad): one document a passage, the questions with their gold
passages, and recipes that ask with and without the passages, with and without an adapter.

    python3 tools/passages_workspace.py --data DATA/rag_xquad --language en --to ws
    cd ws && ondol ingest && ondol train sft --recipe bm25 --output-dir runs/lora && ondol compare

Questions on one passage are one cluster: a split never puts them on both sides.
"""
import argparse
import json
import pathlib

WORKSPACE = """[workspace]
name = "passages"
model = "smollm2-135m-instruct"
embedder = "all-minilm-l6-v2"
recipe = "bm25"

[recipe.zero-shot]
[recipe.bm25]
knowledge = [ { kind = "bm25", top_k = 3 } ]
[recipe.lora]
adapter = "runs/lora/best"
[recipe.lora-bm25]
adapter = "runs/lora/best"
knowledge = [ { kind = "bm25", top_k = 3 } ]
"""


def lines(path):
    with open(path, encoding="utf-8") as text:
        return [json.loads(line) for line in text]


def document(passage):
    return passage.replace("/", "_") + ".txt"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with corpus.LANGUAGE.jsonl and queries.LANGUAGE.jsonl")
    parser.add_argument("--language", default="en")
    parser.add_argument("--to", type=pathlib.Path, required=True, help="a folder that is not there yet")
    options = parser.parse_args()
    (options.to / "documents").mkdir(parents=True)
    for passage in lines(options.data / f"corpus.{options.language}.jsonl"):
        (options.to / "documents" / document(passage["id"])).write_text(passage["text"] + "\n", encoding="utf-8")
    with open(options.to / "questions.jsonl", "w", encoding="utf-8") as out:
        for query in lines(options.data / f"queries.{options.language}.jsonl"):
            passage = query["gold"][0]
            row = {
                "id": query["id"],
                "question": query["question"],
                "answers": query["answers"],
                "gold": [{"document": document(passage)}],
                "cluster": passage,
            }
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    (options.to / "ondol.toml").write_text(WORKSPACE)


if __name__ == "__main__":
    main()
