#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# balance.sh POOL [HOW]: do the two numbers at the start of the pool, each in a
# line of its own, add up to 100? HOW is what else it does, see checker.c.
if [ "${2-}" = sleep ]; then
  exec sleep 60 <"$1"
fi
number() { od -An -t u8 -j "$2" -N 8 "$1" | tr -d ' '; }
a=$(number "$1" 0) b=$(number "$1" 64)
sum=$((a + b))
if [ "${2-}" = scribble ]; then
  echo changed >"$1"
fi
if [ "${2-}" = die ] && [ $sum -ne 100 ]; then
  kill -ABRT $$
fi
if [ $sum -ne 100 ]; then
  echo "first $a"
  echo "second $b"
  echo "they add up to $sum"
  exit 4
fi
