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

static bool thread_has_room(const struct fpost_thread *thread, uint32_t count) {
  return thread->pending_max - thread->pending_count >= count;
}

/* The thread waits for so many of the line. The caller made sure of the room.
 */
static void pending_add(struct fpost_thread *thread, struct fpost_line *line,
                        uint32_t stores, uint32_t nt) {
  FPOST_ASSERT(thread->pending_count < thread->pending_max);
  thread->pending[thread->pending_count] =
      (struct fpost_pending){.line = line, .stores = stores, .nt = nt};
  thread->pending_count++;
  thread->nt_count += nt;
}

static void line_guarantee(struct fpost_line *line, uint32_t stores) {
  if (stores > line->guaranteed) {
    line->guaranteed = stores;
  }
  line_check(line);
}

static bool line_awaits(const struct fpost_line *line,
                        const struct fpost_thread *thread) {
  return line->flusher == thread->id + 1;
}

/* May an NT store to the line still be in a write-combining buffer? */
static bool nt_waits(const struct fpost_line *line) {
  return line->nt != 0 && line->flushed > line->guaranteed;
}

/*
 * The line's last store or flush waits for a fence of the thread. Unless the
 * line knows an earlier NT store of the thread that does, it keeps this one.
 */
static void line_await(const struct fpost_mode *mode, struct fpost_line *line,
                       struct fpost_thread *thread, bool nt) {
  bool earlier = nt_waits(line) && line_awaits(line, thread);
  if (mode->coarse || !earlier) {
    line->flushed = line->stores;
    line->flusher = (thread->id + 1) & INT32_MAX;
    line->nt = nt;
  }
  pending_add(thread, line, line->stores, nt);
}

static void line_store(const struct fpost_mode *mode,
                       struct fpost_thread *thread, struct fpost_line *line,
                       bool nt) {
  line_check(line);
  if (line->stores != UINT32_MAX) {
    line->stores++;
  }
  if (nt) {
    line_await(mode, line, thread, true);
  } else if (mode->domain == FPOST_DOMAIN_EADR) {
    line_guarantee(line, line->stores);
  }
}

/*
 * The thread stores to the line: its NT stores to it were first (N1). They are
 * the last of the line; if that is not sure, the line knows the last of them.
 */
static void line_overtake(const struct fpost_mode *mode,
                          struct fpost_line *line,
                          const struct fpost_thread *thread) {
  if (nt_waits(line) && line_awaits(line, thread)) {
    line_guarantee(line, mode->coarse ? line->flushed : line->stores);
  }
}

int fpost_model_store(const struct fpost_mode *mode,
                      struct fpost_thread *thread, struct fpost_line *line,
                      uint32_t words, uint32_t flags) {
  thread_check(thread);
  FPOST_ASSERT(words - 1 < UINT8_MAX);
  bool nt = (flags & (FENCEPOST_STORE_NT | FENCEPOST_STORE_WHOLE)) != 0;
  if (!mode->torn) {
    if (nt && !thread_has_room(thread, 1)) {
      return FPOST_ENOMEM;
    }
    if (!nt) {
      line_overtake(mode, line, thread);
    }
    line_store(mode, thread, line, nt);
    return FPOST_OK;
  }
  if (nt && !thread_has_room(thread, (uint32_t)__builtin_popcount(words))) {
    return FPOST_ENOMEM;
  }
  for (uint32_t w = 0; w < FPOST_LINE_WORDS; w++) {
    if (!nt) {
      line_overtake(mode, &line[w], thread);
    }
    if ((words >> w & 1) != 0) {
      line_store(mode, thread, &line[w], nt);
    }
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

/* The thread's flush covers the first stores of the line only. */
static void line_flush_before(struct fpost_thread *thread,
                              struct fpost_line *line, uint32_t stores,
                              uint32_t kind) {
  if (kind == FENCEPOST_CLFLUSH) {
    line_guarantee(line, stores);
  } else if (stores > line->guaranteed) {
    pending_add(thread, line, stores, 0);
  }
}

static enum fpost_flush_result line_flush(const struct fpost_mode *mode,
                                          struct fpost_thread *thread,
                                          struct fpost_line *line,
                                          uint32_t kind) {
  line_check(line);
  enum fpost_flush_result found = FPOST_FLUSH_USEFUL;
  if (line->guaranteed == line->stores) {
    found = FPOST_FLUSH_NOTHING;
  } else if (line_awaits(line, thread) && line->flushed == line->stores) {
    found = FPOST_FLUSH_REPEATED;
  }
  if (!mode->coarse && fpost_model_nt_awaited(thread, line)) {
    line_flush_before(thread, line, line->flushed - 1, kind);
  } else if (kind == FENCEPOST_CLFLUSH) {
    line_guarantee(line, line->stores);
  } else if (found == FPOST_FLUSH_USEFUL) {
    line_await(mode, line, thread, false);
  }
  return found;
}

int fpost_model_flush(const struct fpost_mode *mode,
                      struct fpost_thread *thread, struct fpost_line *line,
                      uint32_t kind, enum fpost_flush_result *result) {
  thread_check(thread);
  uint32_t cuts = fpost_mode_cuts(mode);
  if (kind != FENCEPOST_CLFLUSH) {
    if (!thread_has_room(thread, cuts)) {
      return FPOST_ENOMEM;
    }
  } else if (thread->nt_count != 0) {
    nt_complete(thread);
  }
  enum fpost_flush_result found = FPOST_FLUSH_NOTHING;
  for (uint32_t i = 0; i < cuts; i++) {
    enum fpost_flush_result one = line_flush(mode, thread, &line[i], kind);
    if (one > found) {
      found = one;
    }
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
  }
  thread->pending_count = 0;
  thread->nt_count = 0;
  return raised;
}

void fpost_model_durable(const struct fpost_mode *mode,
                         struct fpost_line *line) {
  for (uint32_t i = 0; i < fpost_mode_cuts(mode); i++) {
    line_guarantee(&line[i], line[i].stores);
  }
}

void fpost_model_drained(const struct fpost_mode *mode,
                         struct fpost_line *line) {
  for (uint32_t i = 0; i < fpost_mode_cuts(mode); i++) {
    if (nt_waits(&line[i])) {
      line_guarantee(&line[i], line[i].stores);
    }
  }
}

bool fpost_model_nt_awaited(const struct fpost_thread *thread,
                            const struct fpost_line *line) {
  return nt_waits(line) && !line_awaits(line, thread);
}

bool fpost_model_fence_useful(const struct fpost_thread *thread) {
  for (uint32_t i = 0; i < thread->pending_count; i++) {
    if (thread->pending[i].stores > thread->pending[i].line->guaranteed) {
      return true;
    }
  }
  return false;
}
