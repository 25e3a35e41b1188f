#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Multiply the findings of an exploration.

usage: multiply-findings.py DB COUNT

DB then holds COUNT findings: those that it had, again and again, each copy with
functions and columns of its own, so that no two are the same.
"""

import json
import sqlite3
import sys


def frames_of(value):
    """All frames and places in a finding."""
    if isinstance(value, dict):
        if "function" in value:
            yield value
        for part in value.values():
            yield from frames_of(part)
    elif isinstance(value, list):
        for part in value:
            yield from frames_of(part)


def copy(finding, number):
    finding = json.loads(finding)
    for frame in frames_of(finding):
        frame["function"] += f"_{number}"
        frame["column"] = number + 1
    return json.dumps(finding)


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    with sqlite3.connect(path) as db:
        rows = list(db.execute("SELECT key, point, class, json FROM findings"))
        counts = dict(db.execute("SELECT key, count FROM counts"))
        db.execute("DELETE FROM findings")
        db.execute("DELETE FROM counts")
        for number in range(count):
            key, point, name, finding = rows[number % len(rows)]
            db.execute("INSERT INTO findings VALUES(?,?,?,?)",
                       (f"{key} {number}", point, name, copy(finding, number)))
            db.execute("INSERT INTO counts VALUES(?,?,?)",
                       (f"{key} {number}", point, counts[key]))
    db.close()


main()
