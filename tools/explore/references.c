/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/references.h"

#include "rt/base/assert.h"
#include "tools/explore/describe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Bytes of an observation that are kept, to be shown. */
#define KEPT_MAX (UINT64_C(1) << 18)
/* How long the clock goes on before an observation is made again. */
#define CONFIRM_MS 1100u

/* ---- observations ---- */

struct explore_bytes explore_observed(const struct explore_search *search) {
  struct explore_bytes taken = {.bytes = malloc(KEPT_MAX)};
  FPOST_ASSERT(taken.bytes != NULL);
  ssize_t got = pread(search->image.observe, taken.bytes, KEPT_MAX, 0);
  taken.size = got < 0 ? 0 : (size_t)got;
  return taken;
}

struct explore_bytes explore_outcome_bytes(struct explore_search *search,
                                           const struct fpost_plan_run *run) {
  const struct explore_found found = {.outcome = run->outcome,
                                      .value = run->value};
  const char *text = explore_outcome_text(search, &found);
  struct explore_bytes taken = {.bytes = (uint8_t *)strdup(text),
                                .size = strlen(text)};
  FPOST_ASSERT(taken.bytes != NULL);
  return taken;
}

static bool is_text(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if ((bytes[i] < ' ' && bytes[i] != '\n' && bytes[i] != '\t') ||
        bytes[i] > '~') {
      return false;
    }
  }
  return true;
}

char *explore_bytes_text(const uint8_t *bytes, size_t size) {
  bool plain = is_text(bytes, size);
  size_t room = plain ? size + 1 : (size / 16 + 1) * 64 + 1;
  char *text = malloc(room);
  size_t at = 0;
  FPOST_ASSERT(text != NULL);
  if (plain && size != 0) {
    memcpy(text, bytes, size);
  }
  text[plain ? size : 0] = '\0';
  for (size_t i = 0; i < size && !plain; i++) {
    if (i % 16 == 0) {
      at += (size_t)snprintf(text + at, room - at,
                             "%s%04zx:", i == 0 ? "" : "\n", i);
    }
    at += (size_t)snprintf(text + at, room - at, " %02x", bytes[i]);
  }
  return text;
}

char *explore_observed_text(struct explore_search *search) {
  struct explore_bytes taken = explore_observed(search);
  char *text = explore_bytes_text(taken.bytes, taken.size);
  free(taken.bytes);
  return text;
}

/* ---- the table ---- */

static int table_make(struct explore_db *db) {
  return sqlite3_exec(db->handle,
                      "CREATE TABLE IF NOT EXISTS refs(boundary INTEGER PRIMARY"
                      " KEY, same INTEGER, known INTEGER, observed INTEGER,"
                      " bytes BLOB)",
                      NULL, NULL, NULL) == SQLITE_OK
             ? FPOST_OK
             : FPOST_EIO;
}

static int table_put(struct explore_db *db, uint32_t boundary,
                     const struct explore_reference *reference,
                     const struct explore_bytes *of) {
  sqlite3_stmt *statement = NULL;
  int err = sqlite3_prepare_v2(db->handle,
                               "INSERT OR REPLACE INTO refs VALUES(?,?,?,?,?)",
                               -1, &statement, NULL);
  if (err == SQLITE_OK) {
    (void)sqlite3_bind_int64(statement, 1, boundary);
    (void)sqlite3_bind_int64(statement, 2, reference->same);
    (void)sqlite3_bind_int64(statement, 3, reference->known);
    (void)sqlite3_bind_int64(statement, 4, (int64_t)reference->observed);
    (void)sqlite3_bind_blob(statement, 5, of->bytes, (int)of->size,
                            SQLITE_STATIC);
    err = sqlite3_step(statement);
  }
  (void)sqlite3_finalize(statement);
  return err == SQLITE_DONE ? FPOST_OK : FPOST_EIO;
}

/* The references that are there; *missing: boundaries that have none. */
static int table_load(struct explore_db *db,
                      struct explore_reference *references, uint32_t count,
                      uint32_t *missing) {
  sqlite3_stmt *statement = NULL;
  int err = sqlite3_prepare_v2(
      db->handle, "SELECT boundary, same, known, observed FROM refs", -1,
      &statement, NULL);
  *missing = count;
  while (err == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
    int64_t boundary = sqlite3_column_int64(statement, 0);
    if (boundary < 0 || boundary >= count) {
      continue;
    }
    references[boundary] = (struct explore_reference){
        .same = (uint32_t)sqlite3_column_int64(statement, 1),
        .known = sqlite3_column_int64(statement, 2) != 0,
        .observed = (uint64_t)sqlite3_column_int64(statement, 3)};
    (*missing)--;
  }
  (void)sqlite3_finalize(statement);
  /* Equal images: the first has it. */
  for (uint32_t i = 0; i < count; i++) {
    uint32_t same = references[i].same;
    if (same < i) {
      references[i] = references[same];
      references[i].same = same;
    }
  }
  return err == SQLITE_OK ? FPOST_OK : FPOST_EIO;
}

char *explore_reference_text(struct explore_search *search, uint32_t boundary) {
  const struct explore_operations *all = &search->info->operations;
  sqlite3_stmt *statement = NULL;
  char *text = NULL;
  int err = sqlite3_prepare_v2(search->db.handle,
                               "SELECT bytes FROM refs WHERE boundary=?", -1,
                               &statement, NULL);
  (void)sqlite3_bind_int64(statement, 1, all->references[boundary].same);
  if (err == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
    text = explore_bytes_text(sqlite3_column_blob(statement, 0),
                              (size_t)sqlite3_column_bytes(statement, 0));
  }
  (void)sqlite3_finalize(statement);
  return text;
}

/* ---- observers that say something else each time ---- */

/* The stretch of text around a byte, without line ends. */
static void excerpt(const struct explore_bytes *of, size_t at, char text[48]) {
  size_t start = at > 12 ? at - 12 : 0;
  size_t count = 0;
  for (size_t i = start; i < of->size && count < 40; i++) {
    uint8_t byte = of->bytes[i];
    text[count++] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
  }
  text[count] = '\0';
}

static void say_random(struct explore_search *search,
                       const struct explore_bytes *one,
                       const struct explore_bytes *two) {
  size_t common = one->size < two->size ? one->size : two->size;
  size_t first = 0;
  while (first < common && one->bytes[first] == two->bytes[first]) {
    first++;
  }
  size_t last = first;
  for (size_t i = first; i < common; i++) {
    last = one->bytes[i] != two->bytes[i] ? i : last;
  }
  char was[48];
  char is[48];
  excerpt(one, first, was);
  excerpt(two, first, is);
  fpost_error(
      "explore: what recovery says of a state is not the same each time: bytes "
      "%zu to %zu of its observation are '%s' once, then '%s'; it must depend "
      "on "
      "the pools alone: leave out times, addresses and process ids",
      first, one->size == two->size ? last : common, was, is);
  search->shared->failed = 1;
  search->shared->stop = 1;
}

/* By another process, the state is the same. */
static bool again_same(struct explore_search *search,
                       const struct explore_lost *lost, uint32_t count,
                       bool others_full) {
  struct fpost_plan_run run;
  struct explore_bytes one = explore_observed(search);
  if (!search->target.foreign) { /* of which each run is a process */
    explore_target_stop(&search->target);
  }
  explore_run_state(search, lost, count, others_full, &run);
  struct explore_bytes two = explore_observed(search);
  bool same =
      one.size == two.size && memcmp(one.bytes, two.bytes, one.size) == 0;
  if (!same && run.outcome == FPOST_OUTCOME_EXIT && run.value == 0) {
    say_random(search, &one, &two);
  }
  free(one.bytes);
  free(two.bytes);
  return same;
}

bool explore_references_confirm(struct explore_search *search,
                                const struct explore_lost *lost, uint32_t count,
                                bool others_full) {
  struct fpost_plan_run run;
  if (search->confirmed) {
    return true;
  }
  explore_run_state(search, lost, count, others_full, &run);
  (void)usleep(CONFIRM_MS * 1000);
  search->confirmed = true;
  return again_same(search, lost, count, others_full);
}

/* ---- observing ---- */

/* Images that were met before, by the hashes that stand for them. */
struct met {
  struct explore_hash content, space;
  uint32_t boundary; /* 1 + it; 0: free */
};

struct walk {
  struct explore_search *search;
  uint32_t worker; /* of jobs */
  uint32_t next;   /* boundary */
  bool edges;      /* the first and the last alone */
  struct met *met; /* open addressing */
  uint64_t met_size;
  const struct explore_reference *done; /* same == UINT32_MAX: not yet */
};

static uint32_t first_with(struct walk *walk, uint32_t boundary) {
  const struct explore_image *image = &walk->search->image;
  uint64_t at =
      (image->content.low ^ image->space.low * 31) & (walk->met_size - 1);
  for (;; at = (at + 1) & (walk->met_size - 1)) {
    struct met *met = &walk->met[at];
    if (met->boundary == 0) {
      *met = (struct met){image->content, image->space, boundary + 1};
      return boundary;
    }
    if (memcmp(&met->content, &image->content, sizeof met->content) == 0 &&
        memcmp(&met->space, &image->space, sizeof met->space) == 0) {
      return met->boundary - 1;
    }
  }
}

/* The image is that of the boundary: let recovery look at it. */
static int observe(struct walk *walk, uint32_t boundary) {
  struct explore_search *search = walk->search;
  const struct explore_operations *all = &search->info->operations;
  struct fpost_plan_run run = {0};
  struct explore_reference reference = {.same = first_with(walk, boundary)};
  struct explore_bytes of = {0};
  bool edge = boundary == 0 || boundary + 1 == all->boundaries_count;
  uint32_t jobs = search->config->jobs;
  bool mine = boundary % jobs == walk->worker;
  /* Who was given no observer may still call fencepost_observe: the first and
     the last boundary tell. */
  mine = mine && (edge || !walk->edges);
  if (!mine || walk->done[boundary].same != UINT32_MAX) {
    return FPOST_OK;
  }
  if (reference.same == boundary || edge) {
    explore_run_full(search, &run);
    if (run.outcome != FPOST_OUTCOME_EXIT || run.value != 0) {
      explore_run_state(search, NULL, 0, true, &run); /* what it says of it */
    }
    __atomic_add_fetch(&search->shared->reference_runs, 1, __ATOMIC_RELAXED);
    reference.known = run.outcome == FPOST_OUTCOME_EXIT && run.value == 0;
    reference.observed = run.observed;
    if (reference.known && edge && !again_same(search, NULL, 0, true)) {
      return FPOST_EINVAL;
    }
    of = reference.known ? explore_observed(search)
                         : explore_outcome_bytes(search, &run);
  }
  int err = table_put(&search->db, boundary, &reference, &of);
  free(of.bytes);
  return err;
}

static int walk_boundaries(struct walk *walk, struct fpost_reader *reader) {
  struct explore_search *search = walk->search;
  const struct explore_operations *all = &search->info->operations;
  struct fpost_record record;
  int err = FPOST_OK;
  while (search->shared->stop == 0 && walk->next < all->boundaries_count &&
         (err = fpost_reader_next(reader, &record)) == FPOST_OK) {
    while (err == FPOST_OK && walk->next < all->boundaries_count &&
           all->boundaries[walk->next].event == reader->index) {
      err =
          search->image.content.low == 0 ? FPOST_OK : observe(walk, walk->next);
      walk->next++;
    }
    if (err == FPOST_OK) {
      err = explore_image_apply(&search->image, &record, reader->index);
      explore_image_settle(&search->image);
    }
    if (err != FPOST_OK) {
      break;
    }
  }
  return err == FPOST_ENOENT ? FPOST_OK : err;
}

static int worker(const struct explore_config *config,
                  const struct explore_info *info,
                  struct explore_shared *shared, struct walk walk) {
  struct explore_search *search = calloc(1, sizeof *search);
  struct fpost_reader reader;
  FPOST_ASSERT(search != NULL);
  uint64_t count = info->operations.boundaries_count;
  walk.met_size = 1024;
  while (walk.met_size < 2 * count) {
    walk.met_size *= 2;
  }
  walk.met = calloc(walk.met_size, sizeof *walk.met);
  FPOST_ASSERT(walk.met != NULL);
  search->config = config;
  search->info = info;
  search->shared = shared;
  walk.search = search;
  int err = explore_worker_begin(search, &reader);
  if (err == FPOST_OK) {
    err = explore_db_begin(&search->db);
  }
  if (err == FPOST_OK) {
    err = walk_boundaries(&walk, &reader);
    explore_target_stop(&search->target);
  }
  if (err == FPOST_OK) {
    err = explore_db_commit(&search->db);
  }
  if (err != FPOST_OK && shared->failed == 0) {
    fpost_error("explore: the references of operations cannot be made: %s",
                search->db.error);
    shared->failed = 1;
  }
  return err;
}

static int observe_all(const struct explore_config *config,
                       const struct explore_info *info,
                       struct explore_shared *shared,
                       const struct explore_reference *done, bool edges) {
  uint32_t alive = 0;
  bool failed = false;
  (void)fflush(NULL);
  for (uint32_t i = 0; i < config->jobs; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      int err =
          worker(config, info, shared,
                 (struct walk){.worker = i, .edges = edges, .done = done});
      (void)fflush(NULL);
      _exit(err == FPOST_OK ? 0 : 1);
    }
    alive += pid > 0;
    failed = failed || pid < 0;
  }
  while (alive > 0) {
    int status = 0;
    if (waitpid(-1, &status, 0) < 0) {
      break;
    }
    alive--;
    failed = failed || status != 0;
  }
  return failed ? FPOST_EIO : FPOST_OK;
}

/* Does recovery say anything at all? */
static bool says_something(const struct explore_reference *references,
                           uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (references[i].observed != 0) {
      return true;
    }
  }
  return false;
}

uint32_t explore_references_unknown(struct explore_db *db, char why[128]) {
  sqlite3_stmt *statement = NULL;
  uint32_t count = 0;
  int err = sqlite3_prepare_v2(
      db->handle,
      "SELECT count(*), (SELECT bytes FROM refs WHERE known=0 AND same=boundary"
      " ORDER BY boundary LIMIT 1) FROM refs WHERE known=0 AND same=boundary",
      -1, &statement, NULL);
  *why = '\0';
  if (err == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
    const void *text = sqlite3_column_blob(statement, 1);
    count = (uint32_t)sqlite3_column_int64(statement, 0);
    snprintf(why, 128, "%.*s", sqlite3_column_bytes(statement, 1),
             text == NULL ? "" : (const char *)text);
  }
  (void)sqlite3_finalize(statement); /* no operations: no such table */
  return count;
}

/* No reference has anything to judge by. Returns FPOST_EINVAL. */
static int say_nothing(const struct explore_config *config) {
  struct explore_db db;
  char why[128] = "";
  uint32_t unknown = 0;
  if (explore_db_open(&db, config->db, false) == FPOST_OK) {
    unknown = explore_references_unknown(&db, why);
    explore_db_close(&db);
  }
  if (unknown != 0) {
    fpost_error(
        "explore: --observe %s: operations cannot be judged: on the "
        "states between them, in which nothing is lost, %s; recovery "
        "must end well there and print what it recovered",
        config->observe, why);
  } else {
    fpost_error(
        "explore: --observe %s: recovery says nothing on any state "
        "between operations, so they cannot be judged; let it %s what "
        "it recovered",
        config->observe,
        strcmp(config->observe, "stdout") == 0 ? "print" : "write there");
  }
  return FPOST_EINVAL;
}

int explore_references(const struct explore_config *config,
                       struct explore_info *info,
                       struct explore_shared *shared) {
  struct explore_operations *all = &info->operations;
  uint32_t count = all->boundaries_count;
  uint32_t missing = 0;
  struct explore_db db;
  struct explore_reference *references = malloc(count * sizeof *references);
  FPOST_ASSERT(references != NULL);
  for (uint32_t i = 0; i < count; i++) {
    references[i] = (struct explore_reference){.same = UINT32_MAX};
  }
  int err = explore_db_open(&db, config->db, false);
  if (err != FPOST_OK) {
    fpost_error("explore: %s", db.error);
    free(references);
    return err;
  }
  err = table_make(&db);
  if (err == FPOST_OK) {
    err = table_load(&db, references, count, &missing);
  }
  if (err == FPOST_OK && missing == count && config->observe == NULL) {
    err = observe_all(config, info, shared, references, true);
    if (err == FPOST_OK) {
      err = table_load(&db, references, count, &missing);
    }
    if (err == FPOST_OK && !says_something(references, count)) {
      missing = 0;
    }
  }
  if (err == FPOST_OK && missing != 0) {
    err = observe_all(config, info, shared, references, false);
  }
  if (err == FPOST_OK) {
    err = table_load(&db, references, count, &missing);
  }
  explore_db_close(&db);
  if (err != FPOST_OK) {
    free(references);
    return err;
  }
  for (uint32_t i = 0; i < count; i++) {
    if (references[i].same == UINT32_MAX) { /* there was no pool yet */
      references[i] = (struct explore_reference){.same = i};
    }
  }
  all->references = references;
  if (says_something(references, count)) {
    return FPOST_OK;
  }
  all->references = NULL;
  free(references);
  return config->observe == NULL ? FPOST_OK : say_nothing(config);
}
