// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -pthread -o %t
// RUN: rm -f %t.pool && not %fencepost check --only overwritten-before-persist --pool %t.pool -- %t run %t.pool | FileCheck %s
// RUN: %fencepost-clang++ -std=c++17 -g -O1 -DFIXED %s -pthread -o %t
// RUN: rm -f %t.pool && %fencepost check --only overwritten-before-persist --pool %t.pool -- %t run %t.pool
//
// Intent: threads say how far they all are in one word, under a lock, and leave
// it to the last one to make it durable: what was overwritten by another thread
// was never there for recovery.
//
// CHECK: WARNING: fencepost: overwritten-before-persist
// CHECK-NEXT: store of 8 bytes to pool+0x0 {{.*}}overwritten-progress.cpp:[[#]] in {{.*}}finish
// CHECK: SUMMARY: fencepost: 0 errors, 1 warning
#include "Inputs/pm.h"

#include <mutex>
#include <thread>
#include <vector>

namespace {

constexpr unsigned Parts = 4;

struct Job {
  PM_ALIGNED uint64_t done; // a bit for each part
  PM_ALIGNED uint64_t results[Parts];
};

void finish(Job *job, std::mutex &mutex, unsigned part) {
  job->results[part] = part * part;
  pm_persist(&job->results[part], sizeof job->results[part]);
  std::lock_guard<std::mutex> lock(mutex);
  job->done |= 1u << part;
#ifndef FIXED
  if (job->done == (1u << Parts) - 1)
#endif
    pm_persist(&job->done, sizeof job->done);
}

} // namespace

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  auto *job = static_cast<Job *>(pm_map(argv[2]));
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (unsigned part = 0; part < Parts; part++)
    threads.emplace_back([=, &mutex] { finish(job, mutex, part); });
  for (std::thread &thread : threads)
    thread.join();
  return 0;
}
