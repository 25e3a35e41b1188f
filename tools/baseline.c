/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/baseline.h"

#include "tools/source.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Findings of the baseline that are gone and are named, at most. */
#define GONE_SHOWN 20u

static void mix_bytes(XXH64_state_t *hash, const char *text, size_t size) {
  XXH64_update(hash, text, size);
  XXH64_update(hash, "", 1);
}

static void mix_text(XXH64_state_t *hash, const char *text) {
  mix_bytes(hash, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

/* A line of the source without its spaces. */
static void mix_line(XXH64_state_t *hash, struct fpost_sources *sources,
                     const struct fpost_frame *frame) {
  size_t size = 0;
  const char *text =
      fpost_source_line(sources, frame->file, frame->line, &size);
  for (size_t i = 0; text != NULL && i < size; i++) {
    if (!isspace((unsigned char)text[i])) {
      XXH64_update(hash, &text[i], 1);
    }
  }
  XXH64_update(hash, "", 1);
}

static void mix_place(XXH64_state_t *hash, struct fpost_sources *sources,
                      const struct fpost_place *place) {
  const struct fpost_frame *frame = fpost_place_frame(place);
  if (frame == NULL) {
    mix_text(hash, NULL);
    return;
  }
  const char *file = frame->file != NULL ? frame->file : frame->module;
  const char *slash = file != NULL ? strrchr(file, '/') : NULL;
  mix_text(hash, slash != NULL ? slash + 1 : file);
  mix_text(hash, frame->function);
  mix_line(hash, sources, frame);
}

static uint64_t alike_hash(XXH64_state_t *hash, struct fpost_sources *sources,
                           const struct fpost_report_finding *finding) {
  const char *operation = finding->operation;
  XXH64_reset(hash, 0);
  mix_text(hash, fpost_class_infos[finding->class_].name);
  mix_place(hash, sources, &finding->store.place);
  mix_place(hash, sources, &finding->missing.place);
  mix_place(hash, sources, &finding->read.place);
  mix_place(hash, sources, &finding->crash.stack);
  mix_text(hash, finding->missing_what);
  mix_text(hash, finding->crash.outcome);
  /* An operation's name without its arguments. */
  if (operation != NULL) {
    mix_bytes(hash, operation, strcspn(operation, "( "));
  }
  return XXH64_digest(hash);
}

/* How often each hash was seen: open addressing, count 0 is free. */
struct seen {
  uint64_t hash;
  uint32_t count;
};

static uint32_t seen_add(struct seen *all, size_t size, uint64_t hash) {
  size_t i = hash & (size - 1);
  while (all[i].count != 0 && all[i].hash != hash) {
    i = (i + 1) & (size - 1);
  }
  all[i].hash = hash;
  return ++all[i].count;
}

void fpost_fingerprints(struct fpost_report *report) {
  size_t size = 64;
  while (size < 2 * (size_t)report->findings_count) {
    size *= 2;
  }
  struct seen *seen = calloc(size, sizeof *seen);
  struct fpost_sources *sources = fpost_sources_new();
  XXH64_state_t *hash = XXH64_createState();
  if (seen == NULL || sources == NULL || hash == NULL) {
    fpost_memory_exhausted();
  }
  for (uint32_t i = 0; i < report->findings_count; i++) {
    struct fpost_report_finding *finding = &report->findings[i];
    if (finding->fingerprint != NULL) {
      continue;
    }
    uint64_t alike = alike_hash(hash, sources, finding);
    finding->fingerprint = fpost_report_format(
        report, "%016" PRIx64 "/%" PRIu32, alike, seen_add(seen, size, alike));
  }
  XXH64_freeState(hash);
  fpost_sources_free(sources);
  free(seen);
}

int fpost_baseline_read(struct fpost_report *report, const char *path) {
  json_error_t error;
  json_t *json = json_load_file(path, 0, &error);
  const json_t *findings = json_object_get(json, "findings");
  if (json == NULL) {
    fpost_error("cannot read the baseline '%s': %s", path, error.text);
    return FPOST_ENOENT;
  }
  if (json_object_get(json, "fencepost") == NULL || !json_is_array(findings)) {
    fpost_error("'%s' is no baseline: expected a report written by --json",
                path);
    json_decref(json);
    return FPOST_EINVAL;
  }
  size_t count = json_array_size(findings);
  struct fpost_report_finding *known =
      fpost_report_memory(report, count * sizeof *known);
  int err = FPOST_OK;
  for (size_t i = 0; i < count && err == FPOST_OK; i++) {
    err = fpost_finding_parse(report, json_array_get(findings, i), &known[i]);
    if (err != FPOST_OK || known[i].fingerprint == NULL) {
      fpost_error(
          "finding %zu of the baseline '%s' has no class of this version or no "
          "fingerprint: make the baseline again with --json",
          i, path);
      err = FPOST_EINVAL;
    }
  }
  json_decref(json);
  report->baseline = (struct fpost_baseline){
      .path = path, .findings = known, .findings_count = (uint32_t)count};
  return err;
}

static int compare_fingerprints(const void *left, const void *right) {
  const struct fpost_report_finding *const *a = left;
  const struct fpost_report_finding *const *b = right;
  return strcmp((*a)->fingerprint, (*b)->fingerprint);
}

/* Pointers to findings, in the order of fingerprints. */
static const struct fpost_report_finding **
by_fingerprint(struct fpost_report *report,
               const struct fpost_report_finding *findings, uint32_t count) {
  const struct fpost_report_finding **order =
      fpost_report_memory(report, (count + 1) * sizeof(void *));
  for (uint32_t i = 0; i < count; i++) {
    order[i] = &findings[i];
  }
  qsort(order, count, sizeof *order, compare_fingerprints);
  return order;
}

static bool has(const struct fpost_report_finding *const *order, uint32_t count,
                const struct fpost_report_finding *finding) {
  return count != 0 && bsearch(&finding, order, count, sizeof *order,
                               compare_fingerprints) != NULL;
}

static void note_gone(struct fpost_report *report) {
  const struct fpost_baseline *baseline = &report->baseline;
  for (uint32_t i = 0; i < baseline->gone_count; i++) {
    const struct fpost_report_finding *finding = baseline->gone[i];
    const struct fpost_frame *frame = fpost_finding_frame(finding);
    if (i == GONE_SHOWN) {
      fpost_report_note(report, fpost_report_format(report,
                                                    "%" PRIu32
                                                    " more of the baseline are "
                                                    "gone",
                                                    baseline->gone_count - i));
      return;
    }
    fpost_report_note(
        report,
        fpost_report_format(
            report, "gone since the baseline: %s %s:%" PRIu32 "%s%s",
            fpost_class_infos[finding->class_].name,
            frame != NULL && frame->shown != NULL ? frame->shown : "?",
            frame != NULL ? frame->line : 0,
            frame != NULL && frame->function != NULL ? " in " : "",
            frame != NULL && frame->function != NULL ? frame->function : ""));
  }
}

void fpost_baseline_apply(struct fpost_report *report) {
  struct fpost_baseline *baseline = &report->baseline;
  if (baseline->path == NULL) {
    return;
  }
  const struct fpost_report_finding **known =
      by_fingerprint(report, baseline->findings, baseline->findings_count);
  const struct fpost_report_finding **now =
      by_fingerprint(report, report->findings, report->findings_count);
  baseline->gone =
      fpost_report_memory(report, baseline->findings_count * sizeof(void *));
  for (uint32_t i = 0; i < baseline->findings_count; i++) {
    const struct fpost_report_finding *finding = &baseline->findings[i];
    if ((report->enabled >> finding->class_ & 1) != 0 &&
        !has(now, report->findings_count, finding)) {
      baseline->gone[baseline->gone_count++] = finding;
    }
  }
  for (uint32_t i = 0; i < report->findings_count; i++) {
    report->findings[i].known =
        has(known, baseline->findings_count, &report->findings[i]);
  }
  note_gone(report);
}
