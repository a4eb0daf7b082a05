#!/usr/bin/env python3
"""ondol and llama.cpp side by side on this machine: the same file, threads and shapes, in turn, medians and ratios.

    bench/peers/setup.sh llama
    python3 bench/peers/compare.py --file smollm2.gguf [--rounds 5] [--threads 2] [--only prefill-512,decode-1]
                                   [--ondol build/release/bin/ondol] [--out bench/runs/DATE-NAME]

Each round measures every row once with each program (ours, theirs), so that a slow minute hits both. A row's ratio is the
median of the rounds' ratios. llama.cpp runs with flash attention on or off, whichever is faster for the row. --out writes
.json (raw data, machine, versions) and .md (the table).
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# name: what is asked of both
ROWS = {
    "prefill-512": {"prefill": 512},
    "prefill-2048": {"prefill": 2048},
    "decode-1": {"decode": 64, "depth": 1, "sequences": 1},
    "decode-4": {"decode": 32, "depth": 128, "sequences": 4},
    "decode-16": {"decode": 32, "depth": 128, "sequences": 16},
    "decode-depth-4096": {"decode": 32, "depth": 4096, "sequences": 1},
}
DEFAULT_ROWS = "prefill-512,prefill-2048,decode-1,decode-16,decode-depth-4096"


class Worker:
    """A peer's process that takes one JSON order a line."""

    def __init__(self, python, script):
        self.process = subprocess.Popen(
            [str(python), str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"compare: the peer ended while it worked on {order}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def ondol_rate(program, model, threads, row):
    command = [program, "bench", "-m", model, "-t", str(threads), "-r", "1", "--json"]
    if "prefill" in row:
        command += ["-p", str(row["prefill"]), "-n", "1"]
    else:
        command += ["-p", "1", "-n", str(row["decode"]), "-d", str(row["depth"]), "-s", str(row["sequences"])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result = json.loads(done.stdout)
    kind = "prefill" if "prefill" in row else "decode"
    return result[kind]["tokens_per_second"]["median"], result["peak_rss_bytes"]


def machine():
    with open("/proc/cpuinfo") as text:
        info = dict(line.split(":", 1) for line in text.read().split("\n\n")[0].splitlines() if ":" in line)
    info = {k.strip(): v.strip() for k, v in info.items()}
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
    return {
        "cpu": info.get("model name"),
        "family_model": f"{info.get('cpu family')}/{info.get('model')}",
        "features": [flag for flag in wanted if flag in info.get("flags", "").split()],
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "kernel": platform.release(),
    }


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "all": values}


def table(report):
    lines = [
        f"| {report['file']}, {report['threads']} threads | ondol | llama.cpp | ratio (min to max of {report['rounds']} rounds) |",
        "|---|---|---|---|",
    ]
    for name, row in report["rows"].items():
        ours, theirs, ratio = row["ondol"], row["llama.cpp"], row["ratio"]
        lines.append(
            f"| {name} | {ours['median']:,.0f} ({ours['min']:,.0f}-{ours['max']:,.0f}) "
            f"| {theirs['median']:,.0f} ({theirs['min']:,.0f}-{theirs['max']:,.0f}) "
            f"| {ratio['median']:.2f} ({ratio['min']:.2f}-{ratio['max']:.2f}) |"
        )
    return "\n".join(lines) + "\n"


def order_of(options, name, flash):
    return {"model": options.file, "threads": options.threads, "flash": flash, **ROWS[name]}


def better_flash(options, worker, name):
    """llama.cpp with flash attention off (0) or on (1), whichever is faster for this row."""
    rate = {flash: worker.ask(order_of(options, name, flash))["tokens_per_second"] for flash in (0, 1)}
    return max(rate, key=rate.get)


def summarize(rates):
    rows = {}
    for name, both in rates.items():
        ratios = [a / b for a, b in zip(both["ondol"], both["llama.cpp"])]
        rows[name] = {"ondol": spread(both["ondol"]), "llama.cpp": spread(both["llama.cpp"]), "ratio": spread(ratios)}
    return rows


def write(options, report):
    if not options.out:
        return
    pathlib.Path(options.out + ".json").write_text(json.dumps(report, indent=1) + "\n")
    pathlib.Path(options.out + ".md").write_text(table(report))


def measure(options, worker, report):
    names = options.only.split(",")
    report["flash"] = {name: better_flash(options, worker, name) for name in names}
    rates = {name: {"ondol": [], "llama.cpp": []} for name in names}
    report["ondol_peak_rss_bytes"] = 0
    for turn in range(options.rounds):
        for name in names:
            ours, rss = ondol_rate(options.ondol, options.file, options.threads, ROWS[name])
            theirs = worker.ask(order_of(options, name, report["flash"][name]))["tokens_per_second"]
            rates[name]["ondol"].append(ours)
            rates[name]["llama.cpp"].append(theirs)
            report["ondol_peak_rss_bytes"] = max(report["ondol_peak_rss_bytes"], rss)
            print(f"round {turn + 1} {name}: {ours:,.1f} / {theirs:,.1f} = {ours / theirs:.2f}", file=sys.stderr, flush=True)
        report["rounds"] = turn + 1
        report["rows"] = summarize(rates)
        write(options, report)  # an interrupted run keeps its whole rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", "--model", dest="file", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default=DEFAULT_ROWS)
    parser.add_argument("--ondol", default=str(ROOT / "build/release/bin/ondol"))
    parser.add_argument("--python", default=str(ROOT / "build/peers/llama/bin/python"))
    parser.add_argument("--out")
    options = parser.parse_args()
    worker = Worker(options.python, ROOT / "bench/peers/llama_worker.py")
    report = {
        "date": datetime.date.today().isoformat(),
        "file": pathlib.Path(options.file).name,
        "bytes": os.path.getsize(options.file),
        "threads": options.threads,
        "rounds": 0,
        "peer": "llama-cpp-python 0.3.36, GGML_NATIVE=ON",
        "machine": machine(),
    }
    measure(options, worker, report)
    worker.close()
    print(table(report))


if __name__ == "__main__":
    main()
