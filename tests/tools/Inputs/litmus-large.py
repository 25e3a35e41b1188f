# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A litmus program of 16 stores; with an argument: counts its states on stdin."""

import json
import sys

THREADS = range(1, 5)

if len(sys.argv) > 1:
    found = {tuple(state) for state in json.load(sys.stdin)["states"]}
    line = {(0, 0)} | {(x, y) for x in THREADS for y in range(5)}
    wanted = {(x, y, z, w) for x, y in line for z in range(5) for w in range(5)}
    print("%d of %d" % (len(found & wanted), len(found | wanted)))
else:
    print(json.dumps([{
        "id": "large",
        "threads": [["%s=%d" % (name, t) for name in "xyzw"] for t in THREADS],
        "same_line": ["x", "y"],
        "locations": ["x", "y", "z", "w"]}]))
