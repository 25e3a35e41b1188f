/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The online rules: what is reported, for what, and above all what is not. Four
 * lines of PM from address BASE; stacks are numbered by the tests.
 */
#include "rt/model/rules.h"

#include <check.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LINES 4u
#define BASE UINT64_C(0x10000001000)
#define PENDING_MAX 16u
#define FOUND_MAX 16u

static struct fpost_cell cells[LINES];
static struct fpost_pending pending[2][PENDING_MAX];
static struct fpost_thread one;
static struct fpost_thread two;
static struct fpost_finding found[FOUND_MAX];
static uint32_t found_count;
static struct fpost_rules rules;

static void on_found(void *context, const struct fpost_finding *finding) {
  ck_assert_ptr_eq(context, &found_count);
  ck_assert_uint_lt(found_count, FOUND_MAX);
  found[found_count++] = *finding;
}

static void setup(void) {
  memset(cells, 0, sizeof(cells));
  memset(found, 0, sizeof(found));
  one = (struct fpost_thread){
      .pending = pending[0], .pending_max = PENDING_MAX, .id = 0};
  two = (struct fpost_thread){
      .pending = pending[1], .pending_max = PENDING_MAX, .id = 1};
  found_count = 0;
  rules = (struct fpost_rules){.enabled = ~(1u << FPOST_CLASS_OVERWRITTEN),
                               .found = on_found,
                               .context = &found_count};
}

static struct fpost_cell *cell(uint64_t offset) {
  return &cells[offset / FENCEPOST_LINE_SIZE];
}

static void store(struct fpost_thread *thread, uint64_t offset, uint32_t size,
                  uint32_t stack) {
  ck_assert_int_eq(fpost_rules_store(&rules, thread, cell(offset),
                                     BASE + offset, size, 0, stack),
                   FPOST_OK);
}

static void store_nt(struct fpost_thread *thread, uint64_t offset,
                     uint32_t size, uint32_t stack) {
  ck_assert_int_eq(fpost_rules_store(&rules, thread, cell(offset),
                                     BASE + offset, size, FENCEPOST_STORE_NT,
                                     stack),
                   FPOST_OK);
}

static void flush(struct fpost_thread *thread, uint64_t offset, uint64_t size,
                  uint32_t kind, uint32_t stack) {
  ck_assert_int_eq(fpost_rules_flush(&rules, thread, cell(offset),
                                     BASE + offset, size, kind, stack),
                   FPOST_OK);
}

static void fence(struct fpost_thread *thread, uint32_t kind, uint32_t stack) {
  fpost_rules_fence(&rules, thread, kind, stack);
}

/* pmem_persist */
static void persist(struct fpost_thread *thread, uint64_t offset, uint64_t size,
                    uint32_t stack) {
  flush(thread, offset, size, FENCEPOST_CLWB, stack);
  fence(thread, FENCEPOST_SFENCE, stack);
}

static void end(void) {
  for (uint32_t i = 0; i < LINES; i++) {
    fpost_rules_end(&rules, &cells[i], BASE + i * FENCEPOST_LINE_SIZE);
  }
}

/* The only finding so far. */
static void expect(enum fpost_class class_, uint64_t offset, uint32_t size,
                   uint32_t store_stack, uint32_t other_stack) {
  ck_assert_uint_eq(found_count, 1);
  ck_assert_int_eq(found[0].class_, class_);
  ck_assert_uint_eq(found[0].address, BASE + offset);
  ck_assert_uint_eq(found[0].size, size);
  ck_assert_uint_eq(found[0].store_stack, store_stack);
  ck_assert_uint_eq(found[0].other_stack, other_stack);
}

START_TEST(store_flush_fence_is_clean) {
  for (uint32_t kind = FENCEPOST_CLFLUSH; kind <= FENCEPOST_CLWB; kind++) {
    for (uint32_t barrier = FENCEPOST_SFENCE; barrier <= FENCEPOST_LOCKED;
         barrier++) {
      store(&one, 8, 8, 1);
      flush(&one, 8, 8, kind, 2);
      if (kind != FENCEPOST_CLFLUSH) {
        fence(&one, barrier, 3);
      }
    }
  }
  end();
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(store_without_flush_is_found_at_the_end) {
  store(&one, 8, 8, 1);
  fence(&one, FENCEPOST_LOCKED, 2);
  end();
  expect(FPOST_CLASS_MISSING_FLUSH, 8, 8, 1, 0);
}
END_TEST

START_TEST(store_after_the_flush_is_not_flushed) {
  store(&one, 8, 8, 1);
  flush(&one, 8, 8, FENCEPOST_CLWB, 2);
  store(&one, 8, 8, 3);
  fence(&one, FENCEPOST_SFENCE, 4);
  end();
  expect(FPOST_CLASS_MISSING_FLUSH, 8, 8, 3, 0);
}
END_TEST

START_TEST(store_to_another_word_after_the_flush_is_not_flushed) {
  store(&one, 8, 8, 1);
  flush(&one, 8, 8, FENCEPOST_CLWB, 2);
  store(&one, 24, 4, 3);
  fence(&one, FENCEPOST_SFENCE, 4);
  end();
  expect(FPOST_CLASS_MISSING_FLUSH, 24, 8, 3, 0);
}
END_TEST

START_TEST(flush_without_fence_is_found_at_the_end) {
  store(&one, 0, 16, 1);
  flush(&one, 0, 16, FENCEPOST_CLFLUSHOPT, 2);
  end();
  expect(FPOST_CLASS_MISSING_FENCE, 0, 16, 1, 2);
}
END_TEST

START_TEST(fence_of_another_thread_does_not_count) {
  store(&one, 0, 8, 1);
  flush(&one, 0, 8, FENCEPOST_CLWB, 2);
  fence(&two, FENCEPOST_LOCKED, 3);
  end();
  expect(FPOST_CLASS_MISSING_FENCE, 0, 8, 1, 2);
  ck_assert_uint_eq(found[0].thread, one.id);
}
END_TEST

START_TEST(another_thread_may_flush_and_fence) {
  store(&one, 0, 8, 1);
  flush(&one, 0, 8, FENCEPOST_CLWB, 2);
  flush(&two, 0, 8, FENCEPOST_CLWB, 3);
  fence(&two, FENCEPOST_SFENCE, 4);
  fence(&one, FENCEPOST_SFENCE, 5);
  end();
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(fence_of_the_older_flush_does_not_complete_the_younger) {
  store(&one, 0, 8, 1);
  flush(&one, 0, 8, FENCEPOST_CLWB, 2);
  store(&two, 8, 8, 3);
  flush(&two, 8, 8, FENCEPOST_CLWB, 4);
  fence(&one, FENCEPOST_SFENCE, 5);
  end();
  ck_assert_uint_ge(found_count, 1);
  ck_assert_int_eq(found[found_count - 1].class_, FPOST_CLASS_MISSING_FENCE);
  ck_assert_uint_eq(found[found_count - 1].store_stack, 3);
  ck_assert_uint_eq(found[found_count - 1].other_stack, 4);
  ck_assert_uint_eq(found[found_count - 1].thread, two.id);
  found_count = 0;
  fence(&two, FENCEPOST_SFENCE, 6);
  end();
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(flush_of_a_clean_line_is_redundant) {
  flush(&one, 70, 8, FENCEPOST_CLFLUSH, 1);
  expect(FPOST_CLASS_REDUNDANT_FLUSH, 70, 8, 0, 1);
}
END_TEST

START_TEST(second_flush_before_the_fence_is_redundant) {
  store(&one, 0, 8, 1);
  flush(&one, 0, 8, FENCEPOST_CLWB, 2);
  flush(&one, 8, 8, FENCEPOST_CLWB, 3);
  fence(&one, FENCEPOST_SFENCE, 4);
  end();
  expect(FPOST_CLASS_REDUNDANT_FLUSH, 8, 8, 0, 3);
}
END_TEST

START_TEST(range_flush_with_one_useful_line_is_not_redundant) {
  store(&one, 130, 1, 1);
  persist(&one, 60, 100, 2);
  end();
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(range_flush_reaches_its_first_and_last_line_and_no_other) {
  for (uint64_t offset = 0; offset < LINES * FENCEPOST_LINE_SIZE;
       offset += FENCEPOST_LINE_SIZE) {
    store(&one, offset, 8, 1);
  }
  persist(&one, 127, 2, 2);
  end();
  ck_assert_uint_eq(found_count, 2);
  ck_assert_uint_eq(found[0].address, BASE);
  ck_assert_uint_eq(found[1].address, BASE + 192);
}
END_TEST

START_TEST(useless_range_flush_is_one_finding) {
  persist(&one, 60, 150, 2);
  expect(FPOST_CLASS_REDUNDANT_FLUSH, 60, 150, 0, 2);
}
END_TEST

START_TEST(persist_of_a_clean_line_is_one_finding) {
  persist(&one, 0, 8, 1);
  flush(&one, 0, 8, FENCEPOST_CLFLUSH, 1);
  fence(&one, FENCEPOST_SFENCE, 1);
  ck_assert_uint_eq(found_count, 2);
  ck_assert_int_eq(found[1].class_, FPOST_CLASS_REDUNDANT_FLUSH);
}
END_TEST

START_TEST(fence_with_nothing_to_complete_is_redundant) {
  store(&one, 0, 8, 1);
  persist(&one, 0, 8, 2);
  fence(&one, FENCEPOST_MFENCE, 3);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_int_eq(found[0].class_, FPOST_CLASS_REDUNDANT_FENCE);
  ck_assert_uint_eq(found[0].other_stack, 3);
  ck_assert_uint_eq(found[0].thread, one.id);
}
END_TEST

START_TEST(fence_behind_a_clflush_is_redundant) {
  store(&one, 0, 8, 1);
  flush(&one, 0, 8, FENCEPOST_CLFLUSH, 2);
  fence(&one, FENCEPOST_SFENCE, 3);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_int_eq(found[0].class_, FPOST_CLASS_REDUNDANT_FENCE);
}
END_TEST

START_TEST(locked_rmw_neither_is_redundant_nor_makes_a_fence_so) {
  fence(&one, FENCEPOST_LOCKED, 1);
  store(&one, 0, 8, 2);
  flush(&one, 0, 8, FENCEPOST_CLWB, 3);
  fence(&one, FENCEPOST_LOCKED, 4);
  fence(&one, FENCEPOST_SFENCE, 5);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(nt_store_needs_a_fence_and_no_flush) {
  store_nt(&one, 0, 64, 1);
  fence(&one, FENCEPOST_SFENCE, 2);
  end();
  ck_assert_uint_eq(found_count, 0);
  store_nt(&one, 64, 64, 3);
  end();
  expect(FPOST_CLASS_MISSING_FENCE, 64, 64, 3, 3);
}
END_TEST

START_TEST(clflush_of_another_line_completes_an_nt_store) {
  store_nt(&one, 0, 64, 1);
  store(&one, 128, 8, 2);
  flush(&one, 128, 8, FENCEPOST_CLWB, 3);
  store(&one, 64, 8, 4);
  flush(&one, 64, 8, FENCEPOST_CLFLUSH, 5);
  end();
  expect(FPOST_CLASS_MISSING_FENCE, 128, 8, 2, 3);
}
END_TEST

START_TEST(flush_of_an_nt_store_is_redundant) {
  store_nt(&one, 0, 8, 1);
  persist(&one, 0, 8, 2);
  end();
  expect(FPOST_CLASS_REDUNDANT_FLUSH, 0, 8, 0, 2);
}
END_TEST

START_TEST(nt_store_does_not_flush_its_neighbours) {
  store(&one, 0, 8, 1);
  store(&one, 16, 4, 2);
  store_nt(&one, 20, 4, 3);
  store_nt(&one, 8, 8, 3);
  fence(&one, FENCEPOST_SFENCE, 4);
  flush(&one, 0, 8, FENCEPOST_CLWB, 5);
  fence(&one, FENCEPOST_SFENCE, 5);
  end();
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(nt_store_leaves_later_words_dirty) {
  store(&one, 16, 8, 1);
  store_nt(&one, 0, 8, 2);
  fence(&one, FENCEPOST_SFENCE, 3);
  end();
  expect(FPOST_CLASS_MISSING_FLUSH, 16, 8, 1, 0);
}
END_TEST

START_TEST(nt_store_leaves_bytes_of_its_word_unflushed) {
  store(&one, 16, 8, 2);
  store_nt(&one, 20, 4, 3);
  fence(&one, FENCEPOST_SFENCE, 4);
  store(&one, 64, 8, 5);
  store_nt(&one, 64, 8, 6);
  fence(&one, FENCEPOST_SFENCE, 7);
  end();
  expect(FPOST_CLASS_MISSING_FLUSH, 16, 8, 3, 0);
}
END_TEST

START_TEST(eadr_reports_flushes_and_needs_none) {
  rules.domain = FPOST_DOMAIN_EADR;
  store(&one, 0, 8, 1);
  end();
  ck_assert_uint_eq(found_count, 0);
  persist(&one, 0, 8, 2);
  expect(FPOST_CLASS_REDUNDANT_FLUSH, 0, 8, 0, 2);
  found_count = 0;
  store_nt(&one, 64, 8, 3);
  end();
  expect(FPOST_CLASS_MISSING_FENCE, 64, 8, 3, 3);
}
END_TEST

START_TEST(overwritten_store_is_found_if_asked_for) {
  store(&one, 4, 4, 1);
  store(&one, 0, 4, 2);
  store(&one, 2, 4, 3);
  ck_assert_uint_eq(found_count, 0);
  rules.enabled |= 1u << FPOST_CLASS_OVERWRITTEN;
  persist(&one, 0, 8, 4);
  store(&one, 0, 8, 5);
  ck_assert_uint_eq(found_count, 0);
  flush(&one, 0, 8, FENCEPOST_CLWB, 6);
  store(&one, 8, 8, 7);
  ck_assert_uint_eq(found_count, 0);
  store(&one, 6, 4, 8);
  expect(FPOST_CLASS_OVERWRITTEN, 6, 4, 5, 8);
  flush(&one, 0, 8, FENCEPOST_CLFLUSH, 9);
  store(&one, 0, 16, 10);
  fpost_rules_durable(&cells[0]);
  store(&one, 0, 16, 11);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(durable_line_needs_nothing) {
  store(&one, 0, 8, 1);
  store(&one, 8, 8, 2);
  flush(&one, 0, 8, FENCEPOST_CLWB, 3);
  store(&one, 0, 8, 4);
  fpost_rules_durable(&cells[0]);
  end();
  ck_assert_uint_eq(found_count, 0);
  ck_assert_uint_eq(cells[0].line.guaranteed, 3);
}
END_TEST

START_TEST(ignored_words_are_not_reported) {
  store(&one, 0, 24, 1);
  fpost_rules_ignore(&cells[0], BASE + 12, 1);
  end();
  ck_assert_uint_eq(found_count, 2);
  ck_assert_uint_eq(found[0].address, BASE);
  ck_assert_uint_eq(found[0].size, 8);
  ck_assert_uint_eq(found[1].address, BASE + 16);
  flush(&one, 0, 8, FENCEPOST_CLWB, 2);
  found_count = 0;
  end();
  ck_assert_uint_eq(found_count, 2);
}
END_TEST

START_TEST(neighbours_of_one_stack_are_one_finding) {
  store(&one, 0, 16, 1);
  store(&one, 16, 8, 2);
  store(&one, 60, 4, 2);
  end();
  ck_assert_uint_eq(found_count, 3);
  ck_assert_uint_eq(found[0].size, 16);
  ck_assert_uint_eq(found[1].address, BASE + 16);
  ck_assert_uint_eq(found[2].address, BASE + 56);
}
END_TEST

START_TEST(disabled_classes_are_silent) {
  rules.enabled = 0;
  store(&one, 0, 8, 1);
  store(&one, 0, 8, 1);
  flush(&one, 64, 8, FENCEPOST_CLWB, 2);
  fence(&one, FENCEPOST_SFENCE, 3);
  fence(&one, FENCEPOST_SFENCE, 3);
  store(&one, 128, 8, 1);
  flush(&one, 128, 8, FENCEPOST_CLWB, 2);
  end();
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(full_pending_list_changes_nothing) {
  store(&one, 0, 8, 1);
  store(&one, 64, 8, 1);
  struct fpost_cell before[LINES];
  memcpy(before, cells, sizeof(cells));
  for (uint32_t max = 0; max < 2; max++) {
    one.pending_max = max;
    const struct fpost_thread thread = one;
    ck_assert_int_eq(
        fpost_rules_flush(&rules, &one, cells, BASE, 128, FENCEPOST_CLWB, 2),
        FPOST_ENOMEM);
    ck_assert_mem_eq(cells, before, sizeof(cells));
    ck_assert_mem_eq(&one, &thread, sizeof(one));
  }
  one.pending_max = 0;
  ck_assert_int_eq(
      fpost_rules_store(&rules, &one, cells, BASE, 8, FENCEPOST_STORE_NT, 2),
      FPOST_ENOMEM);
  ck_assert_mem_eq(cells, before, sizeof(cells));
  flush(&one, 0, 128, FENCEPOST_CLFLUSH, 2);
  one.pending_max = 2;
  store(&one, 0, 8, 1);
  flush(&one, 0, 128, FENCEPOST_CLWB, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

/* Every place and size in a line: the words found are those stored to. */
START_TEST(every_store_in_a_line_is_found) {
  uint32_t offset = (uint32_t)_i;
  for (uint32_t size = 1; size <= FENCEPOST_LINE_SIZE - offset; size++) {
    setup();
    store(&one, offset, size, 7);
    end();
    uint32_t first = offset / 8 * 8;
    uint32_t last = (offset + size + 7) / 8 * 8;
    expect(FPOST_CLASS_MISSING_FLUSH, first, last - first, 7, 0);
    persist(&one, offset, size, 8);
    end();
    ck_assert_uint_eq(found_count, 1);
  }
}
END_TEST

START_TEST(store_across_lines_is_refused) {
  (void)fpost_rules_store(&rules, &one, cells, BASE + 60, 8, 0, 1);
}
END_TEST

START_TEST(empty_store_is_refused) {
  (void)fpost_rules_store(&rules, &one, cells, BASE, 0, 0, 1);
}
END_TEST

START_TEST(classes_have_the_names_of_the_command_line) {
  const struct fpost_class_info *info =
      &fpost_class_infos[FPOST_CLASS_OVERWRITTEN];
  ck_assert_str_eq(info->name, "overwritten-before-persist");
  ck_assert(!info->on);
  ck_assert_str_eq(fpost_severity_name(info->severity), "warning");
  for (uint32_t i = 0; i < FPOST_CLASS_COUNT; i++) {
    ck_assert_ptr_nonnull(fpost_class_infos[i].name);
    ck_assert_ptr_nonnull(fpost_class_infos[i].text);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("rules");
  TCase *cases = tcase_create("rules");
  tcase_add_checked_fixture(cases, setup, NULL);
  tcase_add_test(cases, store_flush_fence_is_clean);
  tcase_add_test(cases, store_without_flush_is_found_at_the_end);
  tcase_add_test(cases, store_after_the_flush_is_not_flushed);
  tcase_add_test(cases, store_to_another_word_after_the_flush_is_not_flushed);
  tcase_add_test(cases, flush_without_fence_is_found_at_the_end);
  tcase_add_test(cases, fence_of_another_thread_does_not_count);
  tcase_add_test(cases, another_thread_may_flush_and_fence);
  tcase_add_test(cases, fence_of_the_older_flush_does_not_complete_the_younger);
  tcase_add_test(cases, flush_of_a_clean_line_is_redundant);
  tcase_add_test(cases, second_flush_before_the_fence_is_redundant);
  tcase_add_test(cases, range_flush_with_one_useful_line_is_not_redundant);
  tcase_add_test(cases,
                 range_flush_reaches_its_first_and_last_line_and_no_other);
  tcase_add_test(cases, useless_range_flush_is_one_finding);
  tcase_add_test(cases, persist_of_a_clean_line_is_one_finding);
  tcase_add_test(cases, fence_with_nothing_to_complete_is_redundant);
  tcase_add_test(cases, fence_behind_a_clflush_is_redundant);
  tcase_add_test(cases, locked_rmw_neither_is_redundant_nor_makes_a_fence_so);
  tcase_add_test(cases, nt_store_needs_a_fence_and_no_flush);
  tcase_add_test(cases, clflush_of_another_line_completes_an_nt_store);
  tcase_add_test(cases, flush_of_an_nt_store_is_redundant);
  tcase_add_test(cases, nt_store_does_not_flush_its_neighbours);
  tcase_add_test(cases, nt_store_leaves_later_words_dirty);
  tcase_add_test(cases, nt_store_leaves_bytes_of_its_word_unflushed);
  tcase_add_test(cases, eadr_reports_flushes_and_needs_none);
  tcase_add_test(cases, overwritten_store_is_found_if_asked_for);
  tcase_add_test(cases, durable_line_needs_nothing);
  tcase_add_test(cases, ignored_words_are_not_reported);
  tcase_add_test(cases, neighbours_of_one_stack_are_one_finding);
  tcase_add_test(cases, disabled_classes_are_silent);
  tcase_add_test(cases, full_pending_list_changes_nothing);
  tcase_add_loop_test(cases, every_store_in_a_line_is_found, 0, 64);
  tcase_add_test_raise_signal(cases, store_across_lines_is_refused, SIGABRT);
  tcase_add_test_raise_signal(cases, empty_store_is_refused, SIGABRT);
  tcase_add_test(cases, classes_have_the_names_of_the_command_line);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
