/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -DBUG=1 %s -lpmem -o %t
 * RUN: rm -f %t.pool && %t run %t.pool 0
 * RUN: not %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool 3 > %t.out
 * RUN: FileCheck --check-prefixes=CHECK,COMMIT %s < %t.out
 *
 * RUN: %fencepost-clang -g -O1 -DBUG=2 %s -lpmem -o %t
 * RUN: rm -f %t.pool && %t run %t.pool 0
 * RUN: not %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool 3 > %t.out
 * RUN: FileCheck --check-prefixes=CHECK,TRUNCATE %s < %t.out
 *
 * RUN: %fencepost-clang -g -O1 -DBUG=3 %s -lpmem -o %t
 * RUN: rm -f %t.pool && %t run %t.pool 0
 * RUN: not %fencepost check -- %t run %t.pool 3 > %t.out
 * RUN: FileCheck --check-prefixes=MISSING %s < %t.out
 *
 * RUN: %fencepost-clang -g -O1 %s -lpmem -o %t
 * RUN: rm -f %t.pool && %t run %t.pool 0
 * RUN: %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool 3
 * RUN: %fencepost check --fail-on performance -- %t run %t.pool 9
 *
 * Intent: accounts behind a write-ahead log on libpmem. BUG=1 counts a record
 * before it is there, BUG=2 truncates the log before the accounts are, BUG=3
 * forgets to flush an account. Without a bug, no crash loses money.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * COMMIT: program-wal.c:{{.*}} in log_append
 * TRUNCATE: program-wal.c:{{.*}} in {{checkpoint|account_set}}
 * MISSING: ERROR: fencepost: missing-flush
 * MISSING-NEXT: program-wal.c:{{.*}} in account_set
 */
#include <libpmem.h>

#include "Inputs/pm.h"

#ifndef BUG
#define BUG 0
#endif

#define ACCOUNTS 4
#define RECORDS 8
#define BALANCE 1000

struct record { /* one line: a new balance for an account */
  uint64_t account;
  uint64_t balance;
  uint64_t unused[6];
} PM_ALIGNED;

struct store {
  uint64_t is_formatted;
  struct {
    uint64_t balance;
  } PM_ALIGNED accounts[ACCOUNTS];
  /* The first count records are to be applied: all of a transfer, or none. */
  uint64_t count PM_ALIGNED;
  struct record records[RECORDS];
} PM_ALIGNED;

static void log_append(struct store *store, unsigned at, uint64_t account,
                       uint64_t balance) {
  struct record *record = &store->records[at];

  record->account = account;
  record->balance = balance;
  pmem_flush(record, sizeof *record);
}

static void log_commit(struct store *store, uint64_t count) {
#if BUG != 1
  pmem_drain();
#endif
  store->count = count;
  pmem_persist(&store->count, sizeof store->count);
}

static void account_set(struct store *store, uint64_t account,
                        uint64_t balance) {
  store->accounts[account].balance = balance;
#if BUG == 3
  if (account == 0)
    return;
#endif
  pmem_flush(&store->accounts[account], sizeof store->accounts[account]);
}

/* Applies the log, then empties it. May be cut off and repeated at any point.
 */
static void checkpoint(struct store *store) {
  if (store->count == 0)
    return;
  for (uint64_t i = 0; i < store->count && i < RECORDS; i++)
    account_set(store, store->records[i].account % ACCOUNTS,
                store->records[i].balance);
#if BUG != 2
  pmem_drain();
#endif
  store->count = 0;
  pmem_persist(&store->count, sizeof store->count);
}

static void transfer(struct store *store, uint64_t from, uint64_t to,
                     uint64_t amount) {
  log_append(store, 0, from, store->accounts[from].balance - amount);
  log_append(store, 1, to, store->accounts[to].balance + amount);
  log_commit(store, 2);
  checkpoint(store);
}

static void format(struct store *store) {
  for (unsigned i = 0; i < ACCOUNTS; i++)
    store->accounts[i].balance = BALANCE;
  pmem_persist(store->accounts, sizeof store->accounts);
  store->is_formatted = 1;
  pmem_persist(&store->is_formatted, sizeof store->is_formatted);
}

static int check(struct store *store) {
  uint64_t sum = 0;

  checkpoint(store);
  for (unsigned i = 0; i < ACCOUNTS; i++)
    sum += store->accounts[i].balance;
  if (sum == ACCOUNTS * BALANCE)
    return 0;
  fprintf(stderr, "%ju instead of %d\n", (uintmax_t)sum, ACCOUNTS * BALANCE);
  return 1;
}

int main(int argc, char **argv) {
  struct store *store;
  size_t size;
  int transfers_count, result = 0;

  if (argc < 3)
    return 2;
  transfers_count = argc > 3 ? atoi(argv[3]) : 0;
  store = pmem_map_file(argv[2], PM_SIZE, PMEM_FILE_CREATE, 0600, &size, NULL);
  if (store == NULL)
    return 2;
  if (!store->is_formatted)
    format(store);
  if (strcmp(argv[1], "check") == 0)
    result = check(store);
  else
    for (int i = 0; i < transfers_count; i++)
      transfer(store, (uint64_t)i % ACCOUNTS, (uint64_t)(i + 1) % ACCOUNTS, 10);
  pmem_unmap(store, size);
  return result;
}
