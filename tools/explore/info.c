/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/info.h"

#include "rt/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grow(void *at, size_t count, size_t size) {
  void *grown = realloc(at, count * size);
  FPOST_ASSERT(grown != NULL);
  return grown;
}

static void add_stack(struct explore_info *info,
                      const struct fpost_record *record) {
  if (record->id >= info->stack_count) {
    uint32_t count = record->id + 1 + record->id / 2;
    info->stacks = grow(info->stacks, count, sizeof *info->stacks);
    memset(info->stacks + info->stack_count, 0,
           (count - info->stack_count) * sizeof *info->stacks);
    info->stack_count = count;
  }
  struct explore_stack *stack = &info->stacks[record->id];
  free(stack->pcs);
  stack->count = (uint32_t)(record->data_size / sizeof(uint64_t));
  stack->pcs = grow(NULL, stack->count + 1, sizeof(uint64_t));
  memcpy(stack->pcs, record->data, stack->count * sizeof(uint64_t));
}

static void add_module(struct explore_info *info,
                       const struct fpost_record *record) {
  if (record->id >= info->module_count) {
    info->modules = grow(info->modules, record->id + 1, sizeof *info->modules);
    memset(info->modules + info->module_count, 0,
           (record->id + 1 - info->module_count) * sizeof *info->modules);
    info->module_count = record->id + 1;
  }
  struct explore_trace_module *module = &info->modules[record->id];
  free(module->path);
  module->path = strndup(record->text, record->text_size);
  module->build_id_size = record->data_size < sizeof module->build_id
                              ? record->data_size
                              : sizeof module->build_id;
  memcpy(module->build_id, record->data, module->build_id_size);
  module->hooks = (record->flags & FPOST_MODULE_HOOKS) != 0;
}

static void add_pool(struct explore_info *info,
                     const struct fpost_record *record) {
  if (record->id >= info->sizes.count) {
    info->sizes.count = record->id + 1;
  }
  if (record->size > info->sizes.sizes[record->id]) {
    info->sizes.sizes[record->id] = record->size;
  }
  if (record->kind == FPOST_RECORD_POOL) {
    free(info->pool_paths[record->id]);
    info->pool_paths[record->id] = strndup(record->text, record->text_size);
    info->sizes.paths[record->id] = info->pool_paths[record->id];
  }
}

/*
 * A pool that was there before the run and is mapped after another has its
 * content from the start: nothing of ours stores to it before.
 */
static void add_early(struct explore_info *info,
                      const struct fpost_record *record, bool first) {
  struct explore_sizes *sizes = &info->sizes;
  struct fpost_record early = *record;
  if (record->kind == FPOST_RECORD_POOL) {
    info->early =
        (record->flags & FPOST_POOL_BEFORE) != 0 && !first ? record->id + 1 : 0;
  }
  if (info->early == 0 || (record->kind == FPOST_RECORD_IMAGE &&
                           fpost_pm_pool(record->address) != info->early - 1)) {
    return;
  }
  early.text = NULL;
  early.text_size = 0;
  early.data = NULL;
  if (record->data_size != 0) {
    uint8_t *data = grow(NULL, record->data_size, 1);
    memcpy(data, record->data, record->data_size);
    early.data = data;
  }
  if ((sizes->early_count & (sizes->early_count - 1)) == 0) {
    uint32_t room = sizes->early_count == 0 ? 1 : 2 * sizes->early_count;
    sizes->early = grow(sizes->early, room, sizeof *sizes->early);
  }
  sizes->early[sizes->early_count++] = early;
}

static void add_uncalled(struct explore_info *info,
                         const struct fpost_record *record) {
  char *all = NULL;
  int size = asprintf(
      &all, "%s%s%.*s", info->uncalled == NULL ? "" : info->uncalled,
      info->uncalled == NULL ? "" : "\n", (int)record->text_size, record->text);
  FPOST_ASSERT(size >= 0);
  free(info->uncalled);
  info->uncalled = all;
}

/* The text goes over to info. */
static void add_note(struct explore_info *info, char *text) {
  FPOST_ASSERT(text != NULL);
  info->notes = grow(info->notes, info->note_count + 1, sizeof *info->notes);
  info->notes[info->note_count++] = text;
}

/* Something is stored: what has become of names matters from now on. */
static void add_gone(struct explore_info *info) {
  char *text = NULL;
  if (info->gone == 0 || info->gone > info->sizes.count) {
    return;
  }
  int size = asprintf(&text,
                      "the run has renamed, replaced or removed the pool '%s' "
                      "and gone on: crash states from then on still have it "
                      "under that name",
                      info->pool_paths[info->gone - 1]);
  FPOST_ASSERT(size >= 0);
  add_note(info, text);
  info->gone = UINT32_MAX;
}

static void add(struct explore_info *info, const struct fpost_record *record) {
  switch (record->kind) {
  case FPOST_RECORD_STACK:
    add_stack(info, record);
    break;
  case FPOST_RECORD_MODULE:
    add_module(info, record);
    break;
  case FPOST_RECORD_POOL:
    add_early(info, record, info->sizes.count == 0);
    if (info->made == 0 && (record->flags & FPOST_POOL_BEFORE) == 0) {
      info->made = record->id + 1;
    }
    add_pool(info, record);
    break;
  case FPOST_RECORD_IMAGE:
    add_early(info, record, false);
    break;
  case FPOST_RECORD_RESIZE:
    add_pool(info, record);
    break;
  case FPOST_RECORD_NOTE:
    add_note(info, strndup(record->text, record->text_size));
    break;
  case FPOST_RECORD_MARK:
    if (record->flags == FPOST_MARK_UNCALLED) {
      add_uncalled(info, record);
    }
    info->compared = info->compared || record->flags == FPOST_MARK_COMPARED;
    info->unseen += record->flags == FPOST_MARK_UNSEEN ? record->value : 0;
    if (record->flags == FPOST_MARK_GONE && info->gone == 0) {
      info->gone = record->id + 1;
    }
    break;
  case FPOST_RECORD_STORE:
    add_gone(info);
    info->stores++;
    info->stores_found += (record->flags & FENCEPOST_STORE_FOUND) != 0;
    break;
  case FPOST_RECORD_END:
    info->end_status = record->value;
    break;
  default:
    break;
  }
}

int explore_info_read(struct explore_info *info, struct fpost_reader *reader) {
  *info = (struct explore_info){.trace_id = reader->header.id,
                                .domain = reader->header.domain};
  struct fpost_record record;
  int err = FPOST_OK;
  while ((err = fpost_reader_next(reader, &record)) == FPOST_OK) {
    add(info, &record);
    explore_operations_note(&info->operations, &record, reader->index);
    explore_heap_note(&info->heap, &record, reader->index);
    info->records++;
  }
  if (err == FPOST_ENOENT) {
    err = fpost_reader_rewind(reader);
  }
  if (err != FPOST_OK) {
    explore_info_free(info);
  }
  return err;
}

void explore_info_free(struct explore_info *info) {
  for (uint32_t i = 0; i < info->stack_count; i++) {
    free(info->stacks[i].pcs);
  }
  for (uint32_t i = 0; i < info->module_count; i++) {
    free(info->modules[i].path);
  }
  for (uint32_t i = 0; i < info->note_count; i++) {
    free(info->notes[i]);
  }
  for (uint32_t i = 0; i < info->sizes.count; i++) {
    free(info->pool_paths[i]);
  }
  for (uint32_t i = 0; i < info->sizes.early_count; i++) {
    free((void *)(uintptr_t)info->sizes.early[i].data);
  }
  free(info->sizes.early);
  free(info->stacks);
  free(info->modules);
  free(info->notes);
  free(info->uncalled);
  explore_operations_free(&info->operations);
  explore_heap_free(&info->heap);
  *info = (struct explore_info){0};
}

void explore_info_symbols(const struct explore_info *info,
                          struct fpost_symbols *symbols) {
  for (uint32_t i = 0; i < info->module_count; i++) {
    const struct explore_trace_module *module = &info->modules[i];
    if (module->path != NULL) {
      int err = fpost_symbols_module(symbols, i, module->path, module->build_id,
                                     module->build_id_size);
      (void)err; /* places are then shown as module and offset */
    }
  }
}

struct fpost_place explore_info_place(const struct explore_info *info,
                                      struct fpost_report *report,
                                      uint32_t stack) {
  if (stack == 0 || stack >= info->stack_count) {
    return (struct fpost_place){0};
  }
  return fpost_report_place(report, info->stacks[stack].pcs,
                            info->stacks[stack].count);
}

const char *explore_info_created(const struct explore_info *info) {
  for (uint32_t i = 0; i < info->module_count && info->made != 0; i++) {
    const char *path = info->modules[i].path;
    if (path != NULL && strstr(path, "/libpmemobj.so") != NULL) {
      return info->pool_paths[info->made - 1];
    }
  }
  return NULL;
}

bool explore_info_library(const struct explore_info *info, uint32_t stack) {
  if (stack == 0 || stack >= info->stack_count ||
      info->stacks[stack].count == 0) {
    return false;
  }
  uint64_t module = info->stacks[stack].pcs[0] >> 48;
  const char *path =
      module < info->module_count ? info->modules[module].path : NULL;
  const char *slash = path == NULL ? NULL : strrchr(path, '/');
  return slash != NULL && strncmp(slash, "/libpmem", 8) == 0;
}
