// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %fencepost-clang++ -g -O0 %s -o %t.0 && rm -f %t.pool
// RUN: %fencepost record --pool %t.pool --op 'put*' -o %t.0.fpt -- %t.0 run %t.pool
// RUN: %fencepost show %t.0.fpt | FileCheck --check-prefixes=CHECK,UNOPTIMIZED %s
// RUN: %fencepost-clang++ -g -O2 %s -o %t.2
// RUN: %fencepost record --pool %t.pool --op 'put*' -o %t.2.fpt -- %t.2 run %t.pool
// RUN: %fencepost show %t.2.fpt | FileCheck %s
// RUN: %fencepost-clang++ -O0 %s -o %t.n
// RUN: %fencepost record --pool %t.pool --op 'put*' -o %t.n.fpt -- %t.n run %t.pool
// RUN: %fencepost show %t.n.fpt | FileCheck --check-prefix=CHECK-PLAIN %s
//
// Intent: the arguments of an operation are shown by their types, up to eight;
// what they point to is looked at only if it can be read. Each call of an
// unrolled loop has its own. Without debug information they have no names.
//
// CHECK: op-begin put_numbers(i=-1, u=4294967295, l=-9223372036854775808, s=-3, h=65535, c='x', n=10, sc=-1){{ }}
// CHECK: op-begin put_others(yes=true, no=false, f=1.5, d=-0.125, color=2, sign=-1, p=0x{{[0-9a-f]+}}, null=0x0){{ }}
// CHECK: op-begin put_strings(text="seven \"?\"", null=NULL, bad=0x10, long_one="0123456789abcdef0123456789abcdef0123456789abcdef"..., string="short", reference="0123456789abcdef0123456789abcdef0123456789abcdef"..., empty=""){{ }}
// CHECK: op-begin put_structs(small=..., big=..., last=7){{ }}
// CHECK: op-begin put_many(a=1, b=2, c=3, d=4, e=5, f=6, g=7, h=8, ...){{ }}
// CHECK: op-begin put_variadic(count=2, ...){{ }}
// CHECK: op-begin put_result(by=9){{ }}
// CHECK: op-begin Puts::put(key=11){{ }}
// CHECK: op-begin put_inlined(key=0){{ }}
// CHECK: op-begin put_inlined(key=1){{ }}
// CHECK: op-begin put_inlined(key=2){{ }}
// UNOPTIMIZED: op-begin put_nothing(){{ }}
//
// CHECK-PLAIN: op-begin put_numbers(-1, {{[0-9-]+}}, -9223372036854775808, -3, 65535, 120, 10, -1){{ }}
// CHECK-PLAIN-SAME: in put_numbers(int, unsigned int, long, short, unsigned short, char, char, signed char){{$}}
// CHECK-PLAIN: op-begin put_others(1, 0, 1.5, -0.125, {{.*}}, 0x{{[0-9a-f]+}}, 0x0){{ }}
// CHECK-PLAIN: op-begin put_many(1, 2, 3, 4, 5, 6, 7, 8, ...){{ }}
// CHECK-PLAIN: op-begin put_variadic(2, ...){{ }}
// CHECK-PLAIN: op-begin put_result(9){{ }}
// CHECK-PLAIN: op-begin put_inlined(...){{ }}
#include "Inputs/pm.h"

#include <climits>
#include <cstdarg>
#include <string>

#define APART __attribute__((noinline, optnone)) static
#define INLINED __attribute__((always_inline)) static inline

enum class Color : unsigned char { red, green, blue };
enum Sign { minus = -1, plus = 1 };
struct Small {
  int x, y;
};
struct Big {
  uint64_t x[9];
};

static uint64_t *word;

static void set(uint64_t value) {
  *word = value;
  pm_persist(word, 8);
}

APART void put_numbers(int i, unsigned u, long l, short s, unsigned short h,
                       char c, char n, signed char sc) {
  set(uint64_t(i) + u + uint64_t(l) + uint64_t(s + h + c + n + sc));
}

APART void put_others(bool yes, bool no, float f, double d, Color color,
                      Sign sign, const uint64_t *p, void *null) {
  set(*p + yes + no + uint64_t(f - float(d)) + uint64_t(color) +
      uint64_t(sign) + (null == nullptr));
}

APART void put_strings(const char *text, char *null, const char *bad,
                       const char *long_one, std::string string,
                       const std::string &reference, std::string &&empty) {
  set(strlen(text) + strlen(long_one) + string.size() + reference.size() +
      empty.size() + (null == bad));
}

APART void put_structs(Small small, Big big, int last) {
  set(uint64_t(small.x) + big.x[3] + uint64_t(last));
}

APART void put_many(int a, int b, int c, int d, int e, int f, int g, int h,
                    int i, int j) {
  set(uint64_t(a + b + c + d + e + f + g + h + i + j));
}

APART void put_variadic(int count, ...) {
  va_list values;
  va_start(values, count);
  while (count-- > 0)
    set(va_arg(values, unsigned));
  va_end(values);
}

APART Big put_result(uint64_t by) {
  set(by);
  return {{by}};
}

struct Puts {
  uint64_t more;
  __attribute__((noinline)) void put(uint64_t key) {
    set(key + more);
  }
};

INLINED void put_inlined(uint64_t key) {
  set(key);
}

APART void put_nothing() {
  set(12);
}

int main(int argc, char **argv) {
  pm_is_check(argc, argv);
  word = static_cast<uint64_t *>(pm_map(argv[2]));
  const char *digits = "0123456789abcdef0123456789abcdef0123456789abcdef01";
  put_numbers(-1, UINT_MAX, LONG_MIN, -3, USHRT_MAX, 'x', '\n', -1);
  put_others(true, false, 1.5F, -0.125, Color::blue, minus, word, nullptr);
  put_strings("seven \"\n\"", nullptr, reinterpret_cast<const char *>(16),
              digits, "short", digits, "");
  put_structs({1, 2}, {{3}}, 7);
  put_many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  put_variadic(2, 3, 4);
  put_result(9);
  Puts{1}.put(uint64_t(argc) + 8);
  for (uint64_t i = 0; i < 3; i++)
    put_inlined(i);
  put_nothing();
  return 0;
}
