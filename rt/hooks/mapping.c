/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#define _GNU_SOURCE
#include "rt/hooks/mapping.h"

#include "rt/hooks/events.h"
#include "rt/hooks/hooks.h"
#include "rt/hooks/maps.h"
#include "rt/hooks/races.h"
#include "rt/os/os.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define DEV_DAX "/dev/dax"

static struct fpost_file_id id_of(const struct fpost_os_file *file) {
  return (struct fpost_file_id){
      .device = file->device, .inode = file->inode, .birth = file->birth};
}

static void hull_update(void) {
  uint64_t base;
  uint64_t size;
  fpost_regions_hull(&fpost_context.regions, &base, &size);
  if (size != 0) {
    /* One check decides for a whole object, by its first bytes, and an object
       may be PM in part (declared so). It is smaller than a page. */
    base -= FPOST_POOL_PAGE;
    size += 2 * FPOST_POOL_PAGE;
  }
  fpost_context.last = (struct fpost_region){0};
  fpost_races_mapped();
  /* Instrumented code reads these one by one: size 0 in between is safe. */
  __fencepost_state.pm_size = 0;
  atomic_signal_fence(memory_order_seq_cst);
  __fencepost_state.pm_base = base;
  atomic_signal_fence(memory_order_seq_cst);
  __fencepost_state.pm_size = size;
}

/* Why a mapping is PM. False: it is not. */
static bool mapping_why(const struct fpost_mmap_call *mapping,
                        const struct fpost_os_file *file, const char *path,
                        enum fpost_pool_why *why) {
  bool synchronous = (mapping->flags & MAP_TYPE) == MAP_SHARED_VALIDATE &&
                     (mapping->flags & MAP_SYNC) != 0;
  bool device =
      S_ISCHR(file->mode) && strncmp(path, DEV_DAX, sizeof(DEV_DAX) - 1) == 0;
  if (synchronous || device || file->dax) {
    *why = FPOST_POOL_DAX;
    return true;
  }
  uint16_t module = fpost_modules_find(&fpost_context.modules, mapping->pc);
  if (S_ISREG(file->mode) && module != FPOST_MODULE_NONE &&
      fpost_context.modules.modules[module].library) {
    *why = FPOST_POOL_LIBRARY;
    return true;
  }
  const char *heap = fpost_context.flags.heap_pm;
  if (heap[0] != '\0' && fpost_flags_match(heap, path)) {
    *why = FPOST_POOL_HEAP;
    return true;
  }
  const struct fpost_flag_list *globs = &fpost_context.flags.pool;
  for (uint32_t i = 0; i < globs->count; i++) {
    if (fpost_flags_match(globs->values[i], path)) {
      *why = FPOST_POOL_OPTION;
      return true;
    }
  }
  return false;
}

/* Mark the pages of a new pool that hold data: their lines are not known. */
static void initial_mark(struct fpost_pool *pool, int fd) {
  uint64_t at = 0;
  while (at < pool->size) {
    int64_t data = fpost_os_seek(fd, at, true);
    if (data < 0) {
      pool->all_unknown = data != -6 /* ENXIO: no data from here on */;
      return;
    }
    int64_t hole = fpost_os_seek(fd, (uint64_t)data, false);
    uint64_t end = hole < 0 ? pool->size : (uint64_t)hole;
    for (at = (uint64_t)data; at < end && at < pool->size;
         at = (at | (FPOST_POOL_PAGE - 1)) + 1) {
      fpost_pool_bit_set(pool->initial, at);
    }
  }
}

int fpost_mapping_reopen(int fd) {
  char path[40];
  struct fpost_text text = fpost_text_in(path, sizeof(path));
  fpost_text_add(&text, "/proc/self/fd/");
  fpost_text_add_number(&text, (uint64_t)fd);
  return fpost_os_open(path, O_RDONLY, 0);
}

bool fpost_mapping_trace(void) {
  struct fpost_context *context = &fpost_context;
  if (context->record.fd >= 0) {
    return true;
  }
  int err = fpost_record_open(&context->record, context->flags.trace,
                              context->flags.domain, context->argument_count,
                              context->arguments, &context->stacks);
  if (err == FPOST_OK) {
    if (context->flags.full_compare) {
      fpost_record_put(&context->record,
                       &(struct fpost_record){.kind = FPOST_RECORD_MARK,
                                              .flags = FPOST_MARK_COMPARED,
                                              .text = ""});
    }
    return true;
  }
  context->run = FPOST_RUN_QUIET;
  atomic_fetch_add(&context->results->incomplete, 1);
  char bytes[480];
  struct fpost_text text = fpost_text_in(bytes, sizeof(bytes));
  if (err == -17 /* EEXIST */) {
    fpost_text_add(&text,
                   "a second process uses PM: it is not in the trace, "
                   "which one process at a time can write: ");
  } else {
    fpost_text_add(&text, "the trace cannot be written (error ");
    fpost_text_add_number(&text, (uint64_t)-err);
    fpost_text_add(&text, "), the run is not recorded: ");
  }
  fpost_text_add(&text, context->flags.trace);
  fpost_note(bytes);
  fpost_text_add(&text, "\n");
  fpost_os_write(2, "fencepost: ", 11);
  fpost_os_write(2, text.bytes, text.used);
  return false;
}

/* ---- files that the program made ---- */

/* The latest files that it was seen to make, each by a hash of its id. */
#define FILES_MADE 256u
static _Atomic uint64_t files_made[FILES_MADE];
static _Atomic uint32_t files_made_next;

static uint64_t file_hash(const struct fpost_os_file *file) {
  const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
  return ((file->inode * odd ^ file->device) * odd ^ file->birth) * odd;
}

void fpost_mapping_file_made(int fd) {
  struct fpost_os_file file;
  if (fpost_os_file_info(fd, &file) == FPOST_OK) {
    uint32_t next = atomic_fetch_add(&files_made_next, 1) % FILES_MADE;
    atomic_store(&files_made[next], file_hash(&file));
  }
}

/*
 * Was the file there before the run began? Its time of birth says so (which may
 * be a tick of the clock too early: a file that the program made first of all
 * and was not seen to make). Without such times, only of a file that nobody has
 * changed since it is known.
 */
static bool file_before(const struct fpost_os_file *file) {
  uint64_t time = file->birth != 0 ? file->birth : file->changed;
  if (!S_ISREG(file->mode) || time >= fpost_context.started) {
    return false;
  }
  for (uint32_t i = 0; i < FILES_MADE; i++) {
    if (atomic_load(&files_made[i]) == file_hash(file)) {
      return false;
    }
  }
  return true;
}

/* ---- pools ---- */

/* Of the pool's file: what is mapped of it ends with a page. */
static uint64_t shown_size(const struct fpost_pool *pool,
                           const struct fpost_os_file *file) {
  uint64_t page = FPOST_POOL_PAGE - 1;
  bool within = S_ISREG(file->mode) && file->size < pool->size &&
                ((file->size + page) & ~page) == ((pool->size + page) & ~page);
  return within ? file->size : pool->size;
}

static void pool_record(struct fpost_pool *pool, const char *path,
                        const void *address, bool before, uint64_t size) {
  pool->shown = size;
  fpost_record_put(
      &fpost_context.record,
      &(struct fpost_record){.kind = FPOST_RECORD_POOL,
                             .flags = before ? FPOST_POOL_BEFORE : 0,
                             .id = pool->index,
                             .text = path,
                             .text_size = strlen(path),
                             .size = size,
                             .value = (uintptr_t)address});
}

/* Say that a pool is there, and learn what it holds. */
static void pool_made(struct fpost_pool *pool, const char *path,
                      const struct fpost_mmap_call *mapping,
                      const struct fpost_os_file *file) {
  if (fpost_context.run == FPOST_RUN_RECORD) {
    pool_record(pool, path, mapping->address, file_before(file),
                shown_size(pool, file));
  }
  int own = fpost_mapping_reopen(mapping->fd);
  if (own < 0) {
    pool->all_unknown = true;
    return;
  }
  if (fpost_context.run == FPOST_RUN_RECORD) {
    fpost_record_image(&fpost_context.record, pool, own);
  } else {
    initial_mark(pool, own);
  }
  fpost_os_close(own);
}

static void pool_grown(struct fpost_pool *pool, uint64_t size) {
  if (fpost_context.run == FPOST_RUN_RECORD && size > pool->shown) {
    pool->shown = size;
    fpost_record_put(&fpost_context.record,
                     &(struct fpost_record){.kind = FPOST_RECORD_RESIZE,
                                            .id = pool->index,
                                            .size = size});
  }
}

void fpost_mapping_pool_sized(struct fpost_pool *pool, uint64_t size) {
  if (fpost_context.run == FPOST_RUN_RECORD) {
    pool_grown(pool, size);
    pool->size =
        size > pool->size && size <= pool->reserved ? size : pool->size;
  }
}

void fpost_mapping_file_sized(int fd, uint64_t size) {
  if (fpost_context.run != FPOST_RUN_RECORD ||
      fpost_context.regions.count == 0 || fpost_enter() == NULL) {
    return;
  }
  struct fpost_pool *pool = fpost_mapping_pool(fd);
  if (pool != NULL) {
    fpost_mapping_pool_sized(pool, size);
  }
  fpost_leave();
}

static void region_make(const struct fpost_mmap_call *mapping,
                        const struct fpost_os_file *file, const char *path,
                        enum fpost_pool_why why) {
  struct fpost_context *context = &fpost_context;
  if (context->run == FPOST_RUN_QUIET ||
      (context->run == FPOST_RUN_RECORD && !fpost_mapping_trace())) {
    return;
  }
  struct fpost_file_id id = id_of(file);
  uint64_t end = mapping->offset + mapping->size;
  uint64_t size =
      file->size > end || S_ISCHR(file->mode) == 0 ? file->size : end;
  size = size > end ? size : end;
  struct fpost_pool *pool = fpost_regions_file(&context->regions, &id);
  uint64_t old_size = pool == NULL ? 0 : pool->size;
  bool made = false;
  int err =
      fpost_regions_pool(&context->regions, &id, NULL, size, &pool, &made);
  if (err == FPOST_OK) {
    err = fpost_regions_add(&context->regions, (uintptr_t)mapping->address,
                            mapping->size, pool, mapping->offset);
  }
  if (err != FPOST_OK) {
    fpost_note(err == FPOST_EINVAL
                   ? "a pool grew to more than twice its size when mapped "
                     "first, and beyond 4 GiB: the new mapping is not checked"
                   : "more than 64 pools or 1024 mappings of PM, or no address "
                     "space for their metadata: the others are not checked");
    return;
  }
  pool->dax = why == FPOST_POOL_DAX;
  pool->heap = why == FPOST_POOL_HEAP;
  context->dax = context->dax || pool->dax;
  if (made) {
    pool_made(pool, path, mapping, file);
  } else if (pool->size != old_size) {
    pool_grown(pool, shown_size(pool, file));
  }
  fpost_findings_pool(&context->findings, pool, path,
                      (uintptr_t)mapping->address, why);
}

void fpost_mapping_made(const struct fpost_mmap_call *mapping) {
  struct fpost_mmap_call whole = *mapping;
  whole.size =
      (whole.size + FPOST_POOL_PAGE - 1) & ~(size_t)(FPOST_POOL_PAGE - 1);
  uint32_t before = fpost_context.regions.count;
  if (before != 0) {
    fpost_regions_remove(&fpost_context.regions, (uintptr_t)whole.address,
                         whole.size);
  }
  int type = whole.flags & MAP_TYPE;
  struct fpost_os_file file;
  char path[FPOST_RESULTS_PATH_MAX];
  enum fpost_pool_why why;
  if ((type == MAP_SHARED || type == MAP_SHARED_VALIDATE) &&
      (whole.flags & MAP_ANONYMOUS) == 0 &&
      fpost_os_file_info(whole.fd, &file) == FPOST_OK) {
    if (fpost_os_path(whole.fd, path, sizeof(path)) < 0) {
      fpost_note(
          "a mapped file has a path of more than 510 bytes: it is not "
          "taken for PM; move it");
    } else if (mapping_why(&whole, &file, path, &why)) {
      region_make(&whole, &file, path, why);
    }
  }
  if (before != 0 || fpost_context.regions.count != 0) {
    hull_update();
  }
}

/* What of the regions from this one on lies in [start, end) goes. */
static void gone_record(const struct fpost_region *region, uintptr_t start,
                        uintptr_t end) {
  while (region != NULL && region->start < end) {
    uintptr_t from = region->start > start ? region->start : start;
    uintptr_t to = region->end < end ? region->end : end;
    fpost_record_put(
        &fpost_context.record,
        &(struct fpost_record){
            .kind = FPOST_RECORD_UNMAP,
            .address = fpost_pm_address(region->pool->index,
                                        from - region->start + region->offset),
            .size = to - from});
    region = fpost_regions_after(&fpost_context.regions, region->end);
  }
}

void fpost_mapping_gone(const void *address, size_t size) {
  if (fpost_context.regions.count == 0) {
    return;
  }
  const struct fpost_region *region =
      fpost_regions_after(&fpost_context.regions, (uintptr_t)address);
  if (region == NULL || region->start >= (uintptr_t)address + size) {
    return;
  }
  if (fpost_tls.self != NULL && fpost_event_compares()) {
    fpost_event_compare_known(fpost_tls.self, address, size, 0);
  }
  if (fpost_context.run == FPOST_RUN_RECORD) {
    gone_record(region, (uintptr_t)address, (uintptr_t)address + size);
  }
  fpost_regions_remove(&fpost_context.regions, (uintptr_t)address, size);
  hull_update();
}

void fpost_mapping_moved(const void *old, size_t old_size, const void *new,
                         size_t new_size) {
  const struct fpost_region *found =
      fpost_regions_find(&fpost_context.regions, (uintptr_t)old);
  if (found == NULL) {
    fpost_mapping_gone(new, new_size);
    return;
  }
  struct fpost_region region = *found;
  uint64_t offset = (uintptr_t)old - region.start + region.offset;
  struct fpost_pool *pool = region.pool;
  fpost_regions_remove(&fpost_context.regions, (uintptr_t)old, old_size);
  uint64_t end = offset + new_size;
  if (end > pool->size && end <= pool->reserved) {
    pool->size = end;
    pool_grown(pool, pool->size);
  }
  if (end > pool->reserved ||
      fpost_regions_add(&fpost_context.regions, (uintptr_t) new, new_size, pool,
                        offset) != FPOST_OK) {
    fpost_note(
        "mremap moved a pool to where there is no room for its "
        "metadata: it is no longer checked");
  }
  hull_update();
}

/* ---- what the program declares ---- */

/* A declared range, and the file that it shows. */
struct declared {
  uintptr_t start;
  uintptr_t end;
  uint64_t offset; /* of start in the file */
  uint64_t inode;  /* 0: it is no file, or not one file alone */
  char path[FPOST_RESULTS_PATH_MAX];
};

static void declared_look(void *context, const struct fpost_maps_line *line) {
  struct declared *declared = context;
  size_t size = strlen(line->path) + 1;
  if (line->shared && line->start <= declared->start &&
      line->end >= declared->end && size <= sizeof(declared->path)) {
    declared->offset = line->offset + (declared->start - line->start);
    declared->inode = line->inode;
    memcpy(declared->path, line->path, size);
  }
}

/* Is the range part of a file? Then it is a region of that. */
static bool declared_file(uintptr_t start, uintptr_t end,
                          enum fpost_pool_why why) {
  struct declared declared = {.start = start, .end = end};
  struct fpost_os_file file;
  fpost_maps_each(declared_look, &declared);
  int fd = declared.inode == 0 ? -1 : fpost_os_open(declared.path, O_RDONLY, 0);
  bool same = fd >= 0 && fpost_os_file_info(fd, &file) == FPOST_OK &&
              file.inode == declared.inode && S_ISREG(file.mode);
  if (same) {
    struct fpost_mmap_call mapping = {.address = (void *)start,
                                      .size = end - start,
                                      .flags = MAP_SHARED,
                                      .fd = fd,
                                      .offset = declared.offset};
    region_make(&mapping, &file, declared.path, why);
  }
  if (fd >= 0) {
    fpost_os_close(fd);
  }
  return same;
}

/* Learn what the range holds. */
static void memory_image(struct fpost_pool *pool, const void *address,
                         uint64_t from, uint64_t size) {
  memcpy(pool->shadow + from, address, size);
  for (uint64_t at = from; at < from + size;
       at = (at | (FPOST_POOL_PAGE - 1)) + 1) {
    fpost_pool_bit_set(pool->initial, at);
  }
  for (uint64_t at = from; at < from + size; at += FPOST_STORE_MAX) {
    uint64_t room = from + size - at;
    uint64_t part = room < FPOST_STORE_MAX ? room : FPOST_STORE_MAX;
    fpost_record_put(
        &fpost_context.record,
        &(struct fpost_record){.kind = FPOST_RECORD_IMAGE,
                               .address = fpost_pm_address(pool->index, at),
                               .size = part,
                               .data = pool->shadow + at,
                               .data_size = part});
  }
}

/* The range is no region yet. */
static void declared_memory(uintptr_t address, uint64_t size,
                            enum fpost_pool_why why) {
  struct fpost_context *context = &fpost_context;
  /* Lines of the pool are lines of the memory. */
  uint64_t before = address % FENCEPOST_LINE_SIZE;
  const uint8_t *start = (const uint8_t *)(address - before);
  struct fpost_pool *pool;
  bool made;
  int err = fpost_regions_pool(&context->regions, NULL, start, size + before,
                               &pool, &made);
  uint64_t from = err == FPOST_OK ? address - (uintptr_t)pool->memory : 0;
  if (err == FPOST_OK) {
    err = fpost_regions_add(&context->regions, address, size, pool, from);
  }
  if (err != FPOST_OK) {
    fpost_note(
        "more than 64 pools or 1024 mappings of PM: the others are not "
        "checked");
    return;
  }
  pool->all_unknown = true;
  pool->heap = why == FPOST_POOL_HEAP;
  if (made && context->run == FPOST_RUN_RECORD) {
    pool_record(pool, "", start, false, pool->size);
    memory_image(pool, (const void *)address, from, size);
  }
  fpost_findings_pool(&context->findings, pool, "", (uintptr_t)pool->memory,
                      why);
}

void fpost_mapping_memory(const void *address, size_t size,
                          enum fpost_pool_why why) {
  struct fpost_context *context = &fpost_context;
  if (size == 0 || context->run == FPOST_RUN_QUIET ||
      (context->run == FPOST_RUN_RECORD && !fpost_mapping_trace())) {
    return;
  }
  uintptr_t end = (uintptr_t)address + size;
  for (uintptr_t at = (uintptr_t)address; at < end;) {
    const struct fpost_region *next =
        fpost_regions_after(&context->regions, at);
    bool within = next != NULL && next->start < end;
    uintptr_t gap_end = within ? next->start : end;
    uintptr_t go_on = within ? next->end : end;
    if (gap_end > at && !declared_file(at, gap_end, why)) {
      declared_memory(at, gap_end - at, why);
    }
    at = go_on;
  }
  hull_update();
}

struct fpost_pool *fpost_mapping_pool(int fd) {
  struct fpost_os_file file;
  if (fpost_context.regions.pools_count == 0 ||
      fpost_os_file_info(fd, &file) != FPOST_OK) {
    return NULL;
  }
  struct fpost_file_id id = id_of(&file);
  return fpost_regions_file(&fpost_context.regions, &id);
}
