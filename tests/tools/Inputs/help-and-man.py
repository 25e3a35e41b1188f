# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every command: --help, `help COMMAND` and the man page agree, lines are short."""
import re
import subprocess
import sys

fencepost = sys.argv[1]


def output(*arguments):
    return subprocess.run([fencepost, *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


listed = output("--help").split("commands:")[1]
commands = re.findall(r"^  ([a-z]+) ", listed, re.M)
assert len(commands) >= 5, commands
top = output("help", "--man")
for command in commands:
    text = output(command, "--help")
    assert text == output("help", command)
    assert text.startswith("usage: fencepost %s " % command), text
    long = [line for line in text.splitlines()
            if len(line) > 80 and not line.startswith(("usage:", "  fencepost",
                                                       "  clang"))]
    assert not long, long
    options = re.findall(r"^  (?:-., )?--([a-z-]+)", text, re.M)
    assert "help" in options
    page = output("help", "--man", command)
    assert page.splitlines()[1].startswith(f".TH FENCEPOST-{command.upper()} 1 "), page
    paged = [name.replace("\\-", "-")
             for name in re.findall(r"^\.B (?:\\-., )?\\-\\-([a-z\\-]+)", page,
                                    re.M)]
    assert paged == options, (command, paged, options)
    assert "fencepost\\-%s (1)" % command in top
    rendered = subprocess.run(["man", "--warnings", "-l", "-"], input=page,
                              text=True, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False) \
        if subprocess.run(["sh", "-c", "command -v man"],
                          stdout=subprocess.DEVNULL, check=False
                          ).returncode == 0 else None
    assert rendered is None or not rendered.stderr, rendered.stderr
