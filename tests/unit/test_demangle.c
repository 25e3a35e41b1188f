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

START_TEST(a_generic_function_shows_its_path_alone) {
  ck_demangled("_RINvNtCs1_4core3ptr5writeyEB4_", "core::ptr::write");
  ck_demangled("_RINvC5queue4pushINtNtC5alloc3vec3VechEE", "queue::push");
}
END_TEST

START_TEST(a_method_shows_its_type) {
  ck_demangled("_RNvMC5queueNtB2_5Queue4push", "queue::Queue::push");
  ck_demangled("_RNvMs_C5queueINtB4_4RinghE4push", "queue::Ring<u8>::push");
  ck_demangled("_RNvMNtC4core5sliceSh4fill", "<[u8]>::fill");
  ck_demangled("_RNvXs_C5queueNtB4_5QueueNtNtC4core3ops4Drop4drop",
               "<queue::Queue as core::ops::Drop>::drop");
  ck_demangled("_RNvYTQhRL_eOuPFUKCzEuEC1a1b",
               "<(&mut u8, &str, *mut (), *const unsafe fn(!)) as a>::b");
  ck_demangled("_RNvYDNtC1a1FEL_C1b1c", "<dyn a::F as b>::c");
  ck_demangled("_RNvYAhj10_C1b1c", "<[u8; _] as b>::c");
}
END_TEST

START_TEST(a_closure_is_named_as_one) {
  ck_demangled("_RNCNvC5queue4main0B3_", "queue::main::{closure}");
  ck_demangled("_RNCNvC5queue4mains_0.llvm.12", "queue::main::{closure}");
}
END_TEST

/* Lengths and references that lie must not lead out of the name, or round in it
 */
START_TEST(a_broken_v0_name_stays_as_it_is) {
  static const char *const names[] = {"_RNvC7mycrate99example",
                                      "_RNvC99999999999999999999x",
                                      "_Rs",
                                      "_RNvB_1a",
                                      "_RNvC1aB_",
                                      "_RNvYB9_C1a1b",
                                      "_RIC1aB_E",
                                      "_RNvMC1aTTTTTTTTTT",
                                      "_RNvYA",
                                      "_RNvYRB2_C1a1b"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    ck_demangled(names[i], names[i]);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("demangle");
  TCase *tcase = tcase_create("names");
  tcase_add_test(tcase, a_c_name_stays_as_it_is);
  tcase_add_test(tcase, a_cxx_name_gets_its_arguments);
  tcase_add_test(tcase, a_legacy_rust_name_loses_its_hash_and_escapes);
  tcase_add_test(tcase, a_v0_rust_name_becomes_its_path);
  tcase_add_test(tcase, a_broken_v0_name_stays_as_it_is);
  tcase_add_test(tcase, a_generic_function_shows_its_path_alone);
  tcase_add_test(tcase, a_method_shows_its_type);
  tcase_add_test(tcase, a_closure_is_named_as_one);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
