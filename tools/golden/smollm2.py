"""Golden of SmolLM2-135M-Instruct (the quickstart's GGUF): what Hugging Face's own forward says.

The GGUF is dequantised with the `gguf` package, query and key rows are put back into Hugging Face's
order, and LlamaForCausalLM runs in f32. Written: top logits at several positions, greedy
continuations, and the negative log-likelihood of a text in windows.

    python -P tools/golden/smollm2.py MODEL.gguf WIKI.txt tests/golden/smollm2.json

Needs torch, transformers, gguf, tokenizers, jinja2, numpy. Some minutes on one core.
"""

import json
import sys
from importlib.metadata import version

import gguf
import jinja2
import numpy as np
import tokenizers
import torch
import transformers
from tokenizers import decoders, models, pre_tokenizers

WINDOW = 512
TEXT_BYTES = 64 * 1024
NEW_TOKENS = 64
RAW_PROMPTS = [
    "The capital of France is",
    "Once upon a time, in a village by the sea,",
    "def fibonacci(n):\n",
    "1, 2, 3, 4, 5,",
    "Water boils at",
]
CHAT_PROMPTS = [
    [{"role": "user", "content": "What is gravity?"}],
    [{"role": "user", "content": "Write a short poem about winter."}],
    [{"role": "system", "content": "You answer in one sentence."},
     {"role": "user", "content": "Why is the sky blue?"}],
    [{"role": "user", "content": "Hello!"},
     {"role": "assistant", "content": "Hello! How can I help you today?"},
     {"role": "user", "content": "Name three fruits."}],
    [{"role": "user", "content": "서울은 어느 나라의 수도입니까?"}],
]


def field(reader, name):
    return reader.fields[name].contents()


def original_rows(weight, heads):
    """GGUF keeps rotary pairs (2i, 2i+1) side by side; Hugging Face keeps halves apart."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def load(path):
    reader = gguf.GGUFReader(path)
    heads = field(reader, "llama.attention.head_count")
    kv_heads = field(reader, "llama.attention.head_count_kv")
    width = field(reader, "llama.embedding_length")
    config = transformers.LlamaConfig(
        vocab_size=field(reader, "llama.vocab_size"), hidden_size=width,
        intermediate_size=field(reader, "llama.feed_forward_length"),
        num_hidden_layers=field(reader, "llama.block_count"), num_attention_heads=heads,
        num_key_value_heads=kv_heads, max_position_embeddings=field(reader, "llama.context_length"),
        rms_norm_eps=field(reader, "llama.attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": field(reader, "llama.rope.freq_base")},
        tie_word_embeddings=True, attn_implementation="eager")
    names = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
             "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
             "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
             "ffn_norm": "post_attention_layernorm"}
    state = {}
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        values = values.reshape(tuple(int(n) for n in reversed(tensor.shape)))
        part = tensor.name.split(".")
        if part[0] == "token_embd":
            state["model.embed_tokens.weight"] = state["lm_head.weight"] = torch.from_numpy(values.copy())
            continue
        if part[0] == "output_norm":
            state["model.norm.weight"] = torch.from_numpy(values.copy())
            continue
        if part[2] in ("attn_q", "attn_k"):
            values = original_rows(values, heads if part[2] == "attn_q" else kv_heads)
        state[f"model.layers.{part[1]}.{names[part[2]]}.weight"] = torch.from_numpy(values.copy())
    model = transformers.LlamaForCausalLM(config)
    model.load_state_dict(state, strict=True)
    return reader, model.float().eval()


def tokenizer_of(reader):
    pieces = field(reader, "tokenizer.ggml.tokens")
    merges = [tuple(m.split(" ")) for m in field(reader, "tokenizer.ggml.merges")]
    types = field(reader, "tokenizer.ggml.token_type")
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([p for p, t in zip(pieces, types) if t == gguf.TokenType.CONTROL])
    return tokenizer


@torch.no_grad()
def greedy(model, ids, stop):
    """New ids without the stop token, and the smallest gap between the two best logits."""
    out, gap, cache, feed = [], float("inf"), None, torch.tensor([ids])
    for _ in range(NEW_TOKENS):
        step = model(input_ids=feed, past_key_values=cache, use_cache=True)
        cache, best = step.past_key_values, torch.topk(step.logits[0, -1], 2)
        gap = min(gap, float(best.values[0] - best.values[1]))
        token = int(best.indices[0])
        if token in stop:
            return out, gap, "stop"
        out.append(token)
        feed = torch.tensor([[token]])
    return out, gap, "length"


@torch.no_grad()
def windows_nll(model, ids):
    sums = []
    for begin in range(0, len(ids), WINDOW):
        window = torch.tensor([ids[begin:begin + WINDOW]])
        if window.shape[1] < 2:
            continue
        logp = torch.log_softmax(model(input_ids=window).logits[0, :-1].double(), dim=-1)
        sums.append(-float(logp.gather(1, window[0, 1:, None]).sum()))
    return sums


@torch.no_grad()
def top_logits(model, ids, positions):
    logits = model(input_ids=torch.tensor([ids])).logits[0]
    rows = []
    for position in positions:
        best = torch.topk(logits[position], 20)
        rows.append({"position": position, "ids": best.indices.tolist(),
                     "logits": [round(float(v), 6) for v in best.values]})
    return rows


def main():
    torch.set_num_threads(1)
    gguf_path, text_path, out_path = sys.argv[1:4]
    reader, model = load(gguf_path)
    tokenizer = tokenizer_of(reader)
    template = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(
        field(reader, "tokenizer.chat_template"))
    eos = field(reader, "tokenizer.ggml.eos_token_id")
    stop = {eos, tokenizer.token_to_id("<|endoftext|>")}

    golden = {"made_by": "tools/golden/smollm2.py", "torch": torch.__version__,
              "transformers": transformers.__version__, "gguf": version("gguf"),
              "tokenizers": tokenizers.__version__}

    with open(text_path, "rb") as file:
        text = file.read(TEXT_BYTES).decode("utf-8", errors="ignore")
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    long = ids[:200]
    golden["logits"] = {"ids": long, "rows": top_logits(model, long, [0, 1, 63, 64, 127, 128, 150, 199])}

    golden["greedy"] = []
    for prompt in RAW_PROMPTS + CHAT_PROMPTS:
        chat = isinstance(prompt, list)
        rendered = template.render(messages=prompt, add_generation_prompt=True) if chat else prompt
        prompt_ids = tokenizer.encode(rendered, add_special_tokens=False).ids
        new, gap, reason = greedy(model, prompt_ids, stop)
        entry = {"messages" if chat else "prompt": prompt, "prompt_ids": prompt_ids, "ids": new,
                 "finish_reason": reason, "smallest_gap": round(gap, 5), "text": tokenizer.decode(new)}
        golden["greedy"].append(entry)
        print(entry["smallest_gap"], reason, repr(entry["text"][:80]), flush=True)

    sums = windows_nll(model, ids)
    scored = len(ids) - len(sums)
    golden["perplexity"] = {"text": "wiki_demo.txt", "bytes": TEXT_BYTES, "window": WINDOW, "tokens": len(ids),
                            "scored": scored, "nll": sum(sums), "perplexity": float(np.exp(sum(sums) / scored)),
                            "window_nll": [round(s, 4) for s in sums]}
    print(golden["perplexity"]["perplexity"], scored, flush=True)
    with open(out_path, "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
