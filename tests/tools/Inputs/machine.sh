#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: machine.sh SOURCE FOLDER KIND...
#
# Runs a copy of `tools/setup deps` on a machine that is made up: a PATH on which
# only the tools that it needs exist, and the package tools are stand-ins. Kinds:
#   has-cargo      cargo and rustc are in PATH, from elsewhere
#   has-packages   everything is installed; calling apt-get is an error
#   no-lists       apt knows no package
#   no-network     apt-get update does not work
#   no-root        the user is nobody special and there is no sudo
#   no-apt         there is no apt-get
#   no-llvm-22     the archives have LLVM 19 only
set -eu
source=$1 folder=$2
shift 2
kinds=" $* "
is() { [[ $kinds == *" $1 "* ]]; }

rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/tree/tools"
cp "$source/tools/setup" "$folder/tree/tools/setup"
for tool in bash cat dirname dpkg env grep mkdir mktemp sed tail touch tr uname rm; do
  ln -s "$(command -v $tool)" "$folder/bin/$tool"
done

stub() { # NAME, with the body on stdin
  { printf '#!/usr/bin/env bash\nfolder=%q\n' "$folder" && cat; } \
    >"$folder/bin/$1"
  chmod +x "$folder/bin/$1"
}

is has-packages && touch "$folder/installed"
is no-lists || touch "$folder/lists"
is no-network && touch "$folder/offline"
is no-llvm-22 && touch "$folder/old"
stub dpkg-query <<'EOS'
for word; do
  case $word in
    -*) ;;
    [a-z]*) [ -e "$folder/installed" ] && echo installed ;;
  esac
done
exit 0
EOS
stub apt-cache <<'EOS'
[ -e "$folder/lists" ] || exit 0
case $2 in
  *-2[0-2] | *-2[0-2]-*) [ -e "$folder/old" ] && exit 0 ;;
esac
version=1.0
case $2 in
  rustc) version=1.63.0 ;;
  rustc-web) version=1.96.0 ;;
esac
printf '%s:\n  Installed: (none)\n  Candidate: %s\n' "$2" "$version"
EOS
stub apt-get <<'EOS'
echo "apt-get $*" >>"$folder/calls"
[[ $* == *update* && -e $folder/offline ]] && exit 100
[[ $* == *update* ]] && touch "$folder/lists"
[[ $* == *install* ]] && touch "$folder/installed"
exit 0
EOS
if is no-root; then echo 'echo 1000' | stub id; else echo 'echo 0' | stub id; fi
is has-cargo && stub cargo </dev/null && stub rustc </dev/null
is no-apt && rm "$folder/bin/apt-get"

code=0
PATH=$folder/bin "$folder/tree/tools/setup" deps || code=$?
[ ! -e "$folder/calls" ] || sed 's/ -o [^ ]*//g; s/^/called: /' "$folder/calls"
exit "$code"
