#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One-line mutants of the model, each of which a litmus program must kill.

    mutants.py SOURCE --cc CC --include DIR... --link FILE... --run FILE...
               --unit FILE... [--libs NAME...]

Changes one line of SOURCE at a time (an operator, a constant, a statement left
out), compiles the result, links it in front of --link (whose archives hold the true
object, which is then not taken), and runs the program on the --run files. A mutant
is killed if the program fails or does not end; one that does not compile is none.

What no litmus program can notice is listed below with the reason; such a mutant
must be killed by the unit test, linked from --unit, or mean the same as the
original. Exit code 0 if nothing survives.
"""

import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import tempfile

# Functions that no litmus program reaches; unit tests do.
NOT_LITMUS = {
    "fpost_model_durable": "msync is not part of litmus programs",
    "fpost_model_fence_useful": "asks, changes nothing",
    "line_check": "asserts",
    "thread_check": "asserts",
    "thread_has_room": "the machine has room for everything",
}

# The machine of litmus programs lets NT stores leave before another thread
# accesses their line; recorded runs cannot.
NOT_MET = {"line_flush_before", "fpost_model_nt_awaited"}

# Lines that no litmus program depends on, mutated or not.
NOT_IN_STATES = {
    r"line_flush_before|\bcoarse\b|\bearlier\b": "for recorded runs, as NOT_MET",
    r"\braised\b": "a result for the caller: what the fence completed",
    r"\bfound = |one > found": "a result for the caller: was the flush redundant",
    r"UINT32_MAX": "saturation: no program has 2^32 stores",
    r"kept = 0;|pending_count = ": "entries that stay behind guarantee nothing new",
}

# (line, mutated line): the same function.
EQUIVALENT = {
    ("if (stores > line->guaranteed) {", "if (stores >= line->guaranteed) {"):
        "assigns an equal number",
    ("if (one > found) {", "if (one >= found) {"):
        "assigns an equal number",
}

OPERATORS = [
    (r"==", "!="), (r"!=", "=="), (r">=", ">"), (r">=", "<="),
    (r"(?<=\s)>(?=\s)", ">="), (r"(?<=\s)>(?=\s)", "<"),
    (r"(?<=\s)<(?=\s)", "<="), (r"&&", "||"), (r"\|\|", "&&"),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r" \+ 1\b", ""),
    (r"\+=", "-="), (r"\+\+", "--"), (r"!(?=[a-z(])", ""), (r" = 0;", " = 1;"),
    (r" - 1\b", ""), (r"\bstores\b", "guaranteed"), (r"\bflushed\b", "stores"),
    (r"\?(.*):", r"? !\1:"), (r"FPOST_DOMAIN_EADR", "FPOST_DOMAIN_ADR"),
    (r"FENCEPOST_CLFLUSH\b", "FENCEPOST_CLWB"),
    (r"FENCEPOST_STORE_NT \| FENCEPOST_STORE_WHOLE", "FENCEPOST_STORE_WHOLE"),
]
STATEMENT = re.compile(r"^\s+[a-z][^=]*( [-+|&]?= .*|\(.*\)|\+\+|--);$")
DECLARATION = re.compile(r"^\s+(const |struct |enum |bool |uint\d+_t |int )")


def mutants(lines):
    """Yields (number of the line from 0, mutated line, function)."""
    function = None
    comment = False
    for number, line in enumerate(lines):
        start = re.match(r"^[a-z].*?\b(\w+)\(", line)
        if start:
            function = start.group(1)
        comment = comment or line.lstrip().startswith("/*")
        if comment:
            comment = "*/" not in line
            continue
        if (not line.startswith("  ") or "FPOST_ASSERT" in line or
                "_check(" in line or function in NOT_LITMUS):
            continue
        seen = {line}
        for pattern, replacement in OPERATORS:
            for match in re.finditer(pattern, line):
                mutated = (line[:match.start()] + match.expand(replacement) +
                           line[match.end():])
                if mutated not in seen:
                    seen.add(mutated)
                    yield number, mutated, function
        complete = lines[number - 1].rstrip().endswith((";", "{", "}", "*/"))
        if STATEMENT.match(line) and complete and not DECLARATION.match(line):
            yield number, re.match(r"\s*", line).group() + ";", function


class Judge:
    """Builds and runs mutants in a directory of its own."""

    def __init__(self, options, directory):
        self.options = options
        self.source = os.path.join(directory, "mutant.c")
        self.object = os.path.join(directory, "mutant.o")
        self.program = os.path.join(directory, "mutant")

    def compiles(self, text):
        with open(self.source, "w", encoding="ascii") as out:
            out.write("\n".join(text))
        command = [self.options.cc, "-std=gnu11", "-O0", "-w", "-c", self.source,
                   "-o", self.object]
        command += ["-I" + path for path in self.options.include]
        return subprocess.run(command, capture_output=True).returncode == 0

    def killed(self, link, arguments):
        """Does the program of the object just compiled and link fail?"""
        command = [self.options.cc, self.object, "-o", self.program, *link]
        command += ["-l" + name for name in self.options.libs]
        subprocess.run(command, check=True)
        # A session of its own: Check forks, and the children of a mutant that
        # does not end must end with it.
        with subprocess.Popen([self.program, *arguments],
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL,
                              start_new_session=True) as process:
            try:
                return process.wait(timeout=20) != 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return True

    def litmus(self):
        return self.killed(self.options.link, self.options.run)

    def unit(self):
        return self.killed(self.options.unit, [])


def survives(judge, line, mutated, function):
    """What became of the mutant: "litmus", "unit", "equal", or None: it lives."""
    if judge.litmus():
        return "litmus"
    if (line, mutated) in EQUIVALENT:
        return "equal"
    if function in NOT_MET or any(re.search(pattern, line)
                                  for pattern in NOT_IN_STATES):
        return "unit" if judge.unit() else None
    return None


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("source")
    parser.add_argument("--cc", required=True)
    parser.add_argument("--include", nargs="+", required=True)
    parser.add_argument("--link", nargs="+", required=True)
    parser.add_argument("--run", nargs="+", required=True)
    parser.add_argument("--unit", nargs="+", required=True)
    parser.add_argument("--libs", nargs="*", default=[])
    parser.add_argument("-v", action="store_true", dest="verbose")
    options = parser.parse_args()
    with open(options.source, encoding="ascii") as file:
        lines = file.read().split("\n")
    everything = list(mutants(lines))
    with tempfile.TemporaryDirectory() as directory:

        def judge_one(index):
            """What became of the mutant; False if it does not compile."""
            number, mutated, function = everything[index]
            own = os.path.join(directory, str(index))
            os.mkdir(own)
            judge = Judge(options, own)
            if not judge.compiles(lines[:number] + [mutated] +
                                  lines[number + 1:]):
                return False
            return survives(judge, lines[number].strip(), mutated.strip(),
                            function)

        judge = Judge(options, directory)
        if not judge.compiles(lines) or judge.litmus() or judge.unit():
            sys.exit("mutants: the unchanged source does not pass")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            ends = list(pool.map(judge_one, range(len(everything))))
    counts = {"litmus": 0, "unit": 0, "equal": 0, None: 0, False: 0}
    for (number, mutated, _), end in zip(everything, ends):
        counts[end] += 1
        if end is None or (options.verbose and end):
            print("%s %s:%d: %s  ->  %s" %
                  ("survived" if end is None else "killed by " + end,
                   os.path.basename(options.source), number + 1,
                   lines[number].strip(), mutated.strip()))
    print("mutants: %d of %d killed: %d by litmus programs, %d that concern no "
          "crash state by unit tests; %d more mean the same" %
          (counts["litmus"] + counts["unit"],
           counts["litmus"] + counts["unit"] + counts[None], counts["litmus"],
           counts["unit"], counts["equal"]))
    return 1 if counts[None] or counts["litmus"] == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
