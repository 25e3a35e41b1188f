#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Adds up one ctest run and prints `N passed, M failed[, K skipped]`.

usage: summary.py RESULTS.xml        the file that ctest --output-junit left

A ctest entry that runs many tests counts as many: each lit test, each Check
case. An entry that failed although none of its tests did (it died, it timed out)
counts as one failure more. Skipped tests are named with the reason.

With CI=true a skipped test is a failed one, unless it is the machine that cannot
do it: it requires a feature `hw-*` (an instruction, a device) or `mount`, the entry
was skipped with a line "skipped: hw: REASON", or it requires a package that
FENCEPOST_LEFT_OUT names (tools/setup: the archives do not have it).
"""

import os
import re
import sys
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

LIT_COUNT = re.compile(
    r"^ +(Passed|Passed With Retry|Expectedly Failed|Failed|Unexpectedly Passed|"
    r"Unresolved|Timed Out|Unsupported|Skipped) *: +(\d+)", re.M)
LIT_UNSUPPORTED = re.compile(r"^  (\S+) :: (\S+)$", re.M)
CHECK_COUNT = re.compile(
    r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.M)

PASSED = {"Passed", "Passed With Retry", "Expectedly Failed"}
FAILED = {"Failed", "Unexpectedly Passed", "Unresolved", "Timed Out"}


def required_features(test):
    """The REQUIRES: lines of a lit test, as one text; empty if none is found."""
    try:
        with open(os.path.join(ROOT, "tests", test), errors="replace") as file:
            return ", ".join(re.findall(r"REQUIRES: *(.*)", file.read()))
    except OSError:
        return ""


def lit_results(output):
    """(passed, failed, [(name, reason)]) of a lit run, or None."""
    counts = LIT_COUNT.findall(output)
    if "Total Discovered Tests" not in output and not counts:
        return None
    passed = sum(int(n) for what, n in counts if what in PASSED)
    failed = sum(int(n) for what, n in counts if what in FAILED)
    skipped = []
    start = output.find("Unsupported Tests (")
    if start >= 0:
        block = output[start:].split("\n\n")[0]
        for _, test in LIT_UNSUPPORTED.findall(block):
            reason = required_features(test)
            skipped.append((test, f"requires {reason}" if reason else
                            "unsupported here"))
    unnamed = sum(int(n) for what, n in counts
                  if what in ("Unsupported", "Skipped")) - len(skipped)
    skipped += [("(not named)", "unsupported here")] * unnamed
    return passed, failed, skipped


def check_results(output):
    """(passed, failed, []) of a Check program, or None."""
    counts = CHECK_COUNT.findall(output)
    if not counts:
        return None
    checks = sum(int(c[0]) for c in counts)
    failed = sum(int(c[1]) + int(c[2]) for c in counts)
    return checks - failed, failed, []


def entry_results(case):
    """(passed, failed, skipped) of one ctest entry."""
    name = case.get("name")
    output = case.findtext("system-out") or ""
    status = case.get("status")
    skip = case.find("skipped")
    if status == "disabled" or skip is not None or status == "notrun":
        reason = re.search(r"^skipped: (.*)", output, re.M)
        return 0, 0, [(name, reason.group(1) if reason else
                       (skip.get("message") if skip is not None else status))]
    result = lit_results(output) or check_results(output)
    if result is None:
        return (0, 1, []) if status == "fail" else (1, 0, [])
    passed, failed, skipped = result
    if status == "fail" and failed == 0:
        failed = 1
    return passed, failed, skipped


def machine_cannot(reason):
    left_out = os.environ.get("FENCEPOST_LEFT_OUT", "").split()
    return bool(re.search(r"\bhw[-:]|\bmount\b", reason)) or any(
        package in reason for package in left_out)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        cases = ElementTree.parse(sys.argv[1]).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError) as error:
        print(f"summary: {sys.argv[1]}: not a result file of ctest: {error}",
              file=sys.stderr)
        sys.exit(2)
    passed, failed, skipped = 0, 0, []
    for case in cases:
        some = entry_results(case)
        passed, failed = passed + some[0], failed + some[1]
        skipped += some[2]
        if some[1]:
            print(f"failed: {case.get('name')}")
            output = case.findtext("system-out") or ""
            for test in re.findall(r"^(?:FAIL|TIMEOUT|XPASS|UNRESOLVED): \S+ :: "
                                   r"(\S+)", output, re.M):
                print(f"  failed: {test}")
            for line in re.findall(r"^\S+:\d+:[FE]:.*", output, re.M):
                print(f"  failed: {line}")
    in_ci = os.environ.get("CI") == "true"
    for name, reason in skipped:
        counts = in_ci and not machine_cannot(reason)
        failed += counts
        print(f"{'failed: ' if counts else ''}skipped: {name}: {reason}")
    left = len(skipped) if not in_ci else sum(
        machine_cannot(reason) for _, reason in skipped)
    if passed + failed + left == 0:
        print("summary: no test ran", file=sys.stderr)
        failed = 1
    line = f"{passed} passed, {failed} failed"
    if left:
        line += f", {left} skipped"
    print(line, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
