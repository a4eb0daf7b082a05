"""LoRA adapters of the tiny Llama of model.py and what PEFT computes with them: tests/golden/adapters/<name>/.

    python -P tools/golden/peft.py

Each folder is a PEFT folder as save_pretrained writes it, and expected.json: ids, logits at chosen positions. The
plain one also stands there as adapter.gguf, with lora_B's query and key rows in the order of GGUF files. The base is
tests/golden/models/llama_tied (or llama_tied_f32_gguf), of `saved` llama3_untied. Needs what model.py needs, and peft.
"""

import importlib.util
import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import gguf
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
spec = importlib.util.spec_from_file_location("golden_model", Path(__file__).resolve().parent / "model.py")
base = importlib.util.module_from_spec(spec)
spec.loader.exec_module(base)
sys.path.pop(0)
from peft import LoraConfig, get_peft_model  # noqa: E402

OUT = base.OUT.parent / "adapters"
POSITIONS = [0, 1, 63, 64, 127, 199]


def tiny():
    return base.randomise(base.tiny_llama(True, {"rope_type": "default", "rope_theta": 10000.0}), 1)


def untied():
    rope = base.LLAMA3_SCALING | {"rope_theta": 500000.0}
    return base.randomise(base.tiny_llama(False, rope, bias=True), 2, rounding=torch.bfloat16)


@torch.no_grad()
def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        if "lora_magnitude" in name:
            parameter.mul_(1 + 0.2 * torch.randn(parameter.shape, generator=generator))
        elif "lora_" in name:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / parameter.shape[1] ** 0.5 * 0.3)
        elif "modules_to_save" in name:
            parameter.mul_(1 + 0.2 * torch.randn(parameter.shape, generator=generator))


def write_gguf(model, path, alpha):
    config = model.config
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, value in sorted(model.state_dict().items()):
        if ".lora_A." not in name and ".lora_B." not in name:
            continue
        module, kind = name.removeprefix("base_model.model.").removesuffix(".default.weight").rsplit(".", 1)
        array = value.numpy()
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(module.split(".")[-1])
        if heads and kind == "lora_B":
            array = base.neighbouring_pairs(array, heads).copy()
        writer.add_tensor(f"{base.gguf_name(module + '.weight')}.{kind.lower()}", array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@torch.no_grad()
def make(name, seed, config, of=tiny):
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = get_peft_model(of(), config).eval()
    randomise(model, seed)
    model.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)
    for file in folder.iterdir():
        file.chmod(0o644)
    ids = base.random_ids(seed)
    logits = model(input_ids=torch.tensor([ids])).logits[0]
    plain = of()(input_ids=torch.tensor([ids])).logits[0]
    expected = {"made_by": "tools/golden/peft.py", "versions": base.versions() | {"peft": version("peft")}, "ids": ids,
                "change": round(float((logits - plain).abs().max()), 3),
                "logits": [{"position": p, "values": base.rounded(logits[p])} for p in POSITIONS]}
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    print(name, "largest change of a logit", expected["change"])
    return model, folder


def main():
    torch.set_num_threads(1)
    model, folder = make("plain", 21, LoraConfig(
        r=4, lora_alpha=6, task_type="CAUSAL_LM",
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]))
    write_gguf(model, folder / "adapter.gguf", 6.0)
    make("rslora", 22, LoraConfig(
        r=4, lora_alpha=8, use_rslora=True, task_type="CAUSAL_LM", target_modules=["q_proj", "k_proj", "up_proj"],
        rank_pattern={"k_proj": 2, r"layers\.1\.mlp\.up_proj": 6}, alpha_pattern={"up_proj": 3}))
    make("dora", 23, LoraConfig(r=2, lora_alpha=5, use_dora=True, task_type="CAUSAL_LM",
                                target_modules=["q_proj", "k_proj", "o_proj", "up_proj", "down_proj"]))
    make("saved", 24, LoraConfig(r=2, lora_alpha=4, task_type="CAUSAL_LM", target_modules=["q_proj", "down_proj"],
                                 modules_to_save=["lm_head", "model.norm"]), of=untied)
    make("saved_tied", 25, LoraConfig(r=2, lora_alpha=4, task_type="CAUSAL_LM", target_modules=["v_proj"],
                                      modules_to_save=["embed_tokens"], ensure_weight_tying=True))


if __name__ == "__main__":
    main()
