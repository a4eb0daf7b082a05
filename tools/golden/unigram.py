#!/usr/bin/env python3
"""Golden files of Unigram tokenizers, made with Hugging Face `tokenizers` and `sentencepiece`.

    python -P tools/golden/unigram.py DATA_DIR      # DATA_DIR holds corpora/ and klue/

Trains small vocabularies on English and Korean text and writes to tests/golden/unigram/, for each of
the forms that model files have,
  NAME.tokenizer.json   what a model's folder holds
  NAME.jsonl            ids and decoded text of Hugging Face; the first line says what made it
and charsmap.jsonl: texts after SentencePiece's own normalizer with the table of t5.tokenizer.json.
"""
import base64
import json
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import sentencepiece
import tokenizers
from tokenizer_files import SEED, corpus
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "unigram"
MARK = "\u2581"
KOREAN = [
    "\uc628\ub3cc\uc740 \ud55c\uad6d\uc758 \uc804\ud1b5 \ub09c\ubc29\uc774\ub2e4.", " \uc55e\uacfc \ub4a4 \uacf5\ubc31 ", "\ubc25\uc740 \uba39\uc5c8\ub2c8? \U0001f35a\U0001f35a\ub124!", "\uff21\uff22\uff23 \uff11\uff12\uff13 \u3392 \u2460",
    "\ubdc1\ub801 \uc3d8\uadf8\u5927\u97d3\u6c11\u570b", "\u1112\u1161\u11ab\u1100\u1173\u11af \ud55c\uae00", "3\uc6d4 1\uc77c, 2026\ub144", "<unk> </s> <pad> <0x41> <extra_id_0>", "\u2581\u2581\ub450 \uac1c", "a\u2581b \u2581c",
]


def lines(data):
    text = (data / "corpora" / "wiki_demo.txt").read_text()[:150_000].splitlines()
    return text + (data / "klue" / "dp_sentences.txt").read_text().splitlines()[:600]


def small_charsmap(folder, data):
    """A table of SentencePiece's own making: widths, ligatures, accents, Hangul of separate letters."""
    rules = {"\uff21": "A", "\uff22": "B", "\u2460": "1", "\ufb01": "fi", "\u3392": "MHz", "e\u0301": "\u00e9", "\t": " ", "\u3000": " ", "\u00ad": "",
             "\u2026": "...", "\u1112\u1161": "\ud558", "\u1112\u1161\u11ab": "\ud55c", "\u00bd": "1\u20442", "\ufdfa": "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647"}
    table = folder / "rules.tsv"
    table.write_text("".join(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n"
                             for a, b in rules.items()))
    text = folder / "text.txt"
    text.write_text("\n".join(lines(data)[:400]))
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(folder / "m"), vocab_size=2000, normalization_rule_tsv=str(table),
        hard_vocab_limit=False, minloglevel=2, remove_extra_whitespaces=False, add_dummy_prefix=False)
    from sentencepiece import sentencepiece_model_pb2 as proto
    model = proto.ModelProto()
    model.ParseFromString((folder / "m.model").read_bytes())
    plain = sentencepiece.SentencePieceNormalizer(model_file=str(folder / "m.model"), escape_whitespaces=False)
    return model.normalizer_spec.precompiled_charsmap, plain


def trained(data, normalizer, pre, special, **options):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre
    tokenizer.train_from_iterator(lines(data), trainers.UnigramTrainer(
        vocab_size=1600, show_progress=False, special_tokens=special, unk_token="<unk>", **options))
    return tokenizer


def with_model(tokenizer, vocab, **model):
    made = Tokenizer(models.Unigram(vocab, **model))
    made.normalizer, made.pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer
    return made


def write(name, tokenizer, texts):
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.tokenizer.json").write_text(tokenizer.to_str() + "\n")
    head = {"made_by": "tools/golden/unigram.py", "tokenizers": tokenizers.__version__,
            "sentencepiece": sentencepiece.__version__, "seed": SEED}
    rows = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        rows.append({"text": text, "ids": ids, "whole": tokenizer.encode(text).ids,
                     "decoded": tokenizer.decode(ids, skip_special_tokens=True)})
    save(OUT / f"{name}.jsonl", [head, *rows])


def save(path, rows):
    path.write_text("\n".join(json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows) + "\n")
    print(path, len(rows) - 1, "rows", path.stat().st_size)


def t5(data, texts):
    with tempfile.TemporaryDirectory() as folder:
        charsmap, plain = small_charsmap(Path(folder), data)
        head = {"made_by": "tools/golden/unigram.py", "sentencepiece": sentencepiece.__version__}
        rows = [{"text": text, "normalized": plain.normalize(text)} for text in texts if "\0" not in text]
        save(OUT / "charsmap.jsonl", [head, {"charsmap": base64.b64encode(charsmap).decode()}, *rows])
    space = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="always", split=True)
    tokenizer = trained(data, normalizers.Precompiled(charsmap),
                        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), space]),
                        ["<pad>", "</s>", "<unk>"])
    tokenizer.decoder = decoders.Metaspace(replacement=MARK, prepend_scheme="always", split=True)
    tokenizer.add_special_tokens([AddedToken(f"<extra_id_{i}>", special=True, normalized=False) for i in (1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(
        "$A </s>", "$A </s> $B </s>", special_tokens=[("</s>", 1)])
    # Hugging Face cuts at grapheme clusters before the table; where SentencePiece's own rule, which
    # is ours, gives another text, there is no golden.
    write("t5", tokenizer, [t for t in texts if "\0" not in t and
                            plain.normalize(t) == tokenizer.normalizer.normalize_str(t)])


def albert(data, texts):
    """Many normalizers, no split at white space, a prefix only at the beginning."""
    normalizer = normalizers.Sequence([
        normalizers.Replace("``", '"'), normalizers.Nmt(), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(),
        normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer = trained(data, normalizer, pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="first", split=False),
                        ["<pad>", "<unk>", "[CLS]", "[SEP]"], max_piece_length=10)
    tokenizer.decoder = decoders.Metaspace(replacement=MARK, prepend_scheme="first", split=False)
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    # Where the normalizer drops the first character, Hugging Face's offsets say that the text does not
    # begin at its beginning and no space is put first; SentencePiece, and we, put one.
    write("albert", tokenizer, [t for t in texts if not t or normalizer.normalize_str(t[0] + "a") != "a"])


def bytes_(data, texts):
    """Byte fallback; pieces of the alphabet are left out at random so that bytes are met."""
    space = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="never", split=True)
    normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    base = trained(data, normalizer, space, ["<unk>"])
    rng = random.Random(SEED)
    scored = [tuple(row) for row in json.loads(base.to_str())["model"]["vocab"][1:]]
    kept = [row for row in scored if len(row[0]) > 1 or row[0] == MARK or rng.random() < 0.6]
    vocab = [("<unk>", 0.0)] + [(f"<0x{i:02X}>", -30.0) for i in range(256)] + kept
    tokenizer = with_model(base, vocab, unk_id=0, byte_fallback=True)
    tokenizer.add_special_tokens(["<unk>"])
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(
        replacement=MARK, prepend_scheme="never", split=True), decoders.Fuse()])
    # A text that writes a byte piece: Hugging Face lets it through, ours never does.
    write("bytes", tokenizer, [t for t in texts if "<0x" not in t])


def main():
    data = Path(sys.argv[1])
    texts = [t for t in corpus() if "[CLS]" not in t] + KOREAN
    # In Hugging Face's tokenizer every text is trusted, so none here may hold a special token.
    texts = [t for t in texts if not any(s in t for s in ("<unk>", "</s>", "<pad>", "<extra_id"))]
    t5(data, texts)
    albert(data, texts)
    bytes_(data, texts)


if __name__ == "__main__":
    main()
