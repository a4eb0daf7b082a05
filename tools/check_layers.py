#!/usr/bin/env python3
"""Checks the floors: a source file may include its own room and the rooms below it, nothing else.

The rooms and what they may use are the ondol_room(...) lines of CMakeLists.txt; a room also sees what its
DEPS see. A third-party header may stand only in rooms whose line (or whose dependencies' lines) names its
library. Run from anywhere; exits 1 and lists every breach.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Header prefix -> library short name of cmake/OndolToolchain.cmake. A library is linked by one room and its
# types never leave it (fmt and nlohmann-json may stand in any .cpp, in no header).
THIRD_PARTY = {
    "sqlite3.h": "sqlite",
    "curl/": "curl",
    "serd/": "serd",
    "zlib.h": "zlib",
    "bzlib.h": "bzip2",
    "pugixml.hpp": "pugixml",
    "gumbo.h": "gumbo",
    "cmark-gfm": "cmark_gfm",
    "toml++": "tomlplusplus",
    "CLI/": "cli11",
    "spdlog/": "spdlog",
    "unicode/": "icu",
    "mpi.h": "mpi",
}
CPP_ONLY = ("fmt/", "nlohmann/")


def rooms():
    table = {}
    for line in (ROOT / "CMakeLists.txt").read_text().splitlines():
        match = re.match(r"\s*ondol_room\((\w+)\s*(.*)\)", line)
        if not match:
            continue
        words, key, row = match.group(2).split(), None, {"DEPS": [], "LIBS": []}
        for word in words:
            if word in row:
                key = word
            else:
                row[key].append(word)
        table[match.group(1)] = row
    return table


def visible(room, table, seen=None):
    seen = set() if seen is None else seen
    if room not in seen:
        seen.add(room)
        for dep in table[room]["DEPS"]:
            visible(dep, table, seen)
    return seen


def breaches():
    table = rooms()
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".h", ".cpp", ".inc"):
            continue
        room = path.relative_to(ROOT / "src").parts[0]
        where = path.relative_to(ROOT)
        if room not in table:
            yield f"{where}: room '{room}' has no ondol_room line in CMakeLists.txt"
            continue
        allowed = visible(room, table)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
            if not match:
                continue
            target = match.group(1)
            first = target.split("/")[0]
            if first in table and "/" in target and first not in allowed:
                yield f"{where}:{number}: room '{room}' may not include '{target}'"
            for prefix, library in THIRD_PARTY.items():
                if target.startswith(prefix) and library not in table[room]["LIBS"]:
                    yield f"{where}:{number}: '{target}' belongs to the room that links {library}"
            if path.suffix == ".h" and target.startswith(CPP_ONLY):
                yield f"{where}:{number}: '{target}' may stand in .cpp files only"
    for path in sorted((ROOT / "examples").rglob("*.cpp")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if match and not match.group(1).startswith("ondol/"):
                yield f"{path.relative_to(ROOT)}:{number}: examples include <ondol/...> only"


if __name__ == "__main__":
    found = list(breaches())
    print("\n".join(found) if found else "layers: no breach")
    sys.exit(1 if found else 0)
