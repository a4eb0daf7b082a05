#!/usr/bin/env python3
"""Golden files of the room io, written by the reference packages of both formats.

    python tools/golden/io.py            # tests/golden/io*.{gguf,safetensors,json}
    python tools/golden/io.py --corpus   # tests/fuzz_corpus/{gguf,safetensors,shard_index}/*

Needs the packages gguf, safetensors, numpy, torch (versions are written into io.json). Deterministic.
"""
import argparse
import hashlib
import json
import pathlib
import struct
from importlib.metadata import version

import gguf
import numpy as np
import safetensors.torch
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"
CORPUS = ROOT / "tests" / "fuzz_corpus"
Q = gguf.GGMLQuantizationType
V = gguf.GGUFValueType
# (type, bytes a block); elements of the K types cannot be quantised by the package: any bytes do.
K_TYPES = [(Q.Q4_K, 144), (Q.Q5_K, 176), (Q.Q6_K, 210)]
SCALARS = {
    "t.u8": (200, V.UINT8), "t.i8": (-100, V.INT8), "t.u16": (60000, V.UINT16), "t.i16": (-30000, V.INT16),
    "t.u32": (4000000000, V.UINT32), "t.i32": (-2000000000, V.INT32), "t.f32": (0.5, V.FLOAT32),
    "t.bool_true": (True, V.BOOL), "t.bool_false": (False, V.BOOL), "t.string": ("온돌 ondol", V.STRING),
    "t.empty_string": ("", V.STRING), "t.u64": (2**64 - 1, V.UINT64), "t.i64": (-(2**63), V.INT64),
    "t.f64": (0.1, V.FLOAT64),
}
ARRAYS = {
    "a.u8": ([0, 255], V.UINT8), "a.i8": ([-128, 127], V.INT8), "a.u16": ([0, 65535], V.UINT16),
    "a.i16": ([-32768, 32767], V.INT16), "a.u32": ([0, 2**32 - 1], V.UINT32), "a.i32": ([-(2**31), 7], V.INT32),
    "a.f32": ([0.25, -1.5], V.FLOAT32), "a.bool": ([True, False, True], V.BOOL),
    "a.string": (["a", "", "돌", "x" * 300], V.STRING), "a.u64": ([0, 2**63 - 1], V.UINT64),
    "a.i64": ([-(2**63), 2**63 - 1], V.INT64), "a.f64": ([0.1, 1e300], V.FLOAT64),
}


def add_pairs(writer, scalars, arrays):
    for key, (value, kind) in scalars.items():
        writer.add_key_value(key, value, kind)
    for key, (value, kind) in arrays.items():
        writer.add_key_value(key, value, V.ARRAY, sub_type=kind)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(names):
    """name -> (numpy array as the gguf package wants it, raw type or None, row-major shape)"""
    rng = np.random.default_rng(7)
    table = {
        "f32": (rng.standard_normal((3, 5)).astype(np.float32), None, [3, 5]),
        "f16": (rng.standard_normal((2, 3, 4)).astype(np.float16), None, [2, 3, 4]),
        "f64": (rng.standard_normal(3), None, [3]),
        "i8": (np.arange(-4, 4, dtype=np.int8), None, [8]),
        "i16": (np.arange(6, dtype=np.int16).reshape(2, 3), None, [2, 3]),
        "i32": (np.arange(4, dtype=np.int32).reshape(1, 2, 2, 1), None, [1, 2, 2, 1]),
        "i64": (np.arange(5, dtype=np.int64), None, [5]),
    }
    bf16 = rng.standard_normal((2, 4)).astype(np.float32)
    table["bf16"] = (gguf.quants.quantize(bf16, Q.BF16), Q.BF16, [2, 4])
    for kind in (Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q8_0):
        table[kind.name.lower()] = (gguf.quants.quantize(rng.standard_normal((2, 64)).astype(np.float32), kind), kind, [2, 64])
    for kind, size in K_TYPES:
        table[kind.name.lower()] = (rng.integers(0, 256, (2, size), dtype=np.uint8), kind, [2, 256])
    return {name: table[name] for name in names or table}


def write_gguf(path, scalars, arrays, names=None, alignment=None, no_tensors=False):
    writer = gguf.GGUFWriter(path, "llama")
    if alignment:
        writer.add_custom_alignment(alignment)
    add_pairs(writer, scalars, arrays)
    rows = {} if no_tensors else tensors(names)
    for name, (array, kind, _) in rows.items():
        writer.add_tensor(name, array, raw_dtype=kind)
    finish(writer)
    return {
        name: {"dtype": name, "shape": shape, "sha256": hashlib.sha256(array.tobytes()).hexdigest()}
        for name, (array, _, shape) in rows.items()
    }


def torch_tensors():
    generator = torch.Generator().manual_seed(7)
    table = {
        "f32": torch.randn(3, 5, generator=generator),
        "f16": torch.randn(2, 3, generator=generator).half(),
        "bf16": torch.randn(4, generator=generator).bfloat16(),
        "f64": torch.randn(2, generator=generator, dtype=torch.float64),
        "i8": torch.arange(-3, 3, dtype=torch.int8), "i16": torch.arange(3, dtype=torch.int16),
        "i32": torch.arange(3, dtype=torch.int32), "i64": torch.arange(3),
        "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4),
    }
    aside = {"bool": torch.tensor([True, False]), "u8": torch.arange(5, dtype=torch.uint8),
             "f8_e4m3": torch.ones(3, dtype=torch.float8_e4m3fn)}
    return table, aside


def raw_bytes(tensor):
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def write_golden():
    expected = {"made_by": "tools/golden/io.py", "versions": {p: version(p) for p in ("gguf", "safetensors", "numpy", "torch")}}
    expected["gguf"] = write_gguf(GOLDEN / "io.gguf", SCALARS, ARRAYS)
    table, aside = torch_tensors()
    safetensors.torch.save_file({**table, **aside}, GOLDEN / "io.safetensors", {"format": "pt", "문": "값"})
    names = {"scalar": "f32", "empty": "f32"}
    expected["safetensors"] = {
        name: {"dtype": names.get(name, name), "shape": list(t.shape), "sha256": hashlib.sha256(raw_bytes(t)).hexdigest()}
        for name, t in table.items()
    }
    expected["unreadable"] = sorted(["BOOL", "U8", "F8_E4M3"])
    (GOLDEN / "io.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


def nested_array(writer_path):
    """An array of arrays, written by hand: [[1, 2], []] of u32, and ["a"] of strings."""
    string = lambda text: struct.pack("<Q", len(text)) + text
    head = lambda kind, count: struct.pack("<IQ", kind, count)
    value = head(9, 2) + head(4, 2) + struct.pack("<II", 1, 2) + head(4, 0)
    pairs = string(b"nested") + struct.pack("<I", 9) + value
    pairs += string(b"strings") + struct.pack("<I", 9) + head(8, 1) + string(b"a")
    writer_path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + pairs)


def write_corpus():
    folder = CORPUS / "gguf"
    folder.mkdir(parents=True, exist_ok=True)
    few = {key: (value[:2], kind) for key, (value, kind) in ARRAYS.items()}
    write_gguf(folder / "all_kinds", SCALARS, few, ["f32", "i8"])
    write_gguf(folder / "vocabulary_only", {}, few, no_tensors=True)
    write_gguf(folder / "blocks", {}, {}, ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "bf16", "f16"])
    write_gguf(folder / "k_blocks", {}, {}, ["q4_k", "q5_k", "q6_k", "i32"])
    write_gguf(folder / "alignment_64", {}, {}, ["f32", "i64", "i16", "f64"], alignment=64)
    nested_array(folder / "nested")
    (folder / "version_2").write_bytes((folder / "nested").read_bytes().replace(b"GGUF\3", b"GGUF\2", 1))
    folder = CORPUS / "safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    table, aside = torch_tensors()
    safetensors.torch.save_file(table, folder / "readable", {"format": "pt"})
    safetensors.torch.save_file({**aside, "f32": table["f32"]}, folder / "unreadable")
    safetensors.torch.save_file({"empty": table["empty"], "scalar": table["scalar"]}, folder / "odd_shapes")
    safetensors.torch.save_file({}, folder / "nothing", {"a": "b"})
    folder = CORPUS / "shard_index"
    folder.mkdir(parents=True, exist_ok=True)
    index = {"metadata": {"total_size": 8}, "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "two_shards").write_text(json.dumps(index, indent=2))
    (folder / "outside").write_text(json.dumps({"weight_map": {"a": "../other.safetensors"}}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", action="store_true")
    if parser.parse_args().corpus:
        write_corpus()
    else:
        write_golden()
