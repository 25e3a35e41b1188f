# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks a report of `cell p good noflush twice good nofence` by the contract."""
import json
import sys

report = json.load(open(sys.argv[1]))
assert set(report) >= {"fencepost", "command", "model", "coverage", "findings"}
assert report["command"][1:] == ["p", "good", "noflush", "twice", "good",
                                 "nofence"], report["command"]
assert report["model"] == {"domain": "adr", "lines": "prefix"}
assert set(report["coverage"]) >= {"crash_points", "runs", "images_log2",
                                   "complete"}
assert report["exit_code"] == 0

by_class = {finding["class"]: finding for finding in report["findings"]}
assert set(by_class) == {"missing-flush", "missing-fence", "redundant-flush"}
severities = {"missing-flush": "error", "missing-fence": "error",
              "redundant-flush": "performance"}
for name, finding in by_class.items():
    assert finding["severity"] == severities[name]
    assert finding["count"] == 1
    assert finding["message"]
    for key in ("store", "missing"):
        place = finding.get(key)
        if place is None:
            continue
        assert place["file"].endswith("/cell.c"), place
        assert place["line"] > 0 and place["column"] > 0, place
        functions = [frame.get("function") for frame in place["stack"]]
        assert place["function"] in functions and "main" in functions, place

flush = by_class["missing-flush"]
assert flush["store"]["function"] == "noflush"
assert (flush["store"]["offset"], flush["store"]["size"]) == (64, 8)
assert flush["store"]["pool"].endswith("/p")
fence = by_class["missing-fence"]
assert fence["missing"]["line"] == fence["store"]["line"] + 1
assert by_class["redundant-flush"]["missing"]["function"] == "twice"
