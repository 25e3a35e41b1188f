#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Who may include whom; docs/ARCHITECTURE.md says why.

usage: layers.py ROOT

Prints one line per offence and exits 1 if there is any.
"""

import os
import re
import sys

PURE = {"rt/base", "rt/model", "rt/trace"}
PUBLIC = "include/fencepost"
EVERYTHING = {PUBLIC, "rt/base", "rt/model", "rt/trace", "rt/os", "rt/hooks", "rt/heap",
              "tools", "tests", "bench"}

# Layer: what its files may include besides themselves.
MAY_INCLUDE = {
    PUBLIC: set(),
    "rt/base": {PUBLIC},
    "rt/model": {PUBLIC, "rt/base"},
    "rt/trace": {PUBLIC, "rt/base", "rt/model"},
    "rt/os": {PUBLIC, "rt/base"},
    "rt/hooks": {PUBLIC, "rt/base", "rt/model", "rt/trace", "rt/os"},
    "rt/heap": {"rt/os"},
    "pass": {PUBLIC},
    "tools": {PUBLIC, "rt/base", "rt/model", "rt/trace", "rt/os"},
    "tests": EVERYTHING,
    "bench": EVERYTHING - {"rt/hooks"},
}

# What a library without an operating system can offer, and string.h for the four
# functions that compilers call by themselves.
FREESTANDING = {"stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "limits.h",
                "stdalign.h", "stdnoreturn.h", "float.h", "string.h"}
PUBLIC_SYSTEM = {"stdint.h", "stddef.h"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
SOURCES = (".c", ".h", ".cpp", ".def", ".inc")


def layer_of(path):
    """The layer a path relative to the root belongs to, or None."""
    for layer in sorted(MAY_INCLUDE, key=len, reverse=True):
        if path == layer or path.startswith(layer + "/"):
            return layer
    return None


def resolve(root, path, spelled):
    """The path from the root of what is included, or None: not ours."""
    if spelled.startswith("fencepost/"):
        return "include/" + spelled
    if os.path.exists(os.path.join(root, spelled)):
        return spelled
    beside = os.path.normpath(os.path.join(os.path.dirname(path), spelled))
    return beside if os.path.exists(os.path.join(root, beside)) else None


def offences(root, path):
    layer = layer_of(path)
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    for match in INCLUDE.finditer(text):
        quote, spelled = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        target = resolve(root, path, spelled)
        if quote == '"' or spelled.startswith("fencepost/"):
            # The pass and the tests also include LLVM and their own Inputs.
            if target is None:
                if layer == "pass" and spelled.startswith(("llvm/", "llvm-c/")):
                    continue
                yield line, (f'"{spelled}" is no file of the tree; write '
                             "includes from the repository root")
                continue
            beside = target != spelled and not target.startswith("include/")
            if beside and layer not in ("tests", "pass"):
                yield line, f'"{spelled}": write "{target}", from the root'
            wanted = layer_of(target)
            # Memory that runtime and tools share is described in headers of os.
            if layer == "rt/os" and path.endswith(".h") and wanted in PURE:
                continue
            if wanted != layer and wanted not in MAY_INCLUDE[layer]:
                yield line, f"{layer} may not include {wanted} ({spelled})"
        elif layer in PURE and spelled not in FREESTANDING:
            yield line, (f"<{spelled}> in {layer}, which is pure: no I/O, no "
                         "allocation, no operating system")
        elif layer == PUBLIC and spelled not in PUBLIC_SYSTEM:
            yield line, f"<{spelled}> in a public header: only stdint, stddef"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root, count, seen = sys.argv[1], 0, 0
    for top in ("include", "rt", "pass", "tools", "tests", "bench"):
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root)
                if not name.endswith(SOURCES) or layer_of(path) is None:
                    continue
                seen += 1
                for line, text in offences(root, path):
                    print(f"{path}:{line}: {text}")
                    count += 1
    if seen == 0:
        print(f"layers: no source files under {root}")
    return 1 if count or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
