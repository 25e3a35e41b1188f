/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/heap.h"

#include "rt/base/assert.h"
#include "tools/explore/describe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the marks of the trace ---- */

void explore_heap_note(struct explore_heap *heap,
                       const struct fpost_record *record, uint64_t event) {
  if (record->kind != FPOST_RECORD_MARK) {
    return;
  }
  if (record->flags == FPOST_MARK_FINDING && record->id == FPOST_CLASS_LEAK) {
    heap->leaked =
        realloc(heap->leaked, (heap->leaked_count + 1) * sizeof *heap->leaked);
    FPOST_ASSERT(heap->leaked != NULL);
    heap->leaked[heap->leaked_count++] = record->address;
  }
  if (record->flags < FPOST_MARK_MADE || record->flags > FPOST_MARK_FOUND) {
    return;
  }
  if (heap->count == heap->max) {
    heap->max = heap->max == 0 ? 1024 : heap->max * 2;
    heap->marks = realloc(heap->marks, heap->max * sizeof *heap->marks);
    FPOST_ASSERT(heap->marks != NULL);
  }
  heap->marks[heap->count++] =
      (struct explore_heap_mark){.event = event,
                                 .address = record->address,
                                 .size = record->size,
                                 .stack = record->stack,
                                 .what = record->flags};
}

void explore_heap_free(struct explore_heap *heap) {
  free(heap->marks);
  free(heap->leaked);
}

/* Let the runs pass it over from now on. */
static void pass_over(struct fpost_plan *plan, struct fpost_plan_heap heap) {
  struct fpost_plan_heap *place = fpost_plan_heap_place(plan, &heap);
  if (place->object == 0 &&
      plan->heap_known_count < FPOST_PLAN_HEAP_KNOWN_MAX / 4 * 3) {
    *place = heap;
    plan->heap_known_count++;
  }
}

void explore_heap_begin(struct explore_search *search) {
  const struct explore_heap *heap = &search->info->heap;
  search->image.plan->heap_mode = search->config->heap;
  for (uint32_t i = 0; i < heap->leaked_count; i++) {
    pass_over(search->image.plan,
              (struct fpost_plan_heap){.object = heap->leaked[i]});
  }
}

void explore_heap_again(struct explore_search *search) {
  struct fpost_plan *plan = search->image.plan;
  const struct fpost_plan *first = search->outer->image.plan;
  plan->heap_mode = first->heap_mode;
  plan->heap_known_count = first->heap_known_count;
  memcpy(plan->heap_known, first->heap_known, sizeof plan->heap_known);
}

bool explore_heap_full(const struct explore_search *search) {
  return search->image.plan->heap_known_count >=
         FPOST_PLAN_HEAP_KNOWN_MAX / 4 * 3;
}

bool explore_heap_passed(struct explore_search *search,
                         const struct fpost_plan_run *run) {
  bool fresh = false;
  for (uint32_t i = 0; i < run->heap_count; i++) {
    uint32_t before = search->image.plan->heap_known_count;
    pass_over(search->image.plan, run->heap[i]);
    fresh = fresh || search->image.plan->heap_known_count != before;
  }
  return fresh;
}

static bool holds(const struct explore_heap_mark *mark, uint64_t address) {
  return address - mark->address < mark->size || address == mark->address;
}

/*
 * The mark of its kind that made, or freed, the object at address as a crash at
 * event leaves it: the last one before; else the first one after it, since the
 * call may have been under way. Null: the trace has none.
 */
static const struct explore_heap_mark *mark_of(const struct explore_heap *heap,
                                               enum fpost_mark what,
                                               uint64_t address,
                                               uint64_t event) {
  const struct explore_heap_mark *before = NULL;
  for (uint32_t i = 0; i < heap->count; i++) {
    const struct explore_heap_mark *mark = &heap->marks[i];
    if (!holds(mark, address)) {
      continue;
    }
    if (mark->event >= event) {
      /* Its last life is over: the next one had begun. */
      if (mark->what == (uint32_t)what) {
        return before != NULL ? before : mark;
      }
    } else if (mark->what == (uint32_t)what) {
      before = mark;
    } else if (mark->what != FPOST_MARK_FOUND) {
      before = NULL;
    }
  }
  return before;
}

/* ---- what is no finding ---- */

/* The program has a way of its own to the object, or loses it without a crash.
 */
static bool needs_no_pointer(const struct explore_heap *heap,
                             uint64_t address) {
  for (uint32_t i = 0; i < heap->count; i++) {
    if (heap->marks[i].what == FPOST_MARK_FOUND &&
        heap->marks[i].address == address) {
      return true;
    }
  }
  for (uint32_t i = 0; i < heap->leaked_count; i++) {
    if (heap->leaked[i] == address) {
      return true;
    }
  }
  return false;
}

/* Following one PMEMoid and the object that it goes to through the run. */
struct follow {
  uint64_t field;
  uint64_t target; /* its offset in the pool */
  uint8_t content[16];
  bool live;  /* the object is */
  bool stale; /* it goes to no object, and the program began something new */
};

static void follow_store(struct follow *follow,
                         const struct fpost_record *record) {
  for (uint32_t i = 0; i < sizeof follow->content; i++) {
    uint64_t at = follow->field + i - record->address;
    if (at < record->data_size) {
      follow->content[i] = record->data[at];
    }
  }
}

static bool follow_dangles(const struct follow *follow) {
  uint64_t words[2];
  memcpy(words, follow->content, sizeof words);
  return !follow->live && words[0] != 0 && words[1] == follow->target;
}

static void follow_mark(struct follow *follow,
                        const struct fpost_record *record) {
  struct explore_heap_mark mark = {.address = record->address,
                                   .size = record->size};
  bool own = record->flags != FPOST_MARK_TX &&
             fpost_pm_pool(record->address) == fpost_pm_pool(follow->field) &&
             holds(&mark, fpost_pm_address(fpost_pm_pool(follow->field),
                                           follow->target));
  if (own && record->flags != FPOST_MARK_FOUND) {
    follow->live = record->flags == FPOST_MARK_MADE;
  }
}

/* Does the thread begin with something else? */
static bool begins(const struct fpost_record *record) {
  return record->kind == FPOST_RECORD_OP_BEGIN ||
         (record->kind == FPOST_RECORD_MARK &&
          (record->flags == FPOST_MARK_MADE || record->flags == FPOST_MARK_TX));
}

static void follow_record(struct follow *follow,
                          const struct fpost_record *record) {
  bool before = follow_dangles(follow);
  if (record->kind == FPOST_RECORD_STORE ||
      record->kind == FPOST_RECORD_IMAGE) {
    follow_store(follow, record);
  } else if (record->kind == FPOST_RECORD_MARK &&
             record->flags >= FPOST_MARK_MADE &&
             record->flags <= FPOST_MARK_TX) {
    follow_mark(follow, record);
  }
  if (before && follow_dangles(follow) && begins(record)) {
    follow->stale = true;
  }
}

/*
 * Without any crash, does the program leave the PMEMoid as it is after it has
 * freed the object, and go on with other things, or end? Then it does not look
 * at it any more, as at an element of an array behind its end: that is no
 * matter of the crash. --check-heap asks for these as well.
 */
static bool field_stale(const struct explore_search *search,
                        const struct fpost_plan_heap *heap) {
  const struct explore_heap *marks = &search->info->heap;
  struct follow follow = {.field = heap->field,
                          .target = fpost_pm_offset(heap->object)};
  for (uint32_t i = 0; i < marks->count; i++) {
    if (holds(&marks->marks[i], heap->object) &&
        marks->marks[i].what != FPOST_MARK_FOUND) {
      follow.live = marks->marks[i].what == FPOST_MARK_FREED;
      break;
    }
  }
  struct fpost_reader reader;
  struct fpost_record record;
  if (fpost_reader_open(&reader, search->trace) != FPOST_OK) {
    return false;
  }
  while (!follow.stale && fpost_reader_next(&reader, &record) == FPOST_OK &&
         record.kind != FPOST_RECORD_END) {
    follow_record(&follow, &record);
  }
  fpost_reader_close(&reader);
  return follow.stale || follow_dangles(&follow);
}

static bool judged_before(const struct explore_search *search,
                          const struct fpost_plan_heap *heap, bool *wrong) {
  for (uint32_t i = 0; i < search->heap_judged_count; i++) {
    const struct explore_heap_judged *judged = &search->heap_judged[i];
    if (judged->heap.object == heap->object &&
        judged->heap.field == heap->field) {
      *wrong = judged->wrong;
      return true;
    }
  }
  return false;
}

static void judged_add(struct explore_search *search,
                       const struct fpost_plan_heap *heap, bool wrong) {
  search->heap_judged =
      realloc(search->heap_judged,
              (search->heap_judged_count + 1) * sizeof *search->heap_judged);
  FPOST_ASSERT(search->heap_judged != NULL);
  search->heap_judged[search->heap_judged_count++] =
      (struct explore_heap_judged){*heap, wrong};
}

bool explore_heap_wrong(struct explore_search *search,
                        const struct fpost_plan_run *run,
                        const struct fpost_plan_heap *heap) {
  bool wrong = true;
  if (run->outcome != FPOST_OUTCOME_EXIT || run->value != 0) {
    return false;
  }
  if (judged_before(search, heap, &wrong)) {
    return wrong;
  }
  if (search->outer != NULL && judged_before(search->outer, heap, &wrong)) {
    return false; /* it takes no crash of recovery, or is none at all */
  }
  if (heap->field == 0) {
    wrong = !needs_no_pointer(&search->info->heap, heap->object) &&
            (search->outer == NULL ||
             !needs_no_pointer(&search->outer->info->heap, heap->object));
  } else {
    wrong = search->config->heap == FPOST_PLAN_HEAP_READ ||
            (heap->field & EXPLORE_HEAP_VISITED) != 0 ||
            (!field_stale(search, heap) &&
             (search->outer == NULL || !field_stale(search->outer, heap)));
  }
  judged_add(search, heap, wrong);
  if (!wrong) {
    pass_over(search->image.plan, *heap);
  }
  return wrong;
}

/* ---- wording ---- */

/* The stack of the last store to the field before the crash; 0: none. */
static uint32_t stored_by(const struct explore_search *search, uint64_t field) {
  struct fpost_reader reader;
  struct fpost_record record;
  uint32_t stack = 0;
  if (fpost_reader_open(&reader, search->trace) != FPOST_OK) {
    return 0;
  }
  while (fpost_reader_next(&reader, &record) == FPOST_OK &&
         reader.index < search->point.event) {
    uint64_t offset = field + sizeof(uint64_t) - record.address;
    if (record.kind == FPOST_RECORD_STORE && offset < record.size) {
      uint64_t word = 0;
      size_t left = record.data_size - offset;
      memcpy(&word, record.data + offset,
             left < sizeof word ? left : sizeof word);
      stack = word != 0 ? record.stack : stack;
    }
  }
  fpost_reader_close(&reader);
  return stack;
}

void explore_heap_stacks(const struct explore_search *search,
                         const struct fpost_plan_heap *heap,
                         uint32_t *object_stack, uint32_t *field_stack) {
  const struct explore_heap_mark *mark =
      mark_of(&search->info->heap,
              heap->field == 0 ? FPOST_MARK_MADE : FPOST_MARK_FREED,
              heap->object, search->point.event);
  *object_stack = mark == NULL ? 0 : mark->stack;
  *field_stack =
      heap->field == 0
          ? 0
          : stored_by(search, heap->field & ~(uint64_t)EXPLORE_HEAP_VISITED);
}

/* The object of the run that has just been made, as recovery tells it. */
static struct fpost_plan_object object_of(const struct explore_search *search,
                                          const struct fpost_plan_heap *heap) {
  const struct fpost_plan *plan = search->image.plan;
  for (uint32_t i = 0; i < plan->heap_count; i++) {
    if (plan->heap[i].object == heap->object &&
        plan->heap[i].field == heap->field) {
      return plan->heap_objects[i];
    }
  }
  return (struct fpost_plan_object){.address = heap->object};
}

static void describe_leak(struct explore_search *search,
                          const struct explore_found *found,
                          struct fpost_report_finding *finding) {
  struct fpost_report *report = &search->report;
  const struct fpost_plan_object object = object_of(search, &found->heap);
  uint32_t stack = 0;
  uint32_t unused = 0;
  explore_heap_stacks(search, &found->heap, &stack, &unused);
  finding->missing = (struct fpost_access){
      .present = true,
      .place = explore_info_place(search->info, report, stack),
      .pool = fpost_report_text(
          report, search->info->pool_paths[fpost_pm_pool(object.address)]),
      .offset = fpost_pm_offset(object.address),
      .size = object.size};
  finding->message = fpost_report_format(
      report,
      "after a crash an object%s is allocated that nothing in the pool reaches",
      stack == 0 ? " that was there before the run" : "");
  finding->crash.outcome = fpost_report_format(
      report,
      "after recovery the root does not reach the object of type %" PRIu64
      ", %" PRIu64 " bytes at pool+0x%" PRIx64,
      object.type, object.size, fpost_pm_offset(object.address));
}

static void describe_dangling(struct explore_search *search,
                              const struct explore_found *found,
                              struct fpost_report_finding *finding) {
  struct fpost_report *report = &search->report;
  const struct fpost_plan_heap *heap = &found->heap;
  const struct fpost_plan_object holder = object_of(search, heap);
  uint64_t field = heap->field & ~(uint64_t)EXPLORE_HEAP_VISITED;
  uint32_t freed = 0;
  uint32_t stored = 0;
  explore_heap_stacks(search, heap, &freed, &stored);
  const struct explore_heap_mark *mark = mark_of(
      &search->info->heap, FPOST_MARK_FREED, heap->object, search->point.event);
  const char *pool = fpost_report_text(
      report, search->info->pool_paths[fpost_pm_pool(heap->object)]);
  finding->store = (struct fpost_access){
      .present = true,
      .place = explore_info_place(search->info, report, stored),
      .pool = pool,
      .offset = fpost_pm_offset(field),
      .size = 2 * sizeof(uint64_t)};
  if (mark != NULL) {
    finding->missing = (struct fpost_access){
        .present = true,
        .place = explore_info_place(search->info, report, freed),
        .pool = pool,
        .offset = fpost_pm_offset(mark->address),
        .size = mark->size};
  }
  finding->message = fpost_report_format(
      report, "after a crash the pool still points to an object that %s",
      mark != NULL ? "has been freed" : "has not been allocated");
  char type[48];
  snprintf(type, sizeof type,
           holder.root != 0 ? "the root" : "an object of type %" PRIu64,
           holder.type);
  finding->crash.outcome = fpost_report_format(
      report,
      "after recovery %s, %" PRIu64 " bytes at pool+0x%" PRIx64
      ", holds a pointer to pool+0x%" PRIx64 ", where no object is",
      type, holder.size, fpost_pm_offset(holder.address),
      fpost_pm_offset(heap->object));
}

void explore_heap_describe(struct explore_search *search,
                           const struct explore_found *found,
                           struct fpost_report_finding *finding) {
  if (found->class_ == FPOST_CLASS_LEAK) {
    describe_leak(search, found, finding);
  } else {
    describe_dangling(search, found, finding);
  }
}
