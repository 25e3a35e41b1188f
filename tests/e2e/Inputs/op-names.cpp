/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of many names, in two files (-DOTHER); see op-names.test. */
#include "pm.h"

#define APART __attribute__((noinline))

uint64_t *word();
void step_there();

static APART void set(uint64_t value) {
  *word() = value;
  pm_persist(word(), 8);
}

static APART void step(uint64_t by) {
  set(*word() + by);
}

#ifdef OTHER

void step_there() {
  step(1);
}

#else

static uint64_t *mapped;
uint64_t *word() {
  return mapped;
}

namespace {
APART void hidden(int value) {
  set(uint64_t(value));
}
} // namespace

APART void never_called() {
  set(8);
}

APART void never_this() {
  set(9);
}

// The same name: another function all the same.
APART void never_this(long) {
  set(9);
}

namespace kv {

template <typename Key> struct Map {
  Key key;
  template <typename Value> APART void put(Value value) {
    set(uint64_t(value));
  }
  APART Key operator[](int at) const {
    set(uint64_t(at));
    return key;
  }
};

static APART void operator<<(Map<char> &map, int by) {
  set(uint64_t(by) + uint64_t(map.key));
}

} // namespace kv

template <typename Function> static void call(Function function) {
  function(6);
}

int main(int argc, char **argv) {
  int check = pm_is_check(argc, argv);
  mapped = static_cast<uint64_t *>(pm_map(argv[2]));
  if (check) {
    printf("%lu\n", *mapped);
    return 0;
  }
  kv::Map<char> map = {0};
  step(1);
  step_there();
  map.put(2);
  map.put(3L);
  map[4];
  map << 5;
  call([](int value) { set(uint64_t(value)); });
  hidden(7);
  if (argc > 3) {
    never_called();
    never_this();
    never_this(1L);
  }
  return 0;
}

#endif
