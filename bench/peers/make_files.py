#!/usr/bin/env python3
"""Model files of every weight type for the speed comparison, made by llama.cpp's own quantiser so that both sides read the
same bytes.

    build/peers/llama/bin/python bench/peers/make_files.py --from smollm2.Q4_1.gguf [--to build/peers/files] [--types Q4_0,BF16]
    build/peers/llama/bin/python bench/peers/make_files.py --from smollm2.Q4_1.gguf --shape qwen2.5-0.5b --types Q4_0,Q4_K

With --shape the files have that model's shape and random weights (shapes.py), and of --from only the tokenizer; the f16 file that
the others are made from stays (qwen2.5-0.5b: 1.0 GB, llama-3.2-1b: 2.5 GB). compare.py measures any of them.

The source is already quantised: the files are for speed and for agreement between programs, not for quality. Rows that are no
multiple of 256 fall back to 32-blocks as llama.cpp does it (Q4_K: Q5_0, Q5_K: Q5_1, Q6_K: Q8_0).
"""
import argparse
import ctypes
import pathlib

import llama_cpp as lc

import shapes

TYPES = {
    "Q4_0": lc.LLAMA_FTYPE_MOSTLY_Q4_0,
    "Q5_0": lc.LLAMA_FTYPE_MOSTLY_Q5_0,
    "Q5_1": lc.LLAMA_FTYPE_MOSTLY_Q5_1,
    "Q8_0": lc.LLAMA_FTYPE_MOSTLY_Q8_0,
    "Q4_K": lc.LLAMA_FTYPE_MOSTLY_Q4_K_M,
    "Q5_K": lc.LLAMA_FTYPE_MOSTLY_Q5_K_M,
    "Q6_K": lc.LLAMA_FTYPE_MOSTLY_Q6_K,
    "F16": lc.LLAMA_FTYPE_MOSTLY_F16,
    "BF16": lc.LLAMA_FTYPE_MOSTLY_BF16,
}


@lc.llama_log_callback
def silent(level, text, user_data):
    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--to", default="build/peers/files")
    parser.add_argument("--types", default=",".join(TYPES))
    parser.add_argument("--shape", choices=shapes.SHAPES)
    options = parser.parse_args()
    folder = pathlib.Path(options.to)
    folder.mkdir(parents=True, exist_ok=True)
    lc.llama_log_set(silent, ctypes.c_void_p(0))
    source, name = options.source, pathlib.Path(options.source).name.split(".")[0]
    if options.shape:
        name = options.shape
        source = str(folder / f"{name}.F16.gguf")
        if not pathlib.Path(source).exists():
            shapes.make(name, options.source, source)
            print(source)
    for kind in options.types.split(","):
        target = folder / f"{name}.{kind}.gguf"
        if target.exists():
            continue
        params = lc.llama_model_quantize_default_params()
        params.ftype = TYPES[kind]
        params.allow_requantize = True
        params.nthread = 2
        part = folder / f"{name}.{kind}.part"
        status = lc.llama_model_quantize(source.encode(), str(part).encode(), ctypes.byref(params))
        if status != 0:
            raise SystemExit(f"make_files: {kind}: llama.cpp's quantiser gave {status}")
        part.rename(target)
        print(target)


if __name__ == "__main__":
    main()
