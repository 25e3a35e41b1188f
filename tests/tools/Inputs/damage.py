# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""damage.py FENCEPOST TRACE: every truncation and change of a packed trace is
refused, and other versions are told from damage.

Invariants checked: exit code 2, one line on stderr that names the file; never a
crash; never a trace that is read to its end."""
import random
import subprocess
import sys

fencepost, path = sys.argv[1:]
with open(path, "rb") as file:
    whole = file.read()


def show(content):
    with open("bad.fpt", "wb") as file:
        file.write(content)
    return subprocess.run([fencepost, "show", "bad.fpt"], text=True,
                          errors="replace", capture_output=True, check=False)


def refused(content, what):
    result = show(content)
    assert result.returncode == 2, (what, result)
    assert "'bad.fpt'" in result.stderr, (what, result.stderr)
    assert result.stderr.count("\n") == 1, (what, result.stderr)
    return result.stderr


assert show(whole).returncode == 0
for size in range(0, len(whole), 7):
    text = refused(whole[:size], size)
    assert "truncated" in text, (size, text)
refused(whole + b"x", "more at the end")
# Bytes 12 to 15 are spare.
random.seed(1)
for at in [i for i in range(len(whole)) if not 12 <= i < 16]:
    changed = bytearray(whole)
    changed[at] ^= 1 << random.randrange(8)
    refused(bytes(changed), at)

version = bytearray(whole)
version[8] = 2
text = refused(bytes(version), "version")
assert "was packed by version 2" in text and "this is version 1" in text, text
assert "record again" in text, text

raw = b"fpostrc\n" + bytes([9, 0, 0, 0, 32, 0, 0, 0]) + bytes(16)
text = refused(raw, "raw version")
assert "was made by version 9" in text and "record again" in text, text
raw = b"fpostrc\n" + bytes([3, 0, 0, 0, 32, 0, 0, 0]) + bytes(16)
assert show(raw).returncode == 0
assert "not packed" in show(raw).stdout
# A raw trace: random records end in an error or in an end, never in a crash.
for seed in range(300):
    random.seed(seed)
    result = show(raw + random.randbytes(random.randrange(200)))
    assert result.returncode in (0, 2), (seed, result)
