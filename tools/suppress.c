/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/suppress.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REASON_MAX 1024u

/* Where the file is read, and the reason in force. */
struct reading {
  struct fpost_report *report;
  const char *path;
  uint32_t line;
  bool comment_last; /* the line before was a comment */
  char reason[REASON_MAX];
};

/* The text without space at its ends. */
static char *trim(char *text) {
  text += strspn(text, " \t\r\n");
  size_t size = strlen(text);
  while (size != 0 && strchr(" \t\r\n", text[size - 1]) != NULL) {
    text[--size] = '\0';
  }
  return text;
}

static void comment_take(struct reading *reading, char *text) {
  const char *comment = trim(text + strspn(text, "#"));
  size_t size = reading->comment_last ? strlen(reading->reason) : 0;
  snprintf(reading->reason + size, REASON_MAX - size, "%s%s",
           size != 0 ? " " : "", comment);
}

static void suppression_add(struct fpost_report *report,
                            const struct fpost_suppression *suppression) {
  uint32_t count = report->suppressions_count;
  struct fpost_suppression *all =
      fpost_report_memory(report, (count + 1) * sizeof *all);
  if (count != 0) {
    memcpy(all, report->suppressions, count * sizeof *all);
  }
  all[count] = *suppression;
  report->suppressions = all;
  report->suppressions_count++;
}

/* CLASS:PATTERN, with its reason or "". */
static int suppression_take(struct reading *reading, const char *text,
                            const char *reason) {
  struct fpost_report *report = reading->report;
  char where[512];
  snprintf(where, sizeof where, "%.400s:%" PRIu32, reading->path,
           reading->line);
  size_t colon = strcspn(text, ":");
  const char *pattern = text + colon + 1;
  if (text[colon] != ':' || *pattern == '\0') {
    fpost_error(
        "%s: '%s' is no suppression: expected CLASS:PATTERN, for "
        "example missing-flush:update_statistics",
        where, text);
    return FPOST_EINVAL;
  }
  int class_ = FPOST_CLASS_COUNT;
  if (colon != 1 || text[0] != '*') {
    class_ = fpost_class_find(text, colon, where);
    if (class_ < 0) {
      return FPOST_EINVAL;
    }
  }
  if (*reason == '\0') {
    fpost_error(
        "%s: the suppression '%s' has no reason: say why it may stay, as in "
        "'%s  # a cache: rebuilt at every start', or in a comment on the line "
        "above",
        where, text, text);
    return FPOST_EINVAL;
  }
  suppression_add(report, &(struct fpost_suppression){
                              .class_ = (enum fpost_class)class_,
                              .pattern = fpost_report_text(report, pattern),
                              .reason = fpost_report_text(report, reason),
                              .file = fpost_report_text(report, reading->path),
                              .line = reading->line});
  return FPOST_OK;
}

static int line_take(struct reading *reading, char *line) {
  char *comment = strchr(line, '#');
  line += strspn(line, " \t\r\n");
  if (*line == '\0') {
    reading->reason[0] = '\0';
    reading->comment_last = false;
    return FPOST_OK;
  }
  if (*line == '#') {
    comment_take(reading, line);
    reading->comment_last = true;
    return FPOST_OK;
  }
  reading->comment_last = false;
  if (comment == NULL) {
    return suppression_take(reading, trim(line), reading->reason);
  }
  *comment++ = '\0';
  comment = trim(comment);
  return suppression_take(reading, trim(line),
                          *comment != '\0' ? comment : reading->reason);
}

int fpost_suppressions_read(struct fpost_report *report, const char *path) {
  struct reading reading = {.report = report, .path = path};
  FILE *file = fopen(path, "re");
  if (file == NULL) {
    fpost_error("cannot read the suppressions '%s': %s", path, strerror(errno));
    return FPOST_ENOENT;
  }
  char *line = NULL;
  size_t size = 0;
  int err = FPOST_OK;
  while (err == FPOST_OK && getline(&line, &size, file) >= 0) {
    reading.line++;
    err = line_take(&reading, line);
  }
  if (err == FPOST_OK && ferror(file) != 0) {
    fpost_error("cannot read the suppressions '%s': %s", path, strerror(errno));
    err = FPOST_EIO;
  }
  free(line);
  fclose(file);
  return err;
}

static bool text_matches(const char *pattern, const char *text) {
  if (text == NULL) {
    return false;
  }
  const char *slash = strrchr(text, '/');
  return fnmatch(pattern, text, 0) == 0 ||
         (slash != NULL && fnmatch(pattern, slash + 1, 0) == 0);
}

static bool place_matches(const char *pattern,
                          const struct fpost_place *place) {
  for (uint32_t i = 0; i < place->count; i++) {
    const struct fpost_frame *frame = &place->frames[i];
    if (text_matches(pattern, frame->function) ||
        text_matches(pattern, frame->file) ||
        text_matches(pattern, frame->shown) ||
        text_matches(pattern, frame->module)) {
      return true;
    }
  }
  return false;
}

struct fpost_suppression *
fpost_suppressions_match(struct fpost_report *report,
                         const struct fpost_report_finding *finding) {
  for (uint32_t i = 0; i < report->suppressions_count; i++) {
    struct fpost_suppression *suppression = &report->suppressions[i];
    bool class_fits = suppression->class_ == FPOST_CLASS_COUNT ||
                      suppression->class_ == finding->class_;
    const char *pattern = suppression->pattern;
    if (class_fits && (place_matches(pattern, &finding->store.place) ||
                       place_matches(pattern, &finding->missing.place) ||
                       place_matches(pattern, &finding->read.place) ||
                       place_matches(pattern, &finding->crash.stack))) {
      return suppression;
    }
  }
  return NULL;
}

void fpost_suppressions_note_unused(struct fpost_report *report) {
  for (uint32_t i = 0; i < report->suppressions_count; i++) {
    const struct fpost_suppression *suppression = &report->suppressions[i];
    bool any = suppression->class_ == FPOST_CLASS_COUNT;
    if (suppression->used == 0 &&
        (any || (report->enabled >> suppression->class_ & 1) != 0)) {
      fpost_report_note(
          report,
          fpost_report_format(
              report,
              "the suppression '%s:%s' (%s:%" PRIu32 ") matches nothing",
              any ? "*" : fpost_class_infos[suppression->class_].name,
              suppression->pattern, suppression->file, suppression->line));
    }
  }
}
