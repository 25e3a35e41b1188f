/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the runtime does in a checked run is done here with the records of a
 * recorded one: cells over the pools, threads, rules. Where the two could
 * differ is what a line held before the run. The checked run does not know, so
 * it takes the first flush of a line that had content for the flush of a store;
 * the same is done here, though the trace knows better, so that the findings
 * are the same.
 */
#include "tools/analyse.h"

#include "rt/base/assert.h"
#include "tools/analyse_who.h"
#include "tools/online.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define LINE ((uint64_t)FENCEPOST_LINE_SIZE)
#define PAGE UINT64_C(4096)
/* Findings that differ in class or stacks; the runtime has no more either. */
#define UNIQUE_MAX FPOST_RESULTS_FINDINGS_MAX
#define UNIQUE_BUCKETS (4 * UNIQUE_MAX)

struct pool {
  bool known;
  const char *path;
  uint64_t size;            /* reserved, a multiple of PAGE */
  struct fpost_cell *cells; /* one per line */
  uint8_t *lines;           /* bit per line: an event was seen */
  uint8_t *pages_initial;   /* byte per page: had content before the run */
  uint8_t *pages_touched;   /* byte per page: a line of it had an event */
};

struct stack {
  bool placed; /* place is set */
  struct fpost_place place;
  uint32_t count;
  uint64_t pcs[FPOST_STACK_MAX];
};

struct unique {
  struct fpost_finding finding; /* the first occurrence */
  uint64_t count;
  uint64_t event; /* the record at which it was found */
  struct fpost_who store_who;
  struct fpost_who other_who;
};

struct analysis {
  struct fpost_report *report;
  struct fpost_rules rules;
  struct pool pools[FPOST_POOLS_MAX];
  struct fpost_thread *threads[FPOST_TRACE_THREADS_MAX];
  struct stack *stacks; /* index is the id */
  uint32_t stacks_max;
  uint32_t pools_count;
  bool hooks[FPOST_TRACE_MODULES_MAX]; /* module index: compiled by the pass */
  struct unique unique[UNIQUE_MAX];
  uint32_t unique_count;
  uint32_t buckets[UNIQUE_BUCKETS]; /* index into unique + 1 */
  uint64_t lost;
  uint64_t event; /* number of the record that is applied */
  struct fpost_who_marks marks;
};

/* Has the code at the finding's other stack hooks? */
static bool other_has_hooks(const struct analysis *analysis,
                            const struct fpost_finding *finding) {
  if (finding->other_stack >= analysis->stacks_max ||
      analysis->stacks[finding->other_stack].count == 0) {
    return false;
  }
  uint64_t module = analysis->stacks[finding->other_stack].pcs[0] >> 48;
  return module < FPOST_TRACE_MODULES_MAX && analysis->hooks[module];
}

static void analysis_found(void *context, const struct fpost_finding *finding) {
  struct analysis *analysis = context;
  if (!fpost_finding_holds(finding, other_has_hooks(analysis, finding))) {
    return;
  }
  uint64_t hash = finding->class_;
  hash = hash * UINT64_C(0x9e3779b97f4a7c15) + finding->store_stack;
  hash = hash * UINT64_C(0x9e3779b97f4a7c15) + finding->other_stack;
  hash ^= hash >> 29;
  for (uint32_t i = (uint32_t)(hash % UNIQUE_BUCKETS);;
       i = (i + 1) % UNIQUE_BUCKETS) {
    if (analysis->buckets[i] == 0) {
      if (analysis->unique_count == UNIQUE_MAX) {
        analysis->lost++;
        return;
      }
      analysis->unique[analysis->unique_count] =
          (struct unique){.finding = *finding,
                          .count = 1,
                          .event = analysis->event,
                          .store_who = analysis->marks.store,
                          .other_who = analysis->marks.other};
      analysis->buckets[i] = ++analysis->unique_count;
      return;
    }
    struct unique *unique = &analysis->unique[analysis->buckets[i] - 1];
    if (unique->finding.class_ == finding->class_ &&
        unique->finding.store_stack == finding->store_stack &&
        unique->finding.other_stack == finding->other_stack &&
        unique->finding.detail == finding->detail) {
      unique->count++;
      return;
    }
  }
}

static void *reserve(uint64_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static void *reserve_more(void *old, uint64_t old_size, uint64_t size) {
  if (old == NULL) {
    return reserve(size);
  }
  void *memory = mremap(old, old_size, size, MREMAP_MAYMOVE);
  return memory == MAP_FAILED ? NULL : memory;
}

/* The pool's cells have moved: so have the lines that threads wait for. */
static void pending_move(struct analysis *analysis,
                         const struct fpost_cell *from, uint64_t count,
                         struct fpost_cell *to) {
  for (uint32_t t = 0; t < FPOST_TRACE_THREADS_MAX; t++) {
    struct fpost_thread *thread = analysis->threads[t];
    for (uint32_t i = 0; thread != NULL && i < thread->pending_count; i++) {
      uintptr_t offset = (uintptr_t)thread->pending[i].line - (uintptr_t)from;
      if (offset < count * sizeof *from) {
        thread->pending[i].line =
            (struct fpost_line *)(void *)((char *)to + offset);
      }
    }
  }
}

static int pool_grow(struct analysis *analysis, struct pool *pool,
                     uint64_t size) {
  size = (size + PAGE - 1) / PAGE * PAGE;
  size = size == 0 ? PAGE : size;
  if (size <= pool->size) {
    return FPOST_OK;
  }
  uint64_t old = pool->size;
  struct fpost_cell *before = pool->cells;
  struct fpost_cell *cells = reserve_more(before, old, size);
  if (cells == NULL) {
    return FPOST_ENOMEM;
  }
  pool->cells = cells;
  if (before != NULL && before != cells) {
    pending_move(analysis, before, old / LINE, cells);
  }
  uint8_t *lines = reserve_more(pool->lines, old / LINE / 8, size / LINE / 8);
  pool->lines = lines != NULL ? lines : pool->lines;
  uint8_t *initial = reserve_more(pool->pages_initial, old / PAGE, size / PAGE);
  pool->pages_initial = initial != NULL ? initial : pool->pages_initial;
  uint8_t *touched = reserve_more(pool->pages_touched, old / PAGE, size / PAGE);
  pool->pages_touched = touched != NULL ? touched : pool->pages_touched;
  if (lines == NULL || initial == NULL || touched == NULL) {
    return FPOST_ENOMEM;
  }
  pool->size = size;
  return FPOST_OK;
}

static int pool_define(struct analysis *analysis,
                       const struct fpost_record *record) {
  struct pool *pool = &analysis->pools[record->id];
  if (!pool->known) {
    pool->known = true;
    pool->path = fpost_report_format(analysis->report, "%.*s",
                                     (int)record->text_size, record->text);
    analysis->pools_count++;
    analysis->report->pools_count = analysis->pools_count;
  }
  return pool_grow(analysis, pool, record->size);
}

static int stack_define(struct analysis *analysis,
                        const struct fpost_record *record) {
  if (record->id >= analysis->stacks_max) {
    uint32_t max = analysis->stacks_max == 0 ? 1024 : analysis->stacks_max;
    while (max <= record->id) {
      max *= 2;
    }
    struct stack *stacks =
        realloc(analysis->stacks, max * sizeof *analysis->stacks);
    if (stacks == NULL) {
      return FPOST_ENOMEM;
    }
    memset(stacks + analysis->stacks_max, 0,
           (max - analysis->stacks_max) * sizeof *stacks);
    analysis->stacks = stacks;
    analysis->stacks_max = max;
  }
  struct stack *stack = &analysis->stacks[record->id];
  stack->count = (uint32_t)(record->data_size / sizeof stack->pcs[0]);
  memcpy(stack->pcs, record->data, record->data_size);
  return FPOST_OK;
}

static int module_define(struct analysis *analysis,
                         const struct fpost_record *record) {
  char path[FPOST_TEXT_MAX + 1];
  snprintf(path, sizeof path, "%.*s", (int)record->text_size, record->text);
  analysis->hooks[record->id] = (record->flags & FPOST_MODULE_HOOKS) != 0;
  return fpost_symbols_module(analysis->report->symbols, record->id, path,
                              record->data, record->data_size);
}

static struct fpost_thread *thread_get(struct analysis *analysis,
                                       uint32_t number) {
  struct fpost_thread *thread = analysis->threads[number];
  if (thread == NULL) {
    thread = calloc(1, sizeof *thread);
    if (thread != NULL) {
      thread->id = number;
      analysis->threads[number] = thread;
    }
  }
  return thread;
}

static int pending_grow(struct fpost_thread *thread, uint64_t needed) {
  uint64_t max = thread->pending_max == 0 ? 256 : 2u * thread->pending_max;
  while (max < thread->pending_count + needed) {
    max *= 2;
  }
  if (max > UINT32_MAX) {
    return FPOST_ENOMEM;
  }
  struct fpost_pending *pending =
      realloc(thread->pending, max * sizeof *pending);
  if (pending == NULL) {
    return FPOST_ENOMEM;
  }
  thread->pending = pending;
  thread->pending_max = (uint32_t)max;
  return FPOST_OK;
}

static int line_store(struct analysis *analysis, struct fpost_thread *thread,
                      struct fpost_cell *cell, uint64_t address, uint32_t size,
                      uint32_t flags, uint32_t stack) {
  while (fpost_rules_store(&analysis->rules, thread, cell, address, size, flags,
                           stack) != FPOST_OK) {
    if (pending_grow(thread, 1) != FPOST_OK) {
      return FPOST_ENOMEM;
    }
  }
  return FPOST_OK;
}

/*
 * The line has an event. *unknown: it is the first, and the line may have had
 * content before the run.
 */
static void line_touch(struct pool *pool, uint64_t offset, bool *unknown) {
  uint64_t line = offset / LINE;
  uint8_t bit = (uint8_t)(1u << (line % 8));
  FPOST_ASSERT(pool->lines != NULL); /* pools of size 0 have no lines */
  *unknown = (pool->lines[line / 8] & bit) == 0 &&
             pool->pages_initial[offset / PAGE] != 0;
  pool->lines[line / 8] |= bit;
  pool->pages_touched[offset / PAGE] = 1;
}

static int record_store(struct analysis *analysis, struct pool *pool,
                        const struct fpost_record *record) {
  struct fpost_thread *thread = thread_get(analysis, record->thread);
  uint64_t address = record->address;
  uint64_t end = address + record->size;
  int err = thread == NULL ? FPOST_ENOMEM : FPOST_OK;
  while (err == FPOST_OK && address < end) {
    uint64_t offset = fpost_pm_offset(address);
    uint64_t room = LINE - offset % LINE;
    uint64_t size = end - address < room ? end - address : room;
    struct fpost_cell *cell = &pool->cells[offset / LINE];
    bool unknown = false;
    line_touch(pool, offset, &unknown);
    if (unknown && (record->flags & FENCEPOST_STORE_FOUND) != 0) {
      err = line_store(analysis, thread, cell, address - offset % LINE, LINE,
                       FENCEPOST_STORE_FOUND, record->stack);
    } else {
      err = line_store(analysis, thread, cell, address, (uint32_t)size,
                       record->flags, record->stack);
    }
    address += size;
  }
  return err;
}

static int record_flush(struct analysis *analysis, struct pool *pool,
                        const struct fpost_record *record) {
  struct fpost_thread *thread = thread_get(analysis, record->thread);
  uint64_t first = fpost_pm_offset(record->address);
  uint64_t end = first + record->size;
  if (thread == NULL) {
    return FPOST_ENOMEM;
  }
  for (uint64_t at = first / LINE * LINE; at < end; at += LINE) {
    bool unknown = false;
    line_touch(pool, at, &unknown);
    if (unknown &&
        line_store(analysis, thread, &pool->cells[at / LINE],
                   fpost_pm_address(fpost_pm_pool(record->address), at), LINE,
                   FENCEPOST_STORE_FOUND, record->stack) != FPOST_OK) {
      return FPOST_ENOMEM;
    }
  }
  while (fpost_rules_flush(&analysis->rules, thread, &pool->cells[first / LINE],
                           record->address, record->size, record->flags,
                           record->stack) != FPOST_OK) {
    if (pending_grow(thread, record->size / LINE + 2) != FPOST_OK) {
      return FPOST_ENOMEM;
    }
  }
  return FPOST_OK;
}

static int record_fence(struct analysis *analysis,
                        const struct fpost_record *record) {
  struct fpost_thread *thread = thread_get(analysis, record->thread);
  if (thread == NULL) {
    return FPOST_ENOMEM;
  }
  fpost_rules_fence(&analysis->rules, thread, record->flags, record->stack);
  return FPOST_OK;
}

/* Each line of the range that had an event, by a function of the rules. */
static void record_lines(struct pool *pool, const struct fpost_record *record) {
  uint64_t at = fpost_pm_offset(record->address);
  uint64_t end = at + record->size;
  FPOST_ASSERT(at == end || pool->pages_touched != NULL);
  while (at < end) {
    uint64_t room = LINE - at % LINE;
    uint64_t size = end - at < room ? end - at : room;
    struct fpost_cell *cell = &pool->cells[at / LINE];
    uint64_t address = fpost_pm_address(fpost_pm_pool(record->address), at);
    if (record->kind == FPOST_RECORD_IGNORE && record->flags == 0) {
      fpost_rules_ignore(cell, address, (uint32_t)size);
    } else if (record->kind == FPOST_RECORD_IGNORE) {
      fpost_rules_forget(cell, address, (uint32_t)size);
    } else if (pool->pages_touched[at / PAGE] != 0) {
      fpost_rules_durable(cell);
    }
    at += size;
  }
}

static void record_image(struct pool *pool, const struct fpost_record *record) {
  uint64_t offset = fpost_pm_offset(record->address);
  if (record->size == 0) {
    return;
  }
  FPOST_ASSERT(pool->pages_initial != NULL);
  for (uint64_t at = offset / PAGE; at * PAGE < offset + record->size; at++) {
    pool->pages_initial[at] = 1;
  }
}

static void record_end(struct analysis *analysis,
                       const struct fpost_record *record) {
  struct fpost_report *report = analysis->report;
  if (record->value == UINT64_MAX) {
    fpost_report_note(report,
                      "the program did not end in order: what it left "
                      "unflushed at its end is not reported");
    return;
  }
  report->exited = true;
  report->status = (int)record->value;
  for (uint32_t i = 0; i < FPOST_POOLS_MAX; i++) {
    struct pool *pool = &analysis->pools[i];
    for (uint64_t at = 0; at < pool->size; at += LINE) {
      if (pool->pages_touched[at / PAGE] == 0) {
        at += PAGE - LINE;
        continue;
      }
      const struct fpost_cell *cell = &pool->cells[at / LINE];
      if ((cell->dirty | cell->flushed) != 0) {
        fpost_rules_end(&analysis->rules, cell, fpost_pm_address(i, at));
      }
    }
  }
}

static void record_mark(struct analysis *analysis,
                        const struct fpost_record *record) {
  if (record->flags == FPOST_MARK_FINDING && record->id < FPOST_CLASS_COUNT) {
    analysis_found(analysis,
                   &(struct fpost_finding){
                       .class_ = (enum fpost_class)record->id,
                       .thread = record->thread,
                       .store_stack = record->stack,
                       .other_stack = (uint32_t)record->value,
                       .address = record->address,
                       .size = (uint32_t)record->size,
                       .detail = (enum fpost_detail)(record->value >> 32)});
    analysis->marks.store = (struct fpost_who){.known = false};
    analysis->marks.other = (struct fpost_who){.known = false};
  } else if (record->flags == FPOST_MARK_UNCALLED) {
    fpost_report_note(analysis->report,
                      fpost_report_format(analysis->report, "%.*s",
                                          (int)record->text_size,
                                          record->text));
  } else {
    fpost_who_mark(&analysis->marks, analysis->report, record);
  }
}

static int record_apply(struct analysis *analysis,
                        const struct fpost_record *record) {
  struct pool *pool =
      &analysis->pools[fpost_pm_pool(record->address) % FPOST_POOLS_MAX];
  switch (record->kind) {
  case FPOST_RECORD_MODULE:
    return module_define(analysis, record);
  case FPOST_RECORD_STACK:
    return stack_define(analysis, record);
  case FPOST_RECORD_POOL:
    return pool_define(analysis, record);
  case FPOST_RECORD_RESIZE:
    return pool_grow(analysis, &analysis->pools[record->id], record->size);
  case FPOST_RECORD_IMAGE:
    record_image(pool, record);
    return FPOST_OK;
  case FPOST_RECORD_STORE:
    return record_store(analysis, pool, record);
  case FPOST_RECORD_FLUSH:
    return record_flush(analysis, pool, record);
  case FPOST_RECORD_FENCE:
    return record_fence(analysis, record);
  case FPOST_RECORD_DURABLE:
  case FPOST_RECORD_IGNORE:
    record_lines(pool, record);
    return FPOST_OK;
  case FPOST_RECORD_NOTE:
    fpost_report_note(analysis->report,
                      fpost_report_format(analysis->report, "%.*s",
                                          (int)record->text_size,
                                          record->text));
    return FPOST_OK;
  case FPOST_RECORD_MARK:
    record_mark(analysis, record);
    return FPOST_OK;
  case FPOST_RECORD_END:
    record_end(analysis, record);
    return FPOST_OK;
  default:
    return FPOST_OK;
  }
}

static struct fpost_place analysis_place(struct analysis *analysis,
                                         uint32_t id) {
  struct fpost_place none = {NULL, 0};
  if (id == 0 || id >= analysis->stacks_max) {
    return none;
  }
  struct stack *stack = &analysis->stacks[id];
  if (!stack->placed) {
    stack->place =
        fpost_report_place(analysis->report, stack->pcs, stack->count);
    stack->placed = true;
  }
  return stack->place;
}

/* Is something not guaranteed in a line of the range? */
static bool range_outstanding(const struct pool *pool,
                              const struct fpost_record *record) {
  uint64_t first = fpost_pm_offset(record->address) / LINE;
  uint64_t end = fpost_pm_offset(record->address) + record->size;
  for (uint64_t line = first; line * LINE < end; line++) {
    if (pool->pages_touched[line * LINE / PAGE] != 0 &&
        pool->cells[line].line.guaranteed < pool->cells[line].line.stores) {
      return true;
    }
  }
  return false;
}

static bool crash_point_is(const struct analysis *analysis,
                           const struct fpost_record *record) {
  const struct pool *pool =
      &analysis->pools[fpost_pm_pool(record->address) % FPOST_POOLS_MAX];
  const struct fpost_thread *thread = analysis->threads[record->thread];
  switch (record->kind) {
  case FPOST_RECORD_FENCE:
    return thread != NULL && fpost_model_fence_useful(thread);
  case FPOST_RECORD_FLUSH:
    return record->flags == FENCEPOST_CLFLUSH &&
           range_outstanding(pool, record);
  case FPOST_RECORD_DURABLE:
    return range_outstanding(pool, record);
  case FPOST_RECORD_STORE:
    return analysis->rules.domain == FPOST_DOMAIN_EADR;
  case FPOST_RECORD_OP_END:
  case FPOST_RECORD_END:
    return true;
  default:
    return false;
  }
}

static bool has_address(const struct fpost_record *record) {
  switch (record->kind) {
  case FPOST_RECORD_IMAGE:
  case FPOST_RECORD_UNMAP:
  case FPOST_RECORD_STORE:
  case FPOST_RECORD_FLUSH:
  case FPOST_RECORD_DURABLE:
  case FPOST_RECORD_IGNORE:
    return true;
  default:
    return false;
  }
}

static struct fpost_event_view view_of(struct analysis *analysis,
                                       const struct fpost_record *record,
                                       uint64_t index) {
  return (struct fpost_event_view){
      .index = index,
      .crash_point = crash_point_is(analysis, record),
      .pool = has_address(record)
                  ? analysis->pools[fpost_pm_pool(record->address)].path
                  : NULL,
      .place = analysis_place(analysis, record->stack)};
}

static struct fpost_place source_place(void *context, uint32_t stack) {
  return analysis_place(context, stack);
}
static const char *source_pool(void *context, uint32_t index) {
  const struct analysis *analysis = context;
  return index < FPOST_POOLS_MAX ? analysis->pools[index].path : NULL;
}

static void analysis_report(struct analysis *analysis) {
  struct fpost_report *report = analysis->report;
  const struct fpost_who_source source = {analysis, source_place, source_pool};
  for (uint32_t i = 0; i < analysis->unique_count; i++) {
    const struct fpost_finding *finding = &analysis->unique[i].finding;
    struct fpost_online_finding out = {
        .class_ = finding->class_,
        .detail = finding->detail,
        .count = analysis->unique[i].count,
        .event = analysis->unique[i].event,
        .offset = fpost_pm_offset(finding->address),
        .size = finding->size,
        .pool = analysis->pools[fpost_pm_pool(finding->address)].path,
        .store = analysis_place(analysis, finding->store_stack),
        .other = analysis_place(analysis, finding->other_stack),
        .store_by = fpost_who_party(&analysis->marks, report, &source,
                                    &analysis->unique[i].store_who),
        .other_by = fpost_who_party(&analysis->marks, report, &source,
                                    &analysis->unique[i].other_who)};
    fpost_online_add(report, &out);
  }
  if (analysis->lost != 0) {
    fpost_report_note(
        report, fpost_report_format(report, "%llu more findings did not fit",
                                    (unsigned long long)analysis->lost));
  }
}

static void analysis_free(struct analysis *analysis) {
  for (uint32_t i = 0; i < FPOST_POOLS_MAX; i++) {
    struct pool *pool = &analysis->pools[i];
    if (pool->cells != NULL) {
      munmap(pool->cells, pool->size);
      munmap(pool->lines, pool->size / LINE / 8);
      munmap(pool->pages_initial, pool->size / PAGE);
      munmap(pool->pages_touched, pool->size / PAGE);
    }
  }
  for (uint32_t i = 0; i < FPOST_TRACE_THREADS_MAX; i++) {
    if (analysis->threads[i] != NULL) {
      free(analysis->threads[i]->pending);
      free(analysis->threads[i]);
    }
  }
  free(analysis->stacks);
  free(analysis);
}

/* The command and the domain of the trace's header, into the report. */
static void header_add(struct fpost_report *report,
                       const struct fpost_reader *reader) {
  const char *end = reader->command + reader->header.command_size;
  uint32_t count = 0;
  for (const char *at = reader->command; at < end; at += strlen(at) + 1) {
    count++;
  }
  const char **command =
      fpost_report_memory(report, (count + 1) * sizeof *command);
  count = 0;
  for (const char *at = reader->command; at < end; at += strlen(at) + 1) {
    command[count++] = fpost_report_text(report, at);
  }
  report->command = command;
  report->command_count = count;
  report->domain = reader->header.domain == FPOST_DOMAIN_EADR
                       ? FPOST_DOMAIN_EADR
                       : FPOST_DOMAIN_ADR;
}

int fpost_analyse_each(struct fpost_report *report, struct fpost_reader *reader,
                       bool (*visit)(void *context,
                                     const struct fpost_record *record,
                                     const struct fpost_event_view *view),
                       void *context) {
  struct fpost_record record;
  struct analysis *analysis = calloc(1, sizeof *analysis);
  bool stopped = false;
  if (analysis == NULL) {
    snprintf(reader->error, sizeof reader->error, "out of memory");
    return FPOST_ENOMEM;
  }
  int err = fpost_reader_rewind(reader);
  if (err == FPOST_OK) {
    header_add(report, reader);
  }
  analysis->report = report;
  analysis->rules = (struct fpost_rules){.domain = report->domain,
                                         .enabled = report->enabled,
                                         .found = analysis_found,
                                         .context = analysis};
  while (!stopped && err == FPOST_OK &&
         (err = fpost_reader_next(reader, &record)) == FPOST_OK) {
    if (visit != NULL) {
      struct fpost_event_view view = view_of(analysis, &record, reader->index);
      stopped = !visit(context, &record, &view);
    }
    analysis->event = reader->index;
    err = stopped ? FPOST_OK : record_apply(analysis, &record);
  }
  if (err == FPOST_ENOENT) {
    analysis_report(analysis);
    err = FPOST_OK;
  } else if (err == FPOST_ENOMEM) {
    snprintf(reader->error, sizeof reader->error,
             "out of memory for the analysis of the trace");
  }
  analysis_free(analysis);
  return err;
}

int fpost_analyse(struct fpost_report *report, struct fpost_reader *reader) {
  return fpost_analyse_each(report, reader, NULL, NULL);
}
