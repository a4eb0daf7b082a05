"""Goldens of src/kernels: what the gguf package makes of random quantised blocks.

Run: python tools/golden/kernels.py        (gguf 0.17 or later, numpy)
Writes tests/golden/kernels/<type>.bin: u32 number of blocks, the blocks, then the f32 values.
Some blocks have scales of zero, negative, subnormal or the largest half; none infinite or NaN.
"""
import importlib.metadata
import pathlib

import gguf
import numpy as np

BLOCKS = 24
SCALES = {  # byte offsets of the f16 scales inside a block
    "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,),
    "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,),
}
SPECIAL = [0.0, -0.0, -0.0371, 5.96e-8, -6.0e-5, 65504.0, 1.0, 0.00213]


def main() -> None:
    folder = pathlib.Path(__file__).parents[2] / "tests" / "golden" / "kernels"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20261121)
    for name, offsets in SCALES.items():
        kind = gguf.GGMLQuantizationType[name]
        _, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = rng.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
        for number, offset in enumerate(offsets):
            scales = rng.normal(0, 0.05, BLOCKS).astype(np.float16)
            for i, value in enumerate(SPECIAL):
                scales[(i + 3 * number) % BLOCKS] = value
            blocks[:, offset:offset + 2] = scales.view(np.uint8).reshape(BLOCKS, 2)
        values = gguf.dequantize(blocks, kind).astype("<f4")
        assert np.isfinite(values).all(), name
        data = np.uint32(BLOCKS).tobytes() + blocks.tobytes() + values.tobytes()
        (folder / f"{name.lower()}.bin").write_bytes(data)
    (folder / "VERSIONS").write_text(
        f"gguf {importlib.metadata.version('gguf')}, numpy {np.__version__}\n")


if __name__ == "__main__":
    main()
