#!/usr/bin/env python3
"""How soon ondol speaks, what it uses while nobody asks, and how much memory it takes.

    python3 bench/peers/startup.py --model smollm2.gguf [--ondol build/release/bin/ondol] [--out bench/runs/DATE-startup]

    first token   from the start of the process to the first byte of an answer to a prompt of 10 tokens, the file in the page
                  cache: median of --rounds runs; what of it is loading, and what the bare process takes
    idle          CPU time of a process that has answered and waits for its next line, over 3 seconds
    memory        peak resident memory beside file + keys and values + 60 MiB: after a short answer, and after reading a prompt
                  of --prompt tokens and writing 16
Exit code 1 where a limit is passed: 0.25 s, 1 % of a core, that memory.
"""
import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from compare import ROOT, machine, spread  # noqa: E402
from gguf_metadata import Reader  # noqa: E402

WORDS = "The ferry leaves the old north pier at nine and comes back in the late evening"
PROMPT_TOKENS = 10
IDLE_SECONDS = 3
LIMITS = {"first_token_seconds": 0.25, "idle_share": 0.01, "memory_over_bytes": 60 << 20}
PAGE_TOKENS = 64


def prompt_of(options):
    """A beginning of WORDS that has the wanted number of tokens."""
    words = WORDS.split()
    for count in range(1, len(words) + 1):
        text = " ".join(words[:count])
        command = [options.ondol, "tokenize", "-m", options.model, "--json", text]
        if len(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["ids"]) == PROMPT_TOKENS:
            return text
    raise SystemExit(f"startup: no beginning of '{WORDS}' has {PROMPT_TOKENS} tokens")


def first_token(command):
    """Seconds to the first byte on standard output, and to the end."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    first = process.stdout.read(1)
    spoken = time.perf_counter() - begin
    process.stdout.read()
    if process.wait() != 0 or not first:
        raise SystemExit(f"startup: {' '.join(command)} gave code {process.returncode}")
    return spoken, time.perf_counter() - begin


def loading(command):
    """Seconds of the profile's events on the way to the first token, by name."""
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder) / "trace.json"
        subprocess.run(command + ["--profile", str(trace)], check=True, capture_output=True)
        events = json.loads(trace.read_text())["traceEvents"]
    wanted = ("load", "tokenize", "step")
    return {name: sum(e["dur"] for e in events if e.get("name") == name) / 1e6 for name in wanted}


def measure_start(options):
    command = [options.ondol, "run", "-m", options.model, "-t", str(options.threads), "--raw", "-n", "1", prompt_of(options)]
    first_token(command)  # the file is in the page cache now
    times = [first_token(command) for _ in range(options.rounds)]
    bare = [first_token([options.ondol, "--version"])[1] for _ in range(options.rounds)]
    return {
        "first_token_seconds": spread([first for first, _ in times]),
        "process_seconds": spread([end for _, end in times]),
        "bare_process_seconds": statistics.median(bare),
        "parts_seconds": loading(command),
    }


def cpu_nanoseconds(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def peak_bytes(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def measure_idle(options):
    command = [options.ondol, "chat", "-m", options.model, "-t", str(options.threads), "--json"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    process.stdin.write("Name three colours in one line.\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    time.sleep(0.2)  # the workers' last spin
    before = cpu_nanoseconds(process.pid)
    time.sleep(IDLE_SECONDS)
    used = (cpu_nanoseconds(process.pid) - before) / 1e9
    threads = len(list(pathlib.Path(f"/proc/{process.pid}/task").iterdir()))
    peak = peak_bytes(process.pid)
    process.stdin.close()
    process.wait(timeout=30)
    return {
        "seconds": IDLE_SECONDS, "cpu_seconds": used, "share": used / IDLE_SECONDS, "threads": threads,
        "answer": answer["answer"], "peak_rss_bytes": peak,
    }  # fmt: skip


def kv_bytes_a_token(model):
    """Of int8 keys and values: a byte a number and an f32 scale a head."""
    values = {key: value for key, (_, value) in Reader(model).values.items()}
    family = values[b"general.architecture"].decode()

    def of(name, otherwise=None):
        return values.get(f"{family}.{name}".encode(), otherwise)

    width = of("attention.key_length", of("embedding_length") // of("attention.head_count"))
    return of("block_count") * of("attention.head_count_kv", of("attention.head_count")) * 2 * (width + 4)


def memory_row(options, name, peak, tokens):
    pages = (tokens + PAGE_TOKENS - 1) // PAGE_TOKENS * PAGE_TOKENS
    file, kv = os.path.getsize(options.model), pages * kv_bytes_a_token(options.model)
    return {
        "what": name, "peak_rss_bytes": peak, "file_bytes": file, "kv_bytes": kv, "over_bytes": peak - file - kv,
    }  # fmt: skip


def measure_memory(options, idle):
    command = [options.ondol, "bench", "-m", options.model, "-t", str(options.threads), "-r", "1", "--json"]
    command += ["-p", str(options.prompt), "-n", "16"]
    done = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return [
        memory_row(options, "a short answer", idle["peak_rss_bytes"], PAGE_TOKENS),
        memory_row(options, f"a prompt of {options.prompt} tokens", done["peak_rss_bytes"], options.prompt + 16),
    ]


def text_of(report):
    start, idle = report["start"], report["idle"]
    first, parts = start["first_token_seconds"], start["parts_seconds"]
    lines = [
        f"first token  {first['median']:.3f} s ({first['min']:.3f}-{first['max']:.3f}); limit {LIMITS['first_token_seconds']} s",
        f"    of it    load {parts['load']:.3f}, tokenize {parts['tokenize']:.4f}, step {parts['step']:.3f}; "
        f"bare process {start['bare_process_seconds']:.3f}; whole process {start['process_seconds']['median']:.3f}",
        f"idle         {1000 * idle['cpu_seconds']:.2f} ms of CPU in {idle['seconds']} s, {idle['threads']} threads",
    ]
    for row in report["memory"]:
        parts = [f"{row[key] / (1 << 20):.1f}" for key in ("peak_rss_bytes", "file_bytes", "kv_bytes", "over_bytes")]
        lines.append(f"memory       {row['what']}: peak {parts[0]} MiB = file {parts[1]} + kv {parts[2]} + {parts[3]}; limit 60")
    return "\n".join(lines + [f"passed over  {', '.join(report['over']) or 'nothing'}"]) + "\n"


def over(report):
    """The limits that were passed."""
    found = []
    if report["start"]["first_token_seconds"]["median"] > LIMITS["first_token_seconds"]:
        found.append("first token")
    if report["idle"]["share"] > LIMITS["idle_share"]:
        found.append("idle")
    found += [f"memory, {row['what']}" for row in report["memory"] if row["over_bytes"] > LIMITS["memory_over_bytes"]]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=2048)
    parser.add_argument("--ondol", default=str(ROOT / "build/release/bin/ondol"))
    parser.add_argument("--out")
    options = parser.parse_args()
    report = {"date": datetime.date.today().isoformat(), "file": pathlib.Path(options.model).name, "machine": machine()}
    report["start"] = measure_start(options)
    report["idle"] = measure_idle(options)
    report["memory"] = measure_memory(options, report["idle"])
    report["over"] = over(report)
    print(text_of(report), end="")
    if options.out:
        pathlib.Path(options.out + ".json").write_text(json.dumps(report, indent=1) + "\n")
        pathlib.Path(options.out + ".txt").write_text(text_of(report))
    sys.exit(1 if report["over"] else 0)


if __name__ == "__main__":
    main()
