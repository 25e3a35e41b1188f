#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Is an archive a pure library: no I/O, no allocation, no state of its own?

usage: purity.py ARCHIVE

Prints one line per offence: an undefined symbol other than fpost_panic, what the
compiler itself calls (memcpy and its kind) and what the archive defines; an object
with writable data; a global symbol that does not start with fpost_.
"""

import re
import subprocess
import sys

ALLOWED = {"fpost_panic", "memcpy", "memmove", "memset", "memcmp",
           "_GLOBAL_OFFSET_TABLE_"}
# The checks of a sanitizer build belong to the compiler as well.
COMPILER = re.compile(r"^__(a|ub)san_")
# .data.rel.ro holds constants with addresses; it is read-only once loaded.
WRITABLE = re.compile(r"^\.(t?data|t?bss)(\.(?!rel\.ro)|$)")


def run(*command):
    return subprocess.run(command, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def symbol_offences(archive):
    symbols = [(line.rpartition(":")[0].rpartition(":")[2], *line.split()[-2:])
               for line in run("nm", "-A", "-g", archive).splitlines()]
    defined = {name for _, kind, name in symbols if kind not in "Uwv"}
    for where, kind, name in symbols:
        if COMPILER.match(name):
            continue
        if kind in "Uwv":
            if name not in ALLOWED and name not in defined:
                yield f"{where}: needs {name}"
        elif not name.startswith("fpost_"):
            yield f"{where}: exports {name}"
    if not defined:
        yield f"{archive}: defines nothing"


def data_offences(archive):
    where = archive
    for line in run("objdump", "-h", archive).splitlines():
        if "file format" in line:
            where = line.partition(":")[0]
        fields = line.split()
        if (len(fields) == 7 and fields[0].isdigit() and
                WRITABLE.match(fields[1]) and int(fields[2], 16) != 0):
            yield f"{where}: {int(fields[2], 16)} bytes of writable {fields[1]}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    offences = [*symbol_offences(sys.argv[1]), *data_offences(sys.argv[1])]
    print("\n".join(sorted(set(offences))), end="\n" if offences else "")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
