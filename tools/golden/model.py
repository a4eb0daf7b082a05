"""Tiny random models and what Hugging Face computes with them: tests/golden/models/<name>/.

    python -P tools/golden/model.py [name ...]

Each folder holds a model (safetensors folder, or model.gguf) and expected.json: ids, and logits (or
hidden states of an encoder) at chosen positions, with the versions of what made them. Weights are
scaled so that logits spread over many units and attention is far from uniform. Needs torch,
transformers, tokenizers, safetensors, gguf, numpy.
"""

import json
import math
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np
import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

OUT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "models"
VOCABULARY = 288
TOKENS = 200  # more than three pages of 64
POSITIONS = [0, 1, 15, 63, 64, 100, 127, 128, 191, 192, 199]
LLAMA3_SCALING = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                  "original_max_position_embeddings": 64}


def versions():
    names = ["torch", "transformers", "tokenizers", "safetensors", "gguf", "numpy"]
    return {name: version(name) for name in names}


# ---- weights ----

@torch.no_grad()
def randomise(model, seed, rounding=None):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if "norm" in name.lower() and name.endswith("weight"):
            value = 1 + 0.2 * noise
        elif parameter.dim() == 1:
            value = 0.3 * noise
        elif "embed" in name:
            value = noise
        else:
            sharp = any(part in name for part in ("q_proj", "k_proj", "query", "key"))
            gain = 8.0 if "lm_head" in name else 2.0 if sharp else 1.0
            value = gain * noise / math.sqrt(parameter.shape[1])
        parameter.copy_(value.to(rounding).float() if rounding else value)
    return model.float().eval()


def random_ids(seed, count=TOKENS):
    return torch.randint(0, VOCABULARY, (count,), generator=torch.Generator().manual_seed(seed)).tolist()


# ---- tokenizers ----

def byte_pieces():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges, pieces = [], list(alphabet)
    for word in ["the", "and", "ing", "hello", "world"]:
        word = "Ġ" + word
        left = word[0]
        for letter in word[1:]:
            if (left, letter) not in merges:
                merges.append((left, letter))
                pieces.append(left + letter)
            left += letter
    pieces += ["<|begin|>", "<|end|>"]
    pieces += [f"<|unused{i}|>" for i in range(VOCABULARY - len(pieces))]
    return pieces, merges


def write_byte_tokenizer(folder):
    pieces, merges = byte_pieces()
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([p for p in pieces if p.startswith("<|")])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|begin|>", "eos_token": "<|end|>",
              "chat_template": "{% for m in messages %}{{ m['content'] }}<|end|>{% endfor %}"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


def word_pieces():
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)] + list("0123456789.,!?-'")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + letters + ["##" + letter for letter in letters]
    pieces += ["the", "and", "hello", "world", "##ing", "##ed"]
    return pieces + [f"[unused{i}]" for i in range(VOCABULARY - len(pieces))]


def write_word_tokenizer(folder):
    pieces = word_pieces()
    vocabulary = {p: i for i, p in enumerate(pieces)}
    tokenizer = tokenizers.Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])])
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(pieces[:5])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "unk_token": "[UNK]", "sep_token": "[SEP]",
              "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


# ---- files ----

def write_folder(model, folder, dtype):
    state = {name: value.to(dtype).contiguous() for name, value in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        state.pop("lm_head.weight", None)
    save_file(state, str(folder / "model.safetensors"), metadata={"format": "pt"})
    config = model.config.to_dict()
    config.pop("_name_or_path", None)
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")


def neighbouring_pairs(weight, heads):
    """GGUF's order of query and key rows: rotary pairs (2i, 2i+1) side by side."""
    rows = weight.shape[0]
    return weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def llama3_factors(config):
    scaling, width = LLAMA3_SCALING, config.head_dim
    context, factor = scaling["original_max_position_embeddings"], scaling["factor"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    factors = []
    for i in range(width // 2):
        wavelength = 2 * math.pi * config.rope_parameters["rope_theta"] ** (2 * i / width)
        if wavelength < context / high:
            factors.append(1.0)
        elif wavelength > context / low:
            factors.append(factor)
        else:
            smooth = (context / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, dtype=np.float32)


LLAMA_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight", "lm_head.weight": "output.weight",
    "model.norm.weight": "output_norm.weight", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm"}


def gguf_name(name):
    if name in LLAMA_NAMES:
        return LLAMA_NAMES[name]
    _, _, layer, rest = name.split(".", 3)
    part, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{LLAMA_NAMES[part]}.{kind}"


def write_llama_gguf(model, path, matrix_type, rope_factors=None):
    """Returns the weights as they can be read back, in Hugging Face's names and order."""
    config = model.config
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    pieces, merges = byte_pieces()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(pieces)
    writer.add_token_types([3 if p.startswith("<|") else 1 for p in pieces])
    writer.add_token_merges([" ".join(m) for m in merges])
    writer.add_bos_token_id(pieces.index("<|begin|>"))
    writer.add_eos_token_id(pieces.index("<|end|>"))
    writer.add_add_bos_token(False)
    if rope_factors is not None:
        writer.add_tensor("rope_freqs.weight", rope_factors)
    read_back = {}
    for name, value in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        array = value.numpy()
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2])
        if heads:
            array = neighbouring_pairs(array, heads)
        kind = matrix_type if array.ndim == 2 else gguf.GGMLQuantizationType.F32
        data = gguf.quants.quantize(np.ascontiguousarray(array), kind)
        writer.add_tensor(gguf_name(name), data, raw_dtype=kind)
        values = gguf.quants.dequantize(data, kind).reshape(array.shape).astype(np.float32)
        if heads:
            halves = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:]).swapaxes(1, 2)
            values = halves.reshape(values.shape)
        read_back[name] = torch.from_numpy(values.copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return read_back


# ---- expected values ----

def rounded(row):
    return [round(float(value), 6) for value in row]


@torch.no_grad()
def expect_logits(model, folder, seed):
    ids = random_ids(seed)
    logits = model(input_ids=torch.tensor([ids])).logits[0]
    write_expected(folder, {"ids": ids, "logits": [{"position": p, "values": rounded(logits[p])} for p in POSITIONS],
                            "spread": round(float(logits.std()), 3)})


@torch.no_grad()
def expect_hidden(model, folder, seed):
    texts = []
    for i, count in enumerate([1, 7, 130]):
        ids = random_ids(seed + i, count)
        states = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
        positions = [p for p in POSITIONS if p < count]
        texts.append({"ids": ids, "states": [{"position": p, "values": rounded(states[p])} for p in positions]})
    write_expected(folder, {"texts": texts})


def write_expected(folder, expected):
    expected = {"made_by": "tools/golden/model.py", "versions": versions()} | expected
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


# ---- the models ----

def tiny_llama(tied, rope, bias=False):
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, max_position_embeddings=256, rms_norm_eps=1e-5, rope_parameters=rope,
        tie_word_embeddings=tied, attention_bias=bias, attn_implementation="eager"))


def llama_tied(folder):
    model = randomise(tiny_llama(True, {"rope_type": "default", "rope_theta": 10000.0}), 1)
    write_folder(model, folder, torch.float32)
    write_byte_tokenizer(folder)
    expect_logits(model, folder, 11)


def llama_tied_f32_gguf(folder):
    model = randomise(tiny_llama(True, {"rope_type": "default", "rope_theta": 10000.0}), 1)
    write_llama_gguf(model, folder / "model.gguf", gguf.GGMLQuantizationType.F32)
    expect_logits(model, folder, 11)


def llama_tied_q8_gguf(folder):
    model = randomise(tiny_llama(True, {"rope_type": "default", "rope_theta": 10000.0}), 1)
    state = write_llama_gguf(model, folder / "model.gguf", gguf.GGMLQuantizationType.Q8_0)
    model.load_state_dict(state | {"lm_head.weight": state["model.embed_tokens.weight"]})
    expect_logits(model, folder, 12)


def llama3_untied(folder):
    rope = LLAMA3_SCALING | {"rope_theta": 500000.0}
    model = randomise(tiny_llama(False, rope, bias=True), 2, rounding=torch.bfloat16)
    write_folder(model, folder, torch.bfloat16)
    write_byte_tokenizer(folder)
    expect_logits(model, folder, 13)


def llama3_untied_gguf(folder):
    rope = LLAMA3_SCALING | {"rope_theta": 500000.0}
    model = randomise(tiny_llama(False, rope, bias=True), 2, rounding=torch.bfloat16)
    write_llama_gguf(model, folder / "model.gguf", gguf.GGMLQuantizationType.BF16, llama3_factors(model.config))
    expect_logits(model, folder, 13)


def bert(folder):
    model = randomise(transformers.BertModel(transformers.BertConfig(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=160, layer_norm_eps=1e-12, hidden_act="gelu", attn_implementation="eager"),
        add_pooling_layer=False), 3)
    write_folder(model, folder, torch.float32)
    write_word_tokenizer(folder)
    expect_hidden(model, folder, 14)


PAIRS = [
    ("when does the boat leave?", ["the boat leaves at nine.", "hello world", "", "a-b-c 1.5 and " + "the " * 300]),
    ("the world? " * 12, ["walking and talking, the end!"]),
    ("\ubc30\ub294 \uc5b8\uc81c?", ["\ubc30\ub294 9\uc2dc.", "hello \uc138\uacc4"]),
]


@torch.no_grad()
def pair_score(model, pair):
    return float(model(torch.tensor([pair.ids]), token_type_ids=torch.tensor([pair.type_ids])).logits[0, 0])


# A cross-encoder: one label over the pooled first token of "[CLS] question [SEP] passage [SEP]".
def bert_reranker(folder):
    model = randomise(transformers.BertForSequenceClassification(transformers.BertConfig(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=160, layer_norm_eps=1e-12, hidden_act="gelu", attn_implementation="eager",
        num_labels=1)), 4)
    write_folder(model, folder, torch.float32)
    write_word_tokenizer(folder)
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    special = [(piece, tokenizer.token_to_id(piece)) for piece in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*special)
    tokenizer.enable_truncation(model.config.max_position_embeddings, strategy="only_second")
    rows = []
    for question, passages in PAIRS:
        pairs = [tokenizer.encode(question, passage) for passage in passages]
        rows.append({"question": question, "passages": passages, "tokens": [len(pair.ids) for pair in pairs],
                     "scores": [pair_score(model, pair) for pair in pairs]})
    write_expected(folder, {"pairs": rows})


MODELS = [llama_tied, llama_tied_f32_gguf, llama_tied_q8_gguf, llama3_untied, llama3_untied_gguf, bert, bert_reranker]


def main():
    torch.set_num_threads(1)
    for make in MODELS:
        if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
            continue
        folder = OUT / make.__name__
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        print(make.__name__, {file.name: file.stat().st_size for file in sorted(folder.iterdir())})


if __name__ == "__main__":
    main()
