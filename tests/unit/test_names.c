/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/names.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct match {
  const char *pattern;
  const char *name;
  const char *parameters;
  bool matches;
};

static void ck_matches(const struct match *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const struct match *at = &cases[i];
    ck_assert_msg(fpost_name_matches(at->pattern, at->name, at->parameters) ==
                      at->matches,
                  "%s on %s%s", at->pattern, at->name, at->parameters);
  }
}

START_TEST(a_pattern_without_a_scope_names_the_last_part) {
  static const struct match cases[] = {
      {"put", "put", "", true},
      {"put", "puts", "", false},
      {"p*t", "a::put", "(int)", true},
      {"put", "a::B<c::D>::put", "()", true},
      {"D", "a::B<c::D>::put", "()", false},
      {"put", "krate::Map<K,V>::put", "", true},
      {"operator()", "main::'lambda'(int)::operator()", "(int)", true},
      {"hidden", "(anonymous namespace)::hidden", "()", true}};
  ck_matches(cases, sizeof cases / sizeof *cases);
}
END_TEST

START_TEST(a_pattern_with_a_scope_names_the_whole) {
  static const struct match cases[] = {
      {"a::put", "a::put", "()", true},
      {"a::put", "b::a::put", "()", false},
      {"*::a::put", "b::a::put", "()", true},
      {"a::*", "a::put", "()", true},
      {"a::B::put", "a::B<int>::put", "()", true},
      {"a::B<int>::put", "a::B<int>::put", "()", true},
      {"a::B<long>::put", "a::B<int>::put", "()", false}};
  ck_matches(cases, sizeof cases / sizeof *cases);
}
END_TEST

START_TEST(template_arguments_and_parameters_count_if_given) {
  static const struct match cases[] = {
      {"put", "a::put<int>", "(int)", true},
      {"put<int>", "a::put<int>", "(int)", true},
      {"put<long>", "a::put<int>", "(int)", false},
      {"put<c::D>", "a::put<c::D>", "()", true},
      {"put(int)", "a::put<int>", "(int)", true},
      {"put(long)", "a::put<int>", "(int)", false},
      {"put(a::B*)", "put", "(a::B*)", true},
      {"a::put(int)", "a::put<int>", "(int)", true}};
  ck_matches(cases, sizeof cases / sizeof *cases);
}
END_TEST

START_TEST(brackets_of_operators_are_part_of_their_names) {
  static const struct match cases[] = {
      {"operator<", "a::operator<", "(a, a)", true},
      {"operator<<", "a::operator<<", "(a, int)", true},
      {"operator<<", "a::B<int>::operator<<", "(int)", true},
      {"operator->", "a::B<int>::operator->", "()", true},
      {"operator[]", "a::B<int>::operator[]", "(int)", true},
      {"operator<", "a::operator<=", "(a, a)", false},
      {"my_operator", "a::my_operator<int>", "()", true},
      {"operators", "a::operators<int>", "()", true}};
  ck_matches(cases, sizeof cases / sizeof *cases);
}
END_TEST

START_TEST(names_longer_than_the_limit_are_cut) {
  char name[2 * FPOST_NAME_MAX + 1];
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  ck_assert(fpost_name_matches("x*", name, "()"));
  ck_assert(!fpost_name_matches("y*", name, "()"));
  ck_assert_uint_eq(fpost_name_distance("x", name), FPOST_NAME_NEAR_MAX - 1);
}
END_TEST

START_TEST(distance_counts_edits_of_what_would_be_compared) {
  ck_assert_uint_eq(fpost_name_distance("put", "put"), 0);
  ck_assert_uint_eq(fpost_name_distance("putt", "a::put<int>"), 1);
  ck_assert_uint_eq(fpost_name_distance("upt", "put"), 2);
  ck_assert_uint_eq(fpost_name_distance("a::pt", "a::B<int>::put"), 4);
  ck_assert_uint_eq(fpost_name_distance("", "put"), 3);
  ck_assert_uint_eq(fpost_name_distance("put", ""), 3);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("names");
  TCase *tests = tcase_create("names");
  tcase_add_test(tests, a_pattern_without_a_scope_names_the_last_part);
  tcase_add_test(tests, a_pattern_with_a_scope_names_the_whole);
  tcase_add_test(tests, template_arguments_and_parameters_count_if_given);
  tcase_add_test(tests, brackets_of_operators_are_part_of_their_names);
  tcase_add_test(tests, names_longer_than_the_limit_are_cut);
  tcase_add_test(tests, distance_counts_edits_of_what_would_be_compared);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
