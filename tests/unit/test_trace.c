/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/trace/trace.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct fpost_trace_state writer;
static struct fpost_trace_state reader;
static uint8_t buffer[FPOST_RECORD_MAX];

static void setup(void) {
  memset(&writer, 0, sizeof writer);
  memset(&reader, 0, sizeof reader);
  memset(buffer, 0xee, sizeof buffer);
}

static void ck_same(const struct fpost_record *a,
                    const struct fpost_record *b) {
  ck_assert_uint_eq(a->kind, b->kind);
  ck_assert_uint_eq(a->thread, b->thread);
  ck_assert_uint_eq(a->flags, b->flags);
  ck_assert_uint_eq(a->stack, b->stack);
  ck_assert_uint_eq(a->id, b->id);
  ck_assert_uint_eq(a->address, b->address);
  ck_assert_uint_eq(a->size, b->size);
  ck_assert_uint_eq(a->value, b->value);
  ck_assert_uint_eq(a->text_size, b->text_size);
  ck_assert_uint_eq(a->data_size, b->data_size);
  if (a->text_size != 0) {
    ck_assert_mem_eq(a->text, b->text, a->text_size);
  }
  if (a->data_size != 0) {
    ck_assert_mem_eq(a->data, b->data, a->data_size);
  }
}

/* Encode, decode, compare; returns the bytes. */
static size_t round_trip(const struct fpost_record *record) {
  struct fpost_record back;
  size_t used = 0;
  size_t size = fpost_trace_encode(&writer, record, buffer);
  ck_assert_uint_ge(size, 1);
  ck_assert_uint_le(size, FPOST_RECORD_MAX);
  for (size_t cut = 0; cut < size && cut < 64; cut++) {
    ck_assert_int_eq(fpost_trace_decode(&reader, buffer, cut, &back, &used),
                     FPOST_ENOENT);
  }
  ck_assert_int_eq(fpost_trace_decode(&reader, buffer, size, &back, &used), 0);
  ck_assert_uint_eq(used, size);
  ck_same(record, &back);
  return size;
}

START_TEST(every_kind_survives_with_its_largest_fields) {
  uint8_t data[FPOST_STORE_MAX];
  char text[FPOST_TEXT_MAX];
  memset(data, 0xa5, sizeof data);
  memset(text, 't', sizeof text);
  uint64_t big = UINT64_MAX;
  const struct fpost_record records[] = {
      {.kind = FPOST_RECORD_MODULE,
       .id = UINT32_MAX,
       .value = big,
       .size = big,
       .text = text,
       .text_size = sizeof text,
       .data = data,
       .data_size = sizeof data},
      {.kind = FPOST_RECORD_STACK,
       .id = UINT32_MAX,
       .data = data,
       .data_size = 8 * FPOST_STACK_MAX},
      {.kind = FPOST_RECORD_POOL,
       .id = 63,
       .value = big,
       .size = big,
       .text = text,
       .text_size = sizeof text},
      {.kind = FPOST_RECORD_IMAGE,
       .address = big,
       .size = sizeof data,
       .data = data,
       .data_size = sizeof data},
      {.kind = FPOST_RECORD_RESIZE, .id = 63, .size = big},
      {.kind = FPOST_RECORD_UNMAP, .address = 1, .size = big},
      {.kind = FPOST_RECORD_STORE,
       .thread = UINT32_MAX,
       .flags = UINT32_MAX,
       .stack = UINT32_MAX,
       .address = big / 2,
       .size = sizeof data,
       .data = data,
       .data_size = sizeof data},
      {.kind = FPOST_RECORD_FLUSH,
       .thread = 1,
       .flags = UINT32_MAX,
       .stack = 0,
       .address = big,
       .size = big},
      {.kind = FPOST_RECORD_FENCE,
       .thread = 0,
       .flags = UINT32_MAX,
       .stack = UINT32_MAX},
      {.kind = FPOST_RECORD_DURABLE,
       .thread = 7,
       .stack = 1,
       .address = 0,
       .size = big},
      {.kind = FPOST_RECORD_OP_BEGIN,
       .thread = UINT32_MAX,
       .stack = 3,
       .text = text,
       .text_size = sizeof text},
      {.kind = FPOST_RECORD_OP_END, .thread = 0, .stack = UINT32_MAX},
      {.kind = FPOST_RECORD_IGNORE, .address = big, .size = big},
      {.kind = FPOST_RECORD_IGNORE, .flags = 1, .address = big, .size = 1},
      {.kind = FPOST_RECORD_NOTE, .text = text, .text_size = 0},
      {.kind = FPOST_RECORD_END, .value = 0},
      {.kind = FPOST_RECORD_END, .value = big},
  };
  for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
    round_trip(&records[i]);
}
END_TEST

START_TEST(a_pool_that_was_there_round_trips) {
  round_trip(&(struct fpost_record){.kind = FPOST_RECORD_POOL,
                                    .flags = FPOST_POOL_BEFORE,
                                    .id = 1,
                                    .size = 4096});
}
END_TEST

START_TEST(a_mark_round_trips) {
  const uint64_t big = UINT64_MAX;
  static const char text[] = "mark";
  round_trip(&(struct fpost_record){.kind = FPOST_RECORD_MARK,
                                    .thread = 3,
                                    .stack = 4,
                                    .flags = FPOST_MARK_FINDING,
                                    .id = 5,
                                    .value = big,
                                    .address = big,
                                    .size = 8,
                                    .text = text,
                                    .text_size = 3});
}
END_TEST

/* _i: the number of bytes that are not zero, of sizes around a word. */
START_TEST(zeros_at_the_end_of_data_come_back) {
  for (size_t size = 1; size <= 130; size++) {
    uint8_t data[130] = {0};
    memset(data, 0x5a, (size_t)_i < size ? (size_t)_i : size);
    round_trip(&(struct fpost_record){.kind = FPOST_RECORD_STORE,
                                      .size = size,
                                      .data = data,
                                      .data_size = size});
  }
}
END_TEST

START_TEST(zero_bytes_are_an_end_that_was_not_seen) {
  const uint8_t zeros[16] = {0};
  struct fpost_record record;
  size_t used = 0;
  ck_assert_int_eq(
      fpost_trace_decode(&reader, zeros, sizeof zeros, &record, &used), 0);
  ck_assert_uint_eq(record.kind, FPOST_RECORD_END);
  ck_assert_uint_eq(record.value, UINT64_MAX);
  ck_assert_uint_eq(used, 1);
}
END_TEST

START_TEST(a_repeated_store_flush_fence_takes_few_bytes) {
  uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  size_t size = 0;
  for (uint64_t i = 0; i < 100; i++) {
    uint64_t address = i * 4096;
    size = round_trip(&(struct fpost_record){.kind = FPOST_RECORD_STORE,
                                             .address = address,
                                             .stack = 1,
                                             .size = 8,
                                             .data = data,
                                             .data_size = 8});
    size += round_trip(&(struct fpost_record){.kind = FPOST_RECORD_FLUSH,
                                              .address = address,
                                              .flags = FENCEPOST_CLWB,
                                              .stack = 2,
                                              .size = 8});
    size += round_trip(
        &(struct fpost_record){.kind = FPOST_RECORD_FENCE, .stack = 3});
  }
  ck_assert_uint_le(size, 16);
}
END_TEST

START_TEST(bytes_that_are_no_record_are_refused) {
  static const struct {
    uint8_t bytes[12];
    size_t size;
  } bad[] = {
      {{0x09 | 0x80, 0}, 2},            /* a fence has no address */
      {{0x07, 0x81}, 2},                /* no such shape of data */
      {{0x07, 0x80, 0, 0}, 4},          /* a store of nothing */
      {{0x07, 0x09}, 2},                /* one byte, nine kept */
      {{0x07, 0x80, 0x81, 0x20, 0}, 5}, /* 4097 bytes */
      {{0x08, 0}, 2},                   /* a flush of nothing */
      {{0x02, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12},    /* half an address */
      {{0x09 | 0x10, 0x80, 0x80, 0x80, 0x80, 0x10}, 6}, /* thread 2^32 */
      {{0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},
       11}, /* more than 64 bits */
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct fpost_record record = {.id = 42};
    size_t used = 42;
    ck_assert_msg(fpost_trace_decode(&reader, bad[i].bytes, bad[i].size,
                                     &record, &used) == FPOST_EINVAL,
                  "case %zu", i);
    ck_assert_uint_eq(record.id, 42);
    ck_assert_uint_eq(used, 42);
  }
}
END_TEST

START_TEST(a_store_that_is_too_large_is_our_bug) {
  static uint8_t data[FPOST_STORE_MAX + 1];
  fpost_trace_encode(&writer,
                     &(struct fpost_record){.kind = FPOST_RECORD_STORE,
                                            .size = sizeof data,
                                            .data = data,
                                            .data_size = sizeof data},
                     buffer);
}
END_TEST

START_TEST(a_flush_of_nothing_is_our_bug) {
  fpost_trace_encode(
      &writer, &(struct fpost_record){.kind = FPOST_RECORD_FLUSH}, buffer);
}
END_TEST

/* Fields drawn so that records often repeat parts of those before. */
static void record_draw(struct fpost_record *record, uint8_t *data) {
  static const uint32_t sizes[] = {1, 2, 4, 8, 8, 8, 16, 64, 200, 4096};
  memset(record, 0, sizeof *record);
  record->kind = (enum fpost_record_kind)(7 + rand() % 3);
  record->thread = (uint32_t)(rand() % 8 == 0 ? rand() % 3 : 0);
  record->stack = (uint32_t)(rand() % 40);
  record->flags = (uint32_t)(rand() % 3);
  if (record->kind != FPOST_RECORD_FENCE) {
    record->address = (uint64_t)rand() % 100000;
    record->size = sizes[rand() % 10];
  }
  if (record->kind == FPOST_RECORD_STORE) {
    record->data = data;
    record->data_size = record->size;
    for (size_t i = 0; i < record->size; i++) {
      data[i] = rand() % 2 == 0 ? 0 : (uint8_t)rand();
    }
  }
}

START_TEST(long_runs_of_records_survive) {
  uint8_t data[FPOST_STORE_MAX];
  struct fpost_record record;
  srand((unsigned)_i + 1);
  for (int i = 0; i < 2000; i++) {
    record_draw(&record, data);
    round_trip(&record);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("trace");
  TCase *tcase = tcase_create("records");
  tcase_add_checked_fixture(tcase, setup, NULL);
  tcase_add_test(tcase, every_kind_survives_with_its_largest_fields);
  tcase_add_test(tcase, a_pool_that_was_there_round_trips);
  tcase_add_test(tcase, a_mark_round_trips);
  tcase_add_loop_test(tcase, zeros_at_the_end_of_data_come_back, 0, 12);
  tcase_add_test(tcase, zero_bytes_are_an_end_that_was_not_seen);
  tcase_add_test(tcase, a_repeated_store_flush_fence_takes_few_bytes);
  tcase_add_test(tcase, bytes_that_are_no_record_are_refused);
  tcase_add_test_raise_signal(tcase, a_store_that_is_too_large_is_our_bug, 6);
  tcase_add_test_raise_signal(tcase, a_flush_of_nothing_is_our_bug, 6);
  tcase_add_loop_test(tcase, long_runs_of_records_survive, 0, 5);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
