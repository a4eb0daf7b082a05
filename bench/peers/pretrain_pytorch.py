#!/usr/bin/env python3
"""Pretraining in PyTorch: the peer of `ondol train pretrain` on bytes.

    python bench/peers/pretrain_pytorch.py tinyshakespeare.txt --seed 1 --json

The same configuration (transformers' LlamaForCausalLM and its initial weights), blocks, held-out blocks, batch, steps,
schedule and optimizer; the order of the blocks is another. Prints the mean loss of the held-out blocks after every
tenth of the steps.
"""

import argparse
import json
import math
import time

import torch
import transformers


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("text")
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--decay", type=float, default=0.1)
    parser.add_argument("--warmup", type=float, default=0.03)
    parser.add_argument("--hidden", type=int, default=192)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--share", type=float, default=0.1, help="of the blocks, the last ones, held out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def blocks_of(args):
    ids = list(open(args.text, "rb").read()) + [256]
    blocks = [torch.tensor(ids[i:i + args.length]) for i in range(0, len(ids), args.length)]
    held = max(1, int(args.share * len(blocks)))
    return blocks[:-held], blocks[-held:]


def build(args):
    mlp = (args.hidden * 8 // 3 + 31) // 32 * 32
    config = transformers.LlamaConfig(
        vocab_size=288, hidden_size=args.hidden, intermediate_size=mlp, num_hidden_layers=args.layers,
        num_attention_heads=args.heads, num_key_value_heads=args.heads, max_position_embeddings=args.length,
        rms_norm_eps=1e-5, rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True, use_cache=False)
    return transformers.LlamaForCausalLM(config)


def sums(model, batch):
    """Cross entropy summed over the targets of the blocks, and their number."""
    whole = [b for b in batch if len(b) == len(batch[0])]
    groups = [torch.stack(whole)] + [b[None] for b in batch if len(b) != len(batch[0])]
    loss, count = 0, 0
    for ids in groups:
        logits = model(input_ids=ids).logits[:, :-1]
        loss = loss + torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1),
                                                        reduction="sum")
        count += ids[:, 1:].numel()
    return loss, count


@torch.no_grad()
def evaluate(model, held, batch):
    loss, count = 0.0, 0
    for i in range(0, len(held), batch):
        part, targets = sums(model, held[i:i + batch])
        loss, count = loss + part.item(), count + targets
    return loss / count


def factor(step, steps, warmup):
    ramp = math.ceil(warmup * steps) if warmup < 1 else int(warmup)
    if step < ramp:
        return step / max(1, ramp)
    return 0.5 * (1 + math.cos(math.pi * (step - ramp) / max(1, steps - ramp)))


def main():
    args = parse()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    learn, held = blocks_of(args)
    model = build(args)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": args.decay},
                                   {"params": vectors, "weight_decay": 0.0}], lr=args.rate)
    order, evaluations, start, seconds = [], [], time.perf_counter(), 0.0
    for step in range(args.steps):
        while len(order) < args.batch:
            order += torch.randperm(len(learn)).tolist()
        batch, order = [learn[i] for i in order[:args.batch]], order[args.batch:]
        for group in optimizer.param_groups:
            group["lr"] = args.rate * factor(step, args.steps, args.warmup)
        loss, count = sums(model, batch)
        (loss / count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if (step + 1) % max(1, args.steps // 10) == 0:
            seconds += time.perf_counter() - start
            evaluations.append((step + 1, evaluate(model, held, args.batch)))
            start = time.perf_counter()
    result = {"parameters": sum(p.numel() for p in model.parameters()), "seed": args.seed,
              "tokens_per_second": args.steps * args.batch * args.length / seconds,
              "best_eval_loss": min(loss for _, loss in evaluations), "evaluations": evaluations,
              "torch": torch.__version__, "transformers": transformers.__version__}
    if args.json:
        print(json.dumps(result))
    else:
        print(f"PyTorch {torch.__version__}, {result['parameters']} parameters, seed {args.seed}: validation loss "
              f"{result['best_eval_loss']:.4f}, {result['tokens_per_second']:.0f} tokens/s")


if __name__ == "__main__":
    main()
