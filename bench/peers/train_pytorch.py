#!/usr/bin/env python3
"""Training speed of PyTorch on the shape of SmolLM2-135M: the peer of `ondol bench --train`.

    python bench/peers/train_pytorch.py --method lora --dtype bf16 --batch 4 --length 256 --json

Random weights (speed does not depend on them), LoRA r 16 on all linears through PEFT, or all
weights; AdamW; gradients of every step applied. Prints tokens/s of every step after the first two
and the peak memory of the process. Run it in the environment that bench/peers/setup.sh makes.

    python bench/peers/train_pytorch.py --method full --ondol build/bin/ondol --model MODEL.gguf

measures both in turn, --rounds times, each in a process of its own, and prints one table.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM


def build(method: str, dtype: torch.dtype) -> torch.nn.Module:
    config = LlamaConfig(
        hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=3, vocab_size=49152, tie_word_embeddings=True,
        max_position_embeddings=8192, rope_theta=100000.0, rms_norm_eps=1e-5)
    torch.manual_seed(1)
    model = LlamaForCausalLM(config).to(dtype)
    model.config.use_cache = False
    if method == "lora":
        import peft
        model = peft.get_peft_model(model, peft.LoraConfig(
            r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"))
    model.train()
    return model


def run_json(command: list) -> dict:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(args) -> None:
    """PyTorch and ondol in turn: what else the machine does meets both."""
    shape = ["--batch", str(args.batch), "--length", str(args.length), "--masked", str(args.masked)]
    peer = [sys.executable, __file__, "--json", "--method", args.method, "--dtype", args.dtype,
            "--steps", str(args.steps), "--threads", str(args.threads), *shape]
    ours = [args.ondol, "bench", "--train", args.method, "--json", "-r", str(args.steps), "-t", str(args.threads), *shape]
    if args.model:
        ours += ["-m", args.model]
    rows = {f"PyTorch {args.dtype}": [], "ondol": []}
    for _ in range(args.rounds):
        rows[f"PyTorch {args.dtype}"].append(run_json(peer))
        rows["ondol"].append(run_json(ours))
    rates = {name: [r["tokens_per_second"]["median"] for r in runs] for name, runs in rows.items()}
    base = statistics.median(rates[f"PyTorch {args.dtype}"])
    print(f"{args.method}, {args.batch} x {args.length} tokens, {args.threads} threads, {args.rounds} rounds in turn")
    print(f"{'':<14} {'tokens/s':>9} {'min':>7} {'max':>7} {'ratio':>6} {'peak GiB':>9}")
    for name, runs in rows.items():
        median = statistics.median(rates[name])
        peak = max(r["peak_rss_bytes"] for r in runs) / 2**30
        print(f"{name:<14} {median:>9.0f} {min(rates[name]):>7.0f} {max(rates[name]):>7.0f} {median / base:>6.2f} {peak:>9.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--method", choices=["lora", "full"], default="lora")
    parser.add_argument("--dtype", choices=["bf16", "f32"], default="bf16")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--masked", type=float, default=0.0, help="share of tokens without a loss")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ondol", help="its program: both are measured in turn")
    parser.add_argument("--model", default="", help="of ondol: a catalogue name or a file")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if args.ondol:
        return compare(args)
    torch.set_num_threads(args.threads)
    model = build(args.method, torch.bfloat16 if args.dtype == "bf16" else torch.float32)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    ids = torch.randint(10, 49000, (args.batch, args.length))
    labels = ids.clone()
    labels[:, : int(args.masked * args.length)] = -100
    rates = []
    for step in range(args.steps + 2):
        start = time.perf_counter()
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds = time.perf_counter() - start
        if step >= 2:
            rates.append(args.batch * args.length / seconds)
    rates.sort()
    result = {
        "tokens_per_second": {"median": rates[len(rates) // 2], "min": rates[0], "max": rates[-1]},
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "torch": torch.__version__, "transformers": transformers.__version__,
        "method": args.method, "dtype": args.dtype, "threads": args.threads,
    }
    if args.json:
        print(json.dumps(result))
    else:
        rate = result["tokens_per_second"]
        print(f"PyTorch {torch.__version__} {args.method} {args.dtype}: {rate['median']:.0f} tokens/s "
              f"({rate['min']:.0f} to {rate['max']:.0f}), {result['peak_rss_bytes'] / 2**30:.2f} GiB")


if __name__ == "__main__":
    main()
