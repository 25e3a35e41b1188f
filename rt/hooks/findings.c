/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/findings.h"

#include "rt/hooks/text.h"
#include "rt/os/os.h"

#include <string.h>

int fpost_findings_init(struct fpost_findings *findings,
                        struct fpost_results *results,
                        struct fpost_stacks *stacks,
                        struct fpost_regions *regions) {
  *findings = (struct fpost_findings){.results = results,
                                      .process = fpost_os_process(),
                                      .stacks = stacks,
                                      .regions = regions};
  findings->buckets =
      fpost_os_reserve(sizeof(uint32_t) * FPOST_FINDINGS_BUCKETS);
  return (void *)findings->buckets == FPOST_OS_FAILED ? FPOST_ENOMEM : FPOST_OK;
}

void fpost_findings_forked(struct fpost_findings *findings) {
  fpost_os_empty(findings->buckets, sizeof(uint32_t) * FPOST_FINDINGS_BUCKETS);
  findings->process = fpost_os_process();
}

/* Claim an entry of a table. Returns its index, or UINT32_MAX if it is full. */
static uint32_t entry_claim(_Atomic uint32_t *count, uint32_t max) {
  if (atomic_load_explicit(count, memory_order_relaxed) >= max) {
    return UINT32_MAX;
  }
  uint32_t index = atomic_fetch_add(count, 1);
  return index < max ? index : UINT32_MAX;
}

/* 1 + the index of the module in the results; 0 for none. */
static uint32_t module_share(struct fpost_findings *findings, uint16_t index) {
  if (index == FPOST_MODULE_NONE) {
    return 0;
  }
  struct fpost_module *module = &findings->stacks->modules->modules[index];
  if (module->shared == 0) {
    uint32_t entry = entry_claim(&findings->results->modules_count,
                                 FPOST_RESULTS_MODULES_MAX);
    if (entry == UINT32_MAX) {
      return 0;
    }
    struct fpost_results_module *out = &findings->results->modules[entry];
    out->process = findings->process;
    out->bias = module->bias;
    out->start = module->start;
    out->end = module->end;
    out->build_id_size = module->build_id_size;
    memcpy(out->build_id, module->build_id, sizeof(out->build_id));
    memcpy(out->path, module->path, sizeof(out->path));
    atomic_store(&out->ready, 1);
    module->shared = entry + 1;
  }
  return module->shared;
}

uint32_t fpost_findings_stack(struct fpost_findings *findings, uint32_t stack) {
  if (stack == 0) {
    return 0;
  }
  struct fpost_stack *from = &findings->stacks->stacks[stack];
  if (from->shared != 0) {
    return from->shared;
  }
  uint32_t entry =
      entry_claim(&findings->results->stacks_count, FPOST_RESULTS_STACKS_MAX);
  if (entry == UINT32_MAX) {
    atomic_fetch_add(&findings->results->stacks_lost, 1);
    return 0;
  }
  struct fpost_results_stack *out = &findings->results->stacks[entry];
  out->count = from->count;
  for (uint32_t i = 0; i < from->count; i++) {
    uint32_t module = module_share(findings, from->modules[i]);
    uint64_t bias =
        module == 0 ? 0 : findings->results->modules[module - 1].bias;
    uint64_t name = module == 0 ? FPOST_RESULTS_NO_MODULE : module - 1;
    out->frames[i] = name << 48 | (from->pcs[i] - 1 - bias);
  }
  atomic_store(&out->ready, 1);
  from->shared = entry + 1;
  return from->shared;
}

/* The place of a finding in the hash table: its own, or a free one. */
static uint32_t *bucket_of(const struct fpost_findings *findings,
                           const struct fpost_finding *finding,
                           uint32_t store_stack, uint32_t other_stack) {
  uint64_t hash = ((uint64_t)store_stack << 32 | other_stack) + finding->class_;
  hash *= UINT64_C(0x9e3779b97f4a7c15);
  for (uint64_t at = hash >> 40;; at++) {
    uint32_t *bucket = &findings->buckets[at & (FPOST_FINDINGS_BUCKETS - 1)];
    if (*bucket == 0) {
      return bucket;
    }
    const struct fpost_results_finding *other =
        &findings->results->findings[*bucket - 1];
    if (other->class_ == (uint32_t)finding->class_ &&
        other->store_stack == store_stack &&
        other->other_stack == other_stack &&
        other->detail == (uint32_t)finding->detail) {
      return bucket;
    }
  }
}

struct fpost_results_thread *
fpost_findings_thread(struct fpost_findings *findings, uint32_t *shared) {
  struct fpost_results *results = findings->results;
  uint32_t entry =
      entry_claim(&results->threads_count, FPOST_RESULTS_THREADS_MAX);
  if (entry == UINT32_MAX) {
    return NULL;
  }
  *shared = entry + 1;
  results->threads[entry].process = findings->process;
  return &results->threads[entry];
}

struct fpost_results_lock *fpost_findings_lock(struct fpost_findings *findings,
                                               uint32_t *shared) {
  struct fpost_results *results = findings->results;
  uint32_t entry = entry_claim(&results->locks_count, FPOST_RESULTS_LOCKS_MAX);
  if (entry == UINT32_MAX) {
    return NULL;
  }
  *shared = entry + 1;
  results->locks[entry].process = findings->process;
  return &results->locks[entry];
}

struct fpost_results_finding *
fpost_findings_add(struct fpost_findings *findings,
                   const struct fpost_finding *finding) {
  struct fpost_results *results = findings->results;
  uint32_t store_stack = fpost_findings_stack(findings, finding->store_stack);
  uint32_t other_stack = fpost_findings_stack(findings, finding->other_stack);
  uint32_t *bucket = bucket_of(findings, finding, store_stack, other_stack);
  if (*bucket != 0) {
    /* This process alone counts this entry. */
    _Atomic uint64_t *count = &results->findings[*bucket - 1].count;
    atomic_store_explicit(count,
                          atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    return NULL;
  }
  uint32_t entry =
      entry_claim(&results->findings_count, FPOST_RESULTS_FINDINGS_MAX);
  if (entry == UINT32_MAX) {
    atomic_fetch_add(&results->findings_lost, 1);
    return NULL;
  }
  struct fpost_results_finding *out = &results->findings[entry];
  out->class_ = finding->class_;
  out->process = findings->process;
  out->thread = finding->thread;
  out->store_stack = store_stack;
  out->other_stack = other_stack;
  out->address = finding->address;
  out->size = finding->size;
  out->detail = finding->detail;
  out->pool =
      findings->regions->pools[fpost_pm_pool(finding->address)].shared_index -
      1;
  atomic_store(&out->count, 1);
  atomic_store(&out->ready, 1);
  *bucket = entry + 1;
  return out;
}

void fpost_findings_pool(struct fpost_findings *findings,
                         struct fpost_pool *pool, const char *path,
                         uint64_t address, enum fpost_pool_why why) {
  struct fpost_results *results = findings->results;
  if (pool->shared_index != 0) {
    results->pools[pool->shared_index - 1].size = pool->size;
    return;
  }
  uint32_t entry = entry_claim(&results->pools_count, FPOST_RESULTS_POOLS_MAX);
  if (entry == UINT32_MAX) {
    return;
  }
  struct fpost_results_pool *out = &results->pools[entry];
  struct fpost_text text = fpost_text_in(out->path, sizeof(out->path));
  fpost_text_add(&text, path);
  out->process = findings->process;
  out->index = pool->index;
  out->why = why;
  out->size = pool->size;
  out->address = address;
  atomic_store(&out->ready, 1);
  pool->shared_index = entry + 1;
}

void fpost_findings_note(struct fpost_findings *findings, const char *text) {
  struct fpost_results *results = findings->results;
  uint32_t count = atomic_load(&results->notes_count);
  for (uint32_t i = 0; i < count && i < FPOST_RESULTS_NOTES_MAX; i++) {
    struct fpost_results_note *note = &results->notes[i];
    if (atomic_load(&note->ready) != 0 && note->process == findings->process &&
        strncmp(note->text, text, sizeof(note->text) - 1) == 0) {
      atomic_fetch_add(&note->count, 1);
      return;
    }
  }
  uint32_t entry = entry_claim(&results->notes_count, FPOST_RESULTS_NOTES_MAX);
  if (entry == UINT32_MAX) {
    return;
  }
  struct fpost_results_note *out = &results->notes[entry];
  struct fpost_text copy = fpost_text_in(out->text, sizeof(out->text));
  fpost_text_add(&copy, text);
  out->process = findings->process;
  atomic_store(&out->count, 1);
  atomic_store(&out->ready, 1);
}
