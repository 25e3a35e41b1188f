/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A report as JUnit XML. A test case is what a reader of a CI page takes for
 * one: an operation, or a group of crash points outside of operations
 * (report->groups, and what findings name besides); and, for what was found in
 * the run itself, a class of findings. A case fails if it has a finding of
 * --fail-on or above; lesser findings, and suppressed ones with their reason,
 * are in its output.
 */
#include "tools/finding.h"
#include "tools/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Of a crash finding that fits no group of the report. */
#define OTHER_GROUP "crash points"

struct test_case {
  const char *name;
  char about[128];    /* for the output; "": nothing */
  uint32_t *findings; /* indexes: of findings, then of hidden */
  uint32_t count;
  uint32_t failures;
};

struct suite {
  const char *name;
  struct test_case *cases;
  uint32_t count;
  uint32_t max;
};

struct junit {
  struct fpost_report *report;
  struct suite crash; /* what recovery showed */
  struct suite run;   /* what the run itself showed */
};

static const struct fpost_report_finding *
finding_at(const struct fpost_report *report, uint32_t index) {
  return index < report->findings_count
             ? &report->findings[index]
             : &report->hidden[index - report->findings_count];
}

/* Bytes of an operation's name without its arguments. */
static size_t operation_size(const char *operation) {
  return strcspn(operation, "( ");
}

static bool of_crash(const struct fpost_report_finding *finding) {
  return finding->crash.state != NULL || finding->operation != NULL;
}

static int compare_events(const void *left, const void *right) {
  const uint64_t *a = left;
  const uint64_t *b = right;
  return (*a > *b) - (*a < *b);
}

/* Does the finding belong to the group? By its operation, or else by the event
   at which the power was cut. */
static bool group_has(const struct fpost_group *group,
                      const struct fpost_report_finding *finding) {
  const char *operation = finding->operation;
  if (operation != NULL) {
    return group->is_operation &&
           strlen(group->name) == operation_size(operation) &&
           strncmp(group->name, operation, strlen(group->name)) == 0;
  }
  uint64_t event = strtoull(finding->crash.state, NULL, 10);
  return group->points != 0 && bsearch(&event, group->events, group->points,
                                       sizeof event, compare_events) != NULL;
}

static struct test_case *case_named(struct fpost_report *report,
                                    struct suite *suite, const char *name) {
  for (uint32_t i = 0; i < suite->count; i++) {
    if (strcmp(suite->cases[i].name, name) == 0) {
      return &suite->cases[i];
    }
  }
  if (suite->count == suite->max) {
    suite->max = suite->max == 0 ? 32 : 2 * suite->max;
    struct test_case *cases =
        fpost_report_memory(report, suite->max * sizeof *cases);
    if (suite->count != 0) {
      memcpy(cases, suite->cases, suite->count * sizeof *cases);
    }
    suite->cases = cases;
  }
  suite->cases[suite->count].name = name;
  return &suite->cases[suite->count++];
}

/* The case that a finding belongs to, which may be new. */
static struct test_case *case_of(struct junit *junit,
                                 const struct fpost_report_finding *finding) {
  struct fpost_report *report = junit->report;
  if (!of_crash(finding)) {
    return case_named(report, &junit->run,
                      fpost_class_infos[finding->class_].name);
  }
  for (uint32_t i = 0; i < report->groups_count; i++) {
    if (group_has(&report->groups[i], finding)) {
      return case_named(report, &junit->crash, report->groups[i].name);
    }
  }
  return case_named(
      report, &junit->crash,
      finding->operation == NULL
          ? OTHER_GROUP
          : fpost_report_format(report, "%.*s",
                                (int)operation_size(finding->operation),
                                finding->operation));
}

static void cases_make(struct junit *junit) {
  struct fpost_report *report = junit->report;
  for (uint32_t i = 0; i < report->groups_count; i++) {
    const struct fpost_group *group = &report->groups[i];
    struct test_case *made = case_named(report, &junit->crash, group->name);
    snprintf(made->about, sizeof made->about,
             "%" PRIu64 " crash point%s, %" PRIu64 " run%s%s", group->points,
             group->points == 1 ? "" : "s", group->runs,
             group->runs == 1 ? "" : "s",
             group->complete ? "" : "; not all of their images were covered");
  }
  if (report->groups_count == 0 && report->coverage.present) {
    (void)case_named(report, &junit->crash, OTHER_GROUP);
  }
  for (uint32_t i = 0; i < FPOST_CLASS_COUNT; i++) {
    if ((report->enabled >> i & 1) != 0 && fpost_class_online(i)) {
      (void)case_named(report, &junit->run, fpost_class_infos[i].name);
    }
  }
}

/* First count, then give each case its findings. */
static void findings_place(struct junit *junit) {
  struct fpost_report *report = junit->report;
  uint32_t all = report->findings_count + report->hidden_count;
  for (uint32_t i = 0; i < all; i++) {
    case_of(junit, finding_at(report, i))->count++;
  }
  for (uint32_t s = 0; s < 2; s++) {
    struct suite *suite = s == 0 ? &junit->crash : &junit->run;
    for (uint32_t i = 0; i < suite->count; i++) {
      struct test_case *test = &suite->cases[i];
      test->findings =
          fpost_report_memory(report, test->count * sizeof *test->findings);
      test->count = 0;
    }
  }
  for (uint32_t i = 0; i < all; i++) {
    const struct fpost_report_finding *finding = finding_at(report, i);
    struct test_case *test = case_of(junit, finding);
    test->findings[test->count++] = i;
    test->failures +=
        finding->suppressed == NULL && finding->severity >= report->fail_on;
  }
}

/* ---- writing ---- */

static void put(FILE *out, const char *text) {
  fpost_text_put(out, text, strlen(text), FPOST_TEXT_XML);
}

/* The text of a finding, as in the text report. */
static void finding_put(const struct fpost_report *report, FILE *out,
                        const struct fpost_report_finding *finding) {
  char *text = NULL;
  size_t size = 0;
  FILE *lines = open_memstream(&text, &size);
  if (lines == NULL) {
    fpost_memory_exhausted();
  }
  fprintf(lines, "%s: fencepost: %s\n", fpost_severity_name(finding->severity),
          fpost_class_infos[finding->class_].name);
  if (finding->suppressed != NULL) {
    fprintf(lines, "  suppressed: %s\n", finding->suppressed);
  }
  fpost_finding_print(report, lines, finding);
  if (fclose(lines) != 0) {
    fpost_memory_exhausted();
  }
  fpost_text_put(out, text, size, FPOST_TEXT_XML);
  free(text);
}

static void failure_put(const struct fpost_report *report, FILE *out,
                        const struct fpost_report_finding *finding) {
  const struct fpost_class_info *info = &fpost_class_infos[finding->class_];
  const struct fpost_frame *frame = fpost_finding_frame(finding);
  fprintf(out, "   <failure type=\"%s\" message=\"", info->name);
  put(out, finding->message != NULL ? finding->message : info->text);
  if (frame != NULL && frame->shown != NULL) {
    fputs(": ", out);
    put(out, frame->shown);
    fprintf(out, ":%" PRIu32, frame->line);
  }
  fputs("\">", out);
  finding_put(report, out, finding);
  fputs("</failure>\n", out);
}

static void case_put(const struct fpost_report *report, FILE *out,
                     const char *suite, const struct test_case *test) {
  fprintf(out, "  <testcase classname=\"fencepost.%s\" name=\"", suite);
  put(out, test->name);
  fputs("\">\n", out);
  for (uint32_t i = 0; i < test->count; i++) {
    const struct fpost_report_finding *finding =
        finding_at(report, test->findings[i]);
    if (finding->suppressed == NULL && finding->severity >= report->fail_on) {
      failure_put(report, out, finding);
    }
  }
  if (test->about[0] != '\0' || test->count != test->failures) {
    fputs("   <system-out>", out);
    put(out, test->about);
    fputc('\n', out);
    for (uint32_t i = 0; i < test->count; i++) {
      const struct fpost_report_finding *finding =
          finding_at(report, test->findings[i]);
      if (finding->suppressed != NULL || finding->severity < report->fail_on) {
        finding_put(report, out, finding);
      }
    }
    fputs("</system-out>\n", out);
  }
  fputs("  </testcase>\n", out);
}

static void property_put(FILE *out, const char *name, const char *value) {
  fprintf(out, "   <property name=\"%s\" value=\"", name);
  put(out, value);
  fputs("\"/>\n", out);
}

static void properties_put(const struct fpost_report *report, FILE *out) {
  const struct fpost_coverage *coverage = &report->coverage;
  char text[64];
  fputs("  <properties>\n", out);
  property_put(out, "fencepost", FENCEPOST_VERSION);
  for (uint32_t i = 0; i < report->command_count; i++) {
    property_put(out, "command", report->command[i]);
  }
  if (coverage->present) {
    snprintf(text, sizeof text, "%" PRIu64, coverage->crash_points);
    property_put(out, "crash_points", text);
    snprintf(text, sizeof text, "%" PRIu64, coverage->runs);
    property_put(out, "runs", text);
    snprintf(text, sizeof text, "2^%.0f", coverage->images_log2);
    property_put(out, "images", text);
    property_put(out, "complete", coverage->complete ? "true" : "false");
    if (coverage->left_out != NULL) {
      property_put(out, "left_out", coverage->left_out);
    }
  }
  fputs("  </properties>\n", out);
}

static uint32_t failing(const struct suite *suite) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < suite->count; i++) {
    count += suite->cases[i].failures != 0;
  }
  return count;
}

static void suite_put(const struct fpost_report *report, FILE *out,
                      const struct suite *suite) {
  if (suite->count == 0) {
    return;
  }
  fprintf(out,
          " <testsuite name=\"fencepost.%s\" tests=\"%" PRIu32
          "\" failures=\"%" PRIu32 "\" errors=\"0\" skipped=\"0\">\n",
          suite->name, suite->count, failing(suite));
  properties_put(report, out);
  for (uint32_t i = 0; i < suite->count; i++) {
    case_put(report, out, suite->name, &suite->cases[i]);
  }
  fputs(" </testsuite>\n", out);
}

bool fpost_report_dump_junit(struct fpost_report *report, FILE *out) {
  struct junit junit = {
      .report = report, .crash = {.name = "crash"}, .run = {.name = "run"}};
  cases_make(&junit);
  findings_place(&junit);
  fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
  fprintf(out,
          "<testsuites name=\"fencepost\" tests=\"%" PRIu32
          "\" failures=\"%" PRIu32 "\" errors=\"0\">\n",
          junit.crash.count + junit.run.count,
          failing(&junit.crash) + failing(&junit.run));
  suite_put(report, out, &junit.crash);
  suite_put(report, out, &junit.run);
  fputs("</testsuites>\n", out);
  return true;
}
