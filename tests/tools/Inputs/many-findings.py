#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a JSON report with COUNT findings, of all classes in turn, and its source.

usage: many-findings.py COUNT FOLDER [--nasty]

FOLDER gets report.json and src/many.c, whose lines the findings name. With --nasty
messages and outputs hold what is awkward in some format: markup, quotes, control
characters, text that is not ASCII, a very long line.
"""

import json
import os
import sys

SEVERITIES = {
    "missing-flush": "error", "missing-fence": "error",
    "overwritten-before-persist": "warning", "redundant-flush": "performance",
    "redundant-fence": "performance", "recovery-failure": "error",
    "not-robust": "warning", "checksum-collision": "note", "persistency-race": "warning",
    "not-failure-atomic": "error", "lost-operation": "error",
    "unlogged-store": "error", "duplicate-log": "performance",
    "volatile-pointer": "error", "foreign-pointer": "error",
    "dangling-pointer": "error", "leak": "warning", "pm-data-race": "error",
    "unpersisted-read": "warning", "isolation": "error",
}
CRASH = {"recovery-failure", "not-robust", "persistency-race",
         "not-failure-atomic", "lost-operation"}
RACES = {"pm-data-race", "unpersisted-read", "isolation"}
STATED = {"not-failure-atomic", "lost-operation"}
NASTY = ("]]> </failure> </script><img src=x onerror=hostile=1> & \" ' \x01\x07\x1b[31m red "
         "\ufffe \ud7ff \u00e4\u4e2d\U0001f600 \\ \t end ")


def place(folder, line, function, callers=("main",)):
    path = os.path.join(folder, "src", "many.c")
    top = {"file": path, "line": line, "column": 3, "function": function}
    frames = [dict(top, shown="src/many.c", module=os.path.join(folder, "many"),
                   offset=16 * line)]
    for caller in callers:
        frames.append({"file": path, "shown": "src/many.c", "line": 1,
                       "column": 1, "function": caller,
                       "module": os.path.join(folder, "many"), "offset": 1})
    return dict(top, stack=frames)


def access(folder, line, function, offset):
    return dict(place(folder, line, function),
                pool=os.path.join(folder, "many.pool"), offset=offset, size=8)


def by(folder, line, number, name):
    """What the access of a race has besides."""
    lock = {"kind": "read-write lock", "shared": True, "address": 4096,
            "taken": place(folder, line, "take")}
    return {"thread": {"number": number, "name": name, "creator": 0,
                       "created": place(folder, 1, "main", ())},
            "locks": [lock, {"kind": "mutex", "offset": 64,
                             "pool": os.path.join(folder, "many.pool")}]}


def finding(number, name, folder, nasty):
    line = 3 * number + 2
    function = f"update_{number}" + (NASTY if nasty else "")
    result = {"class": name, "severity": SEVERITIES[name],
              "message": NASTY if nasty else f"finding {number} of this report",
              "count": 1 + number % 3,
              "store": access(folder, line, function, 64 * number)}
    if name not in ("missing-flush", "leak", "unlogged-store"):
        result["missing"] = access(folder, line + 1, function, 64 * number + 8)
    if name in ("missing-fence", "not-robust", "recovery-failure"):
        result["missing_what"] = "fence" if number % 2 else "flush"
    if name in RACES:
        result["read"] = dict(result.pop("missing"),
                              **by(folder, line, 2, NASTY if nasty else "two"))
        result["store"].update(by(folder, line, 1, "one"))
    if name == "pm-data-race":
        result["schedule"] = "predicted" if number % 2 else "seen"
    if name in CRASH:
        result["operation"] = f"put({number})"
        result["read"] = access(folder, 1, "recover", 64 * number)
        result["crash"] = {
            "state": f"{100 + number}/{number % 7}.1",
            "persisted": [result["missing"]], "lost": [result["store"]],
            "outcome": "recovery died: SIGSEGV",
            "output": NASTY * 20 if nasty else f"value {number} is not there\n",
            "replay": f"fencepost replay many.fpdb {100 + number}/1.1",
            "place": place(folder, 1, "recover")}
    if name in STATED:
        result["state_before"] = f"{number} keys\n"
        result["state_after"] = f"{number + 1} keys\n"
        result["state_found"] = NASTY if nasty else f"{number} keys and a half\n"
    return result


def main():
    count, folder = int(sys.argv[1]), os.path.abspath(sys.argv[2])
    nasty = "--nasty" in sys.argv[3:]
    os.makedirs(os.path.join(folder, "src"), exist_ok=True)
    with open(os.path.join(folder, "src", "many.c"), "w",
              encoding="utf-8") as file:
        file.write("int main(void);\n")
        for number in range(count):
            file.write(f"void update_{number}(long *word) {{\n"
                       f"  word[{number}] = {number};"
                       f"{' // ' + repr(NASTY) if nasty else ''}\n"
                       f"  word[{number} + 1] = {number}; }}\n")
    names = list(SEVERITIES)
    report = {
        "fencepost": "0.0.0", "command": [os.path.join(folder, "many"), "run"],
        "model": {"domain": "adr", "lines": "prefix"},
        "coverage": {"crash_points": 10 * count + 1, "runs": 40 * count + 1,
                     "images_log2": 37.5, "complete": True},
        "pools": 1,
        "findings": [finding(i, names[i % len(names)], folder, nasty)
                     for i in range(count)],
        "suppressed": 0, "suppressed_findings": [],
        "notes": [NASTY] if nasty else [], "exit_code": 0}
    with open(os.path.join(folder, "report.json"), "w",
              encoding="utf-8") as file:
        json.dump(report, file)
        file.write("\n")


if __name__ == "__main__":
    main()
