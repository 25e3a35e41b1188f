/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/flags.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct fpost_flags flags;
static char bytes[512];

static int parse(const char *options) {
  struct fpost_text error = fpost_text_in(bytes, sizeof bytes);
  return fpost_flags_parse(&flags, options, &error);
}

START_TEST(no_options_give_the_defaults) {
  ck_assert_int_eq(parse(NULL), FPOST_OK);
  ck_assert_int_eq(flags.mode, FPOST_MODE_CHECK);
  ck_assert_str_eq(flags.results, "");
  ck_assert_uint_eq(flags.pool.count, 0);
  ck_assert_uint_eq(flags.frames, 16);
  ck_assert_uint_ne(
      fpost_flags_classes(&flags) & 1u << FPOST_CLASS_MISSING_FLUSH, 0);
  ck_assert_uint_eq(fpost_flags_classes(&flags) & 1u << FPOST_CLASS_OVERWRITTEN,
                    0);
}
END_TEST

START_TEST(every_type_of_flag_is_read) {
  ck_assert_int_eq(parse("mode=record:domain=eadr:trace=/a b:frames=3:"
                         "pool=x*:pool='/y:z':pool=\"w\":"
                         "only=missing-flush,overwritten-before-persist:"
                         "no=missing-flush:"),
                   FPOST_OK);
  ck_assert_int_eq(flags.mode, FPOST_MODE_RECORD);
  ck_assert_int_eq(flags.domain, FPOST_DOMAIN_EADR);
  ck_assert_str_eq(flags.trace, "/a b");
  ck_assert_uint_eq(flags.frames, 3);
  ck_assert_uint_eq(flags.pool.count, 3);
  ck_assert_str_eq(flags.pool.values[1], "/y:z");
  ck_assert_str_eq(flags.pool.values[2], "w");
  ck_assert_uint_eq(fpost_flags_classes(&flags), 1u << FPOST_CLASS_OVERWRITTEN);
}
END_TEST

START_TEST(mistakes_are_named) {
  static const char *const wrong[][2] = {
      {"mod=check", "'mod'"},
      {"mode=chek", "'chek'"},
      {"mode", "'mode'"},
      {"frames=0", "frames"},
      {"frames=17", "frames"},
      {"frames=x", "'x'"},
      {"frames=", "digits"},
      {"exit_code=18446744073709551616", "64"},
      {"exit_code=256", "0 to 255"},
      {"races=3", "races"},
      {"full_compare=2", "0 or 1"},
      {"valgrind=", "0 or 1"},
      {"only=missing-flushes", "'missing-flushes'"},
      {"pool='unclosed", "closing"},
      {"pool='a'b", "':'"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    ck_assert_int_eq(parse(wrong[i][0]), FPOST_EINVAL);
    ck_assert_msg(strstr(bytes, wrong[i][1]) != NULL, "%s: %s", wrong[i][0],
                  bytes);
  }
}
END_TEST

START_TEST(list_and_text_limits_are_errors_one_beyond) {
  char options[FPOST_FLAG_ARENA * 2] = "";
  for (uint32_t i = 0; i < FPOST_FLAG_LIST_MAX; i++) {
    strcat(options, "pool=a:");
  }
  ck_assert_int_eq(parse(options), FPOST_OK);
  strcat(options, "pool=a");
  ck_assert_int_eq(parse(options), FPOST_EINVAL);
  for (uint32_t size = FPOST_FLAG_TEXT_MAX - 1; size <= FPOST_FLAG_TEXT_MAX;
       size++) {
    strcpy(options, "trace=");
    memset(options + 6, 'x', size);
    options[6 + size] = '\0';
    ck_assert_int_eq(parse(options),
                     size < FPOST_FLAG_TEXT_MAX ? FPOST_OK : FPOST_EINVAL);
  }
}
END_TEST

START_TEST(globs_match_as_documented) {
  static const struct {
    const char *pattern;
    const char *path;
    bool matches;
  } cases[] = {{"pool", "/a/pool", true},        {"pool", "/a/pool2", false},
               {"p*l", "/a/pool", true},         {"*", "/a/pool", true},
               {"p??l", "/a/pool", true},        {"p?l", "/a/pool", false},
               {"/a/*", "/a/b/c", true},         {"/a/pool", "/b/pool", false},
               {"*.a*.b", "/x/1.a2.a3.b", true}, {"", "/a", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ck_assert_msg(fpost_flags_match(cases[i].pattern, cases[i].path) ==
                      cases[i].matches,
                  "%s on %s", cases[i].pattern, cases[i].path);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("flags");
  TCase *tests = tcase_create("flags");
  tcase_add_test(tests, no_options_give_the_defaults);
  tcase_add_test(tests, every_type_of_flag_is_read);
  tcase_add_test(tests, mistakes_are_named);
  tcase_add_test(tests, list_and_text_limits_are_errors_one_beyond);
  tcase_add_test(tests, globs_match_as_documented);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
