/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/rust_panic.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void ck_text(const char *start, const char *end, const char *expected) {
  ck_assert_int_eq(end - start, (int)strlen(expected));
  ck_assert_int_eq(strncmp(start, expected, strlen(expected)), 0);
}

START_TEST(a_panic_has_a_place_and_a_message) {
  struct explore_rust_panic panic;
  ck_assert(explore_rust_panic_find(
      "checking\n\nthread 'main' (123) panicked at src/map.rs:88:9:\n"
      "node 3 has\ntwo owners\n"
      "note: run with `RUST_BACKTRACE=1` environment variable ...\n",
      &panic));
  ck_text(panic.file, panic.file + panic.file_size, "src/map.rs");
  ck_assert_uint_eq(panic.line, 88);
  ck_assert_uint_eq(panic.column, 9);
  ck_text(panic.start, panic.end,
          "thread 'main' (123) panicked at src/map.rs:88:9:\n"
          "node 3 has\ntwo owners");
}
END_TEST

START_TEST(a_backtrace_is_no_part_of_the_message) {
  struct explore_rust_panic panic;
  ck_assert(
      explore_rust_panic_find("thread 'a b' panicked at C:x.rs:1:2:\nboo\n"
                              "stack backtrace:\n   0: rust_begin_unwind\n",
                              &panic));
  ck_text(panic.file, panic.file + panic.file_size, "C:x.rs");
  ck_text(panic.start, panic.end, "thread 'a b' panicked at C:x.rs:1:2:\nboo");
}
END_TEST

START_TEST(the_first_of_two_panics_counts) {
  struct explore_rust_panic panic;
  ck_assert(
      explore_rust_panic_find("thread 'a' panicked at a.rs:1:1:\none\n"
                              "thread 'a' panicked at b.rs:2:1:\ntwo\n",
                              &panic));
  ck_assert_uint_eq(panic.line, 1);
}
END_TEST

START_TEST(other_text_is_no_panic) {
  struct explore_rust_panic panic;
  static const char *const texts[] = {
      "",
      "thread 'main' panicked at ",
      "thread 'main' panicked at 'message', src/main.rs:3:5",
      "thread 'main' panicked at src/main.rs:0:5:\n",
      "thread 'main' panicked at src/main.rs:3:5: and on\n",
      "thread 'main' panicked at :3:5:\n",
      "it panicked at src/main.rs:3:5:\nboo\n"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    ck_assert_msg(!explore_rust_panic_find(texts[i], &panic), "%s", texts[i]);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("rust panic");
  TCase *tcase = tcase_create("panics");
  tcase_add_test(tcase, a_panic_has_a_place_and_a_message);
  tcase_add_test(tcase, a_backtrace_is_no_part_of_the_message);
  tcase_add_test(tcase, the_first_of_two_panics_counts);
  tcase_add_test(tcase, other_text_is_no_panic);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
