# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the JUnit report of junit-operations.c."""
import sys
import xml.etree.ElementTree as tree

root = tree.parse(sys.argv[1]).getroot()
suites = {suite.get("name"): suite for suite in root}
cases = {case.get("name"): case for case in suites["fencepost.crash"]
         if case.tag == "testcase"}
outside = [name for name in cases if name.startswith("crash points ")]
assert {"append", "set"} < set(cases) and outside, list(cases)
failure = cases["append"].find("failure")
assert failure.get("type") == "recovery-failure", failure.attrib
assert "fencepost replay" in failure.text and "fix: " in failure.text
assert cases["set"].find("failure") is None
assert "crash point" in cases["set"].find("system-out").text
runs = {case.get("name") for case in suites["fencepost.run"]
        if case.tag == "testcase"}
assert {"missing-flush", "redundant-fence"} < runs, runs
for suite in root:
    found = [case for case in suite if case.tag == "testcase"]
    assert int(suite.get("tests")) == len(found)
    assert int(suite.get("failures")) == sum(
        case.find("failure") is not None for case in found)
