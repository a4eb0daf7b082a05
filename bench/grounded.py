#!/usr/bin/env python3
"""What answers from passages gain: guesses while writing, and a second question on passages that were read before.

    python3 bench/grounded.py --ondol build/release/bin/ondol [--rounds 2] [--json FILE]

Passages are those of the sample handbook. Guesses: answers that repeat a passage, with `--speculation lookup` and `off` in
turn; tokens/s after the first token, of answers of at least 64 tokens, and whether the tokens are equal. Second question:
time to the first token behind about 1,500 tokens of passages, before and after another question on them (`--prefix-folder`).
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

HANDBOOK = Path(__file__).resolve().parent.parent / "examples" / "handbook" / "documents"
QUESTIONS = ["What is the cooperative called?", "Which island is named first?"]


def run(args, prompt, *options):
    command = [args.ondol, "run", "--json", "-m", args.model, "-t", str(args.threads), *options, prompt]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout)


def passages():
    """A paragraph of 60 to 110 words from each document that has one."""
    for document in sorted(HANDBOOK.glob("*.md")):
        for paragraph in document.read_text(encoding="utf-8").split("\n\n"):
            if 60 <= len(paragraph.split()) <= 110 and not paragraph.startswith(("#", "|", "-")):
                yield paragraph.replace("\n", " ")
                break


def speed(answer):
    timing = answer["timing"]
    return 1000 * (answer["usage"]["completion_tokens"] - 1) / (timing["total_ms"] - timing["first_token_ms"])


def guesses(args):
    rows = []
    for passage in passages():
        prompt = "Repeat this text word for word:\n\n" + passage
        ratios, speeds = [], {"lookup": [], "off": []}
        for _ in range(args.rounds):
            both = {how: run(args, prompt, "-n", "160", "--speculation", how) for how in ("off", "lookup")}
            assert both["off"]["ids"] == both["lookup"]["ids"], "guesses changed a token"
            for how, answer in both.items():
                speeds[how].append(speed(answer))
            ratios.append(speed(both["lookup"]) / speed(both["off"]))
        if both["off"]["usage"]["completion_tokens"] >= 64:
            rows.append({"tokens": both["off"]["usage"]["completion_tokens"], "ratio": statistics.median(ratios),
                         "lookup": statistics.median(speeds["lookup"]), "off": statistics.median(speeds["off"])})
    return rows


def second_question(args):
    text = ""
    for document in sorted(HANDBOOK.glob("*.md")):
        text += document.read_text(encoding="utf-8") + "\n\n"
    text = text[:6200]
    times = []
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            both = [run(args, f"{text}\n\nQuestion: {question}", "-n", "4", "--prefix-folder", folder)
                    for question in QUESTIONS]
        times.append([answer["timing"]["first_token_ms"] for answer in both])
    return {"prompt_tokens": both[1]["usage"]["prompt_tokens"], "first_ms": statistics.median(t[0] for t in times),
            "second_ms": statistics.median(t[1] for t in times), "ratio": statistics.median(t[0] / t[1] for t in times)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ondol", default="build/release/bin/ondol")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows, second = guesses(args), second_question(args)
    ratios = sorted(row["ratio"] for row in rows)
    print(f"{len(rows)} answers of at least 64 tokens: {statistics.median(r['lookup'] for r in rows):.0f} tokens/s with guesses, "
          f"{statistics.median(r['off'] for r in rows):.0f} without; ratio {statistics.median(ratios):.2f} "
          f"({ratios[0]:.2f}-{ratios[-1]:.2f})")
    print(f"first token behind {second['prompt_tokens']} tokens: {second['first_ms']:.0f} ms, second question "
          f"{second['second_ms']:.0f} ms; ratio {second['ratio']:.1f}")
    if args.json:
        args.json.write_text(json.dumps({"threads": args.threads, "guesses": rows, "second_question": second}, indent=1) + "\n")


if __name__ == "__main__":
    main()
