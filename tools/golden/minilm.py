"""Golden of all-MiniLM-L6-v2: sentence vectors as sentence-transformers computes them.

    python -P tools/golden/minilm.py MODEL_FOLDER tests/golden/minilm.json

Needs sentence-transformers and torch.
"""

import json
import sys
from importlib.metadata import version

import torch
from sentence_transformers import SentenceTransformer

TEXTS = [
    "A man is eating food.",
    "The new movie is awesome, and the popcorn was not bad either!",
    "hello",
    ".",
    " ",
    "Ondol is the traditional Korean heating system: flues under the floor carry the warmth of one fire.",
    "온돌은 한국의 전통 난방 방식입니다.",
    "Café déjà-vu in São Paulo costs 12.50 €, doesn't it?",
    "E = mc^2; x_1 + x_2 >= 3.14159 (approximately)",
    "UPPER lower MiXeD 東京 🙂 end",
    "The quick brown fox jumps over the lazy dog. " * 20,
    "Retrieval finds passages; the reader then writes an answer from them. " * 60,
]


def main():
    torch.set_num_threads(1)
    model = SentenceTransformer(sys.argv[1], device="cpu")
    rows = []
    for text in TEXTS:
        ids = model.tokenizer(text, truncation=True, max_length=model.max_seq_length)["input_ids"]
        vector = model.encode([text], convert_to_numpy=True)[0]
        rows.append({"text": text, "ids": ids, "vector": [round(float(v), 7) for v in vector]})
    golden = {"made_by": "tools/golden/minilm.py",
              "versions": {n: version(n) for n in ("sentence-transformers", "transformers", "torch")},
              "tokens_max": model.max_seq_length, "texts": rows}
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
    print([len(row["ids"]) for row in rows])


if __name__ == "__main__":
    main()
