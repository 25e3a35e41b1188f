/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Views: the pools as a run sees them, decided as they are read.
 */
#define _GNU_SOURCE
#include "rt/base/assert.h"
#include "rt/hooks/recover_run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINE FENCEPOST_LINE_SIZE
#define PAGE FPOST_RUN_PAGE

/* Closed ranges of one mapping; what is between further ones is closed with
   them, and opened when it is touched. */
#define RANGES_MAX 64u

static uint8_t read_values[FPOST_CHOICE_VALUES_MAX][64];

static uint64_t round_page(uint64_t size) {
  return (size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static int protect(uintptr_t address, uint64_t size, int prot) {
  return (int)syscall(SYS_mprotect, address, size, prot);
}

struct fpost_mapping *fpost_run_find(uintptr_t address) {
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    struct fpost_mapping *mapping = &fpost_run.mappings[i];
    if (address - mapping->address < mapping->size) {
      return mapping;
    }
  }
  return NULL;
}

void fpost_view_begin(struct fpost_view *view) {
  if (!view->begun) {
    view->begun = true;
    view->size = view->pool->size;
  }
  struct stat file;
  if (view->adopted && syscall(SYS_fstat, view->copy, &file) == 0 &&
      view->size != (uint64_t)file.st_size) {
    view->size = (uint64_t)file.st_size;
    if (view->home != NULL) {
      (void)syscall(SYS_munmap, view->home, view->home_size);
      view->home = NULL;
    }
  }
}

void fpost_view_path(const struct fpost_view *view, char path[64]) {
  int fd = view->copy >= 0 ? view->copy : view->pool->image;
  int pid =
      view->copy >= 0 ? (int)syscall(SYS_getpid) : fpost_run.plan->explorer;
  char digits[16];
  int numbers[2] = {pid, fd};
  static const char *const before[2] = {"/proc/", "/fd/"};
  char *out = path;
  for (int i = 0; i < 2; i++) {
    out = stpcpy(out, before[i]);
    int n = 0;
    int left = numbers[i];
    do {
      digits[n++] = (char)('0' + left % 10);
      left /= 10;
    } while (left != 0);
    while (n > 0) {
      *out++ = digits[--n];
    }
    *out = '\0';
  }
}

static void *map_image(const struct fpost_view *view, void *address,
                       uint64_t size, int prot, int flags) {
  char path[64];
  fpost_view_path(view, path);
  int mode = view->copy >= 0 ? O_RDWR : O_RDONLY;
  long fd = syscall(SYS_openat, AT_FDCWD, path, mode | O_CLOEXEC, 0);
  if (fd < 0) {
    return MAP_FAILED;
  }
  flags |= view->copy >= 0 ? MAP_SHARED : MAP_PRIVATE;
  long at = syscall(SYS_mmap, address, size, prot, flags, fd, 0L);
  (void)syscall(SYS_close, fd);
  return at == -1 ? MAP_FAILED : (void *)at;
}

bool fpost_view_home(struct fpost_view *view) {
  fpost_view_begin(view);
  if (view->home != NULL || view->size == 0) {
    return true;
  }
  for (uint32_t i = 0; view->copy < 0 && i < fpost_run.mapping_count; i++) {
    if (fpost_run.mappings[i].view == view) {
      return true; /* one mapping holds all of the file */
    }
  }
  uint64_t size = round_page(view->size);
  void *at = map_image(view, NULL, size, PROT_READ | PROT_WRITE, 0);
  if (at == MAP_FAILED) {
    return false;
  }
  view->home = at;
  view->home_size = size;
  return true;
}

uint8_t *fpost_view_at(struct fpost_view *view, uint64_t offset,
                       uint64_t *length) {
  uint64_t limit = UINT64_MAX;
  if (view->copy < 0) {
    for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
      const struct fpost_mapping *mapping = &fpost_run.mappings[i];
      if (mapping->view != view) {
        continue;
      }
      if (offset >= mapping->offset &&
          offset - mapping->offset < mapping->size) {
        *length = mapping->size - (offset - mapping->offset);
        return (uint8_t *)(mapping->address + (offset - mapping->offset));
      }
      if (mapping->offset > offset && mapping->offset - offset < limit) {
        limit = mapping->offset - offset;
      }
    }
  }
  FPOST_ASSERT(view->home != NULL);
  FPOST_ASSERT(offset < view->home_size);
  uint64_t rest = view->home_size - offset;
  *length = rest < limit ? rest : limit;
  return view->home + offset;
}

/* ---- deciding ---- */

static bool differs(const uint8_t *at, const uint8_t content[64],
                    fpost_bytes bytes) {
  for (; bytes != 0; bytes &= bytes - 1) {
    int i = __builtin_ctzll(bytes);
    if (at[i] != content[i]) {
      return true;
    }
  }
  return false;
}

/* ---- private mappings ---- */

/* Per unit: bytes that were stored to in private mappings, which do not see
   what the pool has there. Null: there are none. */
static fpost_bytes *own_stored;

/* Put decided bytes where a private mapping sees them: its page may be a copy,
   and closed. */
static void own_fill(const struct fpost_mapping *mapping, uint64_t line,
                     fpost_bytes bytes, const uint8_t content[64]) {
  uintptr_t at = mapping->address + (line - mapping->offset);
  uint8_t there[LINE];
  long fd =
      syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC, 0);
  long done = syscall(SYS_pread64, fd, there, LINE, at);
  if (done == (long)LINE && differs(there, content, bytes)) {
    for (; bytes != 0; bytes &= bytes - 1) {
      int i = __builtin_ctzll(bytes);
      there[i] = content[i];
    }
    done = syscall(SYS_pwrite64, fd, there, LINE, at);
  }
  (void)syscall(SYS_close, fd);
  FPOST_ASSERT(done == (long)LINE);
}

/* Put decided bytes into memory, past what protection the page has. */
static void fill(struct fpost_view *view, uint64_t line, uint32_t index,
                 fpost_bytes bytes, const uint8_t content[64]) {
  if (line >= view->size) {
    return;
  }
  for (uint32_t i = 0; own_stored != NULL && i < fpost_run.mapping_count; i++) {
    const struct fpost_mapping *own = &fpost_run.mappings[i];
    if (own->own && own->view == view && line - own->offset < own->size) {
      own_fill(own, line, bytes & ~own_stored[index], content);
    }
  }
  uint64_t length = 0;
  uint8_t *at = fpost_view_at(view, line, &length);
  struct fpost_mapping *mapping =
      view->copy < 0 ? fpost_run_find((uintptr_t)at) : NULL;
  if (mapping != NULL && mapping->prot != (PROT_READ | PROT_WRITE)) {
    (void)protect((uintptr_t)at & ~(uintptr_t)(PAGE - 1), PAGE,
                  PROT_READ | PROT_WRITE);
  }
  if (differs(at, content, bytes)) {
    for (fpost_bytes left = bytes; left != 0; left &= left - 1) {
      int i = __builtin_ctzll(left);
      at[i] = content[i];
    }
  }
  if (mapping != NULL && mapping->prot != (PROT_READ | PROT_WRITE)) {
    (void)protect((uintptr_t)at & ~(uintptr_t)(PAGE - 1), PAGE, mapping->prot);
  }
}

static void note_stacks(uint32_t from, struct fpost_site site) {
  struct fpost_plan_stack *stacks =
      fpost_plan_table(fpost_run.plan, fpost_run.plan->stacks_at);
  for (uint32_t i = from; i < fpost_run.list.count; i++) {
    fpost_run_stack(&stacks[i], site);
  }
}

/* In the copied form any number of mappings may show the page. Who accesses it
   opens it in one, if it is not closed to begin with. */
static void open_in_all(const struct fpost_view *view, uint64_t page) {
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    const struct fpost_mapping *mapping = &fpost_run.mappings[i];
    uint64_t offset = page * PAGE;
    if (mapping->view == view && offset >= mapping->offset &&
        offset - mapping->offset < mapping->size) {
      fpost_page_open(mapping, mapping->address + offset - mapping->offset);
    }
  }
}

static void settle(struct fpost_view *view, uint64_t line, fpost_bytes before,
                   fpost_bytes after) {
  if (before != 0 && after == 0) {
    view->settled[line / PAGE]++;
    fpost_run.loads_stale = true;
    if (view->copy >= 0 && !fpost_view_closed(view, line / PAGE)) {
      open_in_all(view, line / PAGE);
    }
  }
}

/* A unit that has been decided aside, and what it was before. */
struct aside {
  struct fpost_view *view;
  uint64_t line;
  uint32_t unit;
  struct fpost_lazy lazy;
};
static struct aside *asides;
static uint32_t asides_count;

static void aside_note(struct fpost_view *view, uint64_t line, uint32_t index,
                       const struct fpost_lazy *lazy) {
  if (asides_count == FPOST_PLAN_UNITS_MAX) {
    fpost_run_overflow();
  }
  asides[asides_count++] = (struct aside){view, line, index, *lazy};
}

static void read_unit(struct fpost_view *view, uint64_t line, uint32_t index,
                      fpost_bytes bytes, struct fpost_site site) {
  const struct fpost_unit *unit = &fpost_run.units[index];
  struct fpost_lazy *lazy = &fpost_run.lazies[index];
  fpost_bytes before = fpost_choice_open(unit, lazy);
  if ((before & bytes) == 0 && lazy->ahead == 0) {
    return;
  }
  if (fpost_run.rule == FPOST_CHOICE_BASE) {
    aside_note(view, line, index, lazy);
  } else if ((before & bytes & lazy->joint) != 0) {
    fpost_joint_opened(index, bytes);
  }
  uint32_t from = fpost_run.list.count;
  fpost_bytes fresh = 0;
  if (fpost_choice_read(unit, fpost_run.steps, index, lazy, bytes,
                        fpost_run.rule, site.pc, &fpost_run.list, read_values,
                        &fresh) != FPOST_OK) {
    fpost_run_overflow();
  }
  if (fpost_run.list.count != from) {
    if (fpost_run.stacks) {
      note_stacks(from, site);
    }
    if (!fpost_run.forked) {
      fpost_run.plan->choices_count = fpost_run.list.count;
    }
  }
  fill(view, line, index, fresh, lazy->known.content);
  settle(view, line, before, fpost_choice_open(unit, lazy));
}

bool fpost_view_aside_begin(void) {
  if (asides == NULL) {
    long at = syscall(SYS_mmap, NULL, FPOST_PLAN_UNITS_MAX * sizeof *asides,
                      PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
    asides = at == -1 ? NULL : (struct aside *)at;
  }
  if (asides != NULL) {
    fpost_run.rule = FPOST_CHOICE_BASE;
  }
  return asides != NULL;
}

void fpost_view_aside_end(void) {
  fpost_run.rule = fpost_run.plan->rule;
  while (asides_count > 0) {
    const struct aside *aside = &asides[--asides_count];
    struct fpost_view *view = aside->view;
    const struct fpost_unit *unit = &fpost_run.units[aside->unit];
    struct fpost_lazy *lazy = &fpost_run.lazies[aside->unit];
    if (fpost_choice_open(unit, lazy) == 0 &&
        fpost_choice_open(unit, &aside->lazy) != 0) {
      view->settled[aside->line / PAGE]--;
    }
    *lazy = aside->lazy;
  }
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    fpost_map_close(&fpost_run.mappings[i]);
  }
  fpost_loads_mapped(); /* more is undecided than the range knows of */
}

/* The bytes of the line at `line` that lie in [offset, end). */
static fpost_bytes bytes_of(uint64_t line, uint64_t offset, uint64_t end) {
  uint64_t first = offset > line ? offset - line : 0;
  uint64_t last = end - line < LINE ? end - line : LINE;
  fpost_bytes bytes = last == LINE ? ~UINT64_C(0) : (UINT64_C(1) << last) - 1;
  return bytes & ~((UINT64_C(1) << first) - 1);
}

void fpost_view_read(struct fpost_view *view, uint64_t offset, uint64_t size,
                     struct fpost_site site) {
  uint64_t end = offset + size;
  for (uint64_t line = offset & ~(uint64_t)(LINE - 1); line < end;) {
    if (!fpost_view_closed(view, line / PAGE)) {
      line = (line / PAGE + 1) * PAGE;
      continue;
    }
    for (uint32_t i = view->lines[line / LINE]; i != 0;
         i = fpost_run.links[i - 1]) {
      read_unit(view, line, i - 1, bytes_of(line, offset, end), site);
    }
    line += LINE;
  }
}

uint64_t fpost_view_alternatives(const struct fpost_view *view, uint64_t offset,
                                 uint64_t size, uint32_t max) {
  uint64_t product = 1;
  uint64_t end = offset + size;
  FPOST_ASSERT(max < FPOST_CHOICE_VALUES_MAX);
  for (uint64_t line = offset & ~(uint64_t)(LINE - 1);
       line < end && product <= max; line += LINE) {
    for (uint32_t i = view->lines[line / LINE]; i != 0;
         i = fpost_run.links[i - 1]) {
      const struct fpost_unit *unit = &fpost_run.units[i - 1];
      const struct fpost_lazy *lazy = &fpost_run.lazies[i - 1];
      fpost_bytes open = unit->touched & ~lazy->known.fixed & ~lazy->stored &
                         bytes_of(line, offset, end);
      uint32_t count = 1;
      if (open != 0 &&
          fpost_unit_values(unit, fpost_run.steps, &lazy->known, open,
                            read_values, max + 1, &count) != FPOST_OK) {
        count = max + 1;
      }
      product *= count;
    }
  }
  return product;
}

void fpost_view_store(struct fpost_view *view, uint64_t offset, uint64_t size) {
  uint64_t end = offset + size;
  for (uint64_t line = offset & ~(uint64_t)(LINE - 1); line < end;) {
    if (!fpost_view_closed(view, line / PAGE)) {
      line = (line / PAGE + 1) * PAGE;
      continue;
    }
    for (uint32_t i = view->lines[line / LINE]; i != 0;
         i = fpost_run.links[i - 1]) {
      const struct fpost_unit *unit = &fpost_run.units[i - 1];
      struct fpost_lazy *lazy = &fpost_run.lazies[i - 1];
      fpost_bytes before = fpost_choice_open(unit, lazy);
      fpost_choice_store(lazy, bytes_of(line, offset, end) & unit->all);
      settle(view, line, before, fpost_choice_open(unit, lazy));
    }
    line += LINE;
  }
}

static void own_store(const struct fpost_mapping *mapping, uint64_t offset,
                      uint64_t size) {
  const struct fpost_view *view = mapping->view;
  uint64_t end = offset + size;
  if (own_stored == NULL) {
    long at = syscall(SYS_mmap, NULL, FPOST_PLAN_UNITS_MAX * sizeof *own_stored,
                      PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
    FPOST_ASSERT(at != -1);
    own_stored = (fpost_bytes *)at;
  }
  for (uint64_t line = offset & ~(uint64_t)(LINE - 1); line < end;
       line += LINE) {
    uint32_t head =
        fpost_view_closed(view, line / PAGE) ? view->lines[line / LINE] : 0;
    for (uint32_t i = head; i != 0; i = fpost_run.links[i - 1]) {
      own_stored[i - 1] |= bytes_of(line, offset, end);
    }
  }
}

fpost_bytes fpost_view_own_stored(uint32_t unit) {
  return own_stored == NULL ? 0 : own_stored[unit];
}

/* ---- pages ---- */

void fpost_page_open(const struct fpost_mapping *mapping, uintptr_t address) {
  (void)protect(address & ~(uintptr_t)(PAGE - 1), PAGE, mapping->prot);
}

void fpost_page_close(uintptr_t address) {
  const struct fpost_mapping *mapping = fpost_run_find(address);
  if (mapping != NULL &&
      fpost_view_closed(mapping->view,
                        (address - mapping->address + mapping->offset) /
                            PAGE)) {
    (void)protect(address & ~(uintptr_t)(PAGE - 1), PAGE, PROT_NONE);
  }
}

void fpost_map_close(const struct fpost_mapping *mapping) {
  const struct fpost_view *view = mapping->view;
  uint64_t first = mapping->offset / PAGE;
  uint64_t end = first + mapping->size / PAGE;
  if (end > view->pool->closed_end) {
    end = view->pool->closed_end;
  }
  if (first < view->pool->closed_first) {
    first = view->pool->closed_first;
  }
  uint32_t ranges = 0;
  for (uint64_t page = first; page < end; page++) {
    if (!fpost_view_closed(view, page)) {
      continue;
    }
    uint64_t last = page + 1;
    while (last < end && fpost_view_closed(view, last)) {
      last++;
    }
    if (++ranges == RANGES_MAX) {
      last = end;
    }
    (void)protect(mapping->address + page * PAGE - mapping->offset,
                  (last - page) * PAGE, PROT_NONE);
    page = last;
  }
}

void fpost_recover_leave(void) {
  uint32_t count = fpost_run.open_count;
  if (fpost_run.hooked) {
    fpost_run.hooked = false;
    fpost_loads_all();
  }
  if (count == 0) {
    return;
  }
  fpost_run.open_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    fpost_page_close(fpost_run.open[i]);
  }
}

void fpost_page_open_for_now(const struct fpost_mapping *mapping,
                             uint64_t page) {
  uintptr_t address = mapping->address + page * PAGE - mapping->offset;
  for (uint32_t i = 0; i < fpost_run.open_count; i++) {
    if (fpost_run.open[i] == address) {
      return;
    }
  }
  fpost_page_open(mapping, address);
  if (fpost_view_closed(mapping->view, page)) {
    fpost_run.loads_stale = true;
    if (fpost_run.open_count == FPOST_RUN_OPEN_MAX) {
      fpost_loads_all();
      fpost_page_close(fpost_run.open[0]);
      fpost_run.open[0] = fpost_run.open[--fpost_run.open_count];
    }
    fpost_run.open[fpost_run.open_count++] = address;
  }
}

enum access { READS = 1, WRITES = 2 };

/* Bytes of one page of a mapping are accessed by code with hooks. */
static void access_page(const struct fpost_mapping *mapping, uint64_t offset,
                        uint64_t size, int how, struct fpost_site site) {
  struct fpost_view *view = mapping->view;
  if (!fpost_view_closed(view, offset / PAGE)) {
    return;
  }
  if (view->copy < 0) {
    fpost_page_open_for_now(mapping, offset / PAGE); /* also to fill it */
  }
  if ((how & READS) != 0) {
    fpost_view_read(view, offset, size, site);
  }
  if (!fpost_view_closed(view, offset / PAGE)) {
    fpost_page_open(mapping, mapping->address + offset - mapping->offset);
  } else if (view->copy >= 0) {
    fpost_page_open_for_now(mapping, offset / PAGE);
  }
}

void fpost_view_touch(struct fpost_view *view, uint64_t offset, uint64_t size,
                      bool reads, struct fpost_site site) {
  fpost_run_lock();
  for (uint32_t i = 0; view->copy < 0 && i < fpost_run.mapping_count; i++) {
    const struct fpost_mapping *mapping = &fpost_run.mappings[i];
    if (mapping->view == view && offset >= mapping->offset &&
        offset - mapping->offset < mapping->size) {
      access_page(mapping, offset, size, reads ? READS : WRITES, site);
      fpost_run_unlock();
      return;
    }
  }
  if (reads) {
    fpost_view_read(view, offset, size, site);
  }
  fpost_run_unlock();
}

static void access_pm(const void *address, uint64_t size, int how,
                      struct fpost_site site) {
  uintptr_t at = (uintptr_t)address;
  uintptr_t end = at + size;
  fpost_run_lock();
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    const struct fpost_mapping *mapping = &fpost_run.mappings[i];
    uintptr_t from = at > mapping->address ? at : mapping->address;
    uintptr_t limit = mapping->address + mapping->size;
    uintptr_t to = end < limit ? end : limit;
    while (from < to) {
      uintptr_t next = (from & ~(uintptr_t)(PAGE - 1)) + PAGE;
      next = next < to ? next : to;
      access_page(mapping, from - mapping->address + mapping->offset,
                  next - from, how, site);
      from = next;
    }
  }
  fpost_run_unlock();
}

void fpost_recover_load(const void *address, uint64_t size,
                        struct fpost_site site) {
  if (fpost_run.mapping_count != 0) {
    fpost_run.hooked = true;
    access_pm(address, size, READS, site);
    if (fpost_run.open_count != 0 && fpost_run_threads()) {
      fpost_recover_leave(); /* the load will fault, and open for itself */
    }
    if (fpost_run.loads_stale) {
      fpost_loads_narrow();
    }
  }
}

void fpost_recover_atomic(const void *address, uint64_t size, uint32_t flags,
                          struct fpost_site site) {
  if (fpost_run.mapping_count != 0) {
    fpost_run.hooked = true;
    access_pm(address, size, (flags & 2) != 0 ? READS | WRITES : WRITES, site);
  }
}

void fpost_recover_access(const void *address, size_t size, bool writes,
                          struct fpost_site site) {
  if (fpost_run.mapping_count != 0) {
    access_pm(address, size, writes ? WRITES : READS, site);
  }
}

static void note_stored(void) {
  if ((fpost_run.plan->run_flags & FPOST_RUN_STORED) == 0) {
    fpost_run_flag(FPOST_RUN_STORED);
  }
}

/* Mark the choices that were made of bytes [offset, end) of a view. */
static void validate(const struct fpost_view *view, uint64_t offset,
                     uint64_t end) {
  uint32_t pool = (uint32_t)(view - fpost_run.views);
  for (uint32_t i = 0; i < fpost_run.list.count; i++) {
    struct fpost_choice *choice = &fpost_run.list.choices[i];
    uint64_t address = fpost_run.units[choice->unit].address;
    uint64_t line = fpost_pm_offset(address);
    if (fpost_pm_pool(address) == pool && line < end && line + LINE > offset) {
      choice->valid |= choice->read & bytes_of(line, offset, end);
    }
  }
}

void fpost_recover_validated(const void *address, uint64_t size) {
  uintptr_t at = (uintptr_t)address;
  fpost_run_lock();
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    const struct fpost_mapping *mapping = &fpost_run.mappings[i];
    uintptr_t from = at > mapping->address ? at : mapping->address;
    uintptr_t limit = mapping->address + mapping->size;
    uintptr_t to = at + size < limit ? at + size : limit;
    if (from < to) {
      uint64_t offset = from - mapping->address + mapping->offset;
      validate(mapping->view, offset, offset + (to - from));
    }
  }
  fpost_run_unlock();
}

void fpost_recover_flush(void) {
  if (fpost_run.mapping_count != 0) {
    note_stored();
  }
}

void fpost_recover_store(const void *address, uint64_t size) {
  uintptr_t at = (uintptr_t)address;
  uintptr_t end = at + size;
  fpost_run_lock();
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    const struct fpost_mapping *mapping = &fpost_run.mappings[i];
    uintptr_t from = at > mapping->address ? at : mapping->address;
    uintptr_t limit = mapping->address + mapping->size;
    uintptr_t to = end < limit ? end : limit;
    uint64_t offset = from - mapping->address + mapping->offset;
    if (from < to && mapping->own) {
      own_store(mapping, offset, to - from);
    } else if (from < to) {
      note_stored();
      fpost_view_store(mapping->view, offset, to - from);
    }
  }
  fpost_run_unlock();
}
