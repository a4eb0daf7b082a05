"""Expected values of training all weights of tests/golden/models: losses, gradients and weights after ten steps.

Writes tests/golden/whole_model.json: of every tensor its norm and 24 of its elements. Two sequences, the second with
some tokens without a target; the loss is the sum over targets divided by their number. AdamW as transformers sets it up:
no decay on vectors, gradients clipped at 1.
"""

import json
from importlib.metadata import version
from pathlib import Path

import torch
import transformers

ROOT = Path(__file__).resolve().parents[2] / "tests" / "golden"
STEPS, RATE, DECAY, CLIP = 10, 1e-3, 0.1, 1.0
FIRST, COUNT = 18, 31
ELEMENTS = 24


def ids_and_targets():
    ids = [(i * 37 + 11) % 288 for i in range(COUNT)]
    targets = [-100 if 20 < i < 25 else (i * 53 + 5) % 100 for i in range(COUNT)]
    return ids, targets


def decoder_loss(model):
    ids, targets = ids_and_targets()
    total, count = 0, sum(t >= 0 for t in targets)
    for begin, end in ((0, FIRST), (FIRST, COUNT)):
        logits = model(input_ids=torch.tensor([ids[begin:end]])).logits[0]
        total = total + torch.nn.functional.cross_entropy(logits, torch.tensor(targets[begin:end]), reduction="sum")
    return total / count


def encoder_loss(model):
    """Hidden states against fixed numbers, so that every weight matters."""
    ids, _ = ids_and_targets()
    total = 0
    for begin, end in ((0, FIRST), (FIRST, COUNT)):
        states = model(input_ids=torch.tensor([ids[begin:end]])).last_hidden_state[0]
        rows = torch.arange(begin, end)[:, None]
        columns = torch.arange(states.shape[1])[None, :]
        total = total + (states * (((rows * 37 + columns * 11) % 23 - 11) / 11)).sum()
    return total / COUNT


def summary(tensor):
    flat = tensor.detach().reshape(-1).double()
    step = max(1, flat.numel() // ELEMENTS)
    return {"norm": float(flat.norm()), "step": step, "values": [round(float(v), 9) for v in flat[::step][:ELEMENTS]]}


def expect(folder, cls, loss_of):
    model = cls.from_pretrained(ROOT / "models" / folder, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    named = [(n, p) for n, p in model.named_parameters() if "pooler" not in n]
    matrices = [p for _, p in named if p.dim() > 1]
    vectors = [p for _, p in named if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0}], lr=RATE)
    losses, gradients, norms = [], {}, []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            gradients = {n: summary(p.grad) for n, p in named}
        norms.append(float(torch.nn.utils.clip_grad_norm_([p for _, p in named], CLIP)))
        optimizer.step()
    return {"model": folder, "losses": losses, "norms": norms, "gradients": gradients,
            "weights": {n: summary(p) for n, p in named}}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cases = [expect("llama_tied", transformers.LlamaForCausalLM, decoder_loss),
             expect("llama3_untied", transformers.LlamaForCausalLM, decoder_loss),
             expect("bert", transformers.BertModel, encoder_loss)]
    expected = {"made_by": "tools/golden/whole_model.py",
                "versions": {name: version(name) for name in ("torch", "transformers")},
                "steps": STEPS, "learning_rate": RATE, "weight_decay": DECAY, "max_grad_norm": CLIP, "cases": cases}
    path = ROOT / "whole_model.json"
    path.write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
