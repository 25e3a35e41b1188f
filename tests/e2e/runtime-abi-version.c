/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: sh -c '%t; echo $?' 2>&1 | FileCheck %s
 *
 * Intent: a module that was compiled by a pass with another version of the
 * hooks is refused, with both versions and what to do.
 *
 * CHECK: hooks have version 4711, this runtime needs {{[0-9]+}}: compile all
 * CHECK: {{^}}2
 */
#include "fencepost/module.h"

#include <stdio.h>

void __fencepost_module(const struct fencepost_module *module);

int main(void) {
  static const struct fencepost_module module = {4711, 0, "", "", 0, 0,
                                                 0,    0, 0,  0,  ""};
  __fencepost_module(&module);
  puts("accepted");
  return 0;
}
