// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// inlined POOL: a store in a function that is inlined into another, unflushed.
#include <cstdint>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace counters {
template <typename T>
__attribute__((always_inline)) inline void bump(T *cell, T by) {
  *cell += by;
}

__attribute__((noinline)) void update(std::uint64_t *cells, int index) {
  bump<std::uint64_t>(&cells[index], 3);
}
} // namespace counters

int main(int argc, char **argv) {
  int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, 4096) != 0) {
    return 2;
  }
  void *pool = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  counters::update(static_cast<std::uint64_t *>(pool), argc);
  return 0;
}
