/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/finding.h"

#include "rt/base/assert.h"
#include "tools/baseline.h"
#include "tools/output.h"
#include "tools/suppress.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <xxhash.h>

/* A report's allocations, freed together. */
struct block {
  struct block *next;
};

struct fpost_report_memory {
  struct block *blocks;
  uint64_t *keys;    /* of the findings: what makes two of them the same */
  uint32_t *buckets; /* index of a finding + 1, by its key; 0 is free */
  bool settled;
};

void fpost_memory_exhausted(void) {
  fputs("fencepost: out of memory for the report\n", stderr);
  exit(FPOST_EXIT_USAGE);
}

void *fpost_report_memory(struct fpost_report *report, size_t size) {
  struct block *block = calloc(1, sizeof *block + size);
  if (block == NULL) {
    fpost_memory_exhausted();
  }
  block->next = report->memory->blocks;
  report->memory->blocks = block;
  return block + 1;
}

const char *fpost_report_text(struct fpost_report *report, const char *text) {
  if (text == NULL) {
    return NULL;
  }
  size_t size = strlen(text) + 1;
  return memcpy(fpost_report_memory(report, size), text, size);
}

const char *fpost_report_format(struct fpost_report *report, const char *format,
                                ...) {
  va_list arguments;
  char *text = NULL;
  va_start(arguments, format);
  if (vasprintf(&text, format, arguments) < 0) {
    fpost_memory_exhausted();
  }
  va_end(arguments);
  const char *copy = fpost_report_text(report, text);
  free(text);
  return copy;
}

static void class_unknown(const char *name, size_t size, const char *where) {
  const char *names[FPOST_CLASS_COUNT];
  char wanted[64];
  snprintf(wanted, sizeof wanted, "%.*s", (int)size, name);
  for (size_t i = 0; i < FPOST_CLASS_COUNT; i++) {
    names[i] = fpost_class_infos[i].name;
  }
  int near = fpost_nearest(wanted, names, FPOST_CLASS_COUNT);
  if (near >= 0) {
    fpost_error("%s: '%s' is no class of findings; did you mean '%s'?", where,
                wanted, names[near]);
  } else {
    fpost_error(
        "%s: '%s' is no class of findings; 'fencepost explain' lists them, "
        "such as 'missing-flush'",
        where, wanted);
  }
}

int fpost_class_find(const char *name, size_t size, const char *where) {
  for (int i = 0; i < FPOST_CLASS_COUNT; i++) {
    if (strlen(fpost_class_infos[i].name) == size &&
        strncmp(fpost_class_infos[i].name, name, size) == 0) {
      return i;
    }
  }
  class_unknown(name, size, where);
  return -1;
}

bool fpost_class_online(uint32_t class_) {
  switch (class_) {
  case FPOST_CLASS_RECOVERY_FAILURE:
  case FPOST_CLASS_CHECKSUM_COLLISION:
  case FPOST_CLASS_NOT_ROBUST:
  case FPOST_CLASS_PERSISTENCY_RACE:
  case FPOST_CLASS_NOT_FAILURE_ATOMIC:
  case FPOST_CLASS_LOST_OPERATION:
    return false;
  default:
    return true;
  }
}

/* The set of classes named by comma-separated lists. */
static int classes_parse(const struct fpost_texts *lists, const char *where,
                         uint32_t *set) {
  *set = 0;
  for (uint32_t i = 0; i < lists->count; i++) {
    const char *name = lists->items[i];
    for (;;) {
      size_t size = strcspn(name, ",");
      int class_ = fpost_class_find(name, size, where);
      if (class_ < 0) {
        return FPOST_EINVAL;
      }
      *set |= UINT32_C(1) << class_;
      if (name[size] == '\0') {
        break;
      }
      name += size + 1;
    }
  }
  return FPOST_OK;
}

static int filters_set(struct fpost_report *report,
                       const struct fpost_report_options *options) {
  static const enum fpost_severity severities[] = {
      FPOST_SEVERITY_ERROR, FPOST_SEVERITY_WARNING, FPOST_SEVERITY_PERFORMANCE,
      FPOST_SEVERITY_NOTE};
  uint32_t only = 0;
  uint32_t no = 0;
  for (uint32_t i = 0; i < FPOST_CLASS_COUNT; i++) {
    report->enabled |= (uint32_t)fpost_class_infos[i].on << i;
  }
  int err = classes_parse(&options->only, "--only", &only);
  if (err == FPOST_OK) {
    err = classes_parse(&options->no, "--no", &no);
  }
  if (err != FPOST_OK) {
    return err;
  }
  if (only != 0) {
    report->enabled = only;
    report->excluded = ~only;
  }
  report->enabled &= ~no;
  report->excluded |= no;
  report->fail_on = severities[options->fail_on];
  for (uint32_t i = 0; err == FPOST_OK && i < options->suppress.count; i++) {
    err = fpost_suppressions_read(report, options->suppress.items[i]);
  }
  if (err == FPOST_OK && options->baseline != NULL) {
    err = fpost_baseline_read(report, options->baseline);
  }
  return err;
}

int fpost_report_init(struct fpost_report *report,
                      const struct fpost_report_options *options) {
  memset(report, 0, sizeof *report);
  report->memory = calloc(1, sizeof *report->memory);
  report->symbols = fpost_symbols_new();
  if (report->memory == NULL || report->symbols == NULL) {
    fpost_memory_exhausted();
  }
  int err = filters_set(report, options);
  if (err != FPOST_OK) {
    fpost_report_free(report);
  }
  return err;
}

bool fpost_report_wants_races(const struct fpost_report *report,
                              const struct fpost_report_options *options) {
  const uint32_t classes = UINT32_C(1) << FPOST_CLASS_PM_DATA_RACE |
                           UINT32_C(1) << FPOST_CLASS_UNPERSISTED_READ |
                           UINT32_C(1) << FPOST_CLASS_ISOLATION;
  return options->only.count != 0 && (report->enabled & classes) != 0;
}

void fpost_report_free(struct fpost_report *report) {
  if (report->memory != NULL) {
    while (report->memory->blocks != NULL) {
      struct block *block = report->memory->blocks;
      report->memory->blocks = block->next;
      free(block);
    }
    free(report->memory->keys);
    free(report->memory->buckets);
    free(report->memory);
  }
  fpost_symbols_free(report->symbols);
  free(report->findings);
  report->memory = NULL;
  report->symbols = NULL;
  report->findings = NULL;
}

struct fpost_place fpost_report_place(struct fpost_report *report,
                                      const uint64_t *pcs, uint32_t count) {
  struct fpost_place place = {NULL, 0};
  uint32_t total = 0;
  const struct fpost_frame *found = NULL;
  uint32_t found_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (fpost_symbols_find(report->symbols, pcs[i], &found, &found_count) !=
        0) {
      fpost_memory_exhausted();
    }
    total += found_count;
  }
  if (total == 0) {
    return place;
  }
  struct fpost_frame *frames =
      fpost_report_memory(report, total * sizeof *frames);
  for (uint32_t i = 0; i < count; i++) {
    if (fpost_symbols_find(report->symbols, pcs[i], &found, &found_count) !=
        0) {
      fpost_memory_exhausted();
    }
    memcpy(frames + place.count, found, found_count * sizeof *frames);
    place.count += found_count;
  }
  place.frames = frames;
  return place;
}

/* Rust's own library is named /rustc/..., where its sources are installed, or
 * where the distribution built it. */
static bool path_system(const char *path) {
  return path == NULL || strstr(path, "/lib/rustlib/src/rust/") != NULL ||
         strncmp(path, "/usr/src/rustc-", 15) == 0 ||
         strncmp(path, "/usr/include/", 13) == 0 ||
         strncmp(path, "/usr/lib", 8) == 0 || strncmp(path, "/lib", 4) == 0 ||
         strncmp(path, "/rustc/", 7) == 0 || path[0] != '/';
}

bool fpost_frame_own(const struct fpost_frame *frame) {
  /* The annotations of the crate fencepost are ours. */
  bool annotation = frame->function != NULL &&
                    (strncmp(frame->function, "fencepost::", 11) == 0 ||
                     strncmp(frame->function, "<fencepost::", 12) == 0);
  /* So are the functions that stand between a program and libpmemobj. */
  bool interposed =
      frame->file != NULL && strstr(frame->file, "rt/hooks/interpose_") != NULL;
  return !annotation && !interposed && !path_system(frame->module) &&
         (frame->file == NULL || !path_system(frame->file));
}

const struct fpost_frame *fpost_place_frame(const struct fpost_place *place) {
  const struct fpost_frame *own = NULL;
  const struct fpost_frame *sourced = NULL;
  for (uint32_t i = 0; i < place->count; i++) {
    const struct fpost_frame *frame = &place->frames[i];
    bool has_source = frame->file != NULL && frame->line != 0;
    if (fpost_frame_own(frame) && has_source) {
      return frame;
    }
    if (own == NULL && fpost_frame_own(frame)) {
      own = frame;
    }
    if (sourced == NULL && has_source) {
      sourced = frame;
    }
  }
  if (own != NULL) {
    return own;
  }
  if (sourced != NULL) {
    return sourced;
  }
  return place->count != 0 ? &place->frames[0] : NULL;
}

const struct fpost_frame *
fpost_finding_frame(const struct fpost_report_finding *finding) {
  const struct fpost_place *const places[] = {
      &finding->store.place, &finding->missing.place, &finding->read.place,
      &finding->crash.stack};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    const struct fpost_frame *frame = fpost_place_frame(places[i]);
    if (frame != NULL) {
      return frame;
    }
  }
  return NULL;
}

static void key_text(XXH64_state_t *hash, const char *text) {
  if (text != NULL) {
    XXH64_update(hash, text, strlen(text));
  }
  XXH64_update(hash, "", 1);
}

static void key_place(XXH64_state_t *hash, const struct fpost_place *place) {
  XXH64_update(hash, &place->count, sizeof place->count);
  for (uint32_t i = 0; i < place->count; i++) {
    const struct fpost_frame *frame = &place->frames[i];
    key_text(hash, frame->module);
    key_text(hash, frame->function);
    key_text(hash, frame->file);
    /* One place in the source may be several instructions (an unrolled loop).
     */
    if (frame->line == 0) {
      XXH64_update(hash, &frame->offset, sizeof frame->offset);
    }
    XXH64_update(hash, &frame->line, sizeof frame->line);
    XXH64_update(hash, &frame->column, sizeof frame->column);
  }
}

/* What makes two findings the same, as a hash. */
static uint64_t finding_key(const struct fpost_report_finding *finding) {
  XXH64_state_t *hash = XXH64_createState();
  if (hash == NULL) {
    fpost_memory_exhausted();
  }
  XXH64_reset(hash, finding->class_);
  key_place(hash, &finding->store.place);
  key_place(hash, &finding->missing.place);
  key_place(hash, &finding->read.place);
  key_place(hash, &finding->crash.stack);
  key_text(hash, finding->crash.outcome);
  key_text(hash, finding->missing_what);
  key_text(hash, finding->message);
  key_text(hash, finding->operation);
  uint64_t key = XXH64_digest(hash);
  XXH64_freeState(hash);
  return key;
}

/* Twice as many buckets as there is room for findings. */
static uint32_t *bucket_of(const struct fpost_report *report, uint64_t key) {
  struct fpost_report_memory *memory = report->memory;
  uint32_t mask = 2 * report->findings_max - 1;
  uint32_t i = (uint32_t)key & mask;
  while (memory->buckets[i] != 0 &&
         memory->keys[memory->buckets[i] - 1] != key) {
    i = (i + 1) & mask;
  }
  return &memory->buckets[i];
}

static void findings_grow(struct fpost_report *report) {
  struct fpost_report_memory *memory = report->memory;
  uint32_t max = report->findings_max == 0 ? 64 : report->findings_max * 2;
  report->findings = realloc(report->findings, max * sizeof *report->findings);
  memory->keys = realloc(memory->keys, max * sizeof *memory->keys);
  free(memory->buckets);
  memory->buckets = calloc(2 * (size_t)max, sizeof *memory->buckets);
  if (report->findings == NULL || memory->keys == NULL ||
      memory->buckets == NULL) {
    fpost_memory_exhausted();
  }
  report->findings_max = max;
  for (uint32_t i = 0; i < report->findings_count; i++) {
    *bucket_of(report, memory->keys[i]) = i + 1;
  }
}

void fpost_report_add(struct fpost_report *report,
                      const struct fpost_report_finding *finding) {
  FPOST_ASSERT(!report->memory->settled);
  if ((report->enabled >> finding->class_ & 1) == 0) {
    return;
  }
  if (report->findings_count == report->findings_max) {
    findings_grow(report);
  }
  uint64_t key = finding_key(finding);
  uint32_t *bucket = bucket_of(report, key);
  if (*bucket != 0) {
    report->findings[*bucket - 1].count += finding->count;
    return;
  }
  report->memory->keys[report->findings_count] = key;
  report->findings[report->findings_count++] = *finding;
  *bucket = report->findings_count;
}

void fpost_report_note(struct fpost_report *report, const char *text) {
  uint32_t count = report->notes_count;
  for (uint32_t i = 0; i < count; i++) {
    if (strcmp(report->notes[i], text) == 0) {
      return;
    }
  }
  const char **notes = fpost_report_memory(report, (count + 1) * sizeof *notes);
  if (count != 0) {
    memcpy(notes, report->notes, count * sizeof *notes);
  }
  notes[count] = fpost_report_text(report, text);
  report->notes = notes;
  report->notes_count++;
}

static int compare_text(const char *a, const char *b) {
  return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static int compare_numbers(uint64_t a, uint64_t b) {
  return a < b ? -1 : a > b;
}

static int compare_places(const struct fpost_place *a,
                          const struct fpost_place *b) {
  const struct fpost_frame *x = fpost_place_frame(a);
  const struct fpost_frame *y = fpost_place_frame(b);
  if (x == NULL || y == NULL) {
    return (x != NULL) - (y != NULL);
  }
  int order = compare_text(x->file, y->file);
  order = order != 0 ? order : compare_numbers(x->line, y->line);
  order = order != 0 ? order : compare_numbers(x->column, y->column);
  order = order != 0 ? order : compare_text(x->module, y->module);
  order = order != 0 ? order : compare_numbers(x->offset, y->offset);
  return order;
}

static int compare_findings(const void *left, const void *right) {
  const struct fpost_report_finding *a = left;
  const struct fpost_report_finding *b = right;
  int order = (int)b->severity - (int)a->severity;
  order = order != 0 ? order : (int)a->class_ - (int)b->class_;
  order = order != 0 ? order : compare_places(&a->store.place, &b->store.place);
  order =
      order != 0 ? order : compare_places(&a->missing.place, &b->missing.place);
  order = order != 0 ? order : compare_places(&a->read.place, &b->read.place);
  order = order != 0 ? order : compare_numbers(b->count, a->count);
  order =
      order != 0 ? order : compare_numbers(a->store.offset, b->store.offset);
  order = order != 0 ? order
                     : compare_numbers(a->missing.offset, b->missing.offset);
  return order != 0 ? order : compare_text(a->crash.state, b->crash.state);
}

/* Say of each finding whether it is suppressed, and count. */
static void findings_suppress(struct fpost_report *report) {
  for (uint32_t i = 0; i < report->findings_count; i++) {
    struct fpost_report_finding *finding = &report->findings[i];
    struct fpost_suppression *suppression =
        fpost_suppressions_match(report, finding);
    if (suppression != NULL) {
      finding->suppressed = suppression->reason;
      suppression->used += finding->count;
    }
    /* In a report that is read again it may be suppressed already. */
    if (finding->suppressed != NULL) {
      report->suppressed += finding->count;
    }
  }
  fpost_suppressions_note_unused(report);
}

/* What is reported to the front, then what is suppressed. */
static void findings_divide(struct fpost_report *report) {
  uint32_t count = report->findings_count;
  struct fpost_report_finding *hidden =
      fpost_report_memory(report, count * sizeof *hidden);
  report->findings_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    const struct fpost_report_finding *finding = &report->findings[i];
    if (finding->suppressed != NULL) {
      hidden[report->hidden_count++] = *finding;
    } else if (finding->known) {
      report->baseline.known++;
    } else {
      report->findings[report->findings_count++] = *finding;
    }
  }
  report->hidden = hidden;
}

void fpost_report_settle(struct fpost_report *report) {
  if (report->memory->settled) {
    return;
  }
  report->memory->settled = true;
  if (report->findings_count != 0) {
    qsort(report->findings, report->findings_count, sizeof *report->findings,
          compare_findings);
    fpost_report_fold(report);
  }
  fpost_fingerprints(report);
  findings_suppress(report);
  fpost_baseline_apply(report);
  findings_divide(report);
}

int fpost_report_exit(const struct fpost_report *report) {
  for (uint32_t i = 0; i < report->findings_count; i++) {
    if (report->findings[i].severity >= report->fail_on) {
      return FPOST_EXIT_FOUND;
    }
  }
  return FPOST_EXIT_CLEAN;
}

bool fpost_report_write(struct fpost_report *report, const char *path,
                        const char *what, fpost_report_writer *writer) {
  struct fpost_output output;
  if (!fpost_output_open(&output, path, what)) {
    return false;
  }
  bool good = writer(report, output.file);
  return fpost_output_close(&output, good, what);
}

int fpost_report_finish(struct fpost_report *report,
                        const struct fpost_report_options *options) {
  bool to_stdout = options->json != NULL && strcmp(options->json, "-") == 0;
  fpost_report_settle(report);
  if ((!to_stdout &&
       !fpost_report_write(report, "-", "the report", fpost_report_print)) ||
      (options->json != NULL &&
       !fpost_report_write(report, options->json, "the JSON report",
                           fpost_report_dump_json))) {
    return FPOST_EXIT_USAGE;
  }
  return fpost_report_exit(report);
}
