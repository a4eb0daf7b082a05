"""Tiny random T5 models and what Hugging Face computes with them: tests/golden/models/t5_*/.

    python -P tools/golden/t5.py

t5_relu_tied is T5 1.0 (relu, the embedding as head), t5_gated_untied T5 1.1 (gated GELU, own head).
Each folder holds a model, gradients.safetensors (of the mean loss over the target tokens of all
pairs) and expected.json: pairs with states of the encoder, logits, loss and what greedy generation
writes. t5_buckets.json has relative_position_bucket of many distances. Needs what model.py needs.
"""

import json
import math
import shutil
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.t5.modeling_t5 import T5Attention

sys.path.append(str(Path(__file__).resolve().parent))  # behind the packages that files here are called like
from model import OUT, VOCABULARY, byte_pieces, random_ids, rounded, versions, write_byte_tokenizer  # noqa: E402

PAIRS = [(9, 6), (23, 14), (3, 1)]  # tokens of source and target
NEW_TOKENS = 30
END = byte_pieces()[0].index("<|end|>")


@torch.no_grad()
def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    names = {name for name, _ in model.named_parameters()}
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("layer_norm.weight"):
            value = 1 + 0.2 * noise
        elif name == "shared.weight":
            value = noise if "lm_head.weight" in names else 0.2 * noise
        elif "relative_attention_bias" in name:
            value = noise
        else:
            gain = 4.0 if name == "lm_head.weight" else 3.0 if name.endswith((".o.weight", ".wo.weight")) else 1.0
            value = gain * noise / math.sqrt(parameter.shape[1])
        parameter.copy_(value)
    return model.float().eval()


def tiny(untied, **kinds):
    config = transformers.T5Config(
        vocab_size=VOCABULARY, d_model=32, d_kv=8, d_ff=40, num_layers=2, num_decoder_layers=2, num_heads=3,
        relative_attention_num_buckets=8, relative_attention_max_distance=20, dropout_rate=0.0, pad_token_id=0,
        decoder_start_token_id=0, eos_token_id=END, tie_word_embeddings=not untied, **kinds)
    model = transformers.T5ForConditionalGeneration(config)
    if untied:
        model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.lm_head.weight))
    return model


def pair_of(model, index, sizes):
    source, target = random_ids(31 + index, sizes[0]), random_ids(41 + index, sizes[1] - 1) + [END]
    inputs, labels = torch.tensor([source]), torch.tensor([target])
    out = model(input_ids=inputs, labels=labels)
    loss = torch.nn.functional.cross_entropy(out.logits[0], labels[0], reduction="sum")
    with torch.no_grad():
        made = model.generate(inputs, max_new_tokens=NEW_TOKENS, do_sample=False, num_beams=1,
                              output_logits=True, return_dict_in_generate=True)
    best = torch.stack(made.logits).topk(2).values
    assert float((best[..., 0] - best[..., 1]).min()) > 1e-3, "greedy generation is too close to call"
    expected = {"source": source, "target": target, "loss": float(loss.detach()),
                "states": [rounded(row) for row in out.encoder_last_hidden_state[0].detach()[::4]],
                "logits": [rounded(row) for row in out.logits[0].detach()[::6]],
                "greedy": made.sequences[0][1:].tolist()}
    return loss, expected


def adam_losses(model, pairs, tokens):
    """The loss before each of ten steps of AdamW over all pairs."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.0)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = 0
        for pair in pairs:
            labels = torch.tensor([pair["target"]])
            logits = model(input_ids=torch.tensor([pair["source"]]), labels=labels).logits
            loss = loss + torch.nn.functional.cross_entropy(logits[0], labels[0], reduction="sum") / tokens
        loss.backward()
        optimizer.step()
        losses.append(round(float(loss.detach()), 6))
    return losses


def write(name, model):
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_byte_tokenizer(folder)
    state = {key: value.detach().contiguous() for key, value in model.named_parameters()}
    save_file(state, str(folder / "model.safetensors"), metadata={"format": "pt"})
    config = model.config.to_dict()
    config.pop("_name_or_path", None)
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    pairs = [pair_of(model, i, sizes) for i, sizes in enumerate(PAIRS)]
    tokens = sum(target for _, target in PAIRS)
    (sum(loss for loss, _ in pairs) / tokens).backward()
    gradients = {key: value.grad.contiguous() for key, value in model.named_parameters()}
    save_file(gradients, str(folder / "gradients.safetensors"))
    expected = {"made_by": "tools/golden/t5.py", "versions": versions(), "pairs": [e for _, e in pairs],
                "steps": adam_losses(model, [e for _, e in pairs], tokens)}
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    print(name, {file.name: file.stat().st_size for file in sorted(folder.iterdir())})


def write_buckets():
    distances = list(range(-300, 301)) + [-5000, -1024, 1024, 5000]
    rows = []
    for both_sides, buckets, far in [(True, 32, 128), (False, 32, 128), (True, 8, 20), (False, 8, 20), (True, 64, 256)]:
        values = T5Attention._relative_position_bucket(torch.tensor(distances), both_sides, buckets, far)
        rows.append({"both_sides": both_sides, "buckets": buckets, "distance_max": far, "values": values.tolist()})
    text = json.dumps({"made_by": "tools/golden/t5.py", "distances": distances, "rows": rows}, separators=(",", ":"))
    (OUT.parent / "t5_buckets.json").write_text(text + "\n")


def main():
    torch.set_num_threads(1)
    write("t5_relu_tied", randomise(tiny(False, feed_forward_proj="relu"), 5))
    write("t5_gated_untied", randomise(tiny(True, feed_forward_proj="gated-gelu"), 6))
    write_buckets()


if __name__ == "__main__":
    main()
