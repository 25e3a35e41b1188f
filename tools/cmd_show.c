/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost show: a trace, for a reader. */
#include "tools/analyse.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a store that are printed. */
#define BYTES_SHOWN 16u

struct options {
  struct fpost_texts kind;
  struct fpost_texts function;
  uint64_t from;
  uint64_t to;
  uint64_t offset;
  uint64_t size;
  const char *pool;
  uint32_t thread;
  bool crash_points;
  bool operations;
  bool summary;
  bool definitions;
};

static const struct fpost_option table[] = {
    {"kind", 0, FPOST_OPTION_TEXTS, "KIND,...", offsetof(struct options, kind),
     "show records of these kinds only: store, flush, fence, durable, "
     "op-begin, op-end, pool, resize, unmap, ignore, note, end"},
    {"thread", 0, FPOST_OPTION_U32, "N", offsetof(struct options, thread),
     "show events of thread N only"},
    {"function", 0, FPOST_OPTION_TEXTS, "GLOB",
     offsetof(struct options, function),
     "show events with such a function in their stack only; repeatable"},
    {"offset", 0, FPOST_OPTION_U64, "N", offsetof(struct options, offset),
     "show events only that touch the byte at N of a pool, or the --size bytes "
     "from there on"},
    {"size", 0, FPOST_OPTION_U64, "N", offsetof(struct options, size),
     "how many bytes from --offset on (default 1)"},
    {"pool", 0, FPOST_OPTION_TEXT, "GLOB", offsetof(struct options, pool),
     "show events on pools whose path matches only"},
    {"from", 0, FPOST_OPTION_U64, "N", offsetof(struct options, from),
     "show records from number N on"},
    {"to", 0, FPOST_OPTION_U64, "N", offsetof(struct options, to),
     "show records up to number N"},
    {"crash-points", 0, FPOST_OPTION_FLAG, NULL,
     offsetof(struct options, crash_points),
     "show crash points only: records before which the power is cut"},
    {"operations", 0, FPOST_OPTION_FLAG, NULL,
     offsetof(struct options, operations),
     "show begins and ends of operations only"},
    {"all", 0, FPOST_OPTION_FLAG, NULL, offsetof(struct options, definitions),
     "show modules, stacks and the initial content of pools as well"},
    {"summary", 0, FPOST_OPTION_FLAG, NULL, offsetof(struct options, summary),
     "print the counts at the end only"},
    FPOST_OPTION_END};

static const char *const kinds[FPOST_RECORD_KINDS] = {
    "end",    "module", "stack", "pool",  "image",   "resize",
    "unmap",  "store",  "flush", "fence", "durable", "op-begin",
    "op-end", "ignore", "note",  "mark"};

struct show {
  const struct options *options;
  uint32_t wanted; /* bit per kind */
  struct fpost_report *report;
  uint64_t counts[FPOST_RECORD_KINDS];
  uint64_t crash_points;
  uint64_t stored_bytes;
  uint64_t event_bytes; /* of records of events, before packing */
  double packed_bytes;
  const struct fpost_reader *reader;
};

static bool kinds_parse(const struct options *options, uint32_t *wanted) {
  *wanted = 0;
  for (uint32_t i = 0; i < options->kind.count; i++) {
    const char *name = options->kind.items[i];
    for (;;) {
      size_t size = strcspn(name, ",");
      size_t kind = 0;
      while (kind < FPOST_RECORD_KINDS &&
             (strlen(kinds[kind]) != size ||
              strncmp(kinds[kind], name, size) != 0)) {
        kind++;
      }
      if (kind == FPOST_RECORD_KINDS) {
        char word[64];
        snprintf(word, sizeof word, "%.*s", (int)size, name);
        int near = fpost_nearest(word, kinds, FPOST_RECORD_KINDS);
        fpost_error("show: '%s' is no kind of record%s%s%s", word,
                    near >= 0 ? "; did you mean '" : "; see --help",
                    near >= 0 ? kinds[near] : "", near >= 0 ? "'?" : "");
        return false;
      }
      *wanted |= UINT32_C(1) << kind;
      if (name[size] == '\0') {
        break;
      }
      name += size + 1;
    }
  }
  if (*wanted == 0) {
    *wanted = UINT32_MAX;
    if (!options->definitions) {
      *wanted &= ~(UINT32_C(1) << FPOST_RECORD_MODULE |
                   UINT32_C(1) << FPOST_RECORD_STACK |
                   UINT32_C(1) << FPOST_RECORD_IMAGE);
    }
  }
  if (options->operations) {
    *wanted &= UINT32_C(1) << FPOST_RECORD_OP_BEGIN |
               UINT32_C(1) << FPOST_RECORD_OP_END;
  }
  return true;
}

static bool event_is(const struct fpost_record *record) {
  return record->kind >= FPOST_RECORD_STORE &&
         record->kind <= FPOST_RECORD_OP_END;
}

static bool place_has(const struct fpost_texts *globs,
                      const struct fpost_place *place) {
  for (uint32_t i = 0; i < globs->count; i++) {
    for (uint32_t j = 0; j < place->count; j++) {
      if (place->frames[j].function != NULL &&
          fnmatch(globs->items[i], place->frames[j].function, 0) == 0) {
        return true;
      }
    }
  }
  return globs->count == 0;
}

/* Does the record touch [offset, offset + size) of its pool? */
static bool range_touched(const struct options *options,
                          const struct fpost_record *record,
                          const struct fpost_event_view *view) {
  if (options->offset == UINT64_MAX) {
    return true;
  }
  if (view->pool == NULL) {
    return false;
  }
  uint64_t begin = fpost_pm_offset(record->address);
  uint64_t end = begin + (record->size != 0 ? record->size : 1);
  if (record->kind == FPOST_RECORD_FLUSH) {
    uint64_t mask = FENCEPOST_LINE_SIZE - 1;
    begin &= ~mask;
    end = (end + mask) & ~mask;
  }
  return begin < options->offset + options->size && options->offset < end;
}

static bool record_wanted(const struct show *show,
                          const struct fpost_record *record,
                          const struct fpost_event_view *view) {
  const struct options *options = show->options;
  if ((show->wanted >> record->kind & 1) == 0 || options->summary ||
      view->index < options->from || view->index > options->to ||
      (options->crash_points && !view->crash_point)) {
    return false;
  }
  if (options->thread != UINT32_MAX &&
      (!event_is(record) || record->thread != options->thread)) {
    return false;
  }
  if (options->pool != NULL &&
      (view->pool == NULL || fnmatch(options->pool, view->pool, 0) != 0)) {
    return false;
  }
  return range_touched(options, record, view) &&
         place_has(&options->function, &view->place);
}

static const char *pool_name(const struct show *show, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  return show->report->pools_count > 1 && *name != '\0' ? name : "pool";
}

static void bytes_print(const struct fpost_record *record) {
  size_t shown =
      record->data_size < BYTES_SHOWN ? record->data_size : BYTES_SHOWN;
  for (size_t i = 0; i < shown; i++) {
    printf("%s%02x", i != 0 && i % 8 == 0 ? " " : "", record->data[i]);
  }
  fputs(shown < record->data_size ? "..." : "", stdout);
}

static const char *flush_name(uint32_t kind) {
  static const char *const names[] = {"clflush", "clflushopt", "clwb"};
  return kind < 3 ? names[kind] : "flush?";
}

static const char *fence_name(uint32_t kind) {
  static const char *const names[] = {"sfence", "mfence", "locked"};
  return kind < 3 ? names[kind] : "fence?";
}

static void store_print(const struct show *show,
                        const struct fpost_record *record,
                        const struct fpost_event_view *view) {
  printf("store      %s+0x%" PRIx64 " %" PRIu64 " = ",
         pool_name(show, view->pool), fpost_pm_offset(record->address),
         record->size);
  bytes_print(record);
  if ((record->flags & FENCEPOST_STORE_NT) != 0) {
    fputs(" non-temporal", stdout);
  }
  if ((record->flags & FENCEPOST_STORE_WHOLE) != 0) {
    fputs(" whole", stdout);
  }
  if ((record->flags & FENCEPOST_STORE_ATOMIC) != 0) {
    fputs(" atomic", stdout);
  }
  if ((record->flags & FENCEPOST_STORE_FOUND) != 0) {
    fputs(" found", stdout);
  }
}

static void mark_print(const struct show *show,
                       const struct fpost_record *record,
                       const struct fpost_event_view *view) {
  int text = (int)record->text_size;
  if (record->flags == FPOST_MARK_FINDING && record->id < FPOST_CLASS_COUNT) {
    printf("mark       %s at %s+0x%" PRIx64, fpost_class_infos[record->id].name,
           pool_name(show, view->pool), fpost_pm_offset(record->address));
  } else if (record->flags == FPOST_MARK_BUFFERED) {
    printf("buffered");
  } else if (record->flags == FPOST_MARK_THREAD) {
    printf("thread     T%" PRIu32 " '%.*s'", record->id, text, record->text);
  } else if (record->flags == FPOST_MARK_LOCK) {
    printf("lock       %" PRIu32, record->id);
  } else if (record->flags == FPOST_MARK_WHO) {
    printf("by         T%" PRIu32, record->id);
  } else if (record->flags == FPOST_MARK_UNCALLED) {
    printf("uncalled   %.*s", text, record->text);
  } else if (record->flags == FPOST_MARK_COMPARED) {
    printf("compared");
  } else if (record->flags == FPOST_MARK_UNSEEN) {
    printf("unseen     %" PRIu64 " words", record->value);
  } else if (record->flags == FPOST_MARK_GONE) {
    printf("gone       pool %" PRIu32, record->id);
  } else if (record->flags == FPOST_MARK_TX) {
    printf("tx-begin");
  } else if (record->flags >= FPOST_MARK_MADE &&
             record->flags <= FPOST_MARK_FOUND) {
    static const char *const what[] = {"allocated", "freed", "found"};
    printf("%-10s %s+0x%" PRIx64 " %" PRIu64,
           what[record->flags - FPOST_MARK_MADE], pool_name(show, view->pool),
           fpost_pm_offset(record->address), record->size);
  } else {
    printf("mark       %" PRIu32, record->flags);
  }
}

/* A record that is no event of a thread. */
static void other_print(const struct show *show,
                        const struct fpost_record *record,
                        const struct fpost_event_view *view) {
  int text = (int)record->text_size;
  switch (record->kind) {
  case FPOST_RECORD_MODULE:
    printf("module     %" PRIu32 " %.*s at 0x%" PRIx64, record->id, text,
           record->text, record->value);
    break;
  case FPOST_RECORD_STACK:
    printf("stack      %" PRIu32 ", %zu frames", record->id,
           record->data_size / sizeof(uint64_t));
    break;
  case FPOST_RECORD_POOL:
    printf("pool       %" PRIu32 " '%.*s' of %" PRIu64 " bytes at 0x%" PRIx64
           "%s",
           record->id, text, record->text, record->size, record->value,
           (record->flags & FPOST_POOL_BEFORE) != 0 ? ", there before" : "");
    break;
  case FPOST_RECORD_RESIZE:
    printf("resize     pool %" PRIu32 " to %" PRIu64 " bytes", record->id,
           record->size);
    break;
  case FPOST_RECORD_IMAGE:
  case FPOST_RECORD_UNMAP:
  case FPOST_RECORD_IGNORE:
    printf("%-10s %s+0x%" PRIx64 " %" PRIu64, kinds[record->kind],
           pool_name(show, view->pool), fpost_pm_offset(record->address),
           record->size);
    break;
  case FPOST_RECORD_NOTE:
    printf("note       %.*s", text, record->text);
    break;
  case FPOST_RECORD_MARK:
    mark_print(show, record, view);
    break;
  case FPOST_RECORD_END:
    printf("end        ");
    if (record->value == UINT64_MAX) {
      fputs("not seen: the program was killed", stdout);
    } else {
      printf("wait status %" PRIu64, record->value);
    }
    break;
  default:
    break;
  }
}

static void event_print(const struct show *show,
                        const struct fpost_record *record,
                        const struct fpost_event_view *view) {
  printf("T%-3" PRIu32 " ", record->thread);
  switch (record->kind) {
  case FPOST_RECORD_STORE:
    store_print(show, record, view);
    break;
  case FPOST_RECORD_FLUSH:
  case FPOST_RECORD_DURABLE:
    printf("%-10s %s+0x%" PRIx64 " %" PRIu64,
           record->kind == FPOST_RECORD_DURABLE ? "durable"
                                                : flush_name(record->flags),
           pool_name(show, view->pool), fpost_pm_offset(record->address),
           record->size);
    break;
  case FPOST_RECORD_FENCE:
    fputs(fence_name(record->flags), stdout);
    break;
  case FPOST_RECORD_OP_BEGIN:
    printf("op-begin   %.*s", (int)record->text_size, record->text);
    break;
  default:
    fputs(kinds[record->kind], stdout);
    break;
  }
}

static void place_print(const struct fpost_place *place) {
  const struct fpost_frame *frame = fpost_place_frame(place);
  if (frame == NULL) {
    return;
  }
  if (frame->file != NULL && frame->line != 0) {
    printf("   %s:%" PRIu32, frame->shown, frame->line);
    if (frame->function != NULL) {
      printf(" in %s", frame->function);
    }
  } else if (frame->function != NULL) {
    printf("   in %s", frame->function);
  }
}

static bool show_record(void *context, const struct fpost_record *record,
                        const struct fpost_event_view *view) {
  struct show *show = context;
  show->counts[record->kind]++;
  show->crash_points += view->crash_point;
  show->stored_bytes +=
      record->kind == FPOST_RECORD_STORE ? record->data_size : 0;
  if (event_is(record)) {
    show->event_bytes += show->reader->size;
    show->packed_bytes += show->reader->packed_share;
  }
  if (!record_wanted(show, record, view)) {
    return true;
  }
  printf("%8" PRIu64 " %c ", view->index, view->crash_point ? '*' : ' ');
  if (event_is(record)) {
    event_print(show, record, view);
    place_print(&view->place);
  } else {
    other_print(show, record, view);
  }
  putchar('\n');
  return ferror(stdout) == 0;
}

static void head_print(const struct fpost_reader *reader, const char *path) {
  const char *end = reader->command + reader->header.command_size;
  printf("# %s: trace %016" PRIx64 ", version %" PRIu32 "%s, domain %s\n", path,
         reader->header.id, reader->header.version,
         reader->packed ? "" : ", not packed",
         reader->header.domain == FPOST_DOMAIN_EADR ? "eadr" : "adr");
  fputs("# command:", stdout);
  for (const char *at = reader->command; at < end; at += strlen(at) + 1) {
    printf(" %s", at);
  }
  fputs(
      "\n# record, * = crash point (the power is cut before it), thread, "
      "event, place\n",
      stdout);
}

static void summary_print(const struct show *show) {
  printf("# %" PRIu64 " stores of %" PRIu64 " bytes, %" PRIu64
         " flushes, %" PRIu64 " fences, %" PRIu64 " durable ranges, %" PRIu64
         " operations, %" PRIu64 " crash points\n",
         show->counts[FPOST_RECORD_STORE], show->stored_bytes,
         show->counts[FPOST_RECORD_FLUSH], show->counts[FPOST_RECORD_FENCE],
         show->counts[FPOST_RECORD_DURABLE],
         show->counts[FPOST_RECORD_OP_BEGIN], show->crash_points);
  double stores = (double)show->counts[FPOST_RECORD_STORE];
  if (stores > 0) {
    printf("# %" PRIu64 " bytes of events, %.2f per store, %.2f packed\n",
           show->event_bytes, (double)show->event_bytes / stores,
           show->packed_bytes / stores);
  }
}

static int show_trace(const struct options *options, uint32_t wanted,
                      const char *path) {
  struct fpost_report_options filters = {.fail_on = FPOST_FAIL_ON_DEFAULT};
  struct fpost_report report;
  struct fpost_reader reader;
  if (fpost_reader_open(&reader, path) != 0) {
    fpost_error("show: %s", reader.error);
    return FPOST_EXIT_USAGE;
  }
  if (fpost_report_init(&report, &filters) != 0) {
    fpost_reader_close(&reader);
    return FPOST_EXIT_USAGE;
  }
  struct show show = {.options = options,
                      .wanted = wanted,
                      .report = &report,
                      .reader = &reader};
  report.enabled = 0;
  head_print(&reader, path);
  int err = fpost_analyse_each(&report, &reader, show_record, &show);
  if (err != 0) {
    fpost_error("show: %s", reader.error);
  } else {
    summary_print(&show);
  }
  fpost_report_free(&report);
  fpost_reader_close(&reader);
  return err == 0 ? FPOST_EXIT_CLEAN : FPOST_EXIT_USAGE;
}

static int show_run(const struct fpost_command *command, int argc,
                    char **argv) {
  struct options options = {
      .to = UINT64_MAX, .offset = UINT64_MAX, .size = 1, .thread = UINT32_MAX};
  struct fpost_operands operands;
  uint32_t wanted = 0;
  int exit_code = FPOST_EXIT_USAGE;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  if (!fpost_options_operands(command, &operands, 1) ||
      !kinds_parse(&options, &wanted)) {
    return FPOST_EXIT_USAGE;
  }
  return show_trace(&options, wanted, operands.items[0]);
}

const struct fpost_command fpost_command_show = {
    .name = "show",
    .usage = "[OPTIONS] TRACE",
    .summary = "print the events, operations and crash points of a trace",
    .description =
        "Prints the records of a trace, one a line, with the place in the "
        "source that each came from. A star marks the crash points, the "
        "moments just before something becomes guaranteed.\n"
        "A store is shown with its first bytes in memory order. `found` says "
        "that code without hooks made it: its time is that of the flush that "
        "found it.",
    .options = table,
    .example = "fencepost show --function 'push*' --kind store,flush queue.fpt",
    .run = show_run};
