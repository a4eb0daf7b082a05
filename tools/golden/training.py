"""Adapters of the tiny models of model.py while they are trained, by PEFT and PyTorch: tests/golden/training/<name>/.

    python -P tools/golden/training.py

lora, rslora, dora, pissa, bert: start/ is the PEFT folder the training begins with (lora_B not zero), expected.json the batches, the
loss of every step and the settings, golden.safetensors the gradients of the first step ("gradient.") and the adapter after ten steps
of AdamW ("after."). pissa also has converted/: what PEFT makes of the trained adapter for the unchanged base.
run: a whole run on rows of text as a plain PyTorch loop makes it: the tokens and masks, and loss, gradient norm and learning rate of
every step. Needs what peft.py needs.
"""

import importlib.util
import json
import math
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).resolve().parent))
spec = importlib.util.spec_from_file_location("golden_model", Path(__file__).resolve().parent / "model.py")
base = importlib.util.module_from_spec(spec)
spec.loader.exec_module(base)
sys.path.pop(0)
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict  # noqa: E402

OUT = base.OUT.parent / "training"
STEPS = 10
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def tiny_llama():
    return base.randomise(base.tiny_llama(True, {"rope_type": "default", "rope_theta": 10000.0}), 1)


def tiny_bert():
    return base.randomise(transformers.BertModel(transformers.BertConfig(
        vocab_size=base.VOCABULARY, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=160, layer_norm_eps=1e-12, hidden_act="gelu", attn_implementation="eager"),
        add_pooling_layer=False), 3)


@torch.no_grad()
def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        if "lora_magnitude" in name:
            parameter.mul_(1 + 0.1 * torch.randn(parameter.shape, generator=generator))
        elif "lora_" in name:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / parameter.shape[1] ** 0.5 * 0.3)


def write_peft(model, folder, **options):
    model.save_pretrained(str(folder), **options)
    for file in folder.iterdir():
        if file.is_file():
            file.chmod(0o644)
    (folder / "README.md").unlink(missing_ok=True)


def tensors(model, values, prefix):
    """Values by parameter name, under the names of PEFT's files."""
    state = get_peft_model_state_dict(model, state_dict={n: values[n] for n in values})
    return {f"{prefix}.{name}": value.detach().clone().contiguous() for name, value in state.items()}


def trainable(model):
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def groups(model, decay):
    values = trainable(model).values()
    return [{"params": [p for p in values if p.ndim > 1], "weight_decay": decay},
            {"params": [p for p in values if p.ndim <= 1], "weight_decay": 0.0}]


def sequences(seed):
    """Ids, and the target behind each token; -100: none."""
    made = []
    for i, count in enumerate([23, 14]):
        ids = base.random_ids(seed + i, count)
        targets = ids[1:] + [-100]
        targets[: count // 3] = [-100] * (count // 3)
        made.append({"ids": ids, "targets": targets})
    return made


def causal_loss(model, batch):
    total, count = 0.0, sum(t != -100 for s in batch for t in s["targets"])
    for s in batch:
        logits = model(input_ids=torch.tensor([s["ids"]])).logits[0]
        total = total + torch.nn.functional.cross_entropy(logits, torch.tensor(s["targets"]), ignore_index=-100,
                                                          reduction="sum")
    return total / count


def weighted_states(model, batch):
    """A loss of an encoder: its states times fixed numbers."""
    total = 0.0
    for s in batch:
        states = model(input_ids=torch.tensor([s["ids"]])).last_hidden_state[0]
        weights = (torch.arange(states.numel()) * 7919 % 1000).float() / 1000 - 0.5
        total = total + (states * weights.reshape(states.shape)).sum() / 10
    return total


def write(folder, expected, values):
    head = {"made_by": "tools/golden/training.py", "versions": base.versions() | {"peft": version("peft")}}
    (folder / "expected.json").write_text(json.dumps(head | expected, separators=(",", ":")) + "\n")
    if values:
        save_file(values, str(folder / "golden.safetensors"), metadata={"format": "pt"})


def fresh(name):
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def steps(name, model, loss_of, seed, rate=2e-3, decay=0.01):
    folder = fresh(name)
    batches = [sequences(seed + 10 * i) for i in range(3)]
    write_peft(model, folder / "start")
    optimizer = torch.optim.AdamW(groups(model, decay), lr=rate, foreach=False)
    losses, values = [], {}
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, batches[step % 3])
        loss.backward()
        if step == 0:
            values |= tensors(model, {n: p.grad for n, p in trainable(model).items()}, "gradient")
        losses.append(float(loss))
        optimizer.step()
    values |= tensors(model, trainable(model), "after")
    write(folder, {"learning_rate": rate, "weight_decay": decay, "batches": batches, "losses": losses}, values)
    print(name, [round(x, 4) for x in losses])
    return folder


def variant(name, seed, **config):
    model = get_peft_model(tiny_llama(), LoraConfig(task_type="CAUSAL_LM", **config)).eval()
    randomise(model, seed)
    steps(name, model, causal_loss, seed)


def pissa():
    config = LoraConfig(r=3, lora_alpha=6, task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj", "down_proj"],
                        init_lora_weights="pissa")
    model = get_peft_model(tiny_llama(), config).eval()
    for parameter in trainable(model).values():
        parameter.data = parameter.data.contiguous()
    first = OUT / "first"
    model.peft_config["default"].init_lora_weights = True  # as PEFT's example does before it is saved
    write_peft(model, first)
    model.peft_config["default"].init_lora_weights = "pissa"
    folder = steps("pissa", model, causal_loss, 54)
    write_peft(model, folder / "converted", path_initial_model_for_weight_conversion=str(first))
    shutil.rmtree(first)


# ---- a whole run ----

ROWS = 8
RATE, WARMUP, DECAY, CLIP, TOTAL, MICRO = 5e-3, 3, 0.01, 0.5, 10, 4


def run_rows():
    words = ["the floor", "hello world", "and the", "warming", "a stone", "world", "hello", "the end"]
    return [{"prompt": f"say {word} {i}:", "completion": f" {word} is {i * 3}"} for i, word in enumerate(words)]


def run():
    folder = fresh("run")
    model = get_peft_model(tiny_llama(), LoraConfig(
        r=2, lora_alpha=4, task_type="CAUSAL_LM", target_modules=LINEARS)).eval()
    torch.manual_seed(7)
    for name, parameter in trainable(model).items():  # as PEFT begins: lora_B is zero
        if "lora_A" in name:
            torch.nn.init.kaiming_uniform_(parameter, a=math.sqrt(5))
    write_peft(model, folder / "start")
    tokenizer = base.tokenizers.Tokenizer.from_file(str(base.OUT / "llama_tied" / "tokenizer.json"))
    end = tokenizer.token_to_id("<|end|>")
    examples = []
    for row in run_rows():
        prompt = tokenizer.encode(row["prompt"], add_special_tokens=False).ids
        ids = tokenizer.encode(row["prompt"] + row["completion"], add_special_tokens=False).ids + [end]
        assert ids[: len(prompt)] == prompt
        targets = [-100] * (len(prompt) - 1) + ids[len(prompt):] + [-100]
        examples.append({"ids": ids, "targets": targets})
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in run_rows()))
    optimizer = torch.optim.AdamW(groups(model, DECAY), lr=RATE, foreach=False)
    scheduler = transformers.get_scheduler("linear", optimizer, WARMUP, TOTAL)
    labels = sum(t != -100 for s in examples for t in s["targets"])
    log = []
    for _ in range(TOTAL):
        optimizer.zero_grad()
        total = 0.0
        for begin in range(0, ROWS, MICRO):  # micro-batches, normalised by the label tokens of the whole step
            batch = examples[begin: begin + MICRO]
            count = sum(t != -100 for s in batch for t in s["targets"])
            loss = causal_loss(model, batch) * count / labels
            loss.backward()
            total += float(loss)
        norm = float(torch.nn.utils.clip_grad_norm_(trainable(model).values(), CLIP))
        log.append({"loss": total, "grad_norm": norm, "learning_rate": scheduler.get_last_lr()[0]})
        optimizer.step()
        scheduler.step()
    write(folder, {"learning_rate": RATE, "warmup_steps": WARMUP, "weight_decay": DECAY, "max_grad_norm": CLIP,
                   "per_device_train_batch_size": MICRO, "gradient_accumulation_steps": ROWS // MICRO,
                   "examples": examples, "log": log}, tensors(model, trainable(model), "after"))
    print("run", [(round(s["loss"], 4), round(s["grad_norm"], 3)) for s in log])


def main():
    torch.set_num_threads(1)
    shutil.rmtree(OUT, ignore_errors=True)
    variant("lora", 51, r=2, lora_alpha=3, target_modules=LINEARS)
    variant("rslora", 52, r=2, lora_alpha=3, use_rslora=True, target_modules=["k_proj", "o_proj", "up_proj"],
            rank_pattern={r"layers\.1\.mlp\.up_proj": 4}, alpha_pattern={"o_proj": 5})
    variant("dora", 53, r=2, lora_alpha=3, use_dora=True, target_modules=LINEARS)
    pissa()
    bert = get_peft_model(tiny_bert(), LoraConfig(r=2, lora_alpha=3, target_modules=["query", "value", "dense"])).eval()
    randomise(bert, 55)
    steps("bert", bert, weighted_states, 55)
    run()


if __name__ == "__main__":
    main()
