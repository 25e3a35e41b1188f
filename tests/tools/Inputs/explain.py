#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What `fencepost explain` says is true.

usage: explain.py FENCEPOST FENCEPOST-CLANG INPUTS ROOT [CLASS...]

Of every class: the example compiles, with the fault and without; where a command
finds the class, it finds it with the fault (and nothing else where this is said),
and nothing without; the rules and documents it names are there.
"""

import json
import os
import re
import subprocess
import sys

# How a class is found: by `check`, by `crash`, or not by what this test can run
# (None: the example is only compiled). Kind of memory: map, map2 (two files), obj.
HOW = {
    "missing-flush": ("check", "map"),
    "missing-fence": ("check", "map"),
    "overwritten-before-persist": ("check", "map"),
    "redundant-flush": ("check", "map"),
    "redundant-fence": ("check", "map"),
    "recovery-failure": ("crash", "map"),
    "not-robust": ("crash", "map"),
    "persistency-race": ("crash", "map"),
    "not-failure-atomic": ("crash", "map"),
    "lost-operation": ("crash", "map"),
    "unlogged-store": ("check", "obj"),
    "duplicate-log": ("check", "obj"),
    "volatile-pointer": ("check", "map"),
    "foreign-pointer": ("check", "map2"),
    "dangling-pointer": ("check", "obj"),
    "leak": ("check", "obj"),
    "pm-data-race": ("check", "map"),
    "unpersisted-read": ("check", "map"),
    "isolation": ("check", "obj"),
    "unbalanced-operation": ("check", "map"),
    "checksum-collision": ("crash", "map"),
}


def fail(text):
    sys.exit("explain.py: " + text)


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          text=True).stdout


class Example:
    def __init__(self, name, form):
        self.name, self.form = name, form
        self.how, self.kind = HOW[name]
        self.stem = f"{name}-{form}"

    def build(self, fencepost, clang, inputs):
        code = output(fencepost, "explain", "--format", self.form, self.name)
        for line in code.splitlines():
            if len(line) > 76:
                fail(f"{self.stem}: too wide for a terminal: {line}")
        with open(self.stem + ".c", "w", encoding="utf-8") as file:
            file.write(code)
        # A sum that is kept on the stack is not followed.
        level = "-O1" if self.name == "checksum-collision" else "-O0"
        result = subprocess.run(
            [clang, "-g", level, "-Wall", "-Wextra", "-Wno-unused-parameter",
             "-Werror", "-include", os.path.join(inputs, "explain.h"),
             self.stem + ".c", os.path.join(inputs, "explain_main.c"),
             "-lpmem", "-lpmemobj", "-lpthread", "-o", self.stem])
        if result.returncode:
            fail(f"{self.stem}: does not compile")

    def findings(self, fencepost):
        """The classes found in the example's file."""
        kind = "obj" if self.kind == "obj" else "map"
        pools = [self.stem + ".pool"]
        if self.kind == "map2":
            pools.append(self.stem + ".pool2")
        for pool in pools:
            if os.path.exists(pool):
                os.remove(pool)
        if self.kind == "obj":
            subprocess.run(["./" + self.stem, kind, "create", pools[0]],
                           check=True, stderr=subprocess.DEVNULL,
                           env={**os.environ,
                                "FENCEPOST_OPTIONS": "exit_code=0"})
        command = [fencepost, self.how, "--json", self.stem + ".json",
                   "--pool", "*.pool*"]
        if self.form == "example":
            command += ["--only", self.name]
        if self.how == "crash":
            command += ["--recover",
                        f"./{self.stem} {kind} recover {pools[0]}"]
        if self.name in ("not-failure-atomic", "lost-operation"):
            command += ["--observe", "stdout"]
        command += ["--", "./" + self.stem, kind, "run"] + pools
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if result.returncode not in (0, 1):
            fail(f"{self.stem}: {self.how} exits with {result.returncode}")
        with open(self.stem + ".json", encoding="utf-8") as file:
            report = json.load(file)
        return {finding["class"] for finding in report["findings"]
                if finding.get("store", finding.get("missing", {}))
                .get("file", "").endswith(self.stem + ".c")}


def check_rules(fencepost, name, root):
    text = output(fencepost, "explain", name)
    for word in ("Wrong:", "Right:", "See docs/"):
        if word not in text:
            fail(f"{name}: no '{word}'")
    for line in text.splitlines():
        if len(line) > 80:
            fail(f"{name}: too wide for a terminal: {line}")
    places = re.search(r"^See (.*)$", text, re.M).group(1).split("; ")
    for place in places:
        path, _, rules = place.partition(": ")
        with open(os.path.join(root, path), encoding="utf-8") as file:
            document = file.read()
        for rule in filter(None, rules.split(", ")):
            if f"| {rule} |" not in document:
                fail(f"{name}: {rule} is no rule of {path}")


def main():
    fencepost, clang, inputs, root = sys.argv[1:5]
    names = [line.split()[0]
             for line in output(fencepost, "explain").splitlines()]
    if set(names) != set(HOW):
        fail(f"classes differ from HOW: {sorted(set(names) ^ set(HOW))}")
    for name in sys.argv[5:] or names:
        check_rules(fencepost, name, root)
        for form in ("example", "fixed"):
            example = Example(name, form)
            example.build(fencepost, clang, inputs)
            if example.how is None:
                continue
            found = example.findings(fencepost)
            wanted = {name} if form == "example" else set()
            if found != wanted:
                fail(f"{example.stem}: found {sorted(found)}, "
                     f"expected {sorted(wanted)}")


if __name__ == "__main__":
    main()
