/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/record.h"

#include "rt/base/assert.h"
#include "rt/base/bytes.h"
#include "rt/os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define PAGE_SIZE UINT64_C(4096)
/* Command lines are kept up to this many bytes. */
#define COMMAND_MAX UINT64_C(65536)

static void record_fail(struct fpost_record_file *file, int error) {
  file->failed = true;
  file->error = error;
  static const char text[] =
      "fencepost: the trace cannot grow (is the disk "
      "full?): the rest of the run is not recorded\n";
  fpost_os_write(2, text, sizeof(text) - 1);
}

/* Room for size more bytes in the window: moves it on if need be. */
static bool window_reach(struct fpost_record_file *file, uint64_t size) {
  FPOST_ASSERT(size <= FPOST_RECORD_CHUNK - PAGE_SIZE);
  if (file->at + size <= file->window_start + file->window_size) {
    return true;
  }
  uint64_t start = file->at & ~(PAGE_SIZE - 1);
  uint64_t end = start + FPOST_RECORD_CHUNK;
  int err = fpost_os_allocate(file->fd, file->end, end - file->end);
  if (err < 0) {
    record_fail(file, err);
    return false;
  }
  uint8_t *window = fpost_os_map(file->fd, start, end - start);
  if ((void *)window == FPOST_OS_FAILED) {
    record_fail(file, -ENOMEM);
    return false;
  }
  if (file->window != NULL) {
    fpost_os_release(file->window, file->window_size);
  }
  file->window = window;
  file->window_start = start;
  file->window_size = end - start;
  file->end = end;
  return true;
}

static void bytes_put(struct fpost_record_file *file, const void *bytes,
                      uint64_t size) {
  if (window_reach(file, size)) {
    memcpy(file->window + (file->at - file->window_start), bytes, size);
    file->at += size;
  }
}

int fpost_record_open(struct fpost_record_file *file, const char *path,
                      uint32_t domain, int argc, char **argv,
                      struct fpost_stacks *stacks) {
  *file =
      (struct fpost_record_file){.fd = -1, .failed = true, .stacks = stacks};
  file->state = fpost_os_reserve(sizeof(*file->state));
  if ((void *)file->state == FPOST_OS_FAILED) {
    return FPOST_ENOMEM;
  }
  int fd = fpost_os_open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
  if (fd < 0) {
    return fd;
  }
  file->fd = fd;
  file->failed = false;
  uint64_t command = 0;
  int kept = 0;
  while (kept < argc && command + strlen(argv[kept]) + 1 <= COMMAND_MAX) {
    command += strlen(argv[kept++]) + 1;
  }
  struct fpost_trace_header header = {.version = FPOST_TRACE_VERSION,
                                      .header_size = sizeof(header),
                                      .domain = domain,
                                      .command_size = (uint32_t)command,
                                      .id = fpost_os_random()};
  memcpy(header.magic, FPOST_TRACE_MAGIC, sizeof(header.magic));
  bytes_put(file, &header, sizeof(header));
  for (int i = 0; i < kept && !file->failed; i++) {
    bytes_put(file, argv[i], strlen(argv[i]) + 1);
  }
  return file->failed ? file->error : FPOST_OK;
}

static void record_append(struct fpost_record_file *file,
                          const struct fpost_record *record) {
  if (file->failed || !window_reach(file, FPOST_RECORD_MAX)) {
    file->failed = true;
    return;
  }
  file->at += fpost_trace_encode(
      file->state, record, file->window + (file->at - file->window_start));
}

/* 48 bits of pc, relative to its module, below the module's index. */
static uint64_t frame_of(struct fpost_record_file *file, uint16_t index,
                         uintptr_t pc) {
  if (index == FPOST_MODULE_NONE) {
    return (uint64_t)FPOST_MODULE_NONE << 48 | (pc - 1);
  }
  struct fpost_module *module = &file->stacks->modules->modules[index];
  if (module->shared == 0) {
    module->shared = 1;
    record_append(file, &(struct fpost_record){
                            .kind = FPOST_RECORD_MODULE,
                            .flags = module->hooks ? FPOST_MODULE_HOOKS : 0,
                            .id = index,
                            .value = module->bias,
                            .size = module->end - module->start,
                            .text = module->path,
                            .text_size = strlen(module->path),
                            .data = module->build_id,
                            .data_size = module->build_id_size});
  }
  return (uint64_t)index << 48 | (pc - 1 - module->bias);
}

static void stack_put(struct fpost_record_file *file, uint32_t id) {
  struct fpost_stack *stack = &file->stacks->stacks[id];
  uint64_t frames[FPOST_STACK_MAX];
  stack->shared = 1;
  for (uint32_t i = 0; i < stack->count; i++) {
    frames[i] = frame_of(file, stack->modules[i], stack->pcs[i]);
  }
  record_append(file, &(struct fpost_record){.kind = FPOST_RECORD_STACK,
                                             .id = id,
                                             .data = (const uint8_t *)frames,
                                             .data_size = stack->count * 8});
}

void fpost_record_put(struct fpost_record_file *file,
                      const struct fpost_record *record) {
  if (record->stack != 0 && file->stacks->stacks[record->stack].shared == 0) {
    stack_put(file, record->stack);
  }
  uint32_t other = (uint32_t)record->value;
  if (record->kind == FPOST_RECORD_MARK &&
      record->flags == FPOST_MARK_FINDING && other != 0 &&
      file->stacks->stacks[other].shared == 0) {
    stack_put(file, other);
  }
  record_append(file, record);
}

void fpost_record_image(struct fpost_record_file *file,
                        const struct fpost_pool *pool, int fd) {
  uint8_t page[FPOST_POOL_PAGE];
  _Static_assert(FPOST_POOL_PAGE <= FPOST_STORE_MAX, "a page is one record");
  uint64_t at = 0;
  while (at < pool->size && !file->failed) {
    int64_t data = fpost_os_seek(fd, at, true);
    if (data < 0) {
      break; /* no data from here on */
    }
    int64_t hole = fpost_os_seek(fd, (uint64_t)data, false);
    uint64_t end = hole < 0 ? pool->size : (uint64_t)hole;
    for (at = (uint64_t)data & ~(uint64_t)(FPOST_POOL_PAGE - 1);
         at < end && at < pool->size; at += FPOST_POOL_PAGE) {
      int64_t size = fpost_os_read_at(fd, page, sizeof(page), at);
      if (size > 0 && !fpost_bytes_zero(page, (size_t)size)) {
        memcpy(pool->shadow + at, page, (size_t)size);
        fpost_pool_bit_set(pool->initial, at);
        record_append(file, &(struct fpost_record){
                                .kind = FPOST_RECORD_IMAGE,
                                .address = fpost_pm_address(pool->index, at),
                                .size = (uint64_t)size,
                                .data = page,
                                .data_size = (size_t)size});
      }
    }
  }
}

void fpost_record_close(struct fpost_record_file *file, uint64_t status) {
  if (file->fd < 0) {
    return;
  }
  record_append(
      file, &(struct fpost_record){.kind = FPOST_RECORD_END, .value = status});
  /* The program may have closed all its descriptors and opened others: the size
     is right only on ours. A file left too long ends in zeros, which is legal.
   */
  struct fpost_os_file info;
  if (fpost_os_file_info(file->fd, &info) == FPOST_OK &&
      info.size == file->end) {
    (void)fpost_os_resize(file->fd, file->at);
  }
  fpost_record_drop(file);
}

void fpost_record_drop(struct fpost_record_file *file) {
  if (file->window != NULL) {
    fpost_os_release(file->window, file->window_size);
    file->window = NULL;
  }
  fpost_os_close(file->fd);
  file->fd = -1;
  file->failed = true;
}
