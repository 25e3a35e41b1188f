#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs clang-tidy 22 over the C sources of the runtime and the tools.

usage: clang_tidy.py ROOT BUILD

What BUILD/compile_commands.json names is checked, as it is compiled there. A file
is checked again only if it, a header, or the configuration has changed since the
last clean run; BUILD/clang-tidy remembers that.
"""

import concurrent.futures
import glob
import hashlib
import json
import os
import subprocess
import sys


def digest(*paths):
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            total.update(file.read())
    return total.hexdigest()


def check(root, build, entry, common, state):
    path = entry["file"]
    stamp = os.path.join(state, hashlib.sha256(path.encode()).hexdigest())
    want = common + digest(path) + entry.get("command", "")
    try:
        with open(stamp, encoding="utf-8") as file:
            if file.read() == want:
                return ""
    except OSError:
        pass
    done = subprocess.run(["clang-tidy-22", "--quiet", "-p", build, path],
                          cwd=root, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        return done.stdout
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(want)
    return ""


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    root, build = (os.path.realpath(path) for path in sys.argv[1:])
    with open(os.path.join(build, "compile_commands.json"),
              encoding="utf-8") as file:
        entries = {entry["file"]: entry for entry in json.load(file)}
    chosen = [entry for path, entry in sorted(entries.items())
              if path.endswith(".c") and path.startswith(
                  (os.path.join(root, "rt/"), os.path.join(root, "tools/")))]
    if not chosen:
        sys.exit("clang-tidy: no sources of rt/ or tools/ in the build")
    headers = sorted(path for top in ("include", "rt", "tools")
                     for kind in ("h", "def")
                     for path in glob.glob(os.path.join(root, top, "**/*." + kind),
                                           recursive=True))
    common = digest(os.path.join(root, ".clang-tidy"), *headers)
    state = os.path.join(build, "clang-tidy")
    os.makedirs(state, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [text for text in pool.map(
            lambda entry: check(root, build, entry, common, state), chosen) if text]
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
