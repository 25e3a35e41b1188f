/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/report.h"

#include "rt/hooks/context.h"
#include "rt/os/os.h"

#include <string.h>

/* Where the build and the installation put the program that prints:
   FPOST_REPORTER and FPOST_REPORTER_INSTALLED, defined by the build. */

static void frame_add(struct fpost_text *text,
                      const struct fpost_results *results, uint64_t frame) {
  uint64_t module = frame >> 48;
  fpost_text_add(text, "    ");
  fpost_text_add(text, module == FPOST_RESULTS_NO_MODULE
                           ? "?"
                           : results->modules[module].path);
  fpost_text_add(text, "+");
  fpost_text_add_hex(text, frame & ((UINT64_C(1) << 48) - 1));
  fpost_text_add(text, "\n");
}

static void stack_add(struct fpost_text *text,
                      const struct fpost_results *results, const char *what,
                      uint32_t stack) {
  if (stack == 0) {
    return;
  }
  fpost_text_add(text, what);
  const struct fpost_results_stack *frames = &results->stacks[stack - 1];
  for (uint32_t i = 0; i < frames->count; i++) {
    frame_add(text, results, frames->frames[i]);
  }
}

/* Modules and offsets, for want of anything better (addr2line knows them). */
static void findings_print(const struct fpost_results *results,
                           uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const struct fpost_results_finding *finding = &results->findings[i];
    if (atomic_load(&finding->ready) == 0) {
      continue;
    }
    char bytes[8192];
    struct fpost_text text = fpost_text_in(bytes, sizeof(bytes));
    fpost_text_add(&text, "==");
    fpost_text_add_number(&text, finding->process);
    fpost_text_add(&text, "== fencepost: ");
    fpost_text_add(&text, fpost_class_infos[finding->class_].name);
    fpost_text_add(&text, ", ");
    fpost_text_add_number(&text, finding->size);
    fpost_text_add(&text, " bytes at pm address ");
    fpost_text_add_hex(&text, finding->address);
    fpost_text_add(&text, "\n");
    stack_add(&text, results, "  store:\n", finding->store_stack);
    stack_add(&text, results, "  flush or fence:\n", finding->other_stack);
    fpost_os_write(2, text.bytes, text.used);
  }
}

/* Does anything found make the exit code differ? Performance does not, nor do
   notes. */
static bool serious(const struct fpost_results *results, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const struct fpost_results_finding *finding = &results->findings[i];
    if (atomic_load(&finding->ready) != 0 &&
        fpost_class_infos[finding->class_].severity >= FPOST_SEVERITY_WARNING) {
      return true;
    }
  }
  return false;
}

int fpost_report(int code) {
  struct fpost_context *context = &fpost_context;
  if (context->results_fd < 0 || context->phase != FPOST_PHASE_OVER ||
      fpost_os_process() != context->process) {
    return code;
  }
  struct fpost_results *results = context->results;
  uint32_t count = atomic_load(&results->findings_count);
  count =
      count < FPOST_RESULTS_FINDINGS_MAX ? count : FPOST_RESULTS_FINDINGS_MAX;
  /* The program may have closed the descriptor, and opened another file as it.
   */
  struct fpost_os_file info;
  bool there = fpost_os_file_info(context->results_fd, &info) == FPOST_OK &&
               info.size == FPOST_RESULTS_SIZE;
  if (count != 0 || atomic_load(&results->notes_count) != 0) {
    char path[40];
    struct fpost_text text = fpost_text_in(path, sizeof(path));
    fpost_text_add(&text, "/proc/self/fd/");
    fpost_text_add_number(&text, (uint64_t)context->results_fd);
    const char *const reporters[] = {context->flags.reporter, FPOST_REPORTER,
                                     FPOST_REPORTER_INSTALLED};
    int ended = FPOST_ENOENT;
    for (unsigned i = 0; i < 3 && there && ended < 0; i++) {
      /* execve does not write to them. */
      char *const argv[] = {(char *)(uintptr_t)reporters[i],
                            (char *)(uintptr_t) "report",
                            (char *)(uintptr_t) "--results", path, NULL};
      if (reporters[i][0] != '\0') {
        ended = fpost_os_run(argv, context->environment, context->results_fd);
      }
    }
    if (there && ended == FPOST_ENOENT) {
      /* Not where it was built: an installed one, then. */
      char *const installed[] = {(char *)(uintptr_t) "/usr/bin/env",
                                 (char *)(uintptr_t) "fencepost",
                                 (char *)(uintptr_t) "report",
                                 (char *)(uintptr_t) "--results",
                                 path,
                                 NULL};
      ended =
          fpost_os_run(installed, context->environment, context->results_fd);
    }
    if (ended < 0 || ended > 1) {
      findings_print(results, count);
    }
  }
  context->results_fd = -1;
  return code == 0 && serious(results, count) ? (int)context->flags.exit_code
                                              : code;
}
