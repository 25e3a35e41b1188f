/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/timeline.h"

#include "rt/base/assert.h"
#include "tools/explore/info.h"
#include "tools/explore/judge.h"
#include "tools/explore/replay.h"
#include "tools/explore/watch.h"

#include <stdlib.h>
#include <string.h>

#define LINE ((uint64_t)FENCEPOST_LINE_SIZE)
#define CANDIDATES_MAX (TIMELINE_LINES * TIMELINE_RING + 1u)

/* A finding whose timeline is wanted. */
struct request {
  uint32_t finding;
  uint64_t event;
  bool crash;
  uint32_t lines[TIMELINE_LINES]; /* of watch */
  uint32_t lines_count;
};

struct drawing {
  struct fpost_report *report;
  struct timeline **timelines;
  struct explore_info info;
  struct explore_image image;
  struct fpost_reader reader;
  struct watch watch;
  struct request *requests; /* by event */
  uint32_t requests_count;
  uint32_t next;              /* the first request that is not done */
  struct fpost_place *places; /* by stack of the trace */
  bool *placed;
  /* The units at the event under way, in the order of names. */
  uint32_t *order;
  uint32_t order_count;
  uint64_t *cuts;    /* as order */
  uint64_t *decided; /* by unit: its cut in the crash state */
};

/* A mark before it is chosen: more is known of it. */
struct candidate {
  struct timeline_mark mark;
  uint32_t stack;
  bool kept;
};

/* ---- what is wanted ---- */

static bool pool_find(const struct drawing *drawing, const char *path,
                      uint32_t *pool) {
  for (uint32_t i = 0; path != NULL && i < drawing->info.sizes.count; i++) {
    const char *known = drawing->info.pool_paths[i];
    if (known != NULL && strcmp(known, path) == 0) {
      *pool = i;
      return true;
    }
  }
  return false;
}

static void request_line(struct drawing *drawing, struct request *request,
                         const struct fpost_access *access) {
  uint32_t pool = 0;
  if (!access->present || !pool_find(drawing, access->pool, &pool) ||
      access->offset >= drawing->info.sizes.sizes[pool] ||
      request->lines_count == TIMELINE_LINES) {
    return;
  }
  uint64_t offset = access->offset & ~(LINE - 1);
  uint32_t line = watch_add(&drawing->watch, fpost_pm_address(pool, offset));
  for (uint32_t i = 0; i < request->lines_count; i++) {
    if (request->lines[i] == line) {
      return;
    }
  }
  request->lines[request->lines_count++] = line;
}

static void request_add(struct drawing *drawing, uint32_t index) {
  const struct fpost_report_finding *finding =
      &drawing->report->findings[index];
  const struct fpost_crash_view *crash = &finding->crash;
  struct request request = {
      .finding = index, .event = finding->event, .crash = crash->state != NULL};
  if (request.crash &&
      explore_state_event(crash->state, &request.event) != FPOST_OK) {
    return;
  }
  if (request.event == 0 || request.event >= drawing->info.records) {
    return;
  }
  request_line(drawing, &request, &finding->store);
  request_line(drawing, &request, &finding->missing);
  for (uint32_t i = 0; i < crash->lost_count; i++) {
    request_line(drawing, &request, &crash->lost[i]);
  }
  for (uint32_t i = 0; i < crash->persisted_count; i++) {
    request_line(drawing, &request, &crash->persisted[i]);
  }
  if (request.lines_count != 0) {
    drawing->requests[drawing->requests_count++] = request;
  }
}

static int request_compare(const void *a, const void *b) {
  const struct request *one = a;
  const struct request *two = b;
  return one->event < two->event ? -1 : one->event > two->event;
}

static void requests_make(struct drawing *drawing) {
  uint32_t count = drawing->report->findings_count;
  drawing->requests = calloc(count + 1, sizeof *drawing->requests);
  FPOST_ASSERT(drawing->requests != NULL);
  for (uint32_t i = 0; i < count; i++) {
    request_add(drawing, i);
  }
  qsort(drawing->requests, drawing->requests_count, sizeof *drawing->requests,
        request_compare);
}

/* ---- fates ---- */

/* The undecided unit that a word of the line belongs to, or null. */
static const struct fpost_unit *unit_of(const struct explore_image *image,
                                        uint64_t address, uint32_t word) {
  struct fpost_plan *plan = image->plan;
  const uint32_t *lines =
      fpost_plan_table(plan, plan->pools[fpost_pm_pool(address)].lines);
  uint32_t i = lines[fpost_pm_offset(address) / LINE];
  while (i != 0 && (image->units[i - 1].all >> (8 * word) & 0xff) == 0) {
    i = image->links[i - 1];
  }
  return i == 0 ? NULL : &image->units[i - 1];
}

/* Which of the pieces of a step, in order, is the word's. */
static uint32_t piece_of(const struct fpost_step *step, uint32_t word) {
  uint32_t piece = 0;
  for (uint32_t i = 0; i < word; i++) {
    piece += (step->written >> (8 * i) & 0xff) != 0;
  }
  return piece;
}

/* What becomes of a store, by its number, in one word of the line. */
static enum timeline_fate word_fate(const struct drawing *drawing,
                                    const struct request *request,
                                    uint64_t address, uint32_t word,
                                    uint32_t number) {
  const struct explore_image *image = &drawing->image;
  const struct fpost_unit *unit = unit_of(image, address, word);
  uint32_t step = 0;
  uint32_t cut_step = 0;
  uint64_t pieces = 0;
  bool whole = false;
  if (unit == NULL ||
      number <= explore_image_cut(image, address, word)->guaranteed) {
    return TIMELINE_GUARANTEED;
  }
  const struct explore_step *infos = &image->step_infos[unit->steps_first];
  while (step < unit->steps_count && infos[step].number < number) {
    step++;
  }
  if (!request->crash || step == unit->steps_count) {
    return TIMELINE_OPEN;
  }
  explore_cut_split(unit, image->steps, drawing->decided[unit - image->units],
                    &cut_step, &pieces, &whole);
  if (whole || step < cut_step) {
    return TIMELINE_PERSISTED;
  }
  const struct fpost_step *cut = &image->steps[unit->steps_first + step];
  bool there = step == cut_step && cut->whole == 0 &&
               (pieces >> piece_of(cut, word) & 1) != 0;
  return there ? TIMELINE_PERSISTED : TIMELINE_LOST;
}

static enum timeline_fate store_fate(const struct drawing *drawing,
                                     const struct request *request,
                                     uint64_t address,
                                     const struct watch_event *event) {
  enum timeline_fate fate = TIMELINE_NO_FATE;
  uint32_t last = (event->offset + event->size - 1u) / FENCEPOST_WORD_SIZE;
  for (uint32_t word = event->offset / FENCEPOST_WORD_SIZE; word <= last;
       word++) {
    enum timeline_fate one =
        word_fate(drawing, request, address, word, event->numbers[word]);
    fate = fate == TIMELINE_NO_FATE || fate == one ? one : TIMELINE_PART;
  }
  return fate;
}

/* ---- candidates ---- */

static struct fpost_place place_of(struct drawing *drawing, uint32_t stack) {
  if (stack == 0 || stack >= drawing->info.stack_count) {
    return (struct fpost_place){0};
  }
  if (!drawing->placed[stack]) {
    drawing->placed[stack] = true;
    drawing->places[stack] =
        explore_info_place(&drawing->info, drawing->report, stack);
  }
  return drawing->places[stack];
}

static struct candidate candidate_of(const struct drawing *drawing,
                                     const struct request *request,
                                     uint8_t line,
                                     const struct watch_event *event) {
  uint64_t address = drawing->watch.lines[request->lines[line]].address;
  bool store = event->kind == FPOST_RECORD_STORE;
  bool fence = event->kind == FPOST_RECORD_FENCE;
  struct candidate candidate = {
      .stack = event->stack,
      .mark = {.index = event->index,
               .kind = event->kind,
               .flags = event->flags,
               .thread = event->thread,
               .line = fence ? TIMELINE_NO_LINE : line,
               .offset = event->offset,
               .size = event->size,
               .completes = (uint8_t)(event->raises ? 1u << line : 0u)}};
  if (store) {
    candidate.mark.fate = store_fate(drawing, request, address, event);
    memcpy(candidate.mark.value, event->value, sizeof event->value);
  }
  return candidate;
}

static int candidate_compare(const void *a, const void *b) {
  const struct timeline_mark *one = &((const struct candidate *)a)->mark;
  const struct timeline_mark *two = &((const struct candidate *)b)->mark;
  if (one->index != two->index) {
    return one->index < two->index ? -1 : 1;
  }
  return (int)one->line - (int)two->line;
}

/* What is kept of the request's lines, in order; a fence once. */
static uint32_t candidates_make(const struct drawing *drawing,
                                const struct request *request,
                                struct candidate *all) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < request->lines_count; i++) {
    const struct watch_line *line = &drawing->watch.lines[request->lines[i]];
    uint64_t kept = line->count < TIMELINE_RING ? line->count : TIMELINE_RING;
    for (uint64_t j = line->count - kept; j < line->count; j++) {
      const struct watch_event *event = &line->events[j % TIMELINE_RING];
      bool store = event->kind == FPOST_RECORD_STORE;
      if (!store || event->size != 0) {
        all[count++] = candidate_of(drawing, request, (uint8_t)i, event);
      }
    }
  }
  qsort(all, count, sizeof *all, candidate_compare);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (kept != 0 && all[i].mark.kind == FPOST_RECORD_FENCE &&
        all[kept - 1].mark.index == all[i].mark.index) {
      all[kept - 1].mark.completes |= all[i].mark.completes;
    } else {
      all[kept++] = all[i];
    }
  }
  return kept;
}

/* The record that the timeline ends at. */
static struct candidate candidate_here(const struct drawing *drawing,
                                       const struct request *request,
                                       const struct fpost_record *record) {
  struct candidate here = {.stack = record->stack,
                           .kept = true,
                           .mark = {.index = request->event,
                                    .kind = record->kind,
                                    .flags = record->flags,
                                    .thread = record->thread,
                                    .line = TIMELINE_NO_LINE}};
  for (uint32_t i = 0; i < request->lines_count; i++) {
    uint64_t line = drawing->watch.lines[request->lines[i]].address;
    if (watch_touches(record, line)) {
      struct watch_event event =
          watch_event_of(&drawing->image, record, request->event, line);
      here.mark.line = (uint8_t)i;
      here.mark.offset = event.offset;
      here.mark.size = event.size;
      memcpy(here.mark.value, event.value, sizeof event.value);
      break;
    }
  }
  here.mark.role = TIMELINE_HERE;
  return here;
}

/* ---- roles ---- */

static bool frame_same(const struct fpost_place *a,
                       const struct fpost_place *b) {
  if (a->count == 0 || b->count == 0) {
    return a->count == b->count;
  }
  const struct fpost_frame *one = &a->frames[0];
  const struct fpost_frame *two = &b->frames[0];
  bool module = one->module == two->module ||
                (one->module != NULL && two->module != NULL &&
                 strcmp(one->module, two->module) == 0);
  return module && one->offset == two->offset;
}

/* Is the candidate the store of an access, in the line where it begins? */
static bool access_is(struct drawing *drawing, const struct request *request,
                      const struct candidate *candidate,
                      const struct fpost_access *access) {
  const struct timeline_mark *mark = &candidate->mark;
  uint32_t pool = 0;
  if (mark->kind != FPOST_RECORD_STORE || !access->present ||
      !pool_find(drawing, access->pool, &pool)) {
    return false;
  }
  uint64_t line = drawing->watch.lines[request->lines[mark->line]].address;
  uint64_t address = fpost_pm_address(pool, access->offset);
  struct fpost_place place = place_of(drawing, candidate->stack);
  return address >= line + mark->offset &&
         address < line + mark->offset + mark->size &&
         frame_same(&place, &access->place);
}

/* Undecided, and with the fate that the role asks for. */
static bool fate_fits(enum timeline_fate fate, bool crash, bool lost) {
  if (!crash) {
    return fate == TIMELINE_OPEN;
  }
  return fate == TIMELINE_PART ||
         fate == (lost ? TIMELINE_LOST : TIMELINE_PERSISTED);
}

/*
 * The store of an access among the candidates from `from` on: in a crash the
 * first with the right fate, else the last that is undecided; the last one if
 * none is. Returns its index, or count.
 */
static uint32_t role_find(struct drawing *drawing,
                          const struct request *request,
                          const struct candidate *all, uint32_t count,
                          uint32_t from, const struct fpost_access *access,
                          bool lost) {
  uint32_t found = count;
  bool fits = false;
  for (uint32_t i = from; i < count; i++) {
    if (!access_is(drawing, request, &all[i], access)) {
      continue;
    }
    bool one = fate_fits(all[i].mark.fate, request->crash, lost);
    if (one && request->crash) {
      return i;
    }
    if (one || !fits) {
      found = i;
      fits = fits || one;
    }
  }
  return found;
}

static void roles_find(struct drawing *drawing, const struct request *request,
                       struct candidate *all, uint32_t count) {
  const struct fpost_report_finding *finding =
      &drawing->report->findings[request->finding];
  uint32_t fault =
      role_find(drawing, request, all, count, 0, &finding->store, true);
  uint32_t later = fault == count
                       ? count
                       : role_find(drawing, request, all, count, fault + 1,
                                   &finding->missing, false);
  if (fault != count) {
    all[fault].mark.role = TIMELINE_FAULT;
    all[fault].kept = true;
  }
  if (later != count) {
    all[later].mark.role = TIMELINE_LATER;
    all[later].kept = true;
  }
}

/* ---- the timeline ---- */

static void marks_choose(struct drawing *drawing, struct timeline *timeline,
                         struct candidate *all, uint32_t count) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    kept += all[i].kept;
  }
  for (uint32_t i = count; i-- > 0 && kept < TIMELINE_MARKS;) {
    kept += !all[i].kept;
    all[i].kept = true;
  }
  uint32_t left_out = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (all[i].kept) {
      struct timeline_mark *mark = &timeline->marks[timeline->marks_count++];
      *mark = all[i].mark;
      mark->place = place_of(drawing, all[i].stack);
      mark->left_out = left_out;
      left_out = 0;
    } else {
      left_out++;
    }
  }
}

static void line_fill(const struct drawing *drawing,
                      const struct request *request, uint64_t address,
                      struct timeline_line *line) {
  const struct explore_image *image = &drawing->image;
  uint32_t pool = fpost_pm_pool(address);
  uint64_t offset = fpost_pm_offset(address);
  *line = (struct timeline_line){.pool = drawing->info.pool_paths[pool],
                                 .offset = offset};
  line->pool = fpost_report_text(drawing->report, line->pool);
  memcpy(line->crash, image->pools[pool].memory + offset, LINE);
  memcpy(line->stored, line->crash, LINE);
  const struct fpost_unit *last = NULL;
  for (uint32_t word = 0; word < FPOST_LINE_WORDS; word++) {
    const struct fpost_unit *unit = unit_of(image, address, word);
    if (unit == NULL || unit == last) {
      continue;
    }
    last = unit;
    line->undecided = true;
    fpost_unit_at(unit, image->steps, fpost_unit_cuts(unit, image->steps) - 1,
                  line->stored);
    if (request->crash) {
      fpost_unit_at(unit, image->steps, drawing->decided[unit - image->units],
                    line->crash);
    }
  }
}

/* The cuts of the crash state, by unit. False: the name is of another image. */
static bool state_decide(struct drawing *drawing,
                         const struct request *request) {
  const char *state = drawing->report->findings[request->finding].crash.state;
  if (explore_state_cuts(&drawing->image, state, drawing->order,
                         drawing->order_count, drawing->cuts) != FPOST_OK) {
    return false;
  }
  for (uint32_t i = 0; i < drawing->order_count; i++) {
    drawing->decided[drawing->order[i]] = drawing->cuts[i];
  }
  return true;
}

static void draw(struct drawing *drawing, struct request request,
                 const struct fpost_record *record, struct candidate *all) {
  bool crash = request.crash;
  if (crash && !state_decide(drawing, &request)) {
    request.crash = false;
  }
  struct timeline *timeline =
      fpost_report_memory(drawing->report, sizeof *timeline);
  timeline->crashed = crash;
  for (uint32_t i = 0; i < request.lines_count; i++) {
    line_fill(drawing, &request, drawing->watch.lines[request.lines[i]].address,
              &timeline->lines[i]);
  }
  timeline->lines_count = request.lines_count;
  uint32_t count = candidates_make(drawing, &request, all);
  roles_find(drawing, &request, all, count);
  all[count++] = candidate_here(drawing, &request, record);
  marks_choose(drawing, timeline, all, count);
  drawing->timelines[request.finding] = timeline;
}

/* The units of the image as it is now. */
static void order_take(struct drawing *drawing) {
  uint32_t live = drawing->image.units_live + 1;
  uint32_t used = drawing->image.plan->units_used + 1;
  free(drawing->order);
  free(drawing->cuts);
  free(drawing->decided);
  drawing->order = calloc(live, sizeof *drawing->order);
  drawing->cuts = calloc(live, sizeof *drawing->cuts);
  drawing->decided = calloc(used, sizeof *drawing->decided);
  FPOST_ASSERT(drawing->order != NULL);
  FPOST_ASSERT(drawing->cuts != NULL);
  FPOST_ASSERT(drawing->decided != NULL);
  drawing->order_count = explore_image_order(&drawing->image, drawing->order,
                                             drawing->image.units_live);
}

/* Draw what ends at the record. */
static void draw_all(struct drawing *drawing, const struct fpost_record *record,
                     struct candidate *all) {
  uint64_t event = drawing->reader.index;
  bool taken = false;
  while (drawing->next < drawing->requests_count &&
         drawing->requests[drawing->next].event <= event) {
    const struct request *request = &drawing->requests[drawing->next++];
    if (request->crash && !taken) {
      order_take(drawing);
      taken = true;
    }
    draw(drawing, *request, record, all);
  }
}

/* Read the trace as far as timelines need it. */
static int trace_read(struct drawing *drawing) {
  struct explore_image *image = &drawing->image;
  struct fpost_record record;
  struct candidate *all = calloc(CANDIDATES_MAX, sizeof *all);
  FPOST_ASSERT(all != NULL);
  int err = FPOST_OK;
  while (drawing->next < drawing->requests_count && err == FPOST_OK &&
         (err = fpost_reader_next(&drawing->reader, &record)) == FPOST_OK) {
    /* With eADR the power is cut while a store takes effect. */
    bool store = explore_image_during(image, &record);
    if (!store) {
      draw_all(drawing, &record, all);
    }
    watch_before(&drawing->watch, image, &record);
    err = explore_image_apply(image, &record, drawing->reader.index);
    if (store && err == FPOST_OK) {
      draw_all(drawing, &record, all);
    }
    explore_image_settle(image);
    if (err == FPOST_OK) {
      watch_after(&drawing->watch, image, &record, drawing->reader.index);
    }
  }
  free(all);
  return err == FPOST_ENOENT ? FPOST_OK : err;
}

static int drawing_fill(struct drawing *drawing, char error[512]) {
  struct explore_options options = {
      .mode = {.domain = drawing->info.domain, .torn = drawing->report->torn}};
  requests_make(drawing);
  if (drawing->requests_count == 0) {
    return FPOST_OK;
  }
  drawing->places =
      calloc(drawing->info.stack_count + 1, sizeof *drawing->places);
  drawing->placed = calloc(drawing->info.stack_count + 1, 1);
  FPOST_ASSERT(drawing->places != NULL);
  FPOST_ASSERT(drawing->placed != NULL);
  explore_info_symbols(&drawing->info, drawing->report->symbols);
  int err = explore_image_init(&drawing->image, &options, &drawing->info.sizes);
  if (err == FPOST_OK) {
    err = trace_read(drawing);
    explore_image_free(&drawing->image);
  }
  if (err != FPOST_OK) {
    snprintf(error, 512, "%.400s",
             err == FPOST_ENOMEM ? "out of memory for the image of the pools"
                                 : drawing->reader.error);
  }
  return err;
}

int explore_timelines(struct fpost_report *report, const char *trace,
                      struct timeline **timelines, char error[512]) {
  struct drawing *drawing = calloc(1, sizeof *drawing);
  FPOST_ASSERT(drawing != NULL);
  drawing->report = report;
  drawing->timelines = timelines;
  memset(timelines, 0, report->findings_count * sizeof(struct timeline *));
  int err = fpost_reader_open(&drawing->reader, trace);
  if (err == FPOST_OK) {
    err = explore_info_read(&drawing->info, &drawing->reader);
    if (err == FPOST_OK) {
      err = drawing_fill(drawing, error);
      explore_info_free(&drawing->info);
    } else {
      snprintf(error, 512, "%.500s", drawing->reader.error);
    }
    fpost_reader_close(&drawing->reader);
  } else {
    snprintf(error, 512, "%.500s", drawing->reader.error);
  }
  if (err != FPOST_OK) {
    memset(timelines, 0, report->findings_count * sizeof(struct timeline *));
  }
  watch_free(&drawing->watch);
  free(drawing->requests);
  free(drawing->places);
  free(drawing->placed);
  free(drawing->order);
  free(drawing->cuts);
  free(drawing->decided);
  free(drawing);
  return err;
}
