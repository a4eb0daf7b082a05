#!/usr/bin/env python3
"""Golden files of tokenizer training, against Hugging Face `tokenizers`.

    python -P tools/golden/tokenizer_training.py ONDOL DATA_DIR   # ONDOL: the program; DATA_DIR holds corpora/ and klue/

Writes to tests/golden/tokenizer_training/
  TYPE.tokenizer.json  what `ondol train tokenizer` writes for English and Korean lines
  TYPE.jsonl           ids of Hugging Face with that file; the first line says what made it
  peer.json            what Hugging Face's own trainers learn from corpora/christmas_carol.txt: the merges of
                       BPE; tokens (and the score) of the held-out corpora/gatsby.txt for the other two
and checks that transformers loads the folder and gives the same ids.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import tokenizers
import transformers
from tokenizer_files import SEED, corpus
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

OUT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "tokenizer_training"
HELD_OUT = 60_000  # characters of the held-out text
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def ours(program, data):
    texts = [t for t in corpus() if not any(s in t for s in (*BERT, "</s>", "<unk>", "<0x"))]
    for kind in ("bpe", "unigram", "wordpiece"):
        with tempfile.TemporaryDirectory() as folder:
            text = Path(folder) / "text.txt"
            text.write_text((data / "corpora" / "christmas_carol.txt").read_text()[:60_000] + "\n" +
                            "\n".join((data / "klue" / "dp_sentences.txt").read_text().splitlines()[:200]) + "\n")
            options = {"bpe": ["--pre-tokenizer", "qwen2"], "unigram": ["--byte-fallback", "true"], "wordpiece": []}[kind]
            subprocess.run([program, "train", "tokenizer", "--type", kind, "--dataset", str(text), "--vocab-size", "2600" if kind == "wordpiece" else "1500",
                            "--output-dir", folder, *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            written = (Path(folder) / "tokenizer.json").read_text()
            tokenizer = Tokenizer.from_str(written)
            auto = transformers.AutoTokenizer.from_pretrained(folder)
            rows = []
            for text in texts:
                ids = tokenizer.encode(text, add_special_tokens=False).ids
                if auto(text, add_special_tokens=False)["input_ids"] != ids:
                    sys.exit(f"{kind}: transformers gives other ids for {text!r}")
                rows.append({"text": text, "ids": ids, "whole": tokenizer.encode(text).ids})
            (OUT / f"{kind}.tokenizer.json").write_text(json.dumps(json.loads(written), ensure_ascii=False, separators=(",", ":")) + "\n")
            head = {"made_by": "tools/golden/tokenizer_training.py", "tokenizers": tokenizers.__version__,
                    "transformers": transformers.__version__, "seed": SEED}
            (OUT / f"{kind}.jsonl").write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in [head, *rows]))
            print(kind, len(rows), "rows")


def train(model, trainer, file, **parts):
    tokenizer = Tokenizer(model)
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    tokenizer.train([str(file)], trainer)
    return tokenizer


def peer(data):
    file, size = data / "corpora" / "christmas_carol.txt", 2000
    held = (data / "corpora" / "gatsby.txt").read_text()[:HELD_OUT]
    bpe = train(models.BPE(), trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False),
        file, pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=False))
    unigram = train(models.Unigram(), trainers.UnigramTrainer(
        vocab_size=size, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False), file,
        normalizer=normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]),
        pre_tokenizer=pre_tokenizers.Metaspace())
    word = train(models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=BERT, show_progress=False), file,
        normalizer=normalizers.BertNormalizer(), pre_tokenizer=pre_tokenizers.BertPreTokenizer())

    def ids(tokenizer):
        return [i for line in held.splitlines(True) for i in tokenizer.encode(line, add_special_tokens=False).ids]
    scores = [score for _, score in json.loads(unigram.to_str())["model"]["vocab"]]
    held_ids = ids(unigram)
    (OUT / "peer.json").write_text(json.dumps({
        "made_by": "tools/golden/tokenizer_training.py", "tokenizers": tokenizers.__version__, "vocab_size": size, "held_out": len(held.encode()),
        "merges": [" ".join(merge) for merge in json.loads(bpe.to_str())["model"]["merges"]],
        "unigram_tokens": len(held_ids), "unigram_score": sum(min(scores) - 10 if i == 2 else scores[i] for i in held_ids),
        "wordpiece_tokens": len(ids(word))}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    peer(Path(sys.argv[2]))
    ours(sys.argv[1], Path(sys.argv[2]))
