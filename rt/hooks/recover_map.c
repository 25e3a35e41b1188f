/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Mappings of views: cutting them out of `home`, putting them back, and turning
 * a view into a copy of its own.
 */
#define _GNU_SOURCE
#include "rt/base/assert.h"
#include "rt/hooks/hooks.h"
#include "rt/hooks/recover_run.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE FPOST_RUN_PAGE
#define READ_WRITE (PROT_READ | PROT_WRITE)

static uint64_t round_page(uint64_t size) {
  return (size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static void *sys_mmap(void *address, uint64_t size, int prot, int flags, int fd,
                      uint64_t offset) {
  long at = syscall(SYS_mmap, address, size, prot, flags, fd, offset);
  return at == -1 ? MAP_FAILED : (void *)at;
}

static bool move(uintptr_t from, uint64_t size, uintptr_t to) {
  return syscall(SYS_mremap, from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
                 to) != -1;
}

static void unlist(uint32_t index) {
  fpost_run.mappings[index] = fpost_run.mappings[--fpost_run.mapping_count];
}

static bool overlaps(const struct fpost_view *view, uint64_t offset,
                     uint64_t size) {
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    const struct fpost_mapping *mapping = &fpost_run.mappings[i];
    if (mapping->view == view && offset < mapping->offset + mapping->size &&
        mapping->offset < offset + size) {
      return true;
    }
  }
  return false;
}

static void forget_open(uintptr_t address, uint64_t size) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < fpost_run.open_count; i++) {
    if (fpost_run.open[i] - address >= size) {
      fpost_run.open[kept++] = fpost_run.open[i];
    }
  }
  fpost_run.open_count = kept;
  fpost_loads_all();
}

/* ---- the copied form ---- */

/* Entries of /proc/self/pagemap that are read at once. */
#define PAGEMAP_BLOCK 512u
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)
#define PAGEMAP_FILE (UINT64_C(1) << 61)

/* Where a copy goes, and what tells which pages it needs. */
struct copy {
  int to;      /* memfd of the run */
  int image;   /* the guaranteed image, for its holes */
  int pagemap; /* of this process, for pages that the run has written */
};

static bool copy_bytes(const struct copy *copy, const uint8_t *from,
                       uint64_t size, uint64_t at) {
  while (size > 0) {
    long wrote = syscall(SYS_pwrite64, copy->to, from, size, at);
    if (wrote <= 0) {
      return false;
    }
    from += wrote;
    at += (uint64_t)wrote;
    size -= (uint64_t)wrote;
  }
  return true;
}

/* The parts of [at, end) that are data in the image; from is the byte at at. */
static bool copy_data(const struct copy *copy, const uint8_t *from, uint64_t at,
                      uint64_t end) {
  uint64_t next = at;
  while (next < end) {
    long data = syscall(SYS_lseek, copy->image, next, SEEK_DATA);
    if (data < 0 || (uint64_t)data >= end) {
      return data >= 0 || errno == ENXIO;
    }
    long hole = syscall(SYS_lseek, copy->image, data, SEEK_HOLE);
    if (hole < 0) {
      return false;
    }
    next = (uint64_t)hole < end ? (uint64_t)hole : end;
    if (!copy_bytes(copy, from + ((uint64_t)data - at), next - (uint64_t)data,
                    (uint64_t)data)) {
      return false;
    }
  }
  return true;
}

/* The pages of [at, end) that the run has written: private to the process. */
static bool copy_written(const struct copy *copy, const uint8_t *from,
                         uint64_t at, uint64_t end) {
  uint64_t entries[PAGEMAP_BLOCK];
  for (uint64_t next = at; next < end;) {
    uint64_t first = ((uintptr_t)from + (next - at)) / PAGE;
    uint64_t wanted = (round_page(end) - next) / PAGE;
    wanted = wanted < PAGEMAP_BLOCK ? wanted : PAGEMAP_BLOCK;
    long got =
        syscall(SYS_pread64, copy->pagemap, entries, wanted * 8, first * 8);
    if (got != (long)(wanted * 8)) {
      return false;
    }
    for (uint64_t i = 0; i < wanted; i++, next += PAGE) {
      bool written =
          (entries[i] & PAGEMAP_SWAPPED) != 0 ||
          (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_FILE)) == PAGEMAP_PRESENT;
      uint64_t size = end - next < PAGE ? end - next : PAGE;
      if (written && !copy_bytes(copy, from + (next - at), size, next)) {
        return false;
      }
    }
  }
  return true;
}

/* Only what is there: a pool is mostly holes, and a run touches little of it.
 */
static bool copy_parts(struct fpost_view *view, const struct copy *copy) {
  for (uint64_t at = 0; at < view->size;) {
    uint64_t length = 0;
    const uint8_t *from = fpost_view_at(view, at, &length);
    uint64_t end = length < view->size - at ? at + length : view->size;
    if (!copy_data(copy, from, at, end) || !copy_written(copy, from, at, end)) {
      return false;
    }
    at = end;
  }
  return true;
}

static bool copy_content(struct fpost_view *view, int fd) {
  char path[64];
  fpost_view_path(view, path);
  int flags = O_RDONLY | O_CLOEXEC;
  struct copy copy = {
      .to = fd,
      .image = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0),
      .pagemap =
          (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/pagemap", flags, 0)};
  bool done = copy.image >= 0 && copy.pagemap >= 0 && copy_parts(view, &copy);
  (void)syscall(SYS_close, copy.image);
  (void)syscall(SYS_close, copy.pagemap);
  return done;
}

static void open_all(const struct fpost_view *view) {
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    const struct fpost_mapping *mapping = &fpost_run.mappings[i];
    if (mapping->view == view) {
      (void)syscall(SYS_mprotect, mapping->address, mapping->size, READ_WRITE);
      forget_open(mapping->address, mapping->size);
    }
  }
}

static void map_all_shared(struct fpost_view *view) {
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    const struct fpost_mapping *mapping = &fpost_run.mappings[i];
    if (mapping->view == view) {
      /* A private one of this form has not been written. */
      int type = mapping->own ? MAP_PRIVATE : MAP_SHARED;
      (void)sys_mmap((void *)mapping->address, mapping->size, mapping->prot,
                     type | MAP_FIXED, view->copy, mapping->offset);
      fpost_map_close(mapping);
    }
  }
}

/* Make the view's form `copied`. False: out of memory or of descriptors. */
static bool view_copy(struct fpost_view *view) {
  if (view->copy >= 0) {
    return true;
  }
  if (!fpost_view_home(view)) {
    return false;
  }
  long fd = syscall(SYS_memfd_create, "fencepost-run", MFD_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  open_all(view);
  if (syscall(SYS_ftruncate, fd, view->size) != 0 ||
      !copy_content(view, (int)fd)) {
    (void)syscall(SYS_close, fd);
    return false;
  }
  if (view->home != NULL) {
    (void)syscall(SYS_munmap, view->home, view->home_size);
    view->home = NULL;
  }
  view->copy = (int)fd;
  map_all_shared(view);
  fpost_run_fds_move(view);
  return fpost_view_home(view);
}

bool fpost_view_resize(struct fpost_view *view, uint64_t size) {
  fpost_view_begin(view);
  /* An image is not copied for nothing; an empty one may have been removed. */
  if (size == view->size && (view->copy >= 0 || size != 0)) {
    return true;
  }
  if (!view_copy(view) || syscall(SYS_ftruncate, view->copy, size) != 0) {
    return false;
  }
  fpost_run_flag(FPOST_RUN_STORED);
  if (size < view->size) {
    fpost_view_store(view, size, view->size - size);
  }
  if (view->home != NULL) {
    (void)syscall(SYS_munmap, view->home, view->home_size);
    view->home = NULL;
  }
  view->size = size;
  return fpost_view_home(view);
}

/* ---- mmap ---- */

/* The mappings have changed: tell the inlined checks where PM is. */
static void tell_regions(void) {
  uint64_t low = UINT64_MAX;
  uint64_t high = 0;
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    const struct fpost_mapping *mapping = &fpost_run.mappings[i];
    low = mapping->address < low ? mapping->address : low;
    uint64_t end = mapping->address + mapping->size;
    high = end > high ? end : high;
  }
  __fencepost_state.pm_base = high == 0 ? 0 : low;
  __fencepost_state.pm_size = high == 0 ? 0 : high - low;
  fpost_loads_mapped();
}

/* The first mapping, and it is of the whole file: no need for a home. The
   program's descriptor is one of the image. */
static void *map_whole(int fd, void *address, uint64_t size, int flags) {
  return sys_mmap(address, size, READ_WRITE, flags | MAP_PRIVATE, fd, 0);
}

static void *map_part(struct fpost_view *view, void *address, uint64_t size,
                      int flags, uint64_t offset) {
  if (!fpost_view_home(view)) {
    return MAP_FAILED;
  }
  void *at =
      sys_mmap(address, size, PROT_NONE,
               flags | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at != MAP_FAILED &&
      !move((uintptr_t)view->home + offset, size, (uintptr_t)at)) {
    (void)syscall(SYS_munmap, at, size);
    return MAP_FAILED;
  }
  return at;
}

static void *map_copy(struct fpost_view *view, void *address, uint64_t size,
                      int prot, int flags, uint64_t offset) {
  return sys_mmap(address, size, prot, flags, view->copy, offset);
}

/* Does the private form do for this mapping? */
static bool private_does(const struct fpost_view *view, uint64_t size, int prot,
                         int flags, uint64_t offset) {
  bool own_writes = (flags & MAP_TYPE) == MAP_PRIVATE && (prot & PROT_WRITE);
  return view->copy < 0 && !own_writes && !overlaps(view, offset, size) &&
         offset + size <= round_page(view->size);
}

/* A call of mmap; size is whole pages. */
struct request {
  void *address;
  uint64_t size;
  int prot;
  int flags;
  int fd;
  uint64_t offset;
};

static void *map_view(struct fpost_view *view, const struct request *call) {
  int kept = call->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
  uint64_t size = call->size;
  if (!private_does(view, size, call->prot, call->flags, call->offset)) {
    if (!view_copy(view)) {
      return MAP_FAILED;
    }
    int type =
        (call->flags & MAP_TYPE) == MAP_PRIVATE ? MAP_PRIVATE : MAP_SHARED;
    return map_copy(view, call->address, size, call->prot, kept | type,
                    call->offset);
  }
  bool whole = call->offset == 0 && size == round_page(view->size) &&
               view->home == NULL && !overlaps(view, 0, UINT64_MAX / 2);
  void *at = whole ? map_whole(call->fd, call->address, size, kept)
                   : map_part(view, call->address, size, kept, call->offset);
  if (at != MAP_FAILED && call->prot != READ_WRITE) {
    (void)syscall(SYS_mprotect, at, size, call->prot);
  }
  return at;
}

bool fpost_recover_mmap(void *address, size_t size, int prot, int flags, int fd,
                        off_t offset, void **result) {
  if ((flags & MAP_FIXED) != 0) {
    int ignored = 0;
    (void)fpost_recover_munmap(address, size, &ignored);
  }
  struct fpost_view *view =
      (flags & MAP_ANONYMOUS) != 0 ? NULL : fpost_run_fd(fd);
  if (view == NULL) {
    return false;
  }
  fpost_run_flag(FPOST_RUN_MAPPED);
  if (size == 0 || offset % PAGE != 0) {
    errno = EINVAL;
    *result = MAP_FAILED;
    return true;
  }
  if (fpost_run.mapping_count == FPOST_RUN_MAPPINGS_MAX) {
    errno = ENOMEM;
    *result = MAP_FAILED;
    return true;
  }
  uint64_t pages = round_page(size);
  fpost_run_lock();
  struct request call = {address, pages, prot, flags, fd, (uint64_t)offset};
  void *at = map_view(view, &call);
  if (at != MAP_FAILED) {
    struct fpost_mapping *mapping =
        &fpost_run.mappings[fpost_run.mapping_count++];
    *mapping = (struct fpost_mapping){.address = (uintptr_t)at,
                                      .size = pages,
                                      .offset = (uint64_t)offset,
                                      .view = view,
                                      .prot = prot,
                                      .own = (flags & MAP_TYPE) == MAP_PRIVATE};
    fpost_map_close(mapping);
    tell_regions();
  }
  fpost_run_unlock();
  *result = at;
  return true;
}

/* ---- munmap ---- */

/* Split the mapping so that one begins at address; false: table full. */
static bool split(uintptr_t address) {
  struct fpost_mapping *mapping = fpost_run_find(address);
  if (mapping == NULL || mapping->address == address) {
    return true;
  }
  if (fpost_run.mapping_count == FPOST_RUN_MAPPINGS_MAX) {
    return false;
  }
  struct fpost_mapping *rest = &fpost_run.mappings[fpost_run.mapping_count++];
  *rest = *mapping;
  uint64_t head = address - mapping->address;
  rest->address += head;
  rest->offset += head;
  rest->size -= head;
  mapping->size = head;
  return true;
}

/* A private view keeps what was in the mapping. */
static bool put_home(struct fpost_mapping *mapping) {
  struct fpost_view *view = mapping->view;
  (void)syscall(SYS_mprotect, mapping->address, mapping->size, READ_WRITE);
  if (view->home == NULL) {
    uint64_t size = round_page(view->size);
    void *at = sys_mmap(NULL, size, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) {
      return false;
    }
    view->home = at;
    view->home_size = size;
  }
  return move(mapping->address, mapping->size,
              (uintptr_t)view->home + mapping->offset);
}

static bool drop(uint32_t index) {
  struct fpost_mapping mapping = fpost_run.mappings[index];
  forget_open(mapping.address, mapping.size);
  if (mapping.view->copy < 0) {
    if (!put_home(&mapping)) {
      return false;
    }
  } else {
    (void)syscall(SYS_munmap, mapping.address, mapping.size);
  }
  unlist(index);
  return true;
}

bool fpost_recover_munmap(void *address, size_t size, int *result) {
  uintptr_t from = (uintptr_t)address;
  uintptr_t to = from + round_page(size);
  if (from % PAGE != 0 || fpost_run.mapping_count == 0) {
    return false;
  }
  fpost_run_lock();
  const struct fpost_mapping *mapping = fpost_run_find(from);
  bool all = mapping != NULL && to <= mapping->address + mapping->size;
  bool done = split(from) && split(to);
  for (uint32_t i = 0; done && i < fpost_run.mapping_count;) {
    if (fpost_run.mappings[i].address - from < to - from) {
      done = drop(i);
    } else {
      i++;
    }
  }
  tell_regions();
  fpost_run_unlock();
  if (all) {
    errno = done ? errno : ENOMEM;
    *result = done ? 0 : -1;
  }
  return all;
}

/* The mapping of exactly these pages, split off if need be; null: none is. */
static struct fpost_mapping *exactly(uintptr_t address, uint64_t size) {
  bool done = split(address) && split(address + size);
  struct fpost_mapping *mapping = fpost_run_find(address);
  return done && mapping->address == address && mapping->size == size ? mapping
                                                                      : NULL;
}

/* Grow or move a mapping: as shared memory of a file, which the kernel can. */
static void *remap(struct fpost_mapping *mapping, uint64_t size, int flags,
                   void *new_address) {
  if (!view_copy(mapping->view)) {
    return MAP_FAILED;
  }
  (void)syscall(SYS_mprotect, mapping->address, mapping->size, mapping->prot);
  forget_open(mapping->address, mapping->size);
  long at = syscall(SYS_mremap, mapping->address, mapping->size, size, flags,
                    new_address);
  if (at != -1) {
    mapping->address = (uintptr_t)at;
    mapping->size = size;
  }
  fpost_map_close(mapping);
  tell_regions();
  return at == -1 ? MAP_FAILED : (void *)at;
}

bool fpost_recover_mremap(void *old, size_t old_size, size_t new_size,
                          int flags, void *new_address, void **result) {
  uintptr_t address = (uintptr_t)old;
  uint64_t size = round_page(old_size);
  uint64_t wanted = round_page(new_size);
  int ignored = 0;
  if (fpost_run_find(address) == NULL) {
    return false;
  }
  *result = MAP_FAILED;
  if (address % PAGE != 0 || size == 0 || wanted == 0) {
    errno = EINVAL;
    return true;
  }
  if (wanted < size) {
    (void)fpost_recover_munmap((uint8_t *)old + wanted, size - wanted,
                               &ignored);
    size = wanted;
  }
  if ((flags & MREMAP_FIXED) != 0) {
    (void)fpost_recover_munmap(new_address, wanted, &ignored);
  }
  fpost_run_lock();
  struct fpost_mapping *mapping = exactly(address, size);
  if (mapping == NULL) {
    errno = EFAULT;
  } else if (size == wanted && (flags & MREMAP_FIXED) == 0) {
    *result = old;
  } else {
    *result = remap(mapping, wanted, flags, new_address);
  }
  fpost_run_unlock();
  return true;
}

bool fpost_recover_mprotect(void *address, size_t size, int prot, int *result) {
  struct fpost_mapping *mapping = fpost_run_find((uintptr_t)address);
  if (mapping == NULL) {
    return false;
  }
  uintptr_t from = (uintptr_t)address;
  uintptr_t to = from + round_page(size);
  if (from % PAGE != 0 || to > mapping->address + mapping->size) {
    errno = from % PAGE != 0 ? EINVAL : ENOMEM;
    *result = -1;
    return true;
  }
  fpost_run_lock();
  bool done = split(from) && split(to);
  if (done) {
    mapping = fpost_run_find(from);
    done =
        !mapping->own || (prot & PROT_WRITE) == 0 || view_copy(mapping->view);
  }
  if (done) {
    mapping->prot = prot;
    done = syscall(SYS_mprotect, from, to - from, prot) == 0;
    forget_open(from, to - from);
    fpost_map_close(mapping);
  }
  fpost_run_unlock();
  *result = done ? 0 : -1;
  return true;
}

bool fpost_recover_msync(void *address, size_t size, int *result) {
  (void)size;
  if (fpost_run_find((uintptr_t)address) == NULL) {
    return false;
  }
  *result = 0;
  return true;
}
