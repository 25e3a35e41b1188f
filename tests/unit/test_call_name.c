/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/call_name.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void ck_call(const char *arguments, uint64_t known,
                    const uint64_t *values, const char *expected) {
  char bytes[512];
  struct fpost_text text = fpost_text_in(bytes, sizeof bytes);
  struct fencepost_function function = {
      .name = "f", .parameters = "()", .arguments = arguments};
  fpost_call_name(&text, &function, known, values);
  ck_assert_str_eq(bytes, expected);
}

static uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static uint64_t address_of(const void *at) {
  return (uint64_t)(uintptr_t)at;
}

START_TEST(numbers_are_shown_by_their_letters) {
  ck_call("", 0, NULL, "f()");
  ck_call("ia,ub,bc,cd,ce", 0x1f,
          (uint64_t[]){(uint64_t)-1, (uint64_t)-1, 1, 'x', 7},
          "f(a=-1, b=18446744073709551615, c=true, d='x', e=7)");
  ck_call("d,d,p", 7, (uint64_t[]){bits_of(-0.5), bits_of(1e300), 0x1000},
          "f(-0.5, 1e+300, 0x1000)");
}
END_TEST

START_TEST(what_is_not_known_or_not_shown_is_said) {
  ck_call("ia,xb,ic", 4, (uint64_t[]){1, 2, 3}, "f(a=?, b=..., c=3)");
  ck_call("x", 1, (uint64_t[]){1}, "f(...)");
}
END_TEST

START_TEST(strings_are_cut_escaped_and_may_be_null) {
  char exact[49];
  char longer[50];
  memset(exact, 'a', sizeof exact);
  memset(longer, 'a', sizeof longer);
  exact[48] = '\0';
  longer[49] = '\0';
  ck_call("s,s", 3, (uint64_t[]){address_of("x\"\\\n"), 0},
          "f(\"x\\\"\\\\?\", NULL)");
  char expected[64];
  (void)snprintf(expected, sizeof expected, "f(\"%s\"...)", exact);
  ck_call("s", 1, (uint64_t[]){address_of(longer)}, expected);
}
END_TEST

START_TEST(strings_that_cannot_be_read_are_addresses) {
  char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ck_assert_ptr_ne(pages, MAP_FAILED);
  ck_assert_int_eq(munmap(pages + 4096, 4096), 0);
  memset(pages, 'z', 4096);
  /* Up to the end of what is mapped. */
  ck_call("s", 1, (uint64_t[]){address_of(pages + 4093)}, "f(\"zzz\"...)");
  ck_call("s,S", 3, (uint64_t[]){16, 32}, "f(0x10, 0x20)");
  munmap(pages, 4096);
}
END_TEST

START_TEST(std_strings_have_a_size) {
  const uint64_t string[] = {address_of("abcdef"), 3};
  const uint64_t empty[] = {address_of(""), 0};
  const uint64_t lost[] = {16, 3};
  ck_call("Sa,Sb,Sc", 7,
          (uint64_t[]){address_of(string), address_of(empty), address_of(lost)},
          "f(a=\"abc\", b=\"\", c=0x10)");
}
END_TEST

START_TEST(errno_stays) {
  errno = EAGAIN;
  ck_call("s", 1, (uint64_t[]){16}, "f(0x10)");
  ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("call_name");
  TCase *tests = tcase_create("call_name");
  tcase_add_test(tests, numbers_are_shown_by_their_letters);
  tcase_add_test(tests, what_is_not_known_or_not_shown_is_said);
  tcase_add_test(tests, strings_are_cut_escaped_and_may_be_null);
  tcase_add_test(tests, strings_that_cannot_be_read_are_addresses);
  tcase_add_test(tests, std_strings_have_a_size);
  tcase_add_test(tests, errno_stays);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
