#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# observers.sh TRACE RECOVERY [EXIT-CODE] [OPTION...]: explore with --observe
# stdout; all that is said goes to stdout. Fails unless it exits with EXIT-CODE,
# which is 2 if it is not given.
trace=$1 recovery=$2 want=2
shift 2
case ${1-} in
[0-9]*)
  want=$1
  shift
  ;;
esac
rm -f "$trace.fpdb"
fencepost explore "$trace" --db "$trace.fpdb" --observe stdout \
  --recover "$recovery" "$@" 2>&1
got=$?
[ "$got" -eq "$want" ] || echo "exit code $got, expected $want"
[ "$got" -eq "$want" ]
