/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/party.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct kind {
  const char *name; /* in JSON, and of the thing */
  const char *how;  /* how it is held, in text */
};

/* By enum fpost_lock_kind. Names are part of the JSON. */
static const struct kind kinds[FPOST_LOCK_KINDS] = {
    [FPOST_LOCK_MUTEX] = {"mutex", ""},
    [FPOST_LOCK_WRITE] = {"read-write lock", " for writing"},
    [FPOST_LOCK_READ] = {"read-write lock", " for reading"},
    [FPOST_LOCK_SPIN] = {"spin lock", ""},
    [FPOST_LOCK_C11] = {"mutex (C11)", ""}};

static bool lock_same(const struct fpost_held_lock *a,
                      const struct fpost_held_lock *b) {
  return a->address == b->address && (a->pool == NULL) == (b->pool == NULL) &&
         (a->pool == NULL || strcmp(a->pool, b->pool) == 0);
}

/* The last time that the party took the lock; null: it does not hold it. */
static const struct fpost_held_lock *
party_lock(const struct fpost_party *party,
           const struct fpost_held_lock *lock) {
  for (uint32_t i = party->locks_count; i-- > 0;) {
    if (lock_same(&party->locks[i], lock)) {
      return &party->locks[i];
    }
  }
  return NULL;
}

static void name_print(FILE *out, const struct fpost_party *party) {
  if (party->number == 0) {
    fputs("the first thread", out);
  } else {
    fprintf(out, "thread %" PRIu32, party->number);
  }
  if (party->name != NULL) {
    fprintf(out, " '%s'", party->name);
  }
}

static void lock_print(const struct fpost_report *report, FILE *out,
                       const struct fpost_held_lock *lock) {
  char address[128];
  if (lock->pool == NULL) {
    snprintf(address, sizeof address, "0x%" PRIx64, lock->address);
  } else {
    fpost_address_format(report, lock->pool, lock->address, address,
                         sizeof address);
  }
  fprintf(out, "%s at %s", kinds[lock->kind].name, address);
}

void fpost_party_print(const struct fpost_report *report, FILE *out,
                       const struct fpost_party *party, const char *indent) {
  fprintf(out, "%sby ", indent);
  name_print(out, party);
  if (party->created.count != 0) {
    fputs(", created at ", out);
    fpost_place_print(out, &party->created);
  }
  if (party->creator_known && party->creator == 0) {
    fputs(" by the first thread", out);
  } else if (party->creator_known) {
    fprintf(out, " by thread %" PRIu32, party->creator);
  }
  fputc('\n', out);
  if (!party->locks_known) {
    fprintf(out, "%sholding locks that are not known\n", indent);
  } else if (party->locks_count == 0) {
    fprintf(out, "%sholding no lock\n", indent);
  }
  for (uint32_t i = 0; i < party->locks_count; i++) {
    const struct fpost_held_lock *lock = &party->locks[i];
    fprintf(out, "%sholding ", indent);
    lock_print(report, out, lock);
    fputs(kinds[lock->kind].how, out);
    if (lock->taken.count != 0) {
      fputs(", taken at ", out);
      fpost_place_print(out, &lock->taken);
    }
    fputc('\n', out);
  }
}

/* A stream into memory; its text is to be freed. */
static char *text_of(void (*print)(FILE *out, const void *context),
                     const void *context) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out == NULL) {
    fpost_memory_exhausted();
  }
  print(out, context);
  if (fclose(out) != 0) {
    fpost_memory_exhausted();
  }
  return text;
}

struct lines {
  const struct fpost_report *report;
  const struct fpost_party *party;
};

static void lines_print(FILE *out, const void *context) {
  const struct lines *lines = context;
  fpost_party_print(lines->report, out, lines->party, "");
}

const char *fpost_party_text(struct fpost_report *report,
                             const struct fpost_party *party) {
  struct lines lines = {report, party};
  char *text = text_of(lines_print, &lines);
  text[strlen(text) - 1] = '\0'; /* there is a line at least */
  const char *kept = fpost_report_text(report, text);
  free(text);
  return kept;
}

/* ---- what would order them ---- */

struct fix {
  const struct fpost_report *report;
  const struct fpost_held_lock *lock;
  const char *before; /* what stands around the lock */
  const char *after;
};

static void fix_print(FILE *out, const void *context) {
  const struct fix *fix = context;
  fputs(fix->before, out);
  lock_print(fix->report, out, fix->lock);
  if (fix->lock->taken.count != 0) {
    fputs(" (taken at ", out);
    fpost_place_print(out, &fix->lock->taken);
    fputs(")", out);
  }
  fputs(fix->after, out);
}

/* A lock of one that keeps others out and that the other does not hold. */
static const struct fpost_held_lock *
lock_alone(const struct fpost_party *one, const struct fpost_party *other) {
  for (uint32_t i = 0; i < one->locks_count; i++) {
    if (one->locks[i].kind != FPOST_LOCK_READ &&
        party_lock(other, &one->locks[i]) == NULL) {
      return &one->locks[i];
    }
  }
  return NULL;
}

/* A lock that both hold for reading. */
static const struct fpost_held_lock *
lock_shared(const struct fpost_party *one, const struct fpost_party *other) {
  for (uint32_t i = 0; i < one->locks_count; i++) {
    const struct fpost_held_lock *theirs = party_lock(other, &one->locks[i]);
    if (theirs != NULL && one->locks[i].kind == FPOST_LOCK_READ &&
        theirs->kind == FPOST_LOCK_READ) {
      return &one->locks[i];
    }
  }
  return NULL;
}

char *fpost_party_fix(const struct fpost_report *report,
                      const struct fpost_report_finding *finding) {
  const struct fpost_party *store = finding->store.by;
  const struct fpost_party *other =
      finding->read.present ? finding->read.by : finding->missing.by;
  struct fix fix = {.report = report};
  if (finding->class_ != FPOST_CLASS_PM_DATA_RACE || store == NULL ||
      other == NULL || !store->locks_known || !other->locks_known) {
    return NULL;
  }
  if ((fix.lock = lock_shared(store, other)) != NULL) {
    fix.before = "take the ";
    fix.after = finding->read.present ? " for writing where %1 stores"
                                      : " for writing where both store";
  } else if ((fix.lock = lock_alone(other, store)) != NULL) {
    fix.before = "hold the ";
    fix.after = " at %1 too";
  } else if ((fix.lock = lock_alone(store, other)) != NULL) {
    fix.before = "hold the ";
    fix.after = " at %2 too";
  } else {
    return NULL;
  }
  return text_of(fix_print, &fix);
}

/* ---- JSON ---- */

void fpost_party_json(json_t *access, const struct fpost_party *party) {
  json_t *thread = json_object();
  json_object_set_new(thread, "number", json_integer(party->number));
  if (party->name != NULL) {
    json_object_set_new(thread, "name", fpost_json_text(party->name));
  }
  if (party->creator_known) {
    json_object_set_new(thread, "creator", json_integer(party->creator));
  }
  if (party->created.count != 0) {
    json_object_set_new(thread, "created", fpost_place_json(&party->created));
  }
  json_object_set_new(access, "thread", thread);
  if (!party->locks_known) {
    return;
  }
  json_t *locks = json_array();
  for (uint32_t i = 0; i < party->locks_count; i++) {
    const struct fpost_held_lock *lock = &party->locks[i];
    json_t *json = json_object();
    json_object_set_new(json, "kind", json_string(kinds[lock->kind].name));
    if (lock->kind == FPOST_LOCK_READ) {
      json_object_set_new(json, "shared", json_true());
    }
    if (lock->pool != NULL) {
      json_object_set_new(json, "pool", fpost_json_text(lock->pool));
      json_object_set_new(json, "offset",
                          json_integer((json_int_t)lock->address));
    } else {
      json_object_set_new(json, "address",
                          json_integer((json_int_t)lock->address));
    }
    if (lock->taken.count != 0) {
      json_object_set_new(json, "taken", fpost_place_json(&lock->taken));
    }
    json_array_append_new(locks, json);
  }
  json_object_set_new(access, "locks", locks);
}

static uint32_t kind_parse(const json_t *lock) {
  const char *name = json_string_value(json_object_get(lock, "kind"));
  if (json_is_true(json_object_get(lock, "shared"))) {
    return FPOST_LOCK_READ;
  }
  for (uint32_t i = 0; i < FPOST_LOCK_KINDS; i++) {
    if (name != NULL && strcmp(name, kinds[i].name) == 0) {
      return i;
    }
  }
  return FPOST_LOCK_MUTEX;
}

static void locks_parse(struct fpost_report *report, const json_t *locks,
                        struct fpost_party *party) {
  size_t count = json_array_size(locks);
  struct fpost_held_lock *all =
      fpost_report_memory(report, (count + 1) * sizeof *all);
  for (size_t i = 0; i < count; i++) {
    const json_t *lock = json_array_get(locks, i);
    const char *pool = json_string_value(json_object_get(lock, "pool"));
    const char *where = pool != NULL ? "offset" : "address";
    all[i].kind = kind_parse(lock);
    all[i].pool = fpost_report_text(report, pool);
    all[i].address = (uint64_t)json_integer_value(json_object_get(lock, where));
    all[i].taken = fpost_place_parse(report, json_object_get(lock, "taken"));
  }
  party->locks = all;
  party->locks_count = (uint32_t)count;
}

const struct fpost_party *fpost_party_parse(struct fpost_report *report,
                                            const json_t *access) {
  const json_t *thread = json_object_get(access, "thread");
  const json_t *creator = json_object_get(thread, "creator");
  const json_t *locks = json_object_get(access, "locks");
  if (!json_is_object(thread)) {
    return NULL;
  }
  struct fpost_party *party = fpost_report_memory(report, sizeof *party);
  party->number =
      (uint32_t)json_integer_value(json_object_get(thread, "number"));
  party->name = fpost_report_text(
      report, json_string_value(json_object_get(thread, "name")));
  party->creator_known = creator != NULL;
  party->creator = (uint32_t)json_integer_value(creator);
  party->created =
      fpost_place_parse(report, json_object_get(thread, "created"));
  party->locks_known = json_is_array(locks);
  locks_parse(report, locks, party);
  return party;
}
