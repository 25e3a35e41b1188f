#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a tree that breaks each house rule once. usage: offences.py FOLDER

The offences are put together here, so that this file does not commit them.
"""

import os
import sys

TAG = "/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */"


def write(path, *lines, end="\n"):
    with open(os.path.join(sys.argv[1], path), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + end)


write("docs/MODEL.md", "<!-- " + TAG[3:-3] + " -->", "S1. Stores.")
write("docs/note.md", "# No tag", "A write" + "back.", "Space ", end="")
write("rt/model/long.c", TAG, *["int line;"] * 800)
write("rt/model/model.c", TAG, "",
      "int long_one(void) {", *["  step();"] * 69, "}",
      "int short_one(void) {",
      "\treturn 1;",
      "  /* /ho" + "me/me/x, but not /usr/bin/x or a/ho" + "me/x */",
      "  /* TO" + "DO: later; TO" + "DO(#12) is fine. */",
      "  /* Rule S1 is known. */",
      "  /* By rules S1 and S9. */",
      "  /* malloc(1) in a comment */",
      "  return malloc(1) != 0;",
      "}")
write("rt/model/model.h", TAG, "#ifndef WRONG_H", "#define WRONG_H", "#endif")
write("tools/tool.c", TAG, 'int x = strcat(a, "b");')
