// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %fencepost-clang++ -g -O1 %s -o %t
// RUN: %fencepost-clang++ -g -O1 -DFIXED %s -o %t.fixed
// RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --op 'hash::Table<*>::put' --trace %t.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
// RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --op put --trace %t.f.fpt --observe stdout --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
//
// Intent: a hash table that switches to the larger array before that is
// durable. The operation is a member function of a template, named by its
// demangled name with its scope or by its last part.
//
// CHECK: ERROR: fencepost: not-failure-atomic
// CHECK-NEXT: in operation hash::Table<int>::put(key=5)
// CHECK: op-rehash.cpp:{{[0-9]+}} in {{.*}}grow
// CHECK: is lost, and this one, which came later, has persisted
// CHECK: op-rehash.cpp:{{[0-9]+}} in {{.*}}grow
// CHECK: SUMMARY: {{.*}} cover all
// GOOD: 0 errors, 0 warnings{{.*}} cover all
#include "Inputs/pm.h"

namespace hash {

template <typename Key> struct Table {
  PM_ALIGNED uint64_t which; // array in use
  PM_ALIGNED Key small[4];
  PM_ALIGNED Key large[64];

  Key *array() {
    return which == 0 ? small : large;
  }
  unsigned size() const {
    return which == 0 ? 4 : 64;
  }
  Key *place(Key *keys, unsigned count, Key key) {
    unsigned at = unsigned(key) * 7 % count;
    for (unsigned i = 0; i < count; i++, at = (at + 1) % count)
      if (keys[at] == 0)
        return &keys[at];
    return nullptr;
  }
  void grow() {
    for (Key key : small)
      *place(large, 64, key) = key;
    pm_flush(large, sizeof large);
#ifdef FIXED
    pm_fence();
#endif
    which = 1;
    pm_persist(&which, 8);
  }
  void put(Key key) {
    Key *at = place(array(), size(), key);
    if (at == nullptr) {
      grow();
      at = place(large, 64, key);
    }
    *at = key;
    pm_persist(at, sizeof *at);
  }
};

} // namespace hash

int main(int argc, char **argv) {
  bool check = pm_is_check(argc, argv);
  auto *table = static_cast<hash::Table<int> *>(pm_map(argv[2]));
  if (check) {
    for (int key = 1; key < 10; key++)
      for (unsigned i = 0; i < table->size(); i++)
        if (table->array()[i] == key)
          printf("%d\n", key);
    return 0;
  }
  for (int key = 1; key <= 6; key++)
    table->put(key);
  return 0;
}
