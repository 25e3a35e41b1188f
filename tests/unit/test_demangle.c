/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/demangle.h"

#include <check.h>
#include <stdlib.h>

static void ck_demangled(const char *name, const char *expected) {
  char *got = fpost_demangle(name);
  ck_assert_ptr_nonnull(got);
  ck_assert_str_eq(got, expected);
  free(got);
}

START_TEST(a_c_name_stays_as_it_is) {
  ck_demangled("push", "push");
  ck_demangled("", "");
  ck_demangled("_Zonk", "_Zonk");
  ck_demangled("_R", "_R");
}
END_TEST

START_TEST(a_cxx_name_gets_its_arguments) {
  ck_demangled("_ZN5queue4pushEi", "queue::push(int)");
  ck_demangled("_Z3maxIlET_S0_S0_", "long max<long>(long, long)");
}
END_TEST

START_TEST(a_legacy_rust_name_loses_its_hash_and_escapes) {
  ck_demangled("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write");
  ck_demangled("_ZN14hash$LT$u8$GT$3run17h0123456789abcdefE", "hash<u8>::run");
}
END_TEST

START_TEST(a_v0_rust_name_becomes_its_path) {
  ck_demangled("_RNvCs15kBYyAo9fc_7mycrate7example", "mycrate::example");
  ck_demangled("_RNvNtCs1234_5queue4ring4push", "queue::ring::push");
}
END_TEST

/* Lengths that lie must not lead out of the name. */
START_TEST(a_broken_v0_name_is_read_as_far_as_it_goes) {
  ck_demangled("_RNvC7mycrate99example", "mycrate");
  ck_demangled("_RNvC99999999999999999999x", "_RNvC99999999999999999999x");
  ck_demangled("_Rs", "_Rs");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("demangle");
  TCase *tcase = tcase_create("names");
  tcase_add_test(tcase, a_c_name_stays_as_it_is);
  tcase_add_test(tcase, a_cxx_name_gets_its_arguments);
  tcase_add_test(tcase, a_legacy_rust_name_loses_its_hash_and_escapes);
  tcase_add_test(tcase, a_v0_rust_name_becomes_its_path);
  tcase_add_test(tcase, a_broken_v0_name_is_read_as_far_as_it_goes);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
