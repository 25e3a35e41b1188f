# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""completion.py FENCEPOST: what the shells offer for half a command line."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

fencepost = os.path.abspath(sys.argv[1])
folder = tempfile.mkdtemp()


def script(shell, name):
    path = os.path.join(folder, name)
    with open(path, "wb") as out:
        subprocess.run([fencepost, "help", "--completion", shell], check=True,
                       stdout=out)
    return path


def run(*command):
    return subprocess.run(command, check=True, text=True, cwd=folder,
                          stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL).stdout.split("\n")


def bash(line):
    words = line.split(" ")
    source = script("bash", "completion.bash")
    return run("bash", "--norc", "-c",
               f'. {source}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
               '_fencepost; printf "%s\\n" "${COMPREPLY[@]}"', "bash", *words)


def fish(line):
    script("fish", "fencepost.fish")
    return [word.split("\t")[0] for word in
            run("fish", "--no-config", "-c",
                f"source {folder}/fencepost.fish; complete -C '{line}'")]


# zsh completes only on a terminal: a pseudo-terminal of its own zpty module.
ZSH = """
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1=; unsetopt zle_bracketed_paste; fpath=(%s $fpath)'
zpty -w z 'autoload -Uz compinit; compinit -u -D; LISTMAX=0; bindkey "^I" list-choices; echo rea""dy'
zpty -r -m z line '*ready*'
zpty -w -n z "$1"$'\\t'
sleep 1
zpty -w -n z $'\\x15'
zpty -w z 'echo do""ne'
zpty -r -m z line '*done*'
print -r -- "$line"
"""


def zsh(line):
    script("zsh", "_fencepost")
    text = "\n".join(run("zsh", "-f", "-c", ZSH % folder, "zsh", line))
    return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", text).split()


shells = {"bash": bash, "zsh": zsh, "fish": fish}
complete = shells[sys.argv[2]]
if shutil.which(sys.argv[2]) is None:
    sys.exit(f"{sys.argv[2]} is not installed")
open(os.path.join(folder, "pool.img"), "w", encoding="utf-8").close()
offered = complete("fencepost re")
for word in ("record", "replay", "report"):
    assert word in offered, (word, offered)
assert "check" not in offered, offered
assert "--recover" in complete("fencepost crash --reco"), sys.argv[2]
offered = complete("fencepost check --domain ")
assert "adr" in offered and "eadr" in offered, offered
assert "pool.img" in complete("fencepost replay poo"), sys.argv[2]
shutil.rmtree(folder)
print("complete")
