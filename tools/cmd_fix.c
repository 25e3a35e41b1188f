/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost fix: a patch for missing flushes and fences. */
#include "tools/fix/calls.h"
#include "tools/fix/patch.h"
#include "tools/fix/statement.h"
#include "tools/load.h"
#include "tools/output.h"
#include "tools/text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct options {
  struct fpost_report_options report;
  const char *patch;
  const char *source_root;
};

static const struct fpost_option table[] = {
    {"patch", 0, FPOST_OPTION_TEXT, "FILE", offsetof(struct options, patch),
     "where the patch goes (default stdout; what is said of it goes to "
     "stderr then)"},
    {"source-root", 0, FPOST_OPTION_TEXT, "DIR",
     offsetof(struct options, source_root),
     "the root of the source: the patch names files relative to it (default: "
     "the current directory)"},
    FPOST_REPORT_OPTIONS(struct options, report),
    FPOST_OPTION_END};

/* The frame of a flush that is in a function which the store is in too: what
   lies further in is a wrapper, which others call as well. */
static const struct fpost_frame *common_frame(const struct fpost_place *flush,
                                              const struct fpost_place *store) {
  for (uint32_t i = 0; i < flush->count; i++) {
    const struct fpost_frame *frame = &flush->frames[i];
    if (frame->function == NULL || frame->file == NULL || frame->line == 0) {
      continue;
    }
    for (uint32_t j = 0; j < store->count; j++) {
      const char *function = store->frames[j].function;
      if (function != NULL && strcmp(function, frame->function) == 0) {
        return frame;
      }
    }
  }
  return NULL;
}

/* After which statement something is to be inserted. */
static const struct fpost_frame *
fault_frame(const struct fpost_report_finding *finding) {
  if (finding->class_ == FPOST_CLASS_MISSING_FENCE &&
      finding->missing.present) {
    const struct fpost_frame *common =
        common_frame(&finding->missing.place, &finding->store.place);
    return common != NULL ? common : fpost_place_frame(&finding->missing.place);
  }
  return fpost_place_frame(&finding->store.place);
}

/* The lines to insert, with braces if the statement is a body without. */
static int insert(struct fix_patch *patch, const struct fix_text *text,
                  const char *path, const struct fix_statement *statement,
                  const char *call) {
  char lines[2 * FIX_CALL_MAX];
  size_t first = fix_line_offset(text, statement->first_line);
  int indent = (int)strspn(text->text + first, " \t");
  const char *space = text->text + first;
  if (!statement->unbraced) {
    snprintf(lines, sizeof lines, "%.*s%s\n", indent, space, call);
    return fix_patch_add(patch, path, statement->last_line, lines);
  }
  int outer = indent >= 2 ? indent - 2 : 0;
  snprintf(lines, sizeof lines, "%.*s{\n", outer, space);
  int err = fix_patch_add(patch, path, statement->first_line - 1, lines);
  snprintf(lines, sizeof lines, "%.*s%s\n%.*s}\n", indent, space, call, outer,
           space);
  return err != FPOST_OK
             ? err
             : fix_patch_add(patch, path, statement->last_line, lines);
}

/* Is all that was stored in one line? */
static bool one_line(const struct fpost_access *store) {
  return store->size != 0 && store->offset % 64 + store->size <= 64;
}

/* Add the fix of one finding. Returns null, or why there is none; call is what
   is inserted. */
static const char *fix_finding(struct fix_patch *patch,
                               const struct fpost_report_finding *finding,
                               const struct fpost_frame *frame,
                               char call[FIX_CALL_MAX]) {
  struct fix_text text;
  struct fix_statement statement;
  struct fix_target target;
  if (frame == NULL || frame->file == NULL || frame->line == 0) {
    return "its line is not known: compile with -g";
  }
  if (!fpost_frame_own(frame)) {
    return "it is in code of a library or of the system";
  }
  if (fix_text_read(&text, frame->file) != FPOST_OK) {
    return "its source file cannot be read";
  }
  bool flush = finding->class_ == FPOST_CLASS_MISSING_FLUSH;
  const char *why =
      fix_statement_find(&text, frame->line, frame->column, &statement);
  if (why == NULL && flush) {
    why = fix_statement_target(&text, &statement, &target);
  }
  if (why == NULL) {
    why = fix_calls_make(frame->file, statement.begin, flush ? &target : NULL,
                         one_line(&finding->store), call);
  }
  if (why == NULL &&
      insert(patch, &text, frame->file, &statement, call) != FPOST_OK) {
    fpost_memory_exhausted();
  }
  fix_text_free(&text);
  return why;
}

/* Say what is done about each finding. Returns how many are not fixed. */
static uint32_t fix_all(struct fpost_report *report, struct fix_patch *patch,
                        FILE *out) {
  uint32_t left = 0;
  for (uint32_t i = 0; i < report->findings_count; i++) {
    const struct fpost_report_finding *finding = &report->findings[i];
    char call[FIX_CALL_MAX];
    if (finding->class_ != FPOST_CLASS_MISSING_FLUSH &&
        finding->class_ != FPOST_CLASS_MISSING_FENCE) {
      continue;
    }
    const struct fpost_frame *frame = fault_frame(finding);
    const char *why = fix_finding(patch, finding, frame, call);
    const char *line = fpost_report_format(
        report, "%s: %s %s:%" PRIu32 "%s%s: %s\n",
        why == NULL ? "fixed" : "not fixed",
        fpost_class_infos[finding->class_].name,
        frame != NULL && frame->shown != NULL ? frame->shown : "?",
        frame != NULL ? frame->line : 0,
        frame != NULL && frame->function != NULL ? " in " : "",
        frame != NULL && frame->function != NULL ? frame->function : "",
        why == NULL ? call : why);
    fpost_text_put(out, line, strlen(line), FPOST_TEXT_LINES);
    left += why != NULL;
  }
  return left;
}

static int fix_report(struct fpost_report *report,
                      const struct options *options) {
  struct fix_patch patch = {.count = 0};
  struct fpost_output output;
  char root[PATH_MAX];
  const char *given = options->source_root != NULL ? options->source_root : ".";
  if (realpath(given, root) == NULL) {
    fpost_error("fix: --source-root '%s': %s", given, strerror(errno));
    return FPOST_EXIT_USAGE;
  }
  if (!fpost_output_open(&output, options->patch, "the patch")) {
    return FPOST_EXIT_USAGE;
  }
  FILE *say = output.file == stdout ? stderr : stdout;
  uint32_t left = fix_all(report, &patch, say);
  bool good = fix_patch_write(&patch, root, output.file) == FPOST_OK;
  fprintf(say,
          "SUMMARY: fencepost: %" PRIu32 " insertion%s, %" PRIu32
          " not fixed\n",
          patch.count, patch.count == 1 ? "" : "s", left);
  fix_patch_free(&patch);
  if (!fpost_output_close(&output, good, "the patch")) {
    return FPOST_EXIT_USAGE;
  }
  return left != 0 ? FPOST_EXIT_FOUND : FPOST_EXIT_CLEAN;
}

static int fix_run(const struct fpost_command *command, int argc, char **argv) {
  struct options options = {.report.fail_on = FPOST_FAIL_ON_DEFAULT};
  struct fpost_operands operands;
  struct fpost_report report;
  int exit_code = FPOST_EXIT_USAGE;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  if (!fpost_options_operands(command, &operands, 1) ||
      fpost_report_init(&report, &options.report) != FPOST_OK) {
    return FPOST_EXIT_USAGE;
  }
  if (fpost_report_load("fix", &report, operands.items[0]) == FPOST_OK) {
    fpost_report_settle(&report);
    exit_code = fix_report(&report, &options);
  } else {
    exit_code = FPOST_EXIT_USAGE;
  }
  fpost_report_free(&report);
  return exit_code;
}

const struct fpost_command fpost_command_fix = {
    .name = "fix",
    .usage = "[OPTIONS] DB|TRACE|JSON",
    .summary = "write a patch that inserts missing flushes and fences",
    .description =
        "Writes a unified diff, for `git apply` or `patch -p1`, that inserts "
        "a flush and a fence after each store that was reported as "
        "missing-flush, and a fence after each flush or non-temporal store "
        "that was reported as missing-fence. The call is one that the file "
        "uses, or that a file it includes offers: a wrapper of the code base, "
        "libpmem's, or the compiler's intrinsics.\n"
        "Where it cannot be sure it changes nothing and says why. Read the "
        "patch, apply it, build, and run again: whether the place is the best "
        "one is for you to judge.\n"
        "The exit code is 1 if a finding of these classes is left.",
    .options = table,
    .example = "fencepost fix --patch queue.patch queue.fpdb",
    .run = fix_run};
