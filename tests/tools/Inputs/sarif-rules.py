# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The rules of a SARIF log are the classes of `fencepost explain`, with help; so are
the classes of the schema of JSON reports.

usage: sarif-rules.py LOG FENCEPOST SCHEMA
"""
import json
import subprocess
import sys

log, fencepost, schema = sys.argv[1:]
listed = subprocess.run([fencepost, "explain"], check=True, text=True,
                        stdout=subprocess.PIPE).stdout
run = json.load(open(log, encoding="utf-8"))["runs"][0]
rules = run["tool"]["driver"]["rules"]
assert [rule["id"] for rule in rules] == \
    [line.split()[0] for line in listed.splitlines()]
definitions = json.load(open(schema, encoding="utf-8"))["definitions"]
assert definitions["class"]["enum"] == [rule["id"] for rule in rules]
for rule in rules:
    assert rule["name"] == "".join(
        word.capitalize() for word in rule["id"].split("-")), rule["name"]
    assert "Wrong:" in rule["help"]["text"], rule["id"]
    assert "```c" in rule["help"]["markdown"], rule["id"]
    assert rule["fullDescription"]["text"], rule["id"]
for result in run["results"]:
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
