#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the commands of a document and compares what they print.

usage: readme.py DOCUMENT SOURCE BUILD

In an indented block, a line "$ COMMAND" is run by one shell for the whole document,
in a new directory with SOURCE's docs and rust, and BUILD as build/dev; the lines after it, up to the next command or the end of the block, are
what it prints. "..." stands for any lines. Process numbers, times, and what
depends on the version of libpmemobj may differ. A command with a word in capitals (a placeholder) must only name an existing
command and existing options.
"""

import difflib
import os
import re
import subprocess
import sys
import tempfile

MARK = "end-of-command-7f3a"
PLACEHOLDER = re.compile(r"\b(ARGS|POOL|PROGRAM|FILE|TRACE)\b")


def examples(text):
    """(command, [expected lines] or None) of each command."""
    found = []
    for line in text.split("\n"):
        if line.startswith("    $ "):
            found.append((line[6:], []))
        elif line.startswith("    ") and found and found[-1][1] is not None:
            found[-1][1].append(line[4:])
        elif line == "" and found and found[-1][1]:
            found[-1][1].append("")
        elif found and (not found[-1][1] or found[-1][1] is not None):
            while found[-1][1] and found[-1][1][-1] == "":
                found[-1][1].pop()
            found.append((None, None))
    return [(command, lines) for command, lines in found if command]


def normal(line):
    line = re.sub(r"==\d+==", "==PID==", line)
    # Where libpmemobj puts things, and how many events it takes, is its affair.
    line = re.sub(r"\+0x[0-9a-f]+", "+OFFSET", line)
    line = re.sub(r"\b\d+/(?=all|[0-9])", "EVENT/", line)
    line = re.sub(r"\d+ crash points, \d+ runs", "RUNS", line)
    line = re.sub(r"\b\d+(\.\d+)? ?(m?s|seconds)\b", "TIME", line)
    # Newer versions of Rust print the thread's number.
    line = re.sub(r"(thread '[^']*') \(\d+\) panicked", r"\1 panicked", line)
    return line.rstrip()


def matches(expected, actual):
    """Lines equal, with "..." for any number of lines."""
    if not expected:
        return not actual
    if expected[0] == "...":
        return any(matches(expected[1:], actual[at:])
                   for at in range(len(actual) + 1))
    return bool(actual) and expected[0] == actual[0] and \
        matches(expected[1:], actual[1:])


def run(command, shell):
    shell.stdin.write(f"{command}\necho {MARK}\n")
    shell.stdin.flush()
    lines = []
    for line in shell.stdout:
        if line.rstrip("\n") == MARK:
            break
        lines.append(line.rstrip("\n"))
    return lines


def check_options(command, build):
    """Complaints about a command that cannot be run as it stands."""
    words = command.split()
    if words[0] != "fencepost":
        return []
    help_text = subprocess.run(
        [os.path.join(build, "tools/fencepost"), words[1], "--help"],
        check=False, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT).stdout
    own = command.split(" -- ")[0]
    own = re.sub(r"'[^']*'", "", own)
    return [f"{option} is not in fencepost {words[1]} --help"
            for option in re.findall(r"(?<!\S)--[a-z-]+", own)
            if option not in help_text]


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    document, source, build = sys.argv[1:]
    with open(document, encoding="utf-8") as file:
        commands = examples(file.read())
    complaints = [] if len(commands) > 3 else [f"{len(commands)} commands found"]
    with tempfile.TemporaryDirectory() as folder:
        for part in ("docs", "rust"):
            os.symlink(os.path.join(source, part), os.path.join(folder, part))
        os.mkdir(os.path.join(folder, "build"))
        os.symlink(build, os.path.join(folder, "build/dev"))
        with subprocess.Popen(["bash"], cwd=folder, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as shell:
            for command, expected in commands:
                if PLACEHOLDER.search(command):
                    complaints += check_options(command, build)
                    continue
                actual = [normal(line) for line in run(command, shell)]
                expected = [normal(line) for line in expected]
                while actual and actual[-1] == "":
                    actual.pop()
                if not matches(expected, actual):
                    complaints.append(f"$ {command}")
                    complaints += difflib.unified_diff(
                        expected, actual, "the document", "this run",
                        lineterm="")
            shell.stdin.close()
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
