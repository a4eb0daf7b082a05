#!/usr/bin/env python3
"""What speed costs in quality, beside llama.cpp: perplexity and divergence from f32 arithmetic on the same file and tokens.

    build/peers/llama/bin/python bench/peers/quality.py [--files build/peers/files] [--types Q4_0,Q8_0] [--scale 4]
                                 [--ondol build/release/bin/ondol] [--out bench/runs/DATE-quality]

For each model file the text is cut into windows of 512 tokens; every token but the first of its window is scored, the same by
all. The reference is ondol's exact precision with f32 keys and values: the file's own weights, dequantised, in f32 arithmetic.
Against it stand ondol's fast precision with int8 and with f32 keys and values, and llama.cpp as it comes (f16 keys and values).

    ppl     perplexity                    KL      mean divergence of the reference from the program, in nats
    top-1   share of tokens whose most likely next token is the reference's
    d nll   mean of (ondol - llama.cpp) negative log-likelihood, in nats, with its 95 % interval over the tokens

The gate of a file `holds` when ondol's perplexity with f32 keys and values is at most 1.002 times llama.cpp's (whose are f16), and
its KL at most 0.002 nats (0.2 % in perplexity) above. It `fails` when KL does not, or when the whole interval of the perplexity
is above; between, the text is too short to tell: `open`, and --scale takes more of it. Exit code 1 where a gate fails. The loss
that int8 keys and values add is printed beside it, and the same judgement of them (`int8 gate`), which fails nothing: llama.cpp
has no such mode by default. The logits of a piece of the text (192 KiB a token for SmolLM2, some 2,000 tokens) stand in --scratch
meanwhile, twice.
"""
import argparse
import ctypes
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import llama_cpp as lc
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from compare import ROOT, machine  # noqa: E402

DATA = pathlib.Path(os.environ.get("ONDOL_DATA", ROOT.parent / "shared" / "data"))
# English of an encyclopedia, of a novel, and Korean sentences of newspapers: (file, bytes from its beginning, language).
TEXT = (("corpora/wiki_demo.txt", 8192, "en"), ("corpora/gatsby.txt", 5120, "en"), ("klue/dp_sentences.txt", 4096, "ko"))
PIECE = 4096  # bytes worked on at once
WINDOW = 512
ALLOWED = 0.002  # of perplexity, and in nats of divergence
VARIANTS = {"ondol int8 kv": ["--kv", "int8"], "ondol f32 kv": ["--kv", "f32"]}
ROWS = 64  # of logits worked on at once


@lc.llama_log_callback
def silent(level, text, user_data):
    pass


def pieces(scale):
    """(language, text), each up to the end of a word."""
    found = []
    for name, size, language in TEXT:
        data = (DATA / name).read_bytes()[: int(size * scale)]
        while len(data) >= PIECE // 16:  # a shorter end is left out
            piece = data[: max(data.rfind(b" ", 0, PIECE), 1)]
            found.append((language, piece.decode("utf-8", "ignore")))
            data = data[len(piece) :] if len(data) > PIECE else b""
    return found


def windows(count):
    """(begin, end) of the tokens of each window; a last one of a single token has nothing to score."""
    return [(b, min(b + WINDOW, count)) for b in range(0, count, WINDOW) if min(b + WINDOW, count) - b > 1]


def asked(command, text):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"quality: {' '.join(command)} gave code {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout)


class Ondol:
    def __init__(self, options, model, folder):
        self.common = [options.ondol, "perplexity", "-m", model, "-t", str(options.threads), "-c", str(WINDOW), "--json"]
        self.tokenize = [options.ondol, "tokenize", "-m", model, "--json"]
        self.folder = folder

    def ids(self, text):
        return asked(self.tokenize, text)["ids"]

    def logits(self, text, name, settings):
        """The rows in a file, and what the program itself says of them."""
        file = self.folder / f"{name}.f32"
        command = self.common + ["-f", "-", "--logits", str(file)] + settings
        return file, asked(command, text)


def llama_logits(options, model, ids, file):
    params = lc.llama_model_default_params()
    loaded = lc.llama_model_load_from_file(model.encode(), params)
    if not loaded:
        raise SystemExit(f"quality: llama.cpp cannot load {model}")
    settings = lc.llama_context_default_params()
    settings.n_ctx = settings.n_batch = settings.n_ubatch = WINDOW
    settings.n_threads = settings.n_threads_batch = options.threads
    context = lc.llama_init_from_model(loaded, settings)
    vocabulary = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(loaded))
    batch = lc.llama_batch_init(WINDOW, 0, 1)
    with open(file, "wb") as out:
        for begin, end in windows(len(ids)):
            lc.llama_memory_clear(lc.llama_get_memory(context), True)
            batch.n_tokens = end - begin - 1
            for i in range(batch.n_tokens):
                batch.token[i], batch.pos[i], batch.n_seq_id[i] = ids[begin + i], i, 1
                batch.seq_id[i][0], batch.logits[i] = 0, True
            if lc.llama_decode(context, batch) != 0:
                raise SystemExit("quality: llama_decode failed")
            rows = np.ctypeslib.as_array(lc.llama_get_logits(context), shape=(batch.n_tokens, vocabulary))
            out.write(rows.astype("<f4", copy=False).tobytes())
    lc.llama_batch_free(batch)
    lc.llama_free(context)
    lc.llama_model_free(loaded)
    return file


def log_softmax(rows):
    """In f32, sums in f64: an error below 1e-6 nats a token, divergences are some 1e-3."""
    rows = rows - rows.max(axis=1, keepdims=True)
    rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True, dtype=np.float64)).astype(np.float32)
    return rows


def measures(file, reference, targets):
    """Per scored token: negative log-likelihood, divergence of the reference from it, whether the first choices agree."""
    rows = np.memmap(file, "<f4", "r").reshape(len(targets), -1)
    exact = np.memmap(reference, "<f4", "r").reshape(len(targets), -1)
    nll, divergence, agree = [], [], []
    for begin in range(0, len(targets), ROWS):
        part = slice(begin, begin + ROWS)
        q, p = log_softmax(rows[part]), log_softmax(exact[part])
        nll.append(-q[np.arange(len(q)), targets[part]].astype(np.float64))
        divergence.append((np.exp(p) * (p - q)).sum(axis=1, dtype=np.float64))
        agree.append(p.argmax(axis=1) == q.argmax(axis=1))
    return {"nll": np.concatenate(nll), "kl": np.concatenate(divergence), "top1": np.concatenate(agree)}


def joined(values, language=None):
    """The measures of all pieces (of one language) one after another: {program: {measure: array}}."""
    chosen = [of for spoken, of in values if language in (None, spoken)]
    return {name: {key: np.concatenate([of[name][key] for of in chosen]) for key in chosen[0][name]} for name in chosen[0]}


def summary(values):
    kl = values["kl"]
    return {
        "perplexity": float(np.exp(values["nll"].mean())),
        "kl": float(kl.mean()),
        "kl_99_percent": float(np.quantile(kl, 0.99)),
        "top1": float(values["top1"].mean()),
    }


def verdict(difference, interval, kl):
    allowed = np.log(1 + ALLOWED)
    if kl > ALLOWED or difference - interval > allowed:
        return "fails"
    return "holds" if difference <= allowed else "open"


def beside(ours, theirs):
    differences = ours["nll"] - theirs["nll"]
    mean = float(differences.mean())
    interval = float(1.96 * differences.std(ddof=1) / np.sqrt(len(differences)))
    kl = float(ours["kl"].mean() - theirs["kl"].mean())
    return {
        "perplexity_ratio": float(np.exp(mean)),
        "nll_difference": mean,
        "nll_interval": interval,
        "kl_difference": kl,
        "kl_ratio": float(ours["kl"].mean() / max(theirs["kl"].mean(), 1e-12)),
        "gate": verdict(mean, interval, kl),
    }


def check_same(name, said, values):
    """ondol's own sum over its rows: the rows are the ones it scored."""
    if said["tokens"] != len(values["nll"]) or abs(said["nll"] - values["nll"].sum()) > 1e-4 * said["nll"]:
        raise SystemExit(f"quality: {name}: the logits give nll {values['nll'].sum():.3f}, ondol said {said}")


def measure_piece(options, model, text, folder):
    ondol = Ondol(options, model, folder)
    ids = ondol.ids(text)
    targets = np.array([token for begin, end in windows(len(ids)) for token in ids[begin + 1 : end]])
    reference, said = ondol.logits(text, "reference", ["--precision", "exact", "--kv", "f32"])
    values = {"exact": measures(reference, reference, targets)}
    check_same("exact", said, values["exact"])
    for name, settings in VARIANTS.items():
        file, said = ondol.logits(text, "rows", settings)
        values[name] = measures(file, reference, targets)
        check_same(name, said, values[name])
    values["llama.cpp"] = measures(llama_logits(options, model, ids, folder / "rows.f32"), reference, targets)
    return values


def summaries(values):
    return {
        "scored": len(values["exact"]["nll"]),
        "programs": {name: summary(of) for name, of in values.items()},
        "beside llama.cpp": {name: beside(values[name], values["llama.cpp"]) for name in VARIANTS},
        "int8 kv beside f32 kv": beside(values["ondol int8 kv"], values["ondol f32 kv"]),
    }


def measure(options, model):
    values = []
    for language, text in pieces(options.scale):
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            values.append((language, measure_piece(options, model, text, pathlib.Path(folder))))
    row = {"file": pathlib.Path(model).name, **summaries(joined(values))}
    row["languages"] = {language: summaries(joined(values, language)) for language in ("en", "ko")}
    return row


HEAD = (
    "| file | f32 ppl | ondol f32 kv: ppl, KL, top-1 | llama.cpp: ppl, KL, top-1 | ppl ratio, d nll | gate "
    "| ondol int8 kv: ppl, KL, top-1 | ppl ratio, d nll | int8 gate | int8 kv adds: nll, KL |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def line(row):
    def program(name):
        of = row["programs"][name]
        return f"{of['perplexity']:.3f}, {of['kl']:.5f}, {100 * of['top1']:.1f} %"

    def judged(name):
        of = row["beside llama.cpp"][name]
        return [f"{of['perplexity_ratio']:.4f}, {of['nll_difference']:+.4f} ± {of['nll_interval']:.4f}", of["gate"]]

    cells = [row["file"], f"{row['programs']['exact']['perplexity']:.3f}"]
    cells += [program("ondol f32 kv"), program("llama.cpp"), *judged("ondol f32 kv")]
    cells += [program("ondol int8 kv"), *judged("ondol int8 kv")]
    added = row["int8 kv beside f32 kv"]
    cells += [f"{added['nll_difference']:+.4f} ± {added['nll_interval']:.4f}, {added['kl_difference']:+.5f}"]
    return "| " + " | ".join(cells) + " |"


def write(options, report):
    if not options.out:
        return
    pathlib.Path(options.out + ".json").write_text(json.dumps(report, indent=1) + "\n")
    table = "\n".join([HEAD] + [line(row) for row in report["rows"]])
    pathlib.Path(options.out + ".md").write_text(table + "\n")


def model_files(options):
    places = [pathlib.Path(place) for place in options.files]
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.glob("*.gguf")))]
    kinds = options.types.split(",") if options.types else None
    files = [str(f) for f in files if kinds is None or f.name.split(".")[-2] in kinds]
    if not files:
        raise SystemExit(f"quality: no model file in {', '.join(options.files)}; bench/peers/make_files.py makes them")
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", nargs="+", default=[str(ROOT / "build/peers/files")], help="GGUF files, folders of them")
    parser.add_argument("--types", help="only files of these types: NAME.TYPE.gguf")
    parser.add_argument("--scale", type=float, default=1, help="so many times 17 KiB of text; intervals shrink with its root")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ondol", default=str(ROOT / "build/release/bin/ondol"))
    parser.add_argument("--scratch", default=None, help="folder for logits; default: the system's")
    parser.add_argument("--out")
    options = parser.parse_args()
    lc.llama_log_set(silent, ctypes.c_void_p(0))
    lc.llama_backend_init()
    report = {
        "date": datetime.date.today().isoformat(),
        "text": [f"{name}, {int(size * options.scale)} bytes" for name, size, _ in TEXT],
        "window": WINDOW,
        "peer": "llama-cpp-python 0.3.36, GGML_NATIVE=ON",
        "machine": machine(),
        "rows": [],
    }
    print(HEAD, flush=True)
    for model in model_files(options):
        report["rows"].append(measure(options, model))
        print(line(report["rows"][-1]), flush=True)
        write(options, report)  # an interrupted run keeps its whole rows
    failed = [row["file"] for row in report["rows"] if row["beside llama.cpp"]["ondol f32 kv"]["gate"] == "fails"]
    if failed:
        sys.exit(f"quality: the gate does not hold for {', '.join(failed)}")


if __name__ == "__main__":
    main()
