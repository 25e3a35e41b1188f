#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# races.sh CLASS PROGRAM POOL KIND...: for each kind, PROGRAM KIND POOL has no
# finding with the race rules on, and PROGRAM.buggy KIND POOL one of CLASS.
set -u
class=$1 program=$2 pool=$3
shift 3
for kind; do
  rm -f "$pool"
  fencepost check --races --pool "$pool" -- "$program" "$kind" "$pool" \
    >"$pool.out" 2>&1 || { echo "$kind: clean, but:"; cat "$pool.out"; exit 1; }
  rm -f "$pool"
  fencepost check --only "$class" --pool "$pool" -- "$program.buggy" "$kind" \
    "$pool" >"$pool.out" 2>&1
  status=$?
  if [ $status -ne 1 ] || ! grep -q "fencepost: $class\$" "$pool.out"; then
    echo "$kind: no $class (exit code $status), but:"
    cat "$pool.out"
    exit 1
  fi
done
