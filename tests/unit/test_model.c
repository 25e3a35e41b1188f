/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The model's functions one by one; what they add up to is the business of
 * tests/litmus and tests/fuzz.
 */
#include "rt/model/model.h"

#include <check.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX 16u

static const struct fpost_mode adr = {.domain = FPOST_DOMAIN_ADR};
static const struct fpost_mode eadr = {.domain = FPOST_DOMAIN_EADR};
static const struct fpost_mode torn = {.domain = FPOST_DOMAIN_ADR,
                                       .torn = true};

static struct fpost_line x[FPOST_LINE_WORDS];
static struct fpost_line y[FPOST_LINE_WORDS];
static struct fpost_pending pending[2][PENDING_MAX];
static struct fpost_thread one;
static struct fpost_thread two;

static void setup(void) {
  memset(x, 0, sizeof(x));
  memset(y, 0, sizeof(y));
  one = (struct fpost_thread){
      .pending = pending[0], .pending_max = PENDING_MAX, .id = 0};
  two = (struct fpost_thread){
      .pending = pending[1], .pending_max = PENDING_MAX, .id = 1};
}

static void store(const struct fpost_mode *mode, struct fpost_thread *thread,
                  struct fpost_line *line, uint32_t words, uint32_t flags) {
  ck_assert_int_eq(fpost_model_store(mode, thread, line, words, flags),
                   FPOST_OK);
}

static enum fpost_flush_result flush(const struct fpost_mode *mode,
                                     struct fpost_thread *thread,
                                     struct fpost_line *line, uint32_t kind) {
  enum fpost_flush_result result = FPOST_FLUSH_NOTHING;
  ck_assert_int_eq(fpost_model_flush(mode, thread, line, kind, &result),
                   FPOST_OK);
  return result;
}

START_TEST(store_is_visible_and_not_guaranteed) {
  store(&adr, &one, x, 1, 0);
  ck_assert_uint_eq(x->stores, 1);
  ck_assert_uint_eq(x->guaranteed, 0);
}
END_TEST

START_TEST(fence_of_the_flushing_thread_completes_the_flush) {
  store(&adr, &one, x, 1, 0);
  ck_assert_int_eq(flush(&adr, &one, x, FENCEPOST_CLWB), FPOST_FLUSH_USEFUL);
  store(&adr, &one, x, 1, 0);
  ck_assert(fpost_model_fence_useful(&one));
  ck_assert_uint_eq(fpost_model_fence(&one), 1);
  ck_assert_uint_eq(x->guaranteed, 1);
  ck_assert_uint_eq(x->stores, 2);
  ck_assert(!fpost_model_fence_useful(&one));
  ck_assert_uint_eq(one.pending_count, 0);
}
END_TEST

START_TEST(fence_after_another_threads_raises_nothing) {
  store(&adr, &one, x, 1, 0);
  (void)flush(&adr, &one, x, FENCEPOST_CLWB);
  (void)flush(&adr, &two, x, FENCEPOST_CLWB);
  ck_assert_uint_eq(fpost_model_fence(&two), 1);
  ck_assert(!fpost_model_fence_useful(&one));
  ck_assert_uint_eq(fpost_model_fence(&one), 0);
}
END_TEST

START_TEST(fence_of_another_thread_does_not_complete_flush) {
  store(&adr, &one, x, 1, 0);
  (void)flush(&adr, &one, x, FENCEPOST_CLFLUSHOPT);
  ck_assert(!fpost_model_fence_useful(&two));
  ck_assert_uint_eq(fpost_model_fence(&two), 0);
  ck_assert_uint_eq(x->guaranteed, 0);
}
END_TEST

START_TEST(clflush_guarantees_its_line_only) {
  store(&adr, &one, x, 1, 0);
  store(&adr, &one, y, 1, 0);
  (void)flush(&adr, &one, y, FENCEPOST_CLWB);
  ck_assert_int_eq(flush(&adr, &one, x, FENCEPOST_CLFLUSH), FPOST_FLUSH_USEFUL);
  ck_assert_uint_eq(x->guaranteed, 1);
  ck_assert_uint_eq(y->guaranteed, 0);
  ck_assert_uint_eq(one.pending_count, 1);
}
END_TEST

START_TEST(flush_says_what_it_found) {
  ck_assert_int_eq(flush(&adr, &one, x, FENCEPOST_CLWB), FPOST_FLUSH_NOTHING);
  store(&adr, &one, x, 1, 0);
  ck_assert_int_eq(flush(&adr, &one, x, FENCEPOST_CLWB), FPOST_FLUSH_USEFUL);
  ck_assert_int_eq(flush(&adr, &one, x, FENCEPOST_CLWB), FPOST_FLUSH_REPEATED);
  ck_assert_int_eq(flush(&adr, &two, x, FENCEPOST_CLWB), FPOST_FLUSH_USEFUL);
  ck_assert_uint_eq(one.pending_count, 1);
  (void)fpost_model_fence(&two);
  ck_assert_int_eq(flush(&adr, &one, x, FENCEPOST_CLWB), FPOST_FLUSH_NOTHING);
}
END_TEST

START_TEST(nt_store_waits_for_a_fence_and_for_no_flush) {
  store(&adr, &one, x, 1, FENCEPOST_STORE_NT);
  ck_assert_uint_eq(x->guaranteed, 0);
  ck_assert_int_eq(flush(&adr, &one, x, FENCEPOST_CLWB), FPOST_FLUSH_REPEATED);
  ck_assert_uint_eq(fpost_model_fence(&one), 1);
  ck_assert_uint_eq(x->guaranteed, 1);
}
END_TEST

START_TEST(movdir64b_is_weakly_ordered_too) {
  store(&adr, &one, x, 0xff, FENCEPOST_STORE_WHOLE);
  ck_assert_uint_eq(one.nt_count, 1);
  ck_assert_uint_eq(fpost_model_fence(&one), 1);
}
END_TEST

START_TEST(clflush_drains_nt_stores_and_leaves_clwb_pending) {
  store(&adr, &one, x, 1, FENCEPOST_STORE_NT);
  store(&adr, &one, y, 1, 0);
  (void)flush(&adr, &one, y, FENCEPOST_CLWB);
  (void)flush(&adr, &one, &y[1], FENCEPOST_CLFLUSH);
  ck_assert_uint_eq(x->guaranteed, 1);
  ck_assert_uint_eq(y->guaranteed, 0);
  ck_assert_uint_eq(one.nt_count, 0);
  ck_assert_uint_eq(one.pending_count, 1);
}
END_TEST

START_TEST(ordinary_store_of_the_thread_completes_its_nt_store_to_the_line) {
  store(&adr, &one, x, 1, FENCEPOST_STORE_NT);
  store(&adr, &one, x, 2, FENCEPOST_STORE_NT);
  ck_assert_uint_eq(x->guaranteed, 0);
  store(&adr, &one, x, 4, 0);
  ck_assert_uint_eq(x->guaranteed, 2);
  store(&adr, &one, x, 4, 0);
  ck_assert_uint_eq(x->guaranteed, 2);
  ck_assert_uint_eq(x->stores, 4);
}
END_TEST

START_TEST(store_of_another_thread_leaves_an_nt_store_awaited) {
  store(&adr, &one, x, 1, FENCEPOST_STORE_NT);
  ck_assert(fpost_model_nt_awaited(&two, x));
  ck_assert(!fpost_model_nt_awaited(&one, x));
  store(&adr, &two, x, 2, 0);
  ck_assert_uint_eq(x->guaranteed, 0);
  (void)fpost_model_fence(&one);
  ck_assert_uint_eq(x->guaranteed, 1);
  ck_assert(!fpost_model_nt_awaited(&two, x));
}
END_TEST

START_TEST(flush_covers_no_nt_store_of_another_thread) {
  store(&adr, &one, x, 1, 0);
  store(&adr, &one, x, 1, FENCEPOST_STORE_NT);
  store(&adr, &one, x, 2, FENCEPOST_STORE_NT);
  ck_assert_int_eq(flush(&adr, &two, x, FENCEPOST_CLWB), FPOST_FLUSH_USEFUL);
  ck_assert_uint_eq(fpost_model_fence(&two), 1);
  ck_assert_uint_eq(x->guaranteed, 1);
  (void)flush(&adr, &two, x, FENCEPOST_CLWB);
  ck_assert_uint_eq(two.pending_count, 0);
  (void)flush(&adr, &two, x, FENCEPOST_CLFLUSH);
  ck_assert_uint_eq(x->guaranteed, 1);
  (void)flush(&adr, &one, x, FENCEPOST_CLWB);
  ck_assert(fpost_model_nt_awaited(&two, x));
  (void)fpost_model_fence(&one);
  ck_assert_uint_eq(x->guaranteed, 3);
}
END_TEST

START_TEST(clflush_covers_what_is_before_anothers_nt_store) {
  store(&adr, &one, x, 1, 0);
  store(&adr, &two, x, 2, FENCEPOST_STORE_NT);
  ck_assert_int_eq(flush(&adr, &one, x, FENCEPOST_CLFLUSH), FPOST_FLUSH_USEFUL);
  ck_assert_uint_eq(x->guaranteed, 1);
}
END_TEST

START_TEST(last_of_two_threads_with_nt_stores_to_a_line_is_known) {
  store(&adr, &two, x, 1, FENCEPOST_STORE_NT);
  store(&adr, &one, x, 2, FENCEPOST_STORE_NT);
  ck_assert(fpost_model_nt_awaited(&two, x));
  ck_assert(!fpost_model_nt_awaited(&one, x));
}
END_TEST

START_TEST(coarse_flush_covers_nt_stores_of_another_thread) {
  const struct fpost_mode mode = {.coarse = true};
  store(&mode, &one, x, 1, FENCEPOST_STORE_NT);
  (void)flush(&mode, &two, x, FENCEPOST_CLWB);
  ck_assert_uint_eq(fpost_model_fence(&two), 1);
  ck_assert_uint_eq(x->guaranteed, 1);
}
END_TEST

START_TEST(coarse_store_completes_no_store_of_another_thread) {
  const struct fpost_mode mode = {.coarse = true};
  store(&mode, &one, x, 1, FENCEPOST_STORE_NT);
  store(&mode, &one, x, 1, FENCEPOST_STORE_NT);
  store(&mode, &two, x, 2, 0);
  store(&mode, &one, x, 4, 0);
  ck_assert_uint_eq(x->guaranteed, 2);
}
END_TEST

START_TEST(nt_store_that_was_seen_is_guaranteed) {
  store(&adr, &one, x, 1, 0);
  fpost_model_drained(&adr, x);
  ck_assert_uint_eq(x->guaranteed, 0);
  store(&adr, &one, x, 1, FENCEPOST_STORE_NT);
  store(&adr, &one, x, 1, FENCEPOST_STORE_NT);
  fpost_model_drained(&adr, x);
  ck_assert_uint_eq(x->guaranteed, 3);
  store(&adr, &two, x, 1, 0);
  fpost_model_drained(&adr, x);
  ck_assert_uint_eq(x->guaranteed, 3);
}
END_TEST

START_TEST(eadr_store_is_guaranteed_when_visible) {
  store(&eadr, &one, x, 1, 0);
  ck_assert_uint_eq(x->guaranteed, 1);
  ck_assert_int_eq(flush(&eadr, &one, x, FENCEPOST_CLWB), FPOST_FLUSH_NOTHING);
  store(&eadr, &one, x, 1, FENCEPOST_STORE_NT);
  ck_assert_uint_eq(x->guaranteed, 1);
  ck_assert_uint_eq(fpost_model_fence(&one), 1);
  ck_assert_uint_eq(x->guaranteed, 2);
}
END_TEST

START_TEST(torn_words_have_cuts_of_their_own) {
  ck_assert_uint_eq(fpost_mode_cuts(&adr), 1);
  ck_assert_uint_eq(fpost_mode_cuts(&torn), 8);
  store(&torn, &one, x, 0x81, 0);
  store(&torn, &one, x, 0x02, FENCEPOST_STORE_NT);
  ck_assert_uint_eq(fpost_model_fence(&one), 1);
  ck_assert_uint_eq(x[0].guaranteed, 0);
  ck_assert_uint_eq(x[1].guaranteed, 1);
  ck_assert_uint_eq(x[2].stores, 0);
  ck_assert_uint_eq(x[7].stores, 1);
  ck_assert_int_eq(flush(&torn, &one, x, FENCEPOST_CLWB), FPOST_FLUSH_USEFUL);
  ck_assert_uint_eq(fpost_model_fence(&one), 2);
  ck_assert_uint_eq(x[0].guaranteed, 1);
  ck_assert_uint_eq(x[7].guaranteed, 1);
}
END_TEST

START_TEST(torn_store_to_any_word_completes_nt_stores_to_the_line) {
  store(&torn, &one, x, 0x03, FENCEPOST_STORE_NT);
  store(&torn, &one, x, 0x80, 0);
  ck_assert_uint_eq(x[0].guaranteed, 1);
  ck_assert_uint_eq(x[1].guaranteed, 1);
  ck_assert_uint_eq(x[7].guaranteed, 0);
}
END_TEST

START_TEST(durable_line_is_guaranteed_by_other_means) {
  store(&torn, &one, x, 0xff, 0);
  fpost_model_durable(&torn, x);
  for (uint32_t w = 0; w < FPOST_LINE_WORDS; w++) {
    ck_assert_uint_eq(x[w].guaranteed, 1);
  }
}
END_TEST

START_TEST(full_pending_list_changes_nothing) {
  store(&torn, &one, x, 0xff, 0);
  struct fpost_line before[FPOST_LINE_WORDS];
  memcpy(before, x, sizeof(x));
  for (uint32_t max = 0; max < FPOST_LINE_WORDS; max++) {
    one.pending_max = max;
    const struct fpost_thread thread = one;
    ck_assert_int_eq(
        fpost_model_flush(&torn, &one, x, FENCEPOST_CLFLUSHOPT, NULL),
        FPOST_ENOMEM);
    ck_assert_int_eq(
        fpost_model_store(&torn, &one, x, 0xff, FENCEPOST_STORE_NT),
        FPOST_ENOMEM);
    ck_assert_mem_eq(x, before, sizeof(x));
    ck_assert_mem_eq(&one, &thread, sizeof(one));
  }
  one.pending_max = 0;
  ck_assert_int_eq(fpost_model_store(&adr, &one, y, 1, FENCEPOST_STORE_NT),
                   FPOST_ENOMEM);
  ck_assert_uint_eq(y->stores, 0);
  store(&adr, &one, y, 1, 0);
  (void)flush(&adr, &one, y, FENCEPOST_CLFLUSH);
  one.pending_max = FPOST_LINE_WORDS;
  (void)flush(&torn, &one, x, FENCEPOST_CLWB);
  ck_assert_uint_eq(one.pending_count, FPOST_LINE_WORDS);
}
END_TEST

START_TEST(counters_saturate) {
  x->stores = UINT32_MAX - 1;
  store(&adr, &one, x, 1, 0);
  store(&adr, &one, x, 1, 0);
  ck_assert_uint_eq(x->stores, UINT32_MAX);
  (void)flush(&adr, &one, x, FENCEPOST_CLWB);
  ck_assert_uint_eq(fpost_model_fence(&one), 1);
  ck_assert_uint_eq(x->guaranteed, UINT32_MAX);
}
END_TEST

START_TEST(store_to_no_word_is_refused) {
  (void)fpost_model_store(&adr, &one, x, 0, 0);
}
END_TEST

START_TEST(broken_line_is_refused) {
  x->guaranteed = 1;
  (void)fpost_model_store(&adr, &one, x, 1, 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("model");
  TCase *cases = tcase_create("model");
  tcase_add_checked_fixture(cases, setup, NULL);
  tcase_add_test(cases, store_is_visible_and_not_guaranteed);
  tcase_add_test(cases, fence_of_the_flushing_thread_completes_the_flush);
  tcase_add_test(cases, fence_after_another_threads_raises_nothing);
  tcase_add_test(cases, fence_of_another_thread_does_not_complete_flush);
  tcase_add_test(cases, clflush_guarantees_its_line_only);
  tcase_add_test(cases, flush_says_what_it_found);
  tcase_add_test(cases, nt_store_waits_for_a_fence_and_for_no_flush);
  tcase_add_test(cases, movdir64b_is_weakly_ordered_too);
  tcase_add_test(cases, clflush_drains_nt_stores_and_leaves_clwb_pending);
  tcase_add_test(cases, store_of_another_thread_leaves_an_nt_store_awaited);
  tcase_add_test(cases, flush_covers_no_nt_store_of_another_thread);
  tcase_add_test(cases, clflush_covers_what_is_before_anothers_nt_store);
  tcase_add_test(cases, last_of_two_threads_with_nt_stores_to_a_line_is_known);
  tcase_add_test(cases, coarse_flush_covers_nt_stores_of_another_thread);
  tcase_add_test(cases, coarse_store_completes_no_store_of_another_thread);
  tcase_add_test(
      cases, ordinary_store_of_the_thread_completes_its_nt_store_to_the_line);
  tcase_add_test(cases, nt_store_that_was_seen_is_guaranteed);
  tcase_add_test(cases, eadr_store_is_guaranteed_when_visible);
  tcase_add_test(cases, torn_words_have_cuts_of_their_own);
  tcase_add_test(cases, torn_store_to_any_word_completes_nt_stores_to_the_line);
  tcase_add_test(cases, durable_line_is_guaranteed_by_other_means);
  tcase_add_test(cases, full_pending_list_changes_nothing);
  tcase_add_test(cases, counters_saturate);
  tcase_add_test_raise_signal(cases, store_to_no_word_is_refused, SIGABRT);
  tcase_add_test_raise_signal(cases, broken_line_is_refused, SIGABRT);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
