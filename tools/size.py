#!/usr/bin/env python3
"""Prints lines per room and what changed against a revision, and lists files over 400 and functions over 50 lines.

    tools/size.py [REVISION]     default: the last commit of main

Growth is allowed; unseen growth is not.
"""
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE_LINES_SOFT, FUNCTION_LINES_SOFT = 400, 50


def sources(paths):
    return [p for p in paths if p.endswith((".h", ".cpp", ".inc")) and p.startswith("src/")]


def room(path):
    return path.split("/")[1]


def is_test(path):
    return path.endswith(("_test.cpp", "_fuzz.cpp"))


def git(*arguments):
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False).stdout


def lines_now():
    count = {}
    for path in sources(git("ls-files", "--cached", "--others", "--exclude-standard").split()):
        file = ROOT / path
        if file.exists():
            count[path] = len(file.read_text(encoding="utf-8").splitlines())
    return count


def lines_then(revision):
    count = {}
    for path in sources(git("ls-tree", "-r", "--name-only", revision).split()):
        count[path] = git("show", f"{revision}:{path}").count("\n")
    return count


CONTROL = re.compile(r"(?:\}\s*)?(?:if|else|for|while|switch|catch|do|namespace|class|struct|enum|union|return)\b")


def long_functions(path):
    """A function is a block whose opening line ends in '{' after a parameter list; it ends at '}' of its own indent."""
    open_blocks = {}  # indent -> (line number, text)
    for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        text = line.strip()
        if text in ("}", "};", "});") and indent in open_blocks:
            begin, first = open_blocks.pop(indent)
            if number - begin + 1 > FUNCTION_LINES_SOFT:
                yield number - begin + 1, (begin, first)
        # Deeper blocks that were never closed at their own indent were something else.
        open_blocks = {at: block for at, block in open_blocks.items() if at <= indent or not text}
        if re.search(r"\)[^;()]*\{$", text) and not CONTROL.match(text):
            open_blocks[indent] = (number, text)


def main():
    now, then = lines_now(), lines_then(sys.argv[1] if len(sys.argv) > 1 else "HEAD")
    table = collections.defaultdict(lambda: [0, 0, 0])
    for path, lines in now.items():
        table[room(path)][1 if is_test(path) else 0] += lines
    for path in set(now) | set(then):
        table[room(path)][2] += now.get(path, 0) - then.get(path, 0)
    print(f"{'room':<10}{'code':>8}{'tests':>8}{'change':>8}")
    for name, (code, tests, change) in sorted(table.items()):
        print(f"{name:<10}{code:>8}{tests:>8}{change:>+8}")
    print(f"{'all':<10}{sum(r[0] for r in table.values()):>8}{sum(r[1] for r in table.values()):>8}"
          f"{sum(r[2] for r in table.values()):>+8}")
    for path, lines in sorted(now.items(), key=lambda item: -item[1]):
        if lines > FILE_LINES_SOFT:
            print(f"long file: {path}, {lines} lines")
    for path in sorted(now):
        for lines, (number, text) in long_functions(path):
            print(f"long function: {path}:{number}, {lines} lines: {text[:70]}")


if __name__ == "__main__":
    main()
