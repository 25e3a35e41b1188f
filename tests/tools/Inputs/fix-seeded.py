#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fencepost fix` on the seeded bugs of the test programs.

usage: fix-seeded.py SOURCE TOOLS FOLDER [NAME...]

Takes every test of tests/e2e that expects missing-flush or missing-fence from
`fencepost check`, as its RUN lines build and run it: the patch must apply, compile,
and leave neither these findings nor a new one. Where `fix` declines, DECLINED must
say so; a bug that it does not list has to be fixed.
"""

import json
import os
import re
import shutil
import subprocess
import sys

# Test: what is left, and the reason that must be given.
DECLINED = {
    "missing-flush-libc.c": ["how much the call stores"],
    "runtime-client-requests.c": ["no flush is in use", "no fence is in use"],
}
# Tests that are left alone, and why.
SKIPPED = {
    "runtime-signal.c": "a fence in a signal handler makes the fence that it "
                        "interrupts needless, now and then",
    "full-compare.c": "the store is in an object without hooks, built apart: "
                      "its place in the source is not known",
}
# Test: a class of findings that its fix makes, and why.
MADE = {
    # The fence is there and a state leaves it out: with one after the flush, the
    # others, after later flushes, find nothing to do.
    "missing-fence-batch.cpp": "redundant-fence",
}
EXPECTED = re.compile(r"CHECK.*(missing-flush|missing-fence)")
CLASSES = ("missing-flush", "missing-fence")


def fail(text):
    sys.exit("fix-seeded.py: " + text)


class Program:
    """A test program, copied to a folder of its own."""

    def __init__(self, source, tools, folder, name):
        self.tools, self.name = tools, name
        self.folder = os.path.join(folder, name)
        e2e = os.path.join(source, "tests", "e2e")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        shutil.copytree(os.path.join(e2e, "Inputs"),
                        os.path.join(self.folder, "Inputs"))
        shutil.copy(os.path.join(e2e, name), self.folder)
        with open(os.path.join(e2e, name), encoding="utf-8") as file:
            self.text = file.read()
        runs = re.findall(r"RUN: (.*)", self.text)
        self.compile = next((run for run in runs if re.match(
            r"%fencepost-clang(\+\+)? .*-o %t$", run)), None)
        self.check = next((match.group(1) for match in (re.search(
            r"%fencepost (check .*?)(?: \||$| >)", run) for run in runs)
            if match and "-- %t" in match.group(1)), None)

    def usable(self):
        return bool(EXPECTED.search(self.text) and self.compile and
                    self.check and "FIXED" in self.text)

    def expand(self, command):
        for word, value in (("%fencepost-clang", self.tools + "/fencepost-clang"),
                            ("%fencepost", self.tools + "/fencepost"),
                            ("%S", "."), ("%s", self.name),
                            ("%t", os.path.abspath(self.folder) + "/t")):
            command = command.replace(word, value)
        return command

    def run(self, command, codes=(0,)):
        result = subprocess.run(command, shell=True, cwd=self.folder, text=True,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        if result.returncode not in codes:
            fail(f"{self.name}: exit code {result.returncode}: {command}\n"
                 f"{result.stdout}")
        return result.stdout

    def findings(self):
        """Build and run; how often each class was found."""
        self.run(self.expand(self.compile))
        self.run("rm -f t.p*")
        command = self.expand("%fencepost " + self.check)
        self.run(command.replace(" -- ", " --json out.json -- ", 1), (0, 1))
        with open(os.path.join(self.folder, "out.json"),
                  encoding="utf-8") as file:
            counts = {}
            for finding in json.load(file)["findings"]:
                counts[finding["class"]] = counts.get(finding["class"], 0) + 1
            return counts

    def fix(self):
        before = self.findings()
        if not any(before.get(name) for name in CLASSES):
            fail(f"{self.name}: the bug is not found")
        said = self.run(self.tools + "/fencepost fix --patch fix.patch out.json",
                        (0, 1))
        with open(os.path.join(self.folder, "fix.patch"),
                  encoding="utf-8") as file:
            patched = file.read() != ""
        if patched:
            self.run("patch -s -p1 --dry-run < fix.patch && "
                     "GIT_CEILING_DIRECTORIES=.. git apply --whitespace=error "
                     "fix.patch")
        left = self.findings()
        declined = [line for line in said.splitlines()
                    if line.startswith("not fixed: ")]
        return before, left, declined, said


def check(program):
    before, left, declined, said = program.fix()
    reasons = DECLINED.get(program.name, [])
    if len(declined) != len(reasons) or not all(
            reason in line for reason, line in zip(reasons, declined)):
        fail(f"{program.name}: declined, or not, against expectation:\n{said}")
    missing = sum(left.get(name, 0) for name in CLASSES)
    if missing > len(declined):
        fail(f"{program.name}: {left} are left after\n{said}")
    for name, count in left.items():
        if (name not in CLASSES and name != MADE.get(program.name) and
                count > before.get(name, 0)):
            fail(f"{program.name}: the fix makes new findings: {left}")


def main():
    source, tools, folder = sys.argv[1:4]
    names = sys.argv[4:] or sorted(
        name for name in os.listdir(os.path.join(source, "tests", "e2e"))
        if name.endswith((".c", ".cpp")))
    count = 0
    for name in names:
        program = Program(source, tools, folder, name)
        if program.usable() and name not in SKIPPED:
            check(program)
            count += 1
            print(name)
    print(f"{count} programs")
    if count < 8 and not sys.argv[4:]:
        fail("too few programs: are their RUN lines read?")


if __name__ == "__main__":
    main()
