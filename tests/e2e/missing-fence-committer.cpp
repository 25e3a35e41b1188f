// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -pthread -o %t
// RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
// RUN: %fencepost-clang++ -std=c++17 -g -O1 -DFIXED %s -pthread -o %t
// RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t run %t.pool
//
// Intent: group commit: writers flush what they append and wait for a
// committer, which fences for all of them. A fence completes the flushes of its
// own thread alone (rule F3), so none of theirs is complete.
//
// CHECK: ERROR: fencepost: missing-fence
// CHECK-NEXT: store of {{8|16}} bytes to pool+0x{{.*}}missing-fence-committer.cpp:[[#]] in {{.*}}write
// CHECK: SUMMARY: fencepost: {{[12]}} error
#include "Inputs/pm.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace {

constexpr unsigned Writers = 3;
constexpr unsigned Records = 4; // of each writer

struct Log {
  PM_ALIGNED uint64_t committed;
  struct {
    PM_ALIGNED uint64_t sequence;
    uint64_t payload;
  } records[Writers * Records];
};

class GroupCommit {
public:
  explicit GroupCommit(Log *log) : log_(log) {}

  void write(uint64_t payload) {
    std::unique_lock<std::mutex> lock(mutex_);
    uint64_t mine = appended_++;
    auto &record = log_->records[mine];
    record.payload = payload;
    record.sequence = mine + 1;
    pm_flush(&record, sizeof record);
#ifdef FIXED
    pm_fence();
#endif
    changed_.notify_all();
    changed_.wait(lock, [&] { return committed_ > mine; });
  }

  void commit(uint64_t last) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (committed_ < last) {
      changed_.wait(lock, [&] { return appended_ > committed_; });
      log_->committed = appended_;
      pm_persist(&log_->committed, sizeof log_->committed);
      committed_ = appended_;
      changed_.notify_all();
    }
  }

private:
  Log *log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t appended_ = 0;
  uint64_t committed_ = 0;
};

} // namespace

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  GroupCommit log(static_cast<Log *>(pm_map(argv[2])));
  std::vector<std::thread> writers;
  for (unsigned writer = 0; writer < Writers; writer++)
    writers.emplace_back([&log, writer] {
      for (unsigned i = 0; i < Records; i++)
        log.write(100 * writer + i);
    });
  log.commit(Writers * Records);
  for (std::thread &writer : writers)
    writer.join();
  return 0;
}
