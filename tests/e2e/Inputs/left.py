# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""left.py PROGRAM...: fails if a process that runs one of these is there."""
import os
import sys

programs = {os.path.realpath(program) for program in sys.argv[1:]}
left = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        if os.readlink("/proc/%s/exe" % pid) in programs:
            left.append(pid)
    except OSError:
        continue
if left:
    sys.exit("still there: " + " ".join(left))
