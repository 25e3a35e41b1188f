/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/overlap.h"

#include "rt/base/assert.h"
#include "tools/explore/apply.h"
#include "tools/explore/orders.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NONE UINT32_MAX
/* Verdicts that are remembered, by hash of the observation. */
#define CACHE 64u
/* Legal states that are compared to find the nearest. */
#define COMPARED_MAX 64u
/* Names of operations that --apply is tried on before it is used. */
#define TRIED_MAX 64u
/* Operations of an order that are named, the last ones. */
#define NAMED_MAX 8u

/* Verdicts of one moment. */
struct cached {
  uint64_t observed; /* 0: free */
  enum explore_verdict verdict;
  uint32_t operation;
};

struct explore_overlap {
  struct explore_apply apply;
  struct explore_orders quick; /* by observation */
  struct explore_orders exact; /* by content; begun if it had to be */
  bool quick_begun, exact_begun;
  uint32_t agrees; /* 1 + the stretch that was found to agree last */
  struct explore_moment moment; /* of the cache */
  struct cached cache[CACHE];
};

/* The search of the run; that of a crash in recovery is within it. */
static struct explore_search *outermost(struct explore_search *search) {
  while (search->outer != NULL) {
    search = search->outer;
  }
  return search;
}

static struct explore_overlap *overlap_of(struct explore_search *search) {
  if (search->overlap == NULL) {
    search->overlap = calloc(1, sizeof *search->overlap);
    FPOST_ASSERT(search->overlap != NULL);
  }
  return search->overlap;
}

void explore_overlap_free(struct explore_search *search) {
  struct explore_overlap *overlap = search->overlap;
  if (overlap != NULL) {
    explore_apply_stop(&overlap->apply);
    explore_orders_free(&overlap->quick);
    explore_orders_free(&overlap->exact);
    free(overlap);
    search->overlap = NULL;
  }
}

/* ---- the table ---- */

/* Returns FPOST_ENOENT if the order has not been replayed. */
static int row_get(struct explore_db *db, uint32_t stretch,
                   struct explore_order *order) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(
      db->handle,
      "SELECT known, observed, low, high FROM orders WHERE stretch=? AND id=?",
      -1, &statement, NULL);
  if (code == SQLITE_OK) {
    (void)sqlite3_bind_int64(statement, 1, stretch);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)order->id);
    code = sqlite3_step(statement);
  }
  if (code == SQLITE_ROW) {
    order->known = sqlite3_column_int64(statement, 0) != 0;
    order->observed = (uint64_t)sqlite3_column_int64(statement, 1);
    order->content.low = (uint64_t)sqlite3_column_int64(statement, 2);
    order->content.high = (uint64_t)sqlite3_column_int64(statement, 3);
  }
  (void)sqlite3_finalize(statement);
  return code == SQLITE_ROW    ? FPOST_OK
         : code == SQLITE_DONE ? FPOST_ENOENT
                               : FPOST_EIO;
}

/* Many orders lead to the same observation, whose bytes one of them has. */
static int row_put(struct explore_db *db, uint32_t stretch,
                   const struct explore_order *order,
                   const struct explore_bytes *of) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(
      db->handle,
      "INSERT OR IGNORE INTO orders SELECT ?1,?2,?3,?4,?5,?6,"
      " CASE WHEN EXISTS(SELECT 1 FROM orders WHERE stretch=?1 AND observed=?4"
      " AND bytes IS NOT NULL) THEN NULL ELSE ?7 END",
      -1, &statement, NULL);
  if (code == SQLITE_OK) {
    (void)sqlite3_bind_int64(statement, 1, stretch);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)order->id);
    (void)sqlite3_bind_int64(statement, 3, order->known);
    (void)sqlite3_bind_int64(statement, 4, (int64_t)order->observed);
    (void)sqlite3_bind_int64(statement, 5, (int64_t)order->content.low);
    (void)sqlite3_bind_int64(statement, 6, (int64_t)order->content.high);
    (void)sqlite3_bind_blob(statement, 7, of->bytes, (int)of->size,
                            SQLITE_STATIC);
    code = sqlite3_step(statement);
  }
  (void)sqlite3_finalize(statement);
  return code == SQLITE_DONE ? FPOST_OK : FPOST_EIO;
}

/* What was observed after the order, as text. */
static char *row_text(struct explore_db *db, uint32_t stretch,
                      const struct explore_order *order) {
  sqlite3_stmt *statement = NULL;
  char *text = NULL;
  int code = sqlite3_prepare_v2(db->handle,
                                "SELECT bytes FROM orders WHERE stretch=? AND "
                                "observed=? AND bytes IS NOT NULL",
                                -1, &statement, NULL);
  if (code == SQLITE_OK) {
    (void)sqlite3_bind_int64(statement, 1, stretch);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)order->observed);
    code = sqlite3_step(statement);
  }
  if (code == SQLITE_ROW) {
    text = explore_bytes_text(sqlite3_column_blob(statement, 0),
                              (size_t)sqlite3_column_bytes(statement, 0));
  }
  (void)sqlite3_finalize(statement);
  return text;
}

/* ---- the orders of a stretch ---- */

/* Says that the database failed, if it did. */
static int row_done(struct explore_search *search, int err) {
  if (err != FPOST_OK) {
    fpost_error("explore: the orders of operations: %s",
                sqlite3_errmsg(search->db.handle));
    search->shared->failed = 1;
    search->shared->stop = 1;
  }
  return err;
}

/* explore_orders_replay: the context is the outermost search. */
static int replay(void *context, const struct explore_orders *orders,
                  struct explore_order *order) {
  struct explore_search *search = context;
  struct explore_applied applied;
  int err = row_get(&search->db, orders->first, order);
  if (err != FPOST_ENOENT) {
    return row_done(search, err);
  }
  if (search->deadline_ms != 0 && explore_now_ms() >= search->deadline_ms) {
    search->shared->unfinished = 1;
    search->shared->stop = 1;
    return FPOST_ENOENT; /* and there will be none */
  }
  uint32_t *operations = malloc((order->length + 1) * sizeof *operations);
  FPOST_ASSERT(operations != NULL);
  explore_orders_sequence(orders, order, operations);
  err = explore_apply_ask(&overlap_of(search)->apply, search, orders->first,
                          operations, order->length, &applied);
  free(operations);
  if (err == FPOST_OK) {
    order->content = applied.content;
    order->observed = applied.observed;
    order->known = applied.known;
    err = row_done(search,
                   row_put(&search->db, orders->first, order, &applied.of));
    free(applied.of.bytes);
  }
  return err;
}

/* Let the orders be those of the stretch, passed up to the boundary. */
static int orders_at(struct explore_search *search,
                     struct explore_orders *orders, bool *begun, bool quick,
                     uint32_t stretch, uint32_t passed) {
  int err = FPOST_OK;
  if (*begun && (orders->first != stretch || orders->next > passed + 1)) {
    explore_orders_free(orders);
    *begun = false;
  }
  if (!*begun) {
    err = explore_orders_begin(orders, &search->info->operations, stretch,
                               quick, replay, search);
    *begun = true;
  }
  if (err == FPOST_OK) {
    err = explore_orders_pass(orders, passed, replay, search);
  }
  return err;
}

/* Those by which a state at the moment is explained in the end. */
static const struct explore_orders *
orders_last(const struct explore_overlap *overlap,
            const struct explore_moment *moment) {
  bool exact = overlap->exact_begun &&
               overlap->exact.first == moment->stretch &&
               overlap->exact.next == moment->passed + 1;
  return exact ? &overlap->exact : &overlap->quick;
}

static enum explore_verdict orders_explain(const struct explore_orders *orders,
                                           const struct explore_moment *moment,
                                           uint64_t observed) {
  /* Where there were too many, they are as they were then. */
  return orders->full && orders->next < moment->passed
             ? EXPLORE_UNDECIDED
             : explore_orders_explain(orders, observed);
}

static int explain(struct explore_search *search,
                   const struct explore_moment *moment, uint64_t observed,
                   enum explore_verdict *verdict) {
  struct explore_overlap *overlap = overlap_of(search);
  int err = orders_at(search, &overlap->quick, &overlap->quick_begun, true,
                      moment->stretch, moment->passed);
  if (err == FPOST_OK) {
    *verdict = orders_explain(&overlap->quick, moment, observed);
  }
  if (err != FPOST_OK || *verdict != EXPLORE_TORN || !overlap->quick.merged) {
    return err;
  }
  /* Orders that look alike may have led to different states later. */
  err = orders_at(search, &overlap->exact, &overlap->exact_begun, false,
                  moment->stretch, moment->passed);
  if (err == FPOST_OK) {
    *verdict = orders_explain(&overlap->exact, moment, observed);
  }
  return err;
}

/* ---- verdicts ---- */

/* The operation that is gone if the state is that of an older boundary. */
static uint32_t lost_after(const struct explore_operations *all,
                           uint32_t boundary) {
  const struct explore_boundary *at = &all->boundaries[boundary];
  if (at->ends && boundary + 1 < all->boundaries_count) {
    at = &all->boundaries[boundary + 1];
  }
  return at->operation;
}

static bool is_reference(const struct explore_operations *all, uint32_t low,
                         uint32_t high, uint64_t observed) {
  for (uint32_t i = high + 1; i-- > low;) {
    if (all->references[i].observed == observed || !all->references[i].known) {
      return true;
    }
  }
  return false;
}

/* Do the boundaries suffice, which show the stretch before and after it? */
static bool by_boundaries(const struct explore_operations *all,
                          const struct explore_moment *moment,
                          uint64_t observed, bool *undone) {
  uint32_t last = all->boundaries[moment->stretch].last;
  bool all_begun = true;
  *undone = true; /* nothing that returned must be there */
  for (uint32_t i = moment->stretch; i <= last; i++) {
    const struct explore_boundary *at = &all->boundaries[i];
    if (i > moment->passed) {
      all_begun = all_begun && at->ends;
    } else if (at->ends && !all->operations[at->operation].buffered) {
      *undone = false;
    }
  }
  return (*undone &&
          is_reference(all, moment->low, moment->stretch, observed)) ||
         (all_begun && is_reference(all, last, moment->high, observed));
}

/* Can orders explain states of the stretch? None has what others stored
   meanwhile, and none begins where the pool was not there yet. */
static bool has_orders(const struct explore_operations *all, uint32_t stretch) {
  return !all->boundaries[stretch].unmarked && all->references[stretch].known;
}

/*
 * Some order must lead to the state in which the program left the stretch, or
 * nothing that orders do not explain means anything. Returns 0, or an error
 * that was printed and stops the exploration, or says that time is out.
 */
static int stretch_agrees(struct explore_search *search, uint32_t stretch) {
  const struct explore_operations *all = &search->info->operations;
  uint32_t last = all->boundaries[stretch].last;
  const struct explore_moment end = {.stretch = stretch, .passed = last};
  enum explore_verdict verdict = EXPLORE_UNDECIDED;
  if (!all->references[last].known) {
    return FPOST_OK;
  }
  int err = explain(search, &end, all->references[last].observed, &verdict);
  if (err != FPOST_OK || verdict != EXPLORE_TORN) {
    return err;
  }
  if (__atomic_exchange_n(&search->shared->failed, 1, __ATOMIC_RELAXED) == 0) {
    fpost_error(
        "explore: --apply '%s': no order of the %u operations from '%s' on "
        "leads to the state in which the program left them, without any "
        "crash: it does not do what they do, or they do not exclude each "
        "other as they should",
        search->config->apply, (last - stretch + 1) / 2,
        all->operations[all->boundaries[stretch].operation].name);
  }
  search->shared->stop = 1;
  return FPOST_EINVAL;
}

/* By the orders of the stretch, which are those of the moment then. */
static int by_orders(struct explore_search *search,
                     const struct explore_moment *moment, uint64_t observed,
                     enum explore_verdict *verdict) {
  struct explore_overlap *overlap = overlap_of(search);
  int err = explain(search, moment, observed, verdict);
  if (err == FPOST_OK && *verdict == EXPLORE_TORN &&
      overlap->agrees != moment->stretch + 1) {
    err = stretch_agrees(search, moment->stretch);
    overlap->agrees = moment->stretch + 1;
    if (err == FPOST_OK) {
      err = explain(search, moment, observed, verdict);
    }
  }
  return err;
}

static enum explore_verdict judge(struct explore_search *search,
                                  const struct explore_moment *moment,
                                  uint64_t observed, uint32_t *operation) {
  const struct explore_operations *all = &search->info->operations;
  enum explore_verdict verdict = EXPLORE_UNDECIDED;
  bool undone = false;
  if (by_boundaries(all, moment, observed, &undone)) {
    return EXPLORE_LEGAL;
  }
  if (!has_orders(all, moment->stretch)) {
    return EXPLORE_UNDECIDED;
  }
  if (by_orders(search, moment, observed, &verdict) != FPOST_OK) {
    search->point.complete = false; /* out of time, or it has failed */
    return EXPLORE_UNDECIDED;
  }
  if (verdict != EXPLORE_TORN) {
    return verdict;
  }
  if (undone && moment->crossed) {
    return EXPLORE_UNDECIDED;
  }
  const struct explore_orders *orders = orders_last(overlap_of(search), moment);
  *operation = explore_orders_lost(orders, observed);
  if (*operation != NONE) {
    return EXPLORE_LOST;
  }
  for (uint32_t i = moment->stretch; i-- > 0;) {
    if (all->references[i].known && all->references[i].observed == observed) {
      *operation = lost_after(all, i);
      return EXPLORE_LOST;
    }
  }
  return EXPLORE_TORN;
}

/* No operation overlaps another any more, and the state is none that is legal:
   which operation does an order lack that leads to it? */
static void lost_in_stretch(struct explore_search *search,
                            const struct explore_moment *moment,
                            uint64_t observed, uint32_t *operation) {
  enum explore_verdict verdict = EXPLORE_UNDECIDED;
  if (!has_orders(&search->info->operations, moment->stretch)) {
    return;
  }
  if (by_orders(search, moment, observed, &verdict) == FPOST_OK) {
    *operation =
        explore_orders_lost(orders_last(overlap_of(search), moment), observed);
  } else {
    search->point.complete = false;
  }
}

enum explore_verdict explore_state_verdict(struct explore_search *search,
                                           uint64_t observed,
                                           uint32_t *operation) {
  const struct explore_operations *all = &search->info->operations;
  const struct explore_moment *moment = &search->moment;
  uint32_t boundary = 0;
  *operation = NONE;
  if (!moment->judged || !moment->overlap || !all->replayed) {
    enum explore_verdict verdict =
        explore_operations_verdict(all, moment, observed, &boundary);
    bool older = verdict == EXPLORE_LOST &&
                 (moment->stretch == NONE || boundary < moment->stretch);
    if ((verdict == EXPLORE_LOST || verdict == EXPLORE_TORN) && !older &&
        all->replayed && moment->stretch != NONE) {
      lost_in_stretch(outermost(search), moment, observed, operation);
    }
    if (verdict == EXPLORE_LOST && *operation == NONE) {
      *operation = lost_after(all, boundary);
    }
    return *operation == NONE ? verdict : EXPLORE_LOST;
  }
  struct explore_search *search_of_run = outermost(search);
  struct explore_overlap *overlap = overlap_of(search_of_run);
  const struct explore_moment *of = &overlap->moment;
  if (!of->judged || of->stretch != moment->stretch ||
      of->passed != moment->passed || of->low != moment->low ||
      of->high != moment->high) {
    overlap->moment = *moment;
    memset(overlap->cache, 0, sizeof overlap->cache);
  }
  struct cached *cached = &overlap->cache[observed % CACHE];
  if (cached->observed != observed || observed == 0) {
    cached->operation = NONE;
    cached->verdict =
        judge(search_of_run, moment, observed, &cached->operation);
    cached->observed = observed;
  }
  *operation = cached->operation;
  return cached->verdict;
}

uint32_t explore_state_operation(const struct explore_search *search,
                                 uint32_t thread, uint32_t other) {
  const struct explore_operations *all = &search->info->operations;
  const struct explore_moment *moment = &search->moment;
  if (moment->stretch == NONE || all->operations[other].thread == thread) {
    return other;
  }
  for (uint32_t i = moment->passed + 1; i-- > moment->stretch;) {
    uint32_t operation = all->boundaries[i].operation;
    if (all->operations[operation].thread == thread) {
      return operation;
    }
  }
  return other;
}

/* ---- the nearest state ---- */

struct line {
  uint64_t hash;
};

static int line_compare(const void *a, const void *b) {
  const struct line *one = a;
  const struct line *two = b;
  return one->hash < two->hash ? -1 : one->hash > two->hash;
}

/* The lines of a text, sorted; the caller frees them. */
static struct line *lines_of(const char *text, uint32_t *count) {
  struct line *lines = malloc((strlen(text) + 1) * sizeof *lines);
  FPOST_ASSERT(lines != NULL);
  *count = 0;
  while (*text != '\0') {
    size_t size = strcspn(text, "\n");
    lines[(*count)++] = (struct line){XXH3_64bits(text, size)};
    text += size + (text[size] == '\n');
  }
  qsort(lines, *count, sizeof *lines, line_compare);
  return lines;
}

/* How many lines are in one of the texts only. */
static uint32_t distance(const char *a, const char *b) {
  uint32_t of_a = 0;
  uint32_t of_b = 0;
  struct line *one = lines_of(a, &of_a);
  struct line *two = lines_of(b, &of_b);
  uint32_t differ = 0;
  uint32_t i = 0;
  uint32_t j = 0;
  while (i < of_a && j < of_b) {
    int order = line_compare(&one[i], &two[j]);
    differ += order != 0;
    i += order <= 0;
    j += order >= 0;
  }
  free(one);
  free(two);
  return differ + (of_a - i) + (of_b - j);
}

static char *order_text(const struct explore_orders *orders,
                        const struct explore_order *order) {
  uint32_t *operations = malloc((order->length + 1) * sizeof *operations);
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  FPOST_ASSERT(operations != NULL && out != NULL);
  explore_orders_sequence(orders, order, operations);
  uint32_t first = order->length > NAMED_MAX ? order->length - NAMED_MAX : 0;
  fputs(order->length == 0 ? "before them"
        : first != 0       ? "after ..., "
                           : "after ",
        out);
  for (uint32_t i = first; i < order->length; i++) {
    fprintf(out, "%s%s", i == first ? "" : ", ",
            orders->all->operations[operations[i]].name);
  }
  (void)fclose(out);
  free(operations);
  return text;
}

/* Is it legal, and the first with its observation? */
static bool stands(const struct explore_orders *orders, uint32_t index) {
  const struct explore_order *order = &orders->orders[index];
  bool does = order->known && order->standing != EXPLORE_ORDER_GONE;
  for (uint32_t i = 0; i < index && does; i++) {
    const struct explore_order *other = &orders->orders[i];
    does = !other->known || other->standing == EXPLORE_ORDER_GONE ||
           other->observed != order->observed;
  }
  return does;
}

void explore_state_nearest(struct explore_search *search, const char *found,
                           struct explore_nearest *nearest) {
  search = outermost(search);
  const struct explore_orders *orders =
      orders_last(overlap_of(search), &search->moment);
  const struct explore_order *best = NULL;
  uint32_t least = UINT32_MAX;
  *nearest = (struct explore_nearest){.count = 0};
  for (uint32_t i = 0; i < orders->count; i++) {
    if (!stands(orders, i)) {
      continue;
    }
    char *text = nearest->count < COMPARED_MAX
                     ? row_text(&search->db, orders->first, &orders->orders[i])
                     : NULL;
    uint32_t differ = text == NULL ? UINT32_MAX : distance(text, found);
    nearest->count++;
    if (differ < least) {
      least = differ;
      best = &orders->orders[i];
      free(nearest->text);
      nearest->text = text;
    } else {
      free(text);
    }
  }
  if (best != NULL) {
    nearest->order = order_text(orders, best);
  }
}

/* ---- is --apply right? ---- */

/* The first line in which two texts differ. */
static void first_difference(const char *is, const char *should, char *text,
                             size_t room) {
  uint32_t line = 1;
  for (;;) {
    size_t one = strcspn(is, "\n");
    size_t two = strcspn(should, "\n");
    if (one != two || memcmp(is, should, one) != 0 ||
        (is[one] == '\0' && should[two] == '\0')) {
      snprintf(text, room, "line %u of it is '%.*s' instead of '%.*s'", line,
               one > 80 ? 80 : (int)one, is, two > 80 ? 80 : (int)two, should);
      return;
    }
    line++;
    is += one + (is[one] == '\n');
    should += two + (should[two] == '\n');
  }
}

/* Nothing overlaps it, and the run shows that it changes something. */
static bool is_alone(const struct explore_operations *all, uint32_t index) {
  const struct explore_operation *operation = &all->operations[index];
  const struct explore_boundary *begin = &all->boundaries[operation->begin];
  const struct explore_reference *before = &all->references[operation->begin];
  const struct explore_reference *after = &all->references[operation->end];
  return begin->first == begin->last && !begin->unmarked && before->known &&
         after->known && before->observed != after->observed;
}

/* Names of operations that --apply was tried on. */
struct tried {
  const char *names[TRIED_MAX];
  uint32_t count;
};

/* Is the name new? Then it is noted. */
static bool try_name(struct tried *tried, const char *name) {
  size_t size = strcspn(name, "(");
  for (uint32_t i = 0; i < tried->count; i++) {
    if (strcspn(tried->names[i], "(") == size &&
        memcmp(tried->names[i], name, size) == 0) {
      return false;
    }
  }
  if (tried->count == TRIED_MAX) {
    return false;
  }
  tried->names[tried->count++] = name;
  return true;
}

static int try_alone(struct explore_search *search, uint32_t index) {
  const struct explore_operations *all = &search->info->operations;
  const struct explore_operation *operation = &all->operations[index];
  struct explore_applied applied;
  int err = explore_apply_ask(&overlap_of(search)->apply, search,
                              operation->begin, &index, 1, &applied);
  if (err != FPOST_OK) {
    return err;
  }
  if (!applied.known) {
    char *how = explore_bytes_text(applied.of.bytes, applied.of.size);
    fpost_error(
        "explore: --apply '%s': on what it makes of '%s', %s, which "
        "it does not where the program did it",
        search->config->apply, operation->name, how);
    free(how);
    err = FPOST_EINVAL;
  } else if (applied.observed != all->references[operation->end].observed) {
    char *is = explore_bytes_text(applied.of.bytes, applied.of.size);
    char *should = explore_reference_text(search, operation->end);
    char text[256];
    first_difference(is, should == NULL ? "" : should, text, sizeof text);
    fpost_error(
        "explore: --apply '%s': '%s' leads to another state than in "
        "the program: %s, as recovery observes them",
        search->config->apply, operation->name, text);
    free(is);
    free(should);
    err = FPOST_EINVAL;
  }
  free(applied.of.bytes);
  return err;
}

/* Some order of the shortest stretch leads to where the program was. */
static int try_stretch(struct explore_search *search) {
  const struct explore_operations *all = &search->info->operations;
  struct explore_moment moment = {.stretch = NONE};
  for (uint32_t i = 0; i < all->boundaries_count; i++) {
    const struct explore_boundary *at = &all->boundaries[i];
    bool longer = moment.stretch != NONE &&
                  at->last - at->first >= moment.passed - moment.stretch;
    if (at->first != at->last && !at->unmarked && !longer &&
        all->references[at->first].known && all->references[at->last].known) {
      moment.stretch = at->first;
      moment.passed = at->last;
    }
  }
  if (moment.stretch == NONE) {
    return FPOST_OK;
  }
  return stretch_agrees(search, moment.stretch);
}

int explore_overlap_validate(const struct explore_config *config,
                             const struct explore_info *info,
                             struct explore_shared *shared) {
  const struct explore_operations *all = &info->operations;
  struct explore_search *search = calloc(1, sizeof *search);
  struct tried tried = {.count = 0};
  FPOST_ASSERT(search != NULL);
  search->config = config;
  search->info = info;
  search->shared = shared;
  int err = explore_db_open(&search->db, config->db, false);
  if (err != FPOST_OK) {
    fpost_error("explore: %s", search->db.error);
  }
  for (uint32_t i = 0; i < all->count && err == FPOST_OK; i++) {
    if (is_alone(all, i) && try_name(&tried, all->operations[i].name)) {
      err = try_alone(search, i);
    }
  }
  if (err == FPOST_OK && tried.count == 0) {
    err = try_stretch(search);
  }
  explore_overlap_free(search);
  explore_db_close(&search->db);
  free(search);
  return err;
}
