#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# pool-pattern.sh FENCEPOST FILE PATTERN...: does the pattern name the FILE that
# ./program, which leaves a flush out, maps?
fencepost=$1 file=$2
shift 2
for pattern; do
  rm -f "$file"
  "$fencepost" check --pool "$pattern" -- ./program run "$file" >out 2>&1
  echo "$pattern: exit code $?"
done
