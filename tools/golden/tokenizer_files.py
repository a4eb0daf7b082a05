#!/usr/bin/env python3
"""Golden files of the tokenizers, made with Hugging Face `tokenizers` (and `gguf` to read a GGUF).

    python tools/golden/tokenizer_files.py MODELS_DIR tests/golden

MODELS_DIR holds smollm2-135m-instruct/ and all-minilm-l6-v2/ (`ondol pull`). Writes
  tokenizer_pieces.jsonl   byte lengths of the pieces by pre-tokenizer; no model is needed to check
  tokenizer_words.jsonl    BERT's words, uncased and cased
  tokenizer_smollm2.jsonl  ids of SmolLM2's vocabulary
  tokenizer_minilm.jsonl   ids of all-MiniLM-L6-v2, without and with [CLS] and [SEP]
The first line of each file says what made it.

    python tools/golden/tokenizer_files.py --corpus   # tests/fuzz_corpus/{tokenizer,tokenizer_json}/*
"""
import sys

if sys.path and sys.path[0].endswith("golden"):
    sys.path.pop(0)  # this file is called as the package it imports

import json
import random
from pathlib import Path

import gguf
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

SEED = 20261121
LLAMA = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s"
         r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

WRITTEN = [
    "", " ", "  ", "\t", "\n", "\r\n", "a", " a", "a ", "a  ", "a  b", "a   1", "1  a", "a\t\tb", "a \t b",
    "x\n\ny", "x\r\n\r\n  y", "  \n  \n  z", "\n \n\t z", "end. \n", "tabs\there", "\u00a0nbsp\u00a0\u00a0x",
    "\u3000ideographic\u3000", "a\u2028b\u2029c", "a\u0085b", "\u200bzero\u200bwidth\ufeff",
    "I'll, you've, they're, it's, can't, I'm, he'd", "I'LL YOU'VE THEY'RE IT'S CAN'T I'M HE'D", "'LL 'Ll 'lL",
    "'s''t'''re", "rock'n'roll", "\u2019s curly\u2019ll", "'\u017ftory a'\u017f", "' s", "x'", "'",
    "0 1 12 123 1234 12345 1234567890", "3.14159 1,000,000 2e10 0x1F", "\u00b2\u00b3\u00b9 x\u00b2 \u2163\u2166 \u00bd \u00be",
    "\u0663\u0664\u0665 \u096a\u096b\u096c \uff11\uff12\uff13", "abc123def 456ghi", "v2.0-beta_3", "a1b2c3",
    "Hello, world! How are you?", "...!!!???", "--- === ***", "a_b-c/d\\e", "{\"k\": [1, 2]}\n", "if (x) {\n    return;\n}\n",
    "https://example.org/a?b=c&d=%20", "mail@example.org", "$5 \u20ac6 \u00a37 \u20a98,000", "50% \u00b15\u00b0C",
    "\U0001f600", "\U0001f600\U0001f601 x", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family",
    "\U0001f44d\U0001f3fd", "\U0001f1f0\U0001f1f7 flag", "\u2764\ufe0f", "1\ufe0f\u20e3",
    "\uc548\ub155\ud558\uc138\uc694", "\uc628\ub3cc\uc740 \ud55c\uad6d\uc758 \ub09c\ubc29\uc785\ub2c8\ub2e4. 2026\ub144!", "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "\u6211\u60f3\u5728apple\u5de5\u4f5c1314\u5929\uff5e", "\u3072\u3089\u304c\u306a\u30ab\u30bf\u30ab\u30ca", "\u304c \u304b\u3099", "\U00020000\U0002a6d6x",
    "Caf\u00e9 Cafe\u0301 na\u00efve \u00c5ngstr\u00f6m A\u030a", "q\u0307\u0323 q\u0323\u0307", "Cu\u031b\u0309a Vi\u00ea\u0323t", "\u1ec6 E\u0323\u0302",
    "\u0130stanbul \u0131 I\u0307", "Stra\u00dfe STRASSE \u1e9e", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2 \u03a3", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!",
    "\u0627\u0644\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645\u060c \u0661\u0662", "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\u1780\u17b6\u1793\u17cb\u178f\u17c2", "\u00ad soft\u00adhyphen", "\ufb01 \ufb02 ligature", "\u212b \u2126 K", "\ufffd replaced", "a\u0000b", "bell\u0007 esc\u001b[0m",
    "\u00abquotes\u00bb \u201cx\u201d \u2018y\u2019 \u2014 \u2013 \u2026", "\u2581under \u2581", "##ing ## #tag", "[CLS] [MASK] <|im_end|> </s>",
    "a" * 60, "ab" * 55, "aaaaaaaaaaaaaaaa bbbbbbbbbb", "=" * 40, " " * 33 + "x", "supercalifragilisticexpialidocious",
    "antidisestablishmentarianism \u0394\u03b1\u03c4\u03b1", "unaffable re-tokenization", "e" * 101, "\u00e9" * 100, "\u00e9" * 101,
]

ATOMS = list("abcdefgmrstvlLSTDMRVE   '''.,!?-_#\"()0123456789\n\r\t") + [
    "'ll", "'S", " the", "ing", "  ", "\r\n", "\u00e9", "e\u0301", "\u00df", "\u0130", "\u00b2", "\u2163", "\u00bd", "\u0664", "\uff11", "\u00a0",
    "\u3000", "\u2003", "\u2028", "\uc628", "\ub3cc", "\u1112\u1161", "\u6f22", "\u304b\u3099", "\u30ab", "\U0001f600", "\U0001f468\u200d\U0001f469", "\ufe0f", "\u0301",
    "\u0323", "\u05b8", "\u0940", "\u03a3", "\u0416", "\u2019", "\u201c", "\u20ac", "\u00b0", "\u2014", "\u200b", "\u00ad", "\U00020000",
]


def corpus():
    rng = random.Random(SEED)
    random_texts = ["".join(rng.choice(ATOMS) for _ in range(rng.randint(2, 24))) for _ in range(160)]
    return WRITTEN + random_texts


def byte_level(use_regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def splits():
    def llama(numbers):
        return pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(LLAMA % numbers), "isolated"), byte_level(False)])
    return {
        "gpt-2": byte_level(True),
        "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(True)]),
        "llama-bpe": llama(r"\p{N}{1,3}"),
        "qwen2": llama(r"\p{N}"),
    }


def write(path, rows, **about):
    head = {"made_by": "tools/golden/tokenizer_files.py", "tokenizers": tokenizers.__version__, "seed": SEED, **about}
    lines = [json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in [head, *rows]]
    path.write_text("\n".join(lines) + "\n")
    print(path, len(lines) - 1, "rows")


def pieces(out):
    split = splits()
    rows = [{"text": text, **{name: [len(piece) for piece, _ in pre.pre_tokenize_str(text)]
                              for name, pre in split.items()}} for text in corpus()]
    write(out / "tokenizer_pieces.jsonl", rows)


def words(out):
    def cut(text, lower):
        clean = normalizers.BertNormalizer(lowercase=lower).normalize_str(text)
        return [word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(clean)]
    rows = [{"text": text, "uncased": cut(text, True), "cased": cut(text, False)} for text in corpus()]
    write(out / "tokenizer_words.jsonl", rows)


def gguf_tokenizer(path):
    fields = gguf.GGUFReader(path).fields
    stored = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(stored)}, merges=merges))
    tokenizer.pre_tokenizer = splits()[fields["tokenizer.ggml.pre"].contents()]
    return tokenizer, [piece for piece, kind in zip(stored, types) if kind == gguf.TokenType.CONTROL]


def smollm2(models_dir, out):
    path = models_dir / "smollm2-135m-instruct" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    tokenizer, control = gguf_tokenizer(path)
    # Plain text first: no special token is known yet, so `<|im_end|>` is text.
    rows = [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids} for text in corpus()]
    tokenizer.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in control])
    for text in ["<|im_start|>user\nHi<|im_end|>\n", "a <|im_end|> b", "<|im_end|><|im_end|", "x<|endoftext|>",
                 "<file_sep>1 23<reponame> <repo_name>"]:
        rows.append({"text": text, "trusted": True, "ids": tokenizer.encode(text).ids})
    write(out / "tokenizer_smollm2.jsonl", rows, gguf=gguf.__name__, model=path.name)


def minilm(models_dir, out):
    tokenizer = Tokenizer.from_file(str(models_dir / "all-minilm-l6-v2" / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    # In Hugging Face's tokenizer every text is trusted, so none here may hold a special token.
    texts = [text for text in corpus() if "[CLS]" not in text]
    rows = [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids} for text in texts]
    rows += [{"text": text, "trusted": True, "add_special": True, "ids": tokenizer.encode(text).ids}
             for text in ["", "Hello world", "a [MASK] b[SEP]c", "[cls] [CLS"]]
    write(out / "tokenizer_minilm.jsonl", rows, model="all-MiniLM-L6-v2")


def small_bpe():
    """A tokenizer of the 256 bytes and three merges."""
    vocab = {piece: i for i, piece in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges = [("l", "l"), ("h", "e"), ("he", "ll")]
    for left, right in merges:
        vocab[left + right] = len(vocab)
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def charsmap_of_one():
    """SentencePiece's table with the one entry A -> ab, as darts-clone packs it (512 units)."""
    units = [0] * 512
    units[0] = 256 << 10                       # the root's children lie at 256 ^ byte
    units[256 ^ 0x41] = 0x41 | 1 << 8 | 1 << 10  # 'A', a leaf, its value one place away
    units[256 ^ 0x41 ^ 1] = 1 << 31             # value 0: the first replacement
    return (2048).to_bytes(4, "little") + b"".join(u.to_bytes(4, "little") for u in units) + b"ab\0"


def fuzz_corpus(root):
    seeds = {"tokenizer_json": {}, "tokenizer": {}}
    for name, pre in splits().items():
        bpe = small_bpe()
        bpe.pre_tokenizer = pre
        bpe.add_special_tokens([AddedToken("<s>", special=True, normalized=False, lstrip=name == "gpt-2")])
        if name == "qwen2":
            bpe.normalizer = normalizers.NFC()
        if name == "llama-bpe":
            bpe.post_processor = processors.Sequence([
                processors.ByteLevel(), processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 259)])])
        seeds["tokenizer_json"][name] = bpe.to_str().encode() + b'\0{"eos_token":{"content":"<s>"},"add_bos_token":false}'
    word = Tokenizer(models.WordPiece({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "hello": 3, "##ing": 4}, unk_token="[UNK]"))
    word.normalizer = normalizers.BertNormalizer()
    word.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    word.decoder = decoders.WordPiece()
    word.add_special_tokens(["[UNK]", "[CLS]", "[SEP]"])
    word.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    word.enable_truncation(128)
    seeds["tokenizer_json"]["wordpiece"] = word.to_str().encode()
    word.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    seeds["tokenizer_json"]["wordpiece_template"] = word.to_str().encode()
    space = {"replacement": "\u2581", "prepend_scheme": "always", "split": True}
    scored = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0), ("\u2581Hel", -4.5), ("l", -3.25), ("o", -3.0)]
    for name, normalizer in {
            "unigram": normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()]),
            # A table of one entry: the byte 'A' becomes "ab".
            "unigram_charsmap": normalizers.Precompiled(charsmap_of_one())}.items():
        uni = Tokenizer(models.Unigram(scored + [(f"<0x{i:02X}>", -20.0) for i in range(256 if name == "unigram" else 0)],
                                       unk_id=2, byte_fallback=name == "unigram"))
        uni.normalizer = normalizer
        uni.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(**space)])
        uni.decoder = decoders.Metaspace(**space)
        uni.add_special_tokens(["<pad>", "</s>", "<unk>"])
        uni.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
        seeds["tokenizer_json"][name] = uni.to_str().encode() + b'\0{"eos_token":"</s>"}'
    texts = [text for text in corpus() if 3 < len(text) < 120][:60:2] + ["<s> hello<|im_end|>2 <sep>[MASK]"] * 7
    for i, text in enumerate(texts):
        seeds["tokenizer"][f"text_{i}"] = bytes([i, 7 * i % 251]) + text.encode()
    seeds["tokenizer"]["refused"] = bytes([255, 3]) + b"x y"
    for target, files in seeds.items():
        folder = root / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        print(folder, len(files), "files")


def main():
    if sys.argv[1:] == ["--corpus"]:
        fuzz_corpus(Path(__file__).resolve().parents[2] / "tests" / "fuzz_corpus")
        return
    models_dir, out = Path(sys.argv[1]), Path(sys.argv[2])
    pieces(out)
    words(out)
    smollm2(models_dir, out)
    minilm(models_dir, out)


if __name__ == "__main__":
    main()
