/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/model/model.h"

#include "rt/base/assert.h"

static void line_check(const struct fpost_line *line) {
  FPOST_ASSERT(line->guaranteed <= line->stores);
  FPOST_ASSERT(line->flushed <= line->stores);
}

static void thread_check(const struct fpost_thread *thread) {
  FPOST_ASSERT(thread->pending_count <= thread->pending_max);
  FPOST_ASSERT(thread->nt_count <= thread->pending_count);
}

static void line_guarantee(struct fpost_line *line, uint32_t stores) {
  if (stores > line->guaranteed) {
    line->guaranteed = stores;
  }
  line_check(line);
}

static int pending_add(struct fpost_thread *thread, struct fpost_line *line,
                       uint32_t nt) {
  if (thread->pending_count == thread->pending_max) {
    return FPOST_ENOMEM;
  }
  thread->pending[thread->pending_count] =
      (struct fpost_pending){.line = line, .stores = line->stores, .nt = nt};
  thread->pending_count++;
  thread->nt_count += nt;
  thread_check(thread);
  return FPOST_OK;
}

/* Is an NT store to this line still in some write-combining buffer? */
static bool line_has_nt(const struct fpost_thread *thread,
                        const struct fpost_line *line) {
  for (uint32_t i = 0; thread->nt_count != 0 && i < thread->pending_count; i++) {
    if (thread->pending[i].nt != 0 && thread->pending[i].line == line) {
      return true;
    }
  }
  return false;
}

int fpost_model_store(enum fpost_domain domain, struct fpost_thread *thread,
                      struct fpost_line *line, uint32_t flags) {
  line_check(line);
  thread_check(thread);
  bool nt = (flags & (FENCEPOST_STORE_NT | FENCEPOST_STORE_WHOLE)) != 0;
  if (nt && thread->pending_count == thread->pending_max) {
    return FPOST_ENOMEM;
  }
  if (line->stores != UINT32_MAX) {
    line->stores++;
  }
  if (nt) {
    return pending_add(thread, line, 1);
  }
  if (domain == FPOST_DOMAIN_EADR && !line_has_nt(thread, line)) {
    line_guarantee(line, line->stores);
  }
  return FPOST_OK;
}

/* The thread's NT stores have left the write-combining buffer (N1). */
static void nt_complete(struct fpost_thread *thread) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < thread->pending_count; i++) {
    struct fpost_pending *pending = &thread->pending[i];
    if (pending->nt != 0) {
      line_guarantee(pending->line, pending->stores);
    } else {
      thread->pending[kept++] = *pending;
    }
  }
  thread->pending_count = kept;
  thread->nt_count = 0;
}

int fpost_model_flush(struct fpost_thread *thread, struct fpost_line *line,
                      uint32_t kind, enum fpost_flush_result *result) {
  line_check(line);
  thread_check(thread);
  enum fpost_flush_result found = FPOST_FLUSH_USEFUL;
  bool mine = line->flusher == thread->id + 1;
  if (line->guaranteed == line->stores) {
    found = FPOST_FLUSH_NOTHING;
  } else if (mine && line->flushed == line->stores) {
    found = FPOST_FLUSH_REPEATED;
  }
  if (kind == FENCEPOST_CLFLUSH) {
    if (thread->nt_count != 0) {
      nt_complete(thread);
    }
    line_guarantee(line, line->stores);
  } else if (found == FPOST_FLUSH_USEFUL) {
    int err = pending_add(thread, line, 0);
    if (err != FPOST_OK) {
      return err;
    }
    line->flushed = line->stores;
    line->flusher = thread->id + 1;
  }
  if (result != NULL) {
    *result = found;
  }
  return FPOST_OK;
}

uint32_t fpost_model_fence(struct fpost_thread *thread) {
  thread_check(thread);
  uint32_t raised = 0;
  for (uint32_t i = 0; i < thread->pending_count; i++) {
    struct fpost_line *line = thread->pending[i].line;
    raised += thread->pending[i].stores > line->guaranteed;
    line_guarantee(line, thread->pending[i].stores);
    if (line->flusher == thread->id + 1) {
      line->flusher = 0;
    }
  }
  thread->pending_count = 0;
  thread->nt_count = 0;
  return raised;
}

void fpost_model_durable(struct fpost_line *line) {
  line_guarantee(line, line->stores);
}

bool fpost_model_fence_useful(const struct fpost_thread *thread) {
  for (uint32_t i = 0; i < thread->pending_count; i++) {
    if (thread->pending[i].stores > thread->pending[i].line->guaranteed) {
      return true;
    }
  }
  return false;
}
