#!/usr/bin/env python3
"""Writes tests/golden/optimizers.json: ten steps of PyTorch's and transformers' optimizers and their learning rate
schedules, for src/train/optimizer_test.cpp and schedule_test.cpp.

Run: python3 tools/golden/optimizers.py   (pip install torch transformers; the versions are written inside)
"""
import json
import math
import pathlib

import torch
import torch.optim._muon
import transformers
from transformers.optimization import Adafactor, get_scheduler

SHAPES = {"wide": [5, 9], "tall": [8, 3], "vector": [7]}
STEPS = 10
RATE = 0.03


def numbers(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().flatten().tolist()]


def draw(generator):
    return {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}


def newton_schulz_f32(gradient, coefficients, steps, eps):
    """What torch.optim.Muon does in bfloat16, in f32."""
    a, b, c = coefficients
    x = gradient.T if gradient.size(0) > gradient.size(1) else gradient
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if gradient.size(0) > gradient.size(1) else x


def run(make, start, gradients, names):
    parameters = {name: torch.nn.Parameter(start[name].clone()) for name in names}
    optimizer = make(list(parameters.values()))
    after = []
    for step in range(STEPS):
        for name, parameter in parameters.items():
            parameter.grad = gradients[step][name].clone()
        optimizer.step()
        if step in (0, STEPS - 1):
            after.append({name: numbers(parameter) for name, parameter in parameters.items()})
    return {"first": after[0], "last": after[1]}


def optimizers(start, gradients):
    every, matrices = list(SHAPES), ["wide", "tall"]
    torch.optim._muon._zeropower_via_newtonschulz = newton_schulz_f32
    rows = [
        ("adamw_torch", {"weight_decay": .1}, every,
         lambda p: torch.optim.AdamW(p, lr=RATE, weight_decay=.1, foreach=False)),
        ("adamw_torch", {"weight_decay": 0, "beta1": .8, "beta2": .95, "epsilon": 1e-6}, every,
         lambda p: torch.optim.AdamW(p, lr=RATE, weight_decay=0, betas=(.8, .95), eps=1e-6, foreach=False)),
        ("sgd", {"weight_decay": 0}, every, lambda p: torch.optim.SGD(p, lr=RATE)),
        ("sgd", {"weight_decay": .05, "momentum": .9}, every,
         lambda p: torch.optim.SGD(p, lr=RATE, momentum=.9, weight_decay=.05)),
        ("adafactor", {"weight_decay": .02}, every,
         lambda p: Adafactor(p, lr=RATE, scale_parameter=False, relative_step=False, weight_decay=.02)),
        ("muon", {"weight_decay": .1}, matrices,
         lambda p: torch.optim.Muon(p, lr=RATE, weight_decay=.1, adjust_lr_fn="match_rms_adamw")),
        ("muon", {"weight_decay": 0, "momentum": .8, "nesterov": False, "muon_scale": "original"}, matrices,
         lambda p: torch.optim.Muon(p, lr=RATE, weight_decay=0, momentum=.8, nesterov=False)),
    ]
    for name, config, names, make in rows:
        yield {"name": name, "config": config, "after": run(make, start, gradients, names)}


def clipping(gradients):
    for max_norm in [1.0, 5.0, 1000.0]:
        parameters = [torch.nn.Parameter(torch.zeros(shape)) for shape in SHAPES.values()]
        for parameter, name in zip(parameters, SHAPES):
            parameter.grad = gradients[name].clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
        yield {"max_norm": max_norm, "norm": float(norm),
               "gradients": {name: numbers(p.grad) for name, p in zip(SHAPES, parameters)}}


def schedules():
    rows = [("constant", 0, 12, {}), ("constant_with_warmup", 4, 12, {}), ("linear", 0, 10, {}), ("linear", 3, 20, {}),
            ("cosine", 0, 10, {}), ("cosine", 5, 25, {}), ("cosine_with_min_lr", 5, 25, {"min_lr_rate": .1}),
            ("inverse_sqrt", 4, 20, {}), ("inverse_sqrt", 0, 20, {}),
            ("warmup_stable_decay", 3, 20, {"num_decay_steps": 5}),
            ("warmup_stable_decay", 0, 16, {"num_decay_steps": 8, "decay_type": "linear", "min_lr_ratio": .2}),
            ("warmup_stable_decay", 2, 16, {"num_decay_steps": 6, "decay_type": "1-sqrt"}), ("linear", 12, 10, {})]
    for name, warmup, total, extra in rows:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = get_scheduler(name, optimizer, warmup, total, scheduler_specific_kwargs=dict(extra))
        factors = []
        for _ in range(total + 3):
            factors.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        yield {"name": name, "warmup_steps": warmup, "total": total, "extra": extra, "factors": factors}


def main():
    generator = torch.Generator().manual_seed(11)
    start = draw(generator)
    gradients = [draw(generator) for _ in range(STEPS)]
    for step, gradient in enumerate(gradients):  # of very different sizes
        for tensor in gradient.values():
            tensor *= math.exp(step % 4 - 2)
    golden = {
        "magic": "ondol-golden-optimizers", "version": 1, "command": "python3 tools/golden/optimizers.py",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "shapes": SHAPES, "learning_rate": RATE, "start": {n: numbers(t) for n, t in start.items()},
        "gradients": [{n: numbers(t) for n, t in g.items()} for g in gradients],
        "optimizers": list(optimizers(start, gradients)), "clipping": list(clipping(gradients[2])),
        "schedules": list(schedules()),
    }
    path = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "optimizers.json"
    path.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
