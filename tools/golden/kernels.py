"""Goldens of src/kernels: what the gguf package makes of random quantised blocks.

Run: python tools/golden/kernels.py        (gguf 0.17 or later, numpy)
     python tools/golden/kernels.py fit    prints the coefficients of src/kernels/polynomials.h
Writes tests/golden/kernels/<type>.bin: u32 number of blocks, the blocks, then the f32 values.
Some blocks have scales of zero, negative, subnormal or the largest half; none infinite or NaN.
"""
import importlib.metadata
import math
import pathlib
import sys

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


def fit(name, function, low, high, degree, weight=lambda x: 1.0):
    """Least squares on Chebyshev nodes, reweighted (Lawson) towards the least largest error."""
    nodes = np.cos(np.pi * (np.arange(4000) + 0.5) / 4000)
    x = (low + high) / 2 + (high - low) / 2 * nodes
    y = np.array([function(v) for v in x])
    scale = np.array([weight(v) for v in x])
    powers = np.vander(x, degree + 1, increasing=True)
    lawson = scale.copy()
    for _ in range(30):
        terms = np.linalg.lstsq(powers * lawson[:, None], y * lawson, rcond=None)[0]
        error = np.abs((powers @ terms - y) * scale)
        lawson *= np.sqrt(error / error.max() + 1e-3)
        lawson /= lawson.max()
    print(name, f"error {error.max():.2e}", [float(np.float32(v)) for v in terms])


def print_fits() -> None:
    def exp_rest(r):  # (exp(r) - 1 - r) / r^2
        return sum(r**k / math.factorial(k + 2) for k in range(24))

    def erf_rest(s):  # erf(x) / x - 1, s = x^2
        series = sum((-s)**n / math.factorial(n) / (2 * n + 1) for n in range(40))
        return 2 / math.sqrt(math.pi) * series - 1

    def tanh_rest(s):  # (tanh(x) / x - 1) / s
        if s < 1e-4:
            return -1 / 3 + 2 * s / 15 - 17 * s * s / 315
        return (math.tanh(math.sqrt(s)) / math.sqrt(s) - 1) / s

    half_ln2 = math.log(2) / 2 * 1.01
    fit("kExpPoly", exp_rest, -half_ln2, half_ln2, 5)
    fit("kErfPoly", erf_rest, 0, 0.85, 6)
    fit("kErfcPoly", lambda t: math.log(math.erfc(t)), 0.9, 4.0, 7, math.erfc)
    fit("kTanhPoly", tanh_rest, 0, 0.4, 5)


if __name__ == "__main__":
    print_fits() if sys.argv[1:] == ["fit"] else main()
