#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The house rules that compilers and clang-tidy cannot state.

usage: tidy.py ROOT

Prints one line per offence, with what to do instead, and exits 1 if there is any.
"""

import os
import re
import sys

TAG = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70

CODE = (".c", ".h", ".cpp")
# Files in which a comment, hence the tag, is possible.
TAGGED = CODE + (".rs", ".toml", ".def", ".inc", ".in", ".py", ".sh", ".cmake", ".md", ".test",
                 ".ll", ".litmus", ".txt", ".1", ".7", ".dynlist")

# Where: what must not be called there: what to use instead.
BANNED = {
    "": {
        "gets": "fgets",
        "sprintf": "snprintf",
        "vsprintf": "vsnprintf",
        "strtok": "strchr, or a parser of your own",
        "tmpnam": "mkstemp",
        "alloca": "an array with a named bound",
    },
    "rt": {
        "malloc": "memory given by the caller, or rt/os",
        "calloc": "memory given by the caller, or rt/os",
        "realloc": "memory given by the caller, or rt/os",
        "free": "memory given by the caller, or rt/os",
        "printf": "one write of a text built in a buffer",
        "fprintf": "one write of a text built in a buffer",
        "assert": "FPOST_ASSERT, which is on in every build",
        "exit": "a return code; only fpost_panic ends the program",
    },
    "tools": {
        "assert": "FPOST_ASSERT, which is on in every build",
        "atoi": "strtoull with its errors checked",
        "atol": "strtoull with its errors checked",
        "strcpy": "snprintf or memcpy with a known size",
        "strcat": "snprintf",
    },
}

# Words that would tie the tree to one machine; spelt so as not to match here.
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:home|root|work|Users)/\w")
UNNUMBERED = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X)\b(?!\(#\d+\))")
# One word per idea: the other words for flush and for what a fence does.
OTHER_WORDS = re.compile(r"\b(writeback|write-back of|cacheline)\b", re.I)
RULE = re.compile(r"\brules? ((?:[SFNAPR]\d(?:, | and |,)?)+)")

STRING_OR_COMMENT = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text):
    """The text with comments and strings blanked, line numbers unchanged."""
    return STRING_OR_COMMENT.sub(
        lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def line_at(text, offset):
    return text.count("\n", 0, offset) + 1


def check_tag(path, lines):
    first = 1 if lines and lines[0].startswith("#!") else 0
    if path.endswith(TAGGED) or first:
        if len(lines) <= first or TAG not in lines[first]:
            yield first + 1, f'the line must hold the tag "{TAG}"'


def check_size(path, lines):
    if path.endswith(CODE + (".py", ".def", ".inc")) and \
            len(lines) > FILE_LINES_MAX:
        yield len(lines), (f"{len(lines)} lines; split the file, "
                           f"{FILE_LINES_MAX} are the limit")


def check_functions(path, lines):
    """A function starts at column 0 and ends with a brace there."""
    if not path.endswith(CODE):
        return
    start = None
    for number, line in enumerate(lines, 1):
        if start is None:
            if line.endswith("{") and not line.startswith((" ", "#", "}", "/")) \
                    and not re.match(r"(?:typedef |static |const )*(?:struct|"
                                     r"union|enum|class|namespace|extern)\b"
                                     r"[^()]*\{$", line) \
                    and not line.rstrip().endswith("= {"):
                start = number
            elif line == "{":
                start = number
        elif line.startswith("}"):
            if number - start + 1 > FUNCTION_LINES_MAX:
                yield start, (f"function of {number - start + 1} lines; "
                              f"{FUNCTION_LINES_MAX} are the limit")
            start = None


def check_text(path, lines):
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "space at the end of the line"
        if "\t" in line and path.endswith(CODE + (".def", ".py")):
            yield number, "tab; indent with spaces"
        if MACHINE_PATH.search(line):
            yield number, "path of one machine; take it from the environment"
        if UNNUMBERED.search(line):
            yield number, "note without an issue number, as in (#12)"
        if path.endswith(CODE + (".md",)) and OTHER_WORDS.search(line):
            word = OTHER_WORDS.search(line).group(1)
            yield number, f'"{word}": say flush, fence or line'


def check_calls(path, code):
    for where, calls in BANNED.items():
        if where and not path.startswith(where + "/"):
            continue
        for call, instead in calls.items():
            for match in re.finditer(rf"(?<![\w.>]){call}\s*\(", code):
                # A definition or declaration of an interposed function is none.
                start = code.rfind("\n", 0, match.start()) + 1
                before = code[start:match.start()]
                if re.match(r"[A-Za-z_][^=(]*[\s*]$", before):
                    if not re.match(r"\s*(return|else)\b", before):
                        continue
                yield (line_at(code, match.start()),
                       f"{call} is banned; use {instead}")


def guard_of(path):
    if path.startswith("include/"):
        path = path[len("include/"):]
    else:
        path = "fpost/" + path
    return re.sub(r"\W", "_", path).upper()


def check_guard(path, lines):
    if not path.endswith(".h"):
        return
    guard = guard_of(path)
    # rt and Inputs say nothing; the pass is named after itself.
    short = re.sub(r"_(?:RT|INPUTS)_", "_", guard)
    last = "_".join(["FPOST"] + guard.split("_TOOLS_")[-1:]) \
        if path.startswith("tools/") and path.count("/") == 2 else short
    directives = [line for line in lines if line.startswith("#")]
    for name in (guard, short, last, guard.replace("FPOST_", "FENCEPOST_", 1)):
        if directives[:2] == [f"#ifndef {name}", f"#define {name}"] and \
                directives[-1].startswith("#endif"):
            return
    yield 1, f"the header guard is {short} or missing"


def check_rules(path, text, known):
    if not known or not path.endswith(CODE):
        return
    for match in RULE.finditer(text):
        for rule in re.findall(r"[A-Z]\d", match.group(1)):
            if rule not in known:
                yield (line_at(text, match.start()),
                       f"rule {rule} is not in docs/MODEL.md")


def check_litmus_index(root):
    folder = os.path.join(root, "tests", "litmus")
    try:
        with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
            index = file.read()
    except OSError:
        return
    for name in sorted(os.listdir(folder)):
        if name.endswith(".litmus") and name not in index:
            yield f"tests/litmus/README.md:1: {name} is not in the index"


def offences(root, path, known_rules):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    elif text:
        yield len(lines), "no newline at the end of the file"
    yield from check_tag(path, lines)
    yield from check_size(path, lines)
    yield from check_functions(path, lines)
    yield from check_text(path, lines)
    yield from check_guard(path, lines)
    yield from check_rules(path, text, known_rules)
    if path.endswith(CODE):
        yield from check_calls(path, code_only(text))


def files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders
                            if f not in ("build", ".git", "__pycache__"))
        for name in sorted(n for n in names if n != ".git"):
            path = os.path.relpath(os.path.join(folder, name), root)
            if not os.path.islink(os.path.join(root, path)):
                yield path


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root, count, seen = sys.argv[1], 0, 0
    try:
        with open(os.path.join(root, "docs/MODEL.md"), encoding="utf-8") as file:
            known = set(re.findall(r"\b[A-Z]\d\b", file.read()))
    except OSError:
        known = set()
    for path in files(root):
        try:
            found = sorted(offences(root, path, known))
        except UnicodeDecodeError:
            continue  # data of a test
        seen += 1
        for line, text in found:
            print(f"{path}:{line}: {text}")
            count += 1
    for text in check_litmus_index(root):
        print(text)
        count += 1
    if seen == 0:
        print(f"tidy: no files under {root}")
    return 1 if count or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
