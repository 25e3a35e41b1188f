/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Operations are letters, the boundaries of a stretch a text: "A" begins, "a"
 * ends. Replaying an order leads to its letters: in order ("A B" is not "B A"),
 * or, where operations commute, as a set.
 */
#include "tools/explore/orders.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MANY 64u

struct scene {
  struct explore_operations all;
  struct explore_operation operations[MANY];
  struct explore_boundary boundaries[2 * MANY];
  char letters[MANY];
  struct explore_orders orders;
  bool commute; /* contents */
  bool hidden;  /* the observation does not show the order */
  char fails;   /* recovery fails after an order that ends with this */
  int replays;
};

static struct scene scene;

static void setup(void) {
  memset(&scene, 0, sizeof scene);
}

static void teardown(void) {
  explore_orders_free(&scene.orders);
}

static uint32_t operation_of(char letter) {
  uint32_t index = 0;
  while (index < scene.all.count && scene.letters[index] != letter) {
    index++;
  }
  return index;
}

static void stretch(const char *text) {
  uint32_t count = (uint32_t)strlen(text);
  for (uint32_t i = 0; i < count; i++) {
    bool ends = text[i] >= 'a';
    char letter = ends ? (char)(text[i] - 'a' + 'A') : text[i];
    uint32_t index = operation_of(letter);
    if (index == scene.all.count) {
      scene.letters[scene.all.count++] = letter;
    }
    scene.boundaries[i] = (struct explore_boundary){
        .event = i, .operation = index, .ends = ends, .last = count - 1};
  }
  scene.all.operations = scene.operations;
  scene.all.boundaries = scene.boundaries;
  scene.all.boundaries_count = count;
}

static int compare(const void *a, const void *b) {
  return *(const char *)a - *(const char *)b;
}

/* The observation that stands for a text of letters. */
static uint64_t seen(const char *text) {
  char sorted[MANY + 1] = "";
  uint64_t hash = 1;
  strcpy(sorted, text);
  if (scene.hidden || scene.commute) {
    qsort(sorted, strlen(sorted), 1, compare);
  }
  for (const char *at = sorted; *at != '\0'; at++) {
    hash = hash * 131 + (uint64_t)*at;
  }
  return hash;
}

static int replay(void *context, const struct explore_orders *orders,
                  struct explore_order *order) {
  uint32_t sequence[MANY];
  char text[MANY + 1];
  (void)context;
  scene.replays++;
  explore_orders_sequence(orders, order, sequence);
  for (uint32_t i = 0; i < order->length; i++) {
    text[i] = scene.letters[sequence[i]];
  }
  text[order->length] = '\0';
  order->observed = seen(text);
  order->known = order->length == 0 || text[order->length - 1] != scene.fails;
  if (scene.commute) {
    qsort(text, order->length, 1, compare);
  }
  for (uint32_t i = 0; i < order->length; i++) {
    order->content.low = order->content.low * 257 + (uint64_t)text[i];
  }
  return FPOST_OK;
}

static void pass(uint32_t boundary, bool by_observed) {
  explore_orders_free(&scene.orders);
  ck_assert_int_eq(explore_orders_begin(&scene.orders, &scene.all, 0,
                                        by_observed, replay, NULL),
                   0);
  ck_assert_int_eq(explore_orders_pass(&scene.orders, boundary, replay, NULL),
                   0);
}

static bool legal(const char *text) {
  return explore_orders_explain(&scene.orders, seen(text)) == EXPLORE_LEGAL;
}

/* Legal after the boundary: these texts, and no other of up to three of A to
   D. */
static void check_legal(uint32_t boundary, const char *const *texts) {
  static const char letters[] = "ABCD";
  pass(boundary, false);
  for (uint32_t i = 0; i < 5 * 5 * 5; i++) {
    char text[4] = "";
    char *at = text;
    for (uint32_t rest = i, j = 0; j < 3; j++, rest /= 5) {
      if (rest % 5 != 0) {
        *at++ = letters[rest % 5 - 1];
      }
    }
    bool expected = false;
    for (uint32_t j = 0; texts[j] != NULL; j++) {
      expected = expected || strcmp(texts[j], text) == 0;
    }
    ck_assert_msg(legal(text) == expected, "after boundary %u: '%s'", boundary,
                  text);
  }
}
#define CHECK_LEGAL(boundary, ...)                                             \
  check_legal(boundary, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(what_returned_is_there_and_what_is_under_way_may_be) {
  stretch("ABab");
  CHECK_LEGAL(0, "", "A");
  CHECK_LEGAL(1, "", "A", "B", "AB", "BA");
  CHECK_LEGAL(2, "A", "AB", "BA");
  CHECK_LEGAL(3, "AB", "BA");
}
END_TEST

START_TEST(one_that_begins_after_another_has_returned_comes_after_it) {
  stretch("ABaCbc");
  CHECK_LEGAL(3, "A", "AB", "BA", "AC", "ABC", "ACB", "BAC");
  CHECK_LEGAL(4, "AB", "BA", "ABC", "ACB", "BAC");
  CHECK_LEGAL(5, "ABC", "ACB", "BAC");
}
END_TEST

START_TEST(buffered_ones_may_be_lost_until_one_that_is_not_returns) {
  stretch("ABaCbc");
  scene.operations[operation_of('A')].buffered = true;
  CHECK_LEGAL(2, "", "B", "A", "AB", "BA");
  /* C began after A: not without it. */
  CHECK_LEGAL(3, "", "B", "A", "AB", "BA", "AC", "ABC", "ACB", "BAC");
  CHECK_LEGAL(4, "B", "AB", "BA", "ABC", "ACB", "BAC");
  CHECK_LEGAL(5, "ABC", "ACB", "BAC");
}
END_TEST

START_TEST(the_lost_one_is_the_first_that_returned) {
  stretch("ABCabc");
  pass(4, false);
  ck_assert_uint_eq(explore_orders_lost(&scene.orders, seen("C")),
                    operation_of('A'));
  ck_assert_uint_eq(explore_orders_lost(&scene.orders, seen("CA")),
                    operation_of('B'));
  ck_assert_uint_eq(explore_orders_lost(&scene.orders, seen("CAB")),
                    UINT32_MAX);
  ck_assert_uint_eq(explore_orders_lost(&scene.orders, seen("CC")), UINT32_MAX);
}
END_TEST

START_TEST(equal_contents_are_replayed_once) {
  stretch("ABCDEFabcdef");
  scene.commute = true;
  pass(5, false);
  /* Each of the 64 sets, and by each operation that it lacks: 6 * 32. */
  ck_assert_int_eq(scene.replays, 1 + 6 * 32);
  ck_assert(!scene.orders.merged);
  ck_assert(legal("CF"));
}
END_TEST

START_TEST(equal_observations_are_one_only_if_asked_for) {
  stretch("ABCab");
  scene.hidden = true;
  pass(2, true);
  ck_assert(scene.orders.merged);
  ck_assert(legal("ABC"));
  int quick = scene.replays;
  scene.replays = 0;
  pass(2, false);
  ck_assert(!scene.orders.merged);
  ck_assert_int_gt(scene.replays, quick);
}
END_TEST

START_TEST(too_many_orders_are_not_judged) {
  stretch("ABCDEFGHabcdefgh"); /* 109,601 orders */
  pass(7, false);
  ck_assert(scene.orders.full);
  ck_assert_uint_eq(scene.orders.count, EXPLORE_ORDERS_MAX);
  ck_assert(legal("A"));
  ck_assert_int_eq(explore_orders_explain(&scene.orders, seen("AA")),
                   EXPLORE_UNDECIDED);
}
END_TEST

START_TEST(what_recovery_fails_on_is_not_judged) {
  stretch("ABab");
  scene.fails = 'B';
  pass(1, false);
  ck_assert(legal("A"));
  ck_assert_int_eq(explore_orders_explain(&scene.orders, seen("AA")),
                   EXPLORE_UNDECIDED);
}
END_TEST

START_TEST(boundaries_are_passed_in_steps_as_at_once) {
  stretch("ABaCbc");
  pass(1, false);
  ck_assert_int_eq(explore_orders_pass(&scene.orders, 3, replay, NULL), 0);
  ck_assert(legal("ACB"));
  ck_assert(!legal("CA"));
  uint32_t count = scene.orders.count;
  pass(3, false);
  ck_assert_uint_eq(scene.orders.count, count);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("orders");
  TCase *tests = tcase_create("orders");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, what_returned_is_there_and_what_is_under_way_may_be);
  tcase_add_test(tests,
                 one_that_begins_after_another_has_returned_comes_after_it);
  tcase_add_test(tests,
                 buffered_ones_may_be_lost_until_one_that_is_not_returns);
  tcase_add_test(tests, the_lost_one_is_the_first_that_returned);
  tcase_add_test(tests, equal_contents_are_replayed_once);
  tcase_add_test(tests, equal_observations_are_one_only_if_asked_for);
  tcase_add_test(tests, too_many_orders_are_not_judged);
  tcase_add_test(tests, what_recovery_fails_on_is_not_judged);
  tcase_add_test(tests, boundaries_are_passed_in_steps_as_at_once);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
