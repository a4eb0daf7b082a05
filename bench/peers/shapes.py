"""Model files of other models' shapes with random weights: what speed depends on is there, what they say means nothing.

The file is a GGUF of architecture `llama` in f16 that ondol and llama.cpp both load. Its tokenizer is that of a real file,
padded with unused tokens to the shape's vocabulary. Weights are normal, of deviation 0.02 (norms: 1), seeded by tensor, and
written in pieces: memory stays small for any shape.
"""
import math
import pathlib
import struct

import numpy as np

from gguf_metadata import ARRAY, FLOAT, SCALARS, STRING, U32, Reader

SHAPES = {
    "qwen2.5-0.5b": dict(width=896, layers=24, heads=14, kv_heads=2, mlp=4864, vocabulary=151936, rope=1e6, context=32768),
    "llama-3.2-1b": dict(width=2048, layers=16, heads=32, kv_heads=8, mlp=8192, vocabulary=128256, rope=5e5, context=131072),
}
DEVIATION = 0.02
PIECE = 1 << 22  # values made at once
ALIGNMENT = 32
UNUSED = 5  # a token's type
F32, F16 = 0, 1


def packed_string(text):
    return struct.pack("<Q", len(text)) + text


def packed_value(kind, value):
    if kind == STRING:
        return packed_string(value)
    if kind == ARRAY:
        element, items = value
        return struct.pack("<IQ", element, len(items)) + b"".join(packed_value(element, item) for item in items)
    return struct.pack("<" + SCALARS[kind], value)


def metadata_of(source, name, shape):
    tokenizer = {key: value for key, value in Reader(source).values.items() if key.startswith(b"tokenizer.")}
    kind, (element, tokens) = tokenizer[b"tokenizer.ggml.tokens"]
    extra = shape["vocabulary"] - len(tokens)
    if extra < 0:
        raise SystemExit(f"shapes: {source} has {len(tokens)} tokens, {name} only {shape['vocabulary']}")
    unused = [f"<|unused_{i}|>".encode() for i in range(extra)]
    tokenizer[b"tokenizer.ggml.tokens"] = (kind, (element, tokens + unused))
    kind, (element, types) = tokenizer[b"tokenizer.ggml.token_type"]
    tokenizer[b"tokenizer.ggml.token_type"] = (kind, (element, types + [UNUSED] * extra))
    head_width = shape["width"] // shape["heads"]
    return {
        b"general.architecture": (STRING, b"llama"),
        b"general.name": (STRING, f"{name}, random weights".encode()),
        b"general.file_type": (U32, F16),
        b"llama.block_count": (U32, shape["layers"]),
        b"llama.context_length": (U32, shape["context"]),
        b"llama.embedding_length": (U32, shape["width"]),
        b"llama.feed_forward_length": (U32, shape["mlp"]),
        b"llama.attention.head_count": (U32, shape["heads"]),
        b"llama.attention.head_count_kv": (U32, shape["kv_heads"]),
        b"llama.rope.freq_base": (FLOAT, shape["rope"]),
        b"llama.rope.dimension_count": (U32, head_width),
        b"llama.attention.layer_norm_rms_epsilon": (FLOAT, 1e-5),
        b"llama.vocab_size": (U32, shape["vocabulary"]),
        **tokenizer,
    }


def tensors_of(shape):
    """(name, dimensions with the row's length first, type) in the order of the file."""
    width, mlp = shape["width"], shape["mlp"]
    kv = width // shape["heads"] * shape["kv_heads"]
    tensors = [("output_norm.weight", (width,), F32), ("token_embd.weight", (width, shape["vocabulary"]), F16)]
    matrices = {
        "attn_q": (width, width), "attn_k": (width, kv), "attn_v": (width, kv), "attn_output": (width, width),
        "ffn_gate": (width, mlp), "ffn_up": (width, mlp), "ffn_down": (mlp, width),
    }  # fmt: skip
    for layer in range(shape["layers"]):
        tensors += [(f"blk.{layer}.{norm}.weight", (width,), F32) for norm in ("attn_norm", "ffn_norm")]
        tensors += [(f"blk.{layer}.{matrix}.weight", size, F16) for matrix, size in matrices.items()]
    return tensors


def aligned(size):
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def bytes_of(size, kind):
    return math.prod(size) * (2 if kind == F16 else 4)


def write_header(out, metadata, tensors):
    out.write(struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata)))
    for key, (kind, value) in metadata.items():
        out.write(packed_string(key) + struct.pack("<I", kind) + packed_value(kind, value))
    offset = 0
    for name, size, kind in tensors:
        out.write(packed_string(name.encode()) + struct.pack(f"<I{len(size)}QIQ", len(size), *size, kind, offset))
        offset += aligned(bytes_of(size, kind))


def write_values(out, seed, size, kind):
    if kind == F32:
        out.write(np.ones(size, "<f4").tobytes())
        return
    random = np.random.default_rng(seed)
    left = math.prod(size)
    while left:
        piece = random.standard_normal(min(left, PIECE), np.float32) * np.float32(DEVIATION)
        out.write(piece.astype("<f2").tobytes())
        left -= len(piece)


def make(name, source, target, seed=1):
    """Writes the shape's f16 file; `source` is any GGUF file whose tokenizer both programs read."""
    shape = SHAPES[name]
    metadata, tensors = metadata_of(source, name, shape), tensors_of(shape)
    part = pathlib.Path(target).with_suffix(".part")
    with open(part, "wb") as out:
        write_header(out, metadata, tensors)
        for index, (_, size, kind) in enumerate(tensors):
            out.write(bytes(aligned(out.tell()) - out.tell()))
            write_values(out, (seed, index), size, kind)
    part.rename(target)
