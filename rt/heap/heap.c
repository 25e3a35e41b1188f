/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * malloc and its family in a mapped file, for programs that keep their whole
 * heap in persistent memory. Preloaded by `fencepost --heap-pm FILE`.
 *
 * Only a program that has the runtime gets such a heap; any other that inherits
 * the preload, and every allocation before this library starts, is served by
 * libc. The mapping goes through the program's own mmap, which is the
 * runtime's: so the runtime learns of the heap as of any other pool. The file
 * is mapped at a fixed address, so that pointers in it hold in the next run.
 *
 * In recovery from a crash the file is mapped and left as it is: what recovery
 * itself allocates comes from libc.
 */
#define _GNU_SOURCE
#include "rt/os/heap.h"

#include "rt/heap/slabs.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
/* What the last chunk of a heap file begins with. */
#define HEAP_MARK "fencepost heap\n"
#define HEAP_ADDRESS ((uintptr_t)0x200000000000)

/* libc's own, under the names it keeps for such libraries. */
void *__libc_malloc(size_t size);
void __libc_free(void *address);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *address, size_t size);
void *__libc_memalign(size_t align, size_t size);

/* The runtime looks for this to know that the library is there. */
EXPORT extern const int fpost_heap_preloaded;
const int fpost_heap_preloaded = 1;

static struct {
  struct fpost_slabs slabs;
  pthread_mutex_t lock;
  __typeof__(&fencepost_heap_freed_) freed;
  size_t size;
  int fd;     /* of the file, for its lock */
  bool ready; /* allocations come from the file */
} heap = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void say(const char *what, const char *file) {
  const char *parts[] = {"fencepost: heap-pm: ", what, " '", file, "': ",
                         strerrordesc_np(errno), "\n"};
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
    if (parts[i] != NULL &&
        write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0) {
      return;
    }
  }
}

static void fork_lock(void) {
  pthread_mutex_lock(&heap.lock);
}

static void fork_unlock(void) {
  pthread_mutex_unlock(&heap.lock);
}

/* Is the file empty, or a heap that an earlier run has made? */
static bool file_is_ours(int fd) {
  char mark[sizeof(HEAP_MARK)] = "";
  off_t end = lseek(fd, 0, SEEK_END);
  return end == 0 ||
         (end > (off_t)FPOST_CHUNK_SIZE &&
          pread(fd, mark, sizeof(mark), end - (off_t)FPOST_CHUNK_SIZE) ==
              (ssize_t)sizeof(mark) &&
          memcmp(mark, HEAP_MARK, sizeof(mark)) == 0);
}

/* A new heap in the file: nothing in it but the mark in its last chunk. */
static bool file_make(int fd, uint64_t size) {
  return ftruncate(fd, 0) == 0 && ftruncate(fd, (off_t)size) == 0 &&
         pwrite(fd, HEAP_MARK, sizeof(HEAP_MARK),
                (off_t)(size - FPOST_CHUNK_SIZE)) == (ssize_t)sizeof(HEAP_MARK);
}

/*
 * Map the file. Returns false, with errno set, if that cannot be, and ends the
 * process rather than overwrite a file that is none of ours. *busy: a program
 * that still runs has its heap in it.
 */
static bool heap_map(const char *file, uint64_t size, bool recovering,
                     bool *busy) {
  int fd = open(file, O_RDWR | O_CLOEXEC | (recovering ? 0 : O_CREAT), 0600);
  if (fd < 0) {
    return false;
  }
  if (!recovering) {
    *busy = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (*busy) {
      close(fd);
      return true;
    }
    if (!file_is_ours(fd)) {
      errno = EEXIST;
      say("not overwriting a file that holds something else; remove it or name "
          "another",
          file);
      _exit(2);
    }
    if (!file_make(fd, size)) {
      return false;
    }
  }
  void *at = mmap((void *)HEAP_ADDRESS, size, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
  /* Kept open, out of the program's way: it holds the lock. */
  heap.fd = recovering ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 900);
  close(fd);
  heap.slabs.heap = at;
  return at != MAP_FAILED;
}

__attribute__((constructor)) static void heap_start(void) {
  uint64_t size = 0;
  int recovering = 0;
  __typeof__(&fencepost_heap_file_) find =
      (__typeof__(find))dlsym(RTLD_DEFAULT, "fencepost_heap_file_");
  const char *file = find != NULL ? find(&size, &recovering) : NULL;
  if (file == NULL) {
    return;
  }
  size -= size % FPOST_CHUNK_SIZE;
  bool busy = false;
  if (!heap_map(file, size, recovering != 0, &busy)) {
    say("cannot map the heap file", file);
    _exit(2);
  }
  if (busy) {
    say("in use by another program: this one gets an ordinary heap", file);
  }
  if (busy || recovering != 0) {
    return;
  }
  heap.slabs.chunks_count = (uint32_t)(size / FPOST_CHUNK_SIZE) - 1;
  heap.slabs.chunks =
      mmap(NULL, heap.slabs.chunks_count * sizeof(struct fpost_chunk),
           PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
           -1, 0);
  if ((void *)heap.slabs.chunks == MAP_FAILED) {
    say("no memory to manage", file);
    _exit(2);
  }
  heap.freed =
      (__typeof__(heap.freed))dlsym(RTLD_DEFAULT, "fencepost_heap_freed_");
  heap.size = size;
  pthread_atfork(fork_lock, fork_unlock, fork_unlock);
  heap.ready = true;
}

/* Is address in the file? Then this library handed it out. */
static bool heap_has(const void *address) {
  return (uintptr_t)address - HEAP_ADDRESS < heap.size;
}

static void *heap_take(size_t size, size_t align) {
  pthread_mutex_lock(&heap.lock);
  void *address = fpost_slabs_take(&heap.slabs, size, align);
  pthread_mutex_unlock(&heap.lock);
  if (address == NULL) {
    errno = ENOMEM;
  }
  return address;
}

static void heap_give(void *address) {
  int error = errno;
  size_t size = fpost_slabs_size(&heap.slabs, address);
  if (heap.freed != NULL) {
    heap.freed(address, size);
  }
  pthread_mutex_lock(&heap.lock);
  bool given = fpost_slabs_give(&heap.slabs, address);
  pthread_mutex_unlock(&heap.lock);
  if (!given) {
    static const char text[] =
        "fencepost: heap-pm: free of an address that is "
        "not allocated\n";
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    __builtin_trap();
  }
  errno = error;
}

EXPORT void *malloc(size_t size) {
  return heap.ready ? heap_take(size, 16) : __libc_malloc(size);
}

EXPORT void free(void *address) {
  if (address != NULL && heap_has(address)) {
    heap_give(address);
  } else {
    __libc_free(address);
  }
}

EXPORT void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (!heap.ready) {
    return __libc_calloc(count, size);
  }
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return NULL;
  }
  void *address = heap_take(bytes, 16);
  return address != NULL ? memset(address, 0, bytes) : NULL;
}

EXPORT void *realloc(void *address, size_t size) {
  if (address == NULL) {
    return heap.ready ? heap_take(size, 16) : __libc_malloc(size);
  }
  if (!heap_has(address)) {
    return __libc_realloc(address, size);
  }
  size_t old = fpost_slabs_size(&heap.slabs, address);
  if (size != 0 && size <= old && size > old / 2) {
    return address;
  }
  void *moved = heap_take(size, 16);
  if (moved != NULL) {
    memcpy(moved, address, size < old ? size : old);
    heap_give(address);
  }
  return moved;
}

EXPORT void *memalign(size_t align, size_t size) {
  if (!heap.ready) {
    return __libc_memalign(align, size);
  }
  return heap_take(size, align < 16 ? 16 : align);
}

EXPORT void *aligned_alloc(size_t align, size_t size) {
  return memalign(align, size);
}

EXPORT int posix_memalign(void **address, size_t align, size_t size) {
  if (align < sizeof(void *) || (align & (align - 1)) != 0) {
    return EINVAL;
  }
  int error = errno;
  void *taken = memalign(align, size);
  errno = error;
  if (taken == NULL) {
    return ENOMEM;
  }
  *address = taken;
  return 0;
}

EXPORT void *valloc(size_t size) {
  return memalign(4096, size);
}

EXPORT size_t malloc_usable_size(void *address) {
  if (address != NULL && heap_has(address)) {
    return fpost_slabs_size(&heap.slabs, address);
  }
  size_t (*libc)(void *) =
      (size_t(*)(void *))dlsym(RTLD_NEXT, "malloc_usable_size");
  return address != NULL && libc != NULL ? libc(address) : 0;
}
