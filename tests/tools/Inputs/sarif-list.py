# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the SARIF logs that sarif-of-list wrote in two folders."""
import json
import os
import sys


def load(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)["runs"][0]


def failures(run):
    return [r for r in run["results"] if r["ruleId"] == "recovery-failure"]


def check(folder):
    run = load(folder, "list.sarif")
    root = run["originalUriBaseIds"]["SRCROOT"]["uri"]
    assert root == "file://" + os.path.realpath(folder) + "/", root
    assert run["invocations"][0]["exitCode"] == 1
    assert run["properties"]["coverage"]["complete"] is True
    with open(os.path.join(folder, "src", "list.c"), encoding="utf-8") as file:
        source = file.read().split("\n")
    assert failures(run)
    for result in failures(run):
        assert result["level"] == "error" and "suppressions" not in result
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "src/list.c",
                                             "uriBaseId": "SRCROOT"}, place
        region = place["region"]
        assert region["snippet"]["text"] == source[region["startLine"] - 1]
        steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
        kinds = [step["kinds"][0] for step in steps]
        assert kinds in (["store", "missing", "crash", "read", "outcome"],
                         ["store", "missing", "crash", "outcome"]), kinds
        assert [step["executionOrder"] for step in steps] == \
            list(range(1, len(steps) + 1))
        crash = steps[kinds.index("crash")]["location"]
        assert result["properties"]["crashState"] in crash["message"]["text"]
        assert "fencepost replay" in crash["message"]["text"]
        assert result["relatedLocations"]
        assert "fix: " in result["message"]["text"]
    hidden = failures(load(folder, "suppressed.sarif"))
    assert len(hidden) == len(failures(run))
    for result in hidden:
        assert result["suppressions"] == [
            {"kind": "external",
             "justification": 'known: rebuilt "from" the log'}], result
    return {result["partialFingerprints"]["fencepost/v1"]
            for result in run["results"]}


prints = [check(folder) for folder in sys.argv[1:]]
assert len(prints[0]) == len(load(sys.argv[1], "list.sarif")["results"])
assert prints[0] == prints[1], prints
