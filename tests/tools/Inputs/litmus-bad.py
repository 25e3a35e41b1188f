# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs `fencepost litmus` on malformed files: prints name, exit code and message.

usage: litmus-bad.py FENCEPOST DIRECTORY
"""

import os
import subprocess
import sys

HEAD = '[{"id": "P", "locations": ["x"],\n"threads": '


def program(threads, rest=""):
    return HEAD + threads + rest + "}]"


CASES = [
    ("syntax", '[\n{"id": "P"}\n'),
    ("array", '{"id": "P"}'),
    ("object", "[\n7]"),
    ("no id", '[{"locations": []}]'),
    ("no threads", '[{"id": "P", "locations": ["x"]}]'),
    ("location", program('[["clwb q"]]')),
    ("twice", '[{"locations":["x", "x"], "id": ""}]'),
    ("name", '[{"locations":[  "1x"], "id": ""}]'),
    ("same line", '[{"id": "P", "locations": ["x"],\n"same_line": ["y"]}]'),
    ("same line twice", '[{"id": "P", "locations": ["x", "y"],\n"same_line": ["x", "y", "x"]}]'),
    ("instruction", program('[["flush x"]]')),
    ("number", program('[["x=y"]]')),
    ("large", program('[["x=4294967296"]]')),
    ("trailing", program('[["x=1 y"]]')),
    ("register", program('[["if(a==1)[1]", "x=1"]]')),
    ("skip", program('[["a:=x", "if(a==1)[2]", "x=1"]]')),
    ("paren", program('[["a:=xchg(x)"]]')),
    ("nt", program('[["nt x 1"]]')),
    ("thread", program('["x=1"]')),
    ("threads", program("[[], [], [], [], []]")),
    ("long", program('[[%s]]' % ", ".join(['"x=1"'] * 33))),
    ("state", program("[]", ',\n"line": [[1], [1, 2]]')),
    ("value", program("[]", ',\n"line": [[-1]]')),
    ("empty", ""),
]

for name, text in CASES:
    path = os.path.join(sys.argv[2], "bad.json")
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    done = subprocess.run([sys.argv[1], "litmus", path], check=False,
                          capture_output=True, text=True)
    print("%s: %d %s" % (name, done.returncode, done.stderr.strip()))
