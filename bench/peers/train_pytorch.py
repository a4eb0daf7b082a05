#!/usr/bin/env python3
"""Training speed of PyTorch on the shape of SmolLM2-135M: the peer of `ondol bench --train`.

    python bench/peers/train_pytorch.py --method lora --dtype bf16 --batch 4 --length 256 --json

Random weights (speed does not depend on them), LoRA r 16 on all linears through PEFT, or all
weights; AdamW; gradients of every step applied. Prints tokens/s of every step after the first two
and the peak memory of the process. Run it in the environment that bench/peers/setup.sh makes.
"""

import argparse
import json
import resource
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
    args = parser.parse_args()
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
