/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Start and end of the runtime in a process, its threads, and events that come
 * at a bad time. docs/ARCHITECTURE.md says what fork, signals and exits mean.
 */
#include "rt/hooks/context.h"

#include "rt/base/assert.h"
#include "rt/hooks/events.h"
#include "rt/hooks/heap_rules.h"
#include "rt/hooks/hooks.h"
#include "rt/hooks/operations.h"
#include "rt/hooks/races.h"
#include "rt/os/os.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>

/* How often a waiting thread looks at the lock before it sleeps. */
#define LOCK_SPINS 100u

struct fpost_context fpost_context = {.results_fd = -1,
                                      .record = {.fd = -1, .failed = true}};
__thread struct fpost_tls fpost_tls;
struct fencepost_state __fencepost_state;
_Static_assert(offsetof(struct fencepost_state, ops) == FENCEPOST_STATE_OPS &&
                   offsetof(struct fencepost_state, loads_base) ==
                       FENCEPOST_STATE_LOADS_BASE &&
                   offsetof(struct fencepost_state, loads_size) ==
                       FENCEPOST_STATE_LOADS_SIZE,
               "the pass addresses the fields by these numbers");

/* The dynamic loader's: the highest address of the first thread's stack. */
extern void *__libc_stack_end;

static void message_put(const char *const *parts, uint32_t count) {
  char bytes[1024];
  struct fpost_text text = fpost_text_in(bytes, sizeof(bytes));
  fpost_text_add(&text, "==");
  fpost_text_add_number(&text, fpost_os_process());
  fpost_text_add(&text, "== fencepost: ");
  for (uint32_t i = 0; i < count; i++) {
    fpost_text_add(&text, parts[i]);
  }
  fpost_text_add(&text, "\n");
  fpost_os_write(2, text.bytes, text.used);
}

void fpost_refuse(const char *what, const char *detail, const char *advice) {
  const char *parts[] = {what, detail, ": ", advice};
  message_put(parts, 4);
  fpost_os_exit(2);
}

void fpost_panic(const char *file, int line, const char *condition) {
  char bytes[32];
  struct fpost_text number = fpost_text_in(bytes, sizeof(bytes));
  fpost_text_add_number(&number, (uint64_t)line);
  const char *parts[] = {
      "internal error, please report it: ", file, ":", bytes, ": ", condition};
  message_put(parts, 6);
  for (;;) {
    __builtin_trap();
  }
}

void fpost_note(const char *text) {
  if (fpost_context.results != NULL) {
    fpost_findings_note(&fpost_context.findings, text);
  }
  if (fpost_context.run == FPOST_RUN_RECORD) {
    fpost_record_put(&fpost_context.record,
                     &(struct fpost_record){.kind = FPOST_RECORD_NOTE,
                                            .text = text,
                                            .text_size = strlen(text)});
  }
}

/* Has the code at the finding's other stack hooks? */
static bool other_has_hooks(const struct fpost_finding *finding) {
  const struct fpost_stack *stack =
      &fpost_context.stacks.stacks[finding->other_stack];
  return finding->other_stack != 0 && stack->modules[0] != FPOST_MODULE_NONE &&
         fpost_context.modules.modules[stack->modules[0]].hooks;
}

static void finding_found(void *context, const struct fpost_finding *finding) {
  if (fpost_finding_holds(finding, other_has_hooks(finding))) {
    (void)fpost_findings_add(context, finding);
  }
}

void fpost_found(const struct fpost_finding *finding) {
  if (fpost_context.run == FPOST_RUN_CHECK) {
    finding_found(&fpost_context.findings, finding);
  } else if (fpost_context.run == FPOST_RUN_RECORD) {
    fpost_record_put(
        &fpost_context.record,
        &(struct fpost_record){.kind = FPOST_RECORD_MARK,
                               .flags = FPOST_MARK_FINDING,
                               .thread = finding->thread,
                               .stack = finding->store_stack,
                               .value = (uint64_t)finding->detail << 32 |
                                        finding->other_stack,
                               .id = finding->class_,
                               .address = finding->address,
                               .size = finding->size});
  }
}

static const char *environment_get(char **environment, const char *name) {
  size_t size = strlen(name);
  for (; *environment != NULL; environment++) {
    if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=') {
      return *environment + size + 1;
    }
  }
  return NULL;
}

/* Map the results file that `fencepost` made, or make one in memory. */
static void results_open(struct fpost_context *context) {
  const char *path = context->flags.results;
  bool own = path[0] == '\0';
  int fd = own ? fpost_os_memory_file("fencepost-results")
               : fpost_os_open(path, O_RDWR, 0);
  if (fd < 0) {
    fpost_refuse("cannot open the results file ", path,
                 "run the program by `fencepost check`, or without results=");
  }
  if (own && fpost_os_resize(fd, FPOST_RESULTS_SIZE) != FPOST_OK) {
    fpost_refuse("no room for the results", "", "free some memory");
  }
  struct fpost_os_file info;
  if (fpost_os_file_info(fd, &info) != FPOST_OK ||
      info.size < FPOST_RESULTS_SIZE) {
    fpost_refuse("too small for a results file: ", path,
                 "was it made by this version of `fencepost`?");
  }
  struct fpost_results *results = fpost_os_map(fd, 0, FPOST_RESULTS_SIZE);
  if ((void *)results == FPOST_OS_FAILED) {
    fpost_refuse("cannot map the results file ", path, "free some memory");
  }
  if (own) {
    memcpy(results->magic, FPOST_RESULTS_MAGIC, sizeof(results->magic));
    results->version = FPOST_RESULTS_VERSION;
    results->size = sizeof(*results);
    context->results_fd = fd;
  } else {
    fpost_os_close(fd);
  }
  if (memcmp(results->magic, FPOST_RESULTS_MAGIC, sizeof(results->magic)) !=
          0 ||
      results->version != FPOST_RESULTS_VERSION ||
      results->size != sizeof(*results)) {
    fpost_refuse("not a results file of this version: ", path,
                 "build the program again with this `fencepost`");
  }
  context->results = results;
  atomic_fetch_add(&results->started, 1);
}

static void tables_make(struct fpost_context *context) {
  int err = fpost_modules_init(&context->modules);
  if (err == FPOST_OK) {
    err = fpost_stacks_init(&context->stacks, &context->modules,
                            (uint32_t)context->flags.frames);
  }
  if (err == FPOST_OK) {
    err = fpost_findings_init(&context->findings, context->results,
                              &context->stacks, &context->regions);
  }
  context->threads = fpost_os_reserve(sizeof(struct fpost_thread_state) *
                                      (uint64_t)FPOST_THREADS_MAX);
  if (err != FPOST_OK || (void *)context->threads == FPOST_OS_FAILED) {
    fpost_refuse("no address space for the tables", "",
                 "raise the limit (ulimit -v)");
  }
  context->heap.enabled = fpost_flags_classes(&context->flags);
  context->rules =
      (struct fpost_rules){.domain = context->flags.domain,
                           .enabled = context->run == FPOST_RUN_CHECK
                                          ? fpost_flags_classes(&context->flags)
                                          : 0,
                           .found = finding_found,
                           .context = &context->findings};
}

static void fork_before(void) {
  fpost_tls.depth++;
  if (fpost_tls.depth == 1 && !__libc_single_threaded) {
    fpost_lock();
  }
}

static void fork_parent(void) {
  if (fpost_tls.depth == 1) {
    if (fpost_context.run == FPOST_RUN_RECORD &&
        fpost_context.regions.count != 0) {
      fpost_note(
          "the program forked while PM was mapped: what the child does "
          "is not in the trace");
    }
    fpost_leave();
  } else {
    fpost_tls.depth--;
  }
}

/*
 * The child maps the same files, but what its parent left unflushed is its
 * parent's affair: it starts with clean lines of unknown content.
 */
static void fork_child(void) {
  struct fpost_context *context = &fpost_context;
  atomic_store(&context->lock, 0);
  fpost_tls.depth--;
  if (context->phase != FPOST_PHASE_RUN) {
    return;
  }
  context->process = fpost_os_process();
  bool raced = fpost_races_on;
  fpost_races_stop();
  for (uint32_t i = 0; i < context->threads_count; i++) {
    context->threads[i].model.pending_count = 0;
    context->threads[i].model.nt_count = 0;
    context->threads[i].stores = 0;
    context->threads[i].flushes = 0;
    context->threads[i].fences = 0;
  }
  for (uint32_t i = 0; i < context->regions.pools_count; i++) {
    struct fpost_pool *pool = &context->regions.pools[i];
    fpost_os_empty(pool->cells, pool->reserved);
    fpost_os_empty(pool->shadow, pool->reserved);
    fpost_os_empty(pool->touched, pool->reserved / FPOST_POOL_PAGE / 8);
    pool->all_unknown = true;
  }
  if (context->run == FPOST_RUN_RECORD) {
    fpost_record_drop(&context->record);
    context->run = FPOST_RUN_QUIET;
  }
  fpost_findings_forked(&context->findings);
  atomic_fetch_add(&context->results->started, 1);
  if (raced && context->regions.count != 0) {
    fpost_note(
        "the program forked while PM was mapped: races are not looked for in "
        "the child, nor between it and its parent");
  }
}

/*
 * A thread goes. What it flushed and did not fence stays with it; without such,
 * its memory is the next thread's. A later destructor that touches PM does so
 * as another thread.
 */
static void thread_gone(void *value) {
  struct fpost_thread_state *self = value;
  if (fpost_enter() == NULL) {
    return;
  }
  fpost_operations_thread(self);
  fpost_races_gone();
  if (self->model.pending_count == 0 && fpost_tls.self == self) {
    if (self->model.pending_max != 0) {
      fpost_os_release(self->model.pending,
                       self->model.pending_max * sizeof(struct fpost_pending));
      self->model.pending_max = 0;
    }
    fpost_os_empty(self->cache, sizeof(*self->cache));
    memcpy(self->cache, &fpost_context.caches_free, sizeof(void *));
    fpost_context.caches_free = self->cache;
    self->cache = NULL;
    fpost_tls.self = NULL;
    /* In a trace a number is one thread: what it has flushed waits for it. */
    if (fpost_context.run == FPOST_RUN_CHECK && self->tx.depth == 0) {
      self->next_free = fpost_context.threads_free;
      fpost_context.threads_free = self;
    }
  }
  fpost_leave();
}

void fpost_context_start(int argc, char **argv, char **environment) {
  struct fpost_context *context = &fpost_context;
  FPOST_ASSERT(context->phase == FPOST_PHASE_NONE);
  char bytes[512];
  struct fpost_text error = fpost_text_in(bytes, sizeof(bytes));
  if (fpost_flags_parse(&context->flags,
                        environment_get(environment, "FENCEPOST_OPTIONS"),
                        &error) != FPOST_OK) {
    fpost_refuse("FENCEPOST_OPTIONS: ", bytes,
                 "correct it, or unset FENCEPOST_OPTIONS");
  }
  context->argument_count = argc;
  context->arguments = argv;
  context->environment = environment;
  context->process = fpost_os_process();
  context->started = fpost_os_clock();
  static const enum fpost_mode_of_run runs[] = {
      [FPOST_MODE_CHECK] = FPOST_RUN_CHECK,
      [FPOST_MODE_RECORD] = FPOST_RUN_RECORD,
      [FPOST_MODE_RECOVER] = FPOST_RUN_RECOVER};
  context->run = runs[context->flags.mode];
  if (context->run == FPOST_RUN_RECORD && context->flags.trace[0] == '\0') {
    fpost_refuse("FENCEPOST_OPTIONS: mode=record without trace=", "",
                 "name the trace file to write");
  }
  if (context->run != FPOST_RUN_RECOVER) {
    results_open(context);
    tables_make(context);
    if (pthread_atfork(fork_before, fork_parent, fork_child) != 0 ||
        pthread_key_create(&context->thread_key, thread_gone) != 0) {
      fpost_refuse("no memory to watch fork and threads", "",
                   "free some memory");
    }
  }
  context->phase = FPOST_PHASE_RUN;
}

void fpost_lock_wait(void) {
  for (uint32_t spins = 0; spins < LOCK_SPINS; spins++) {
    uint32_t expected = 0;
    if (atomic_compare_exchange_weak_explicit(&fpost_context.lock, &expected, 1,
                                              memory_order_acquire,
                                              memory_order_relaxed)) {
      return;
    }
    __builtin_ia32_pause();
  }
  /* Who has slept cannot tell whether others do. */
  while (atomic_exchange_explicit(&fpost_context.lock, FPOST_LOCK_AWAITED,
                                  memory_order_acquire) != 0) {
    fpost_os_wait(&fpost_context.lock, FPOST_LOCK_AWAITED);
  }
}

void fpost_lock_wake(void) {
  fpost_os_wake(&fpost_context.lock);
}

void fpost_deferred_late(void) {
  if (fpost_enter() != NULL) {
    fpost_leave();
  }
}

static struct fpost_stack_cache *cache_get(struct fpost_context *context) {
  struct fpost_stack_cache *cache = context->caches_free;
  if (cache == NULL) {
    return fpost_os_reserve(sizeof(*cache));
  }
  memcpy(&context->caches_free, cache, sizeof(void *));
  memset(cache, 0, sizeof(void *));
  return cache;
}

struct fpost_thread_state *fpost_thread_start(void) {
  struct fpost_context *context = &fpost_context;
  if (context->phase != FPOST_PHASE_RUN || context->threads == NULL) {
    fpost_leave();
    return NULL;
  }
  struct fpost_thread_state *self = context->threads_free;
  if (self == NULL && context->threads_count == FPOST_THREADS_MAX) {
    fpost_note("more than 65536 threads used PM: the others are not checked");
    fpost_leave();
    return NULL;
  }
  if (self != NULL) {
    context->threads_free = self->next_free;
  } else {
    self = &context->threads[context->threads_count];
    self->model.id = context->threads_count++;
  }
  self->cache = cache_get(context);
  FPOST_ASSERT((void *)self->cache != FPOST_OS_FAILED);
  /* The C library puts the thread's control block at the top of its stack. */
  self->stack_top = fpost_os_thread() == context->process
                        ? (uintptr_t)__libc_stack_end
                        : (uintptr_t)pthread_self();
  fpost_tls.self = self;
  (void)pthread_setspecific(context->thread_key, self);
  return self;
}

void fpost_defer(enum fpost_event_kind kind, const void *address, uint64_t size,
                 uint32_t flags, uintptr_t pc) {
  struct fpost_tls *tls = &fpost_tls;
  if (tls->deferred_count == FPOST_DEFERRED_MAX) {
    tls->deferred_lost++;
    return;
  }
  /* A signal that comes here puts its events behind this place. */
  struct fpost_deferred *deferred = &tls->deferred[tls->deferred_count++];
  *deferred = (struct fpost_deferred){
      .address = address, .size = size, .pc = pc, .kind = kind, .flags = flags};
}

void fpost_deferred_run(void) {
  struct fpost_tls *tls = &fpost_tls;
  struct fpost_thread_state *self = tls->self;
  for (uint32_t i = 0; self != NULL && i < tls->deferred_count; i++) {
    const struct fpost_deferred *event = &tls->deferred[i];
    uint32_t stack = fpost_stacks_intern(&fpost_context.stacks, &event->pc, 1);
    switch ((enum fpost_event_kind)event->kind) {
    case FPOST_EVENT_STORE:
      fpost_event_store(self, event->address, event->size, event->flags, stack);
      break;
    case FPOST_EVENT_FLUSH:
      fpost_event_flush(self, event->address, event->size, event->flags, stack);
      break;
    case FPOST_EVENT_FENCE:
      fpost_event_fence(self, event->flags, stack);
      break;
    }
  }
  tls->deferred_count = 0;
  if (tls->deferred_lost != 0) {
    tls->deferred_lost = 0;
    fpost_note(
        "a signal handler made more accesses to PM, while an access was "
        "being handled, than could be put aside: some are missing");
  }
}

/* Report what the lines of a touched page leave undone. */
static void page_end(struct fpost_context *context,
                     const struct fpost_pool *pool, uint64_t offset) {
  for (uint64_t end = offset + FPOST_POOL_PAGE; offset < end;
       offset += FENCEPOST_LINE_SIZE) {
    const struct fpost_cell *cell = &pool->cells[offset / FENCEPOST_LINE_SIZE];
    if ((cell->dirty | cell->flushed) != 0) {
      fpost_rules_end(&context->rules, cell,
                      fpost_pm_address(pool->index, offset));
    }
  }
}

static void check_end(struct fpost_context *context) {
  for (uint32_t i = 0; i < context->regions.pools_count; i++) {
    const struct fpost_pool *pool = &context->regions.pools[i];
    uint64_t pages = (pool->size + FPOST_POOL_PAGE - 1) / FPOST_POOL_PAGE;
    for (uint64_t word = 0; word * 64 < pages; word++) {
      for (uint64_t bits = pool->touched[word]; bits != 0; bits &= bits - 1) {
        uint64_t page = word * 64 + (uint64_t)__builtin_ctzll(bits);
        page_end(context, pool, page * FPOST_POOL_PAGE);
      }
    }
  }
}

void fpost_context_end(int status) {
  struct fpost_context *context = &fpost_context;
  if (context->phase != FPOST_PHASE_RUN || context->results == NULL ||
      fpost_os_process() != context->process || fpost_enter() == NULL) {
    return;
  }
  if (context->run != FPOST_RUN_QUIET && fpost_tls.self != NULL) {
    if (fpost_event_compares()) {
      fpost_event_compare_all(fpost_tls.self, 0);
    }
    fpost_heap_end(fpost_tls.self);
  }
  fpost_operations_end();
  if (context->run == FPOST_RUN_CHECK) {
    check_end(context);
  } else if (context->run == FPOST_RUN_RECORD) {
    if (context->record.failed && context->record.fd >= 0) {
      atomic_fetch_add(&context->results->incomplete, 1);
      fpost_note("the trace ends before the run: the disk was full");
    }
    if (context->unseen != 0 && context->record.fd >= 0) {
      fpost_record_put(&context->record,
                       &(struct fpost_record){.kind = FPOST_RECORD_MARK,
                                              .flags = FPOST_MARK_UNSEEN,
                                              .value = context->unseen,
                                              .text = ""});
    }
    fpost_record_close(&context->record, (uint64_t)status);
  }
  struct fpost_results *results = context->results;
  for (uint32_t i = 0; i < context->threads_count; i++) {
    atomic_fetch_add(&results->stores, context->threads[i].stores);
    atomic_fetch_add(&results->flushes, context->threads[i].flushes);
    atomic_fetch_add(&results->fences, context->threads[i].fences);
  }
  atomic_fetch_add(&results->ended, 1);
  context->phase = FPOST_PHASE_OVER;
  fpost_races_stop();
  context->regions.count = 0;
  context->last = (struct fpost_region){0};
  __fencepost_state.pm_size = 0;
  fpost_leave();
}
