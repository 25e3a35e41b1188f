// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -g -O1 %s -o %t
// RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
// RUN: FileCheck %s < %t.out
// RUN: %fencepost-clang++ -g -O1 -DFIXED %s -o %t
// RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
//
// Intent: recovery that ends in an uncaught C++ exception has aborted; the
// exception crosses instrumented frames and is caught where the program catches
// it.
//
// CHECK: ERROR: fencepost: recovery-failure
// CHECK: {{SIGABRT|abort|signal 6}}
#include "Inputs/pm.h"

#include <stdexcept>
#include <string>

namespace {

struct Root {
  alignas(64) char name[64];
  alignas(64) uint64_t length; // of the name; 0: none yet
};

int run(Root *root) {
  std::string("persistent").copy(root->name, sizeof root->name);
#ifdef FIXED
  pm_persist(root->name, sizeof root->name);
#endif
  root->length = 10;
  pm_persist(root, sizeof *root);
  return 0;
}

std::string name(const Root *root) {
  if (strnlen(root->name, sizeof root->name) != root->length)
    throw std::runtime_error("name and length do not match");
  return {root->name, root->length};
}

int check(const Root *root) {
  if (root->length == 0)
    return 0;
  try {
    throw std::logic_error("nothing wrong: only to be caught");
  } catch (const std::logic_error &) {
  }
  return name(root) != "persistent";
}

} // namespace

int main(int argc, char **argv) {
  bool isCheck = pm_is_check(argc, argv);
  auto *root = static_cast<Root *>(pm_map(argv[2]));

  return isCheck ? check(root) : run(root);
}
