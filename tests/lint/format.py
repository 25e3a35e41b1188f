#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Asks clang-format 14 (other versions format otherwise) about every source.

usage: format.py ROOT [--fix]
"""

import os
import subprocess
import sys


def sources(root):
    for top in ("include", "rt", "pass", "tools", "tests", "bench", "docs"):
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders.sort()
            yield from (os.path.join(folder, name) for name in sorted(names)
                        if name.endswith((".c", ".h", ".cpp")))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    files = list(sources(sys.argv[1]))
    if not files:
        sys.exit(f"format: no sources under {sys.argv[1]}")
    how = ["-i"] if "--fix" in sys.argv else ["--dry-run", "-Werror"]
    return subprocess.run(["clang-format-14", *how, *files],
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
