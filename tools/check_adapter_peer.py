"""Adapters and merged models that ondol writes, read by the programs they are written for. Run by hand:

    python -P tools/check_adapter_peer.py llama build/dev/bin/ondol model.gguf     # needs llama-cpp-python, numpy
    python -P tools/check_adapter_peer.py peft build/dev/bin/ondol                 # needs peft, transformers, torch

llama: a random LoRA adapter of a Llama-type GGUF model, exported to llama.cpp's form and merged; llama.cpp's greedy text
with each must be ondol's in exact precision, up to the first token whose margin over the second is below MARGIN nats
(the two programs round activations differently), and the likeliest first tokens must have the same log-probabilities to GAP. peft: the tiny adapters of tests/golden through ondol's GGUF and back;
PEFT's logits with the result must be the golden ones. Prints a line a check; exit code 1 if one fails.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

MARGIN = 0.3
GAP = 0.3  # of the log-probability of the ten likeliest first tokens; a wrong scale gives whole nats
TOKENS = 32
PROMPTS = ["The capital of France is", "Once upon a time", "def fibonacci(n):"]
ROOT = Path(__file__).resolve().parents[1]


def run(ondol, *arguments):
    done = subprocess.run([ondol, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"ondol {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header)
    text += " " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text.encode())
        for array in tensors.values():
            file.write(array.tobytes())


def random_adapter(folder, shape, rslora):
    """All linears of a Llama; strong enough to change what is written."""
    import numpy as np
    random = np.random.default_rng(7)
    width, mlp, kv = shape["width"], shape["mlp"], shape["kv_heads"] * shape["head_width"]
    linears = {"self_attn.q_proj": (width, width), "self_attn.k_proj": (kv, width), "self_attn.v_proj": (kv, width),
               "self_attn.o_proj": (width, width), "mlp.gate_proj": (mlp, width), "mlp.up_proj": (mlp, width),
               "mlp.down_proj": (width, mlp)}
    rank, tensors = 8, {}
    for layer in range(shape["layers"]):
        for name, (rows, columns) in linears.items():
            r = 4 if name == "mlp.up_proj" and rslora else rank
            key = f"base_model.model.model.layers.{layer}.{name}"
            tensors[key + ".lora_A.weight"] = (random.standard_normal((r, columns)) / columns**0.5).astype(np.float32)
            tensors[key + ".lora_B.weight"] = (0.02 * random.standard_normal((rows, r))).astype(np.float32)
    folder.mkdir()
    write_safetensors(folder / "adapter_model.safetensors", tensors)
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 16, "use_rslora": rslora,
              "rank_pattern": {"up_proj": 4} if rslora else {}, "alpha_pattern": {"v_proj": 8} if rslora else {},
              "target_modules": sorted({name.split(".")[1] for name in linears}), "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(config))


def ours(ondol, model, prompt, adapter):
    extra = ["--adapter", adapter] if adapter else []
    out = json.loads(run(ondol, "run", "-m", model, "--raw", "--precision", "exact", "-n", TOKENS, "--logprobs", 10, "--json",
                         *extra, prompt))
    margins = [row["top"][0]["logprob"] - row["top"][1]["logprob"] for row in out["logprobs"]]
    first = {row["id"]: row["logprob"] for row in out["logprobs"][0]["top"]}
    return out["ids"], margins, first


def gap(peer, tokens, first):
    """The largest difference of a log-probability of the first token."""
    import numpy as np
    peer.reset()
    peer.eval(tokens)
    logits = np.array(peer.scores[len(tokens) - 1], dtype=np.float64)
    theirs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
    return max(abs(theirs[token] - value) for token, value in first.items())


def agree(ours_ids, margins, theirs):
    """The number of tokens that agree, and whether the first that does not was a close call."""
    for i, (mine, other) in enumerate(zip(ours_ids, theirs)):
        if mine != other:
            return i, margins[i] < MARGIN
    return min(len(ours_ids), len(theirs)), True


def check_llama(ondol, model):
    import llama_cpp
    meta = llama_cpp.Llama(str(model), n_ctx=64, verbose=False).metadata
    shape = {"width": int(meta["llama.embedding_length"]), "mlp": int(meta["llama.feed_forward_length"]),
             "layers": int(meta["llama.block_count"]), "kv_heads": int(meta["llama.attention.head_count_kv"]),
             "head_width": int(meta["llama.embedding_length"]) // int(meta["llama.attention.head_count"])}
    print(f"{Path(model).name}: {shape['layers']} layers of {shape['width']}")
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        for rslora in (False, True):
            peft = Path(scratch) / f"peft{rslora}"
            random_adapter(peft, shape, rslora)
            gguf = Path(scratch) / f"adapter{rslora}.gguf"
            merged = Path(scratch) / f"merged{rslora}.gguf"
            run(ondol, "export", "-m", model, "--adapter", peft, "--output", gguf)
            print("  " + run(ondol, "merge", "-m", model, "--adapter", peft, "--output", merged).replace("\n", "\n  ").strip())
            for name, arguments in (("adapter", {"model_path": str(model), "lora_path": str(gguf)}),
                                    ("merged", {"model_path": str(merged)})):
                peer = llama_cpp.Llama(n_ctx=256, n_threads=2, verbose=False, seed=1, logits_all=True, **arguments)
                changed = 0
                for prompt in PROMPTS:
                    ids, margins, first = ours(ondol, model if name == "adapter" else merged, prompt,
                                               peft if name == "adapter" else None)
                    plain, _, _ = ours(ondol, model, prompt, None)
                    changed += ids != plain
                    tokens = peer.tokenize(prompt.encode(), add_bos=False)
                    apart = gap(peer, tokens, first)
                    peer.reset()
                    theirs = []
                    for token in peer.generate(tokens, temp=0.0, top_k=1, repeat_penalty=1.0):
                        if len(theirs) == TOKENS or token == peer.token_eos():
                            break
                        theirs.append(token)
                    same, fine = agree(ids, margins, theirs)
                    fine &= apart < GAP
                    good &= fine
                    print(f"  rslora {rslora}, {name}: {same} of {len(ids)} tokens agree, first token within {apart:.3f} nats"
                          f"{'' if fine else ', WRONG'}: {prompt}")
                if changed == 0:
                    good = False
                    print("  WRONG: the adapter changed no text, so this shows nothing")
    return good


def check_peft(ondol):
    import torch
    import transformers
    from peft import PeftModel
    golden, good = ROOT / "tests" / "golden", True
    base = golden / "models" / "llama_tied"
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("plain", "rslora"):
            gguf, back = Path(scratch) / f"{name}.gguf", Path(scratch) / name
            run(ondol, "export", "-m", base, "--adapter", golden / "adapters" / name, "--output", gguf)
            run(ondol, "export", "-m", golden / "models" / "llama_tied_f32_gguf" / "model.gguf", "--adapter", gguf,
                "--output", back)
            expected = json.loads((golden / "adapters" / name / "expected.json").read_text())
            for which, folder in (("golden", golden / "adapters" / name), ("ondol's", back)):
                model = transformers.AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager")
                adapted = PeftModel.from_pretrained(model, str(folder)).eval()
                with torch.no_grad():
                    logits = adapted(input_ids=torch.tensor([expected["ids"]])).logits[0]
                worst = max(float((logits[row["position"]] - torch.tensor(row["values"])).abs().max())
                            for row in expected["logits"])
                good &= worst < 1e-4
                print(f"{name}, {which}: largest difference {worst:.2e}")
    return good


def main():
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if len(sys.argv) == 4 and sys.argv[1] == "llama":
        return 0 if check_llama(sys.argv[2], sys.argv[3]) else 1
    if len(sys.argv) == 3 and sys.argv[1] == "peft":
        return 0 if check_peft(sys.argv[2]) else 1
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
