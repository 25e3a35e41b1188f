# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""reference.py SOURCE: docs/REFERENCE.md and the README name all that there is."""
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1])


def read(path):
    return (source / path).read_text(encoding="utf-8")


reference, readme = read("docs/REFERENCE.md"), read("README.md")
wanted = [(reference, f"`fencepost {name}`") for name in
          re.findall(r"^FPOST_COMMAND\((\w+)\)", read("tools/commands.def"), re.M)]
wanted += [(reference, f"`{name}`") for name in
           re.findall(r"^FPOST_FLAG\(\w+, *(\w+),", read("rt/hooks/flags.def"), re.M)]
wanted += [(reference, f"`{name}`") for name in
           re.findall(r"^#define (fencepost_\w+)\(",
                      read("include/fencepost/fencepost.h"), re.M)]
wanted += [(readme, f"`{name}`") for name in
           re.findall(r'^FPOST_CLASS\(\w+, "([a-z-]+)"',
                      read("rt/model/classes.def"), re.M)]
assert len(wanted) > 40, wanted
missing = [name for text, name in wanted if name not in text]
# And nothing that is not there.
names = " ".join(name for _, name in wanted)
missing += [f"{name} does not exist" for name in
            re.findall(r"`fencepost_\w+`", reference) if name not in names]
print("\n".join(missing))
sys.exit(1 if missing else 0)
