/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/groups.h"

#include "tools/explore/db.h"
#include "tools/trace_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Operations of different threads that go on at a time. */
#define OPEN_MAX_COUNT 256u

struct point {
  uint64_t event;
  uint64_t runs;
  bool complete;
};

struct open_operation {
  uint32_t thread;
  struct fpost_group *group;
};

struct grouping {
  struct fpost_report *report;
  struct point *points; /* in the order of events */
  size_t points_count;
  size_t points_max;
  struct point *outside; /* those in no operation */
  size_t outside_count;
  uint32_t groups_max;
  struct open_operation open[OPEN_MAX_COUNT];
  uint32_t open_count;
};

static void point_seen(void *context, const struct explore_point *point,
                       uint64_t found) {
  struct grouping *grouping = context;
  (void)found;
  if (grouping->points_count == grouping->points_max) {
    grouping->points_max =
        grouping->points_max == 0 ? 256 : 2 * grouping->points_max;
    grouping->points = realloc(grouping->points,
                               grouping->points_max * sizeof *grouping->points);
    if (grouping->points == NULL) {
      fpost_memory_exhausted();
    }
  }
  grouping->points[grouping->points_count++] = (struct point){
      point->event, point->twin >= 0 ? 0 : point->runs, point->complete};
}

static struct fpost_group *group_add(struct grouping *grouping,
                                     const char *name, bool is_operation) {
  struct fpost_report *report = grouping->report;
  if (report->groups_count == grouping->groups_max) {
    grouping->groups_max = 2 * grouping->groups_max + 32;
    struct fpost_group *groups =
        fpost_report_memory(report, grouping->groups_max * sizeof *groups);
    if (report->groups_count != 0) {
      memcpy(groups, report->groups, report->groups_count * sizeof *groups);
    }
    /* What points to a group goes with it. */
    for (uint32_t i = 0; i < grouping->open_count; i++) {
      grouping->open[i].group =
          groups + (grouping->open[i].group - report->groups);
    }
    report->groups = groups;
  }
  struct fpost_group *group = &report->groups[report->groups_count++];
  *group = (struct fpost_group){
      .name = name, .is_operation = is_operation, .complete = true};
  return group;
}

/* The group of an operation's name, without its arguments. */
static struct fpost_group *group_of(struct grouping *grouping,
                                    const struct fpost_record *record) {
  struct fpost_report *report = grouping->report;
  int size = 0;
  while ((size_t)size < record->text_size && record->text[size] != '(' &&
         record->text[size] != ' ') {
    size++;
  }
  for (uint32_t i = 0; i < report->groups_count; i++) {
    struct fpost_group *group = &report->groups[i];
    if (strncmp(group->name, record->text, (size_t)size) == 0 &&
        group->name[size] == '\0') {
      return group;
    }
  }
  return group_add(
      grouping, fpost_report_format(report, "%.*s", size, record->text), true);
}

static void operation_end(struct grouping *grouping, uint32_t thread) {
  for (uint32_t i = 0; i < grouping->open_count; i++) {
    if (grouping->open[i].thread == thread) {
      grouping->open[i] = grouping->open[--grouping->open_count];
      return;
    }
  }
}

static void operation_begin(struct grouping *grouping,
                            const struct fpost_record *record) {
  operation_end(grouping, record->thread);
  struct fpost_group *group = group_of(grouping, record);
  if (grouping->open_count < OPEN_MAX_COUNT) {
    grouping->open[grouping->open_count++] =
        (struct open_operation){record->thread, group};
  }
}

static void point_count(struct fpost_report *report, struct fpost_group *group,
                        const struct point *point) {
  uint64_t count = group->points;
  /* Room doubles whenever the count is a power of two. */
  if ((count & (count - 1)) == 0) {
    uint64_t *events = fpost_report_memory(
        report, (count == 0 ? 1 : 2 * count) * sizeof *events);
    if (count != 0) {
      memcpy(events, group->events, count * sizeof *events);
    }
    group->events = events;
  }
  group->events[group->points++] = point->event;
  group->runs += point->runs;
  group->complete &= point->complete;
}

/* A crash point counts for every operation that it cuts. */
static void point_place(struct grouping *grouping, const struct point *point) {
  for (uint32_t i = 0; i < grouping->open_count; i++) {
    point_count(grouping->report, grouping->open[i].group, point);
  }
  if (grouping->open_count == 0) {
    grouping->outside[grouping->outside_count++] = *point;
  }
}

static int trace_follow(struct grouping *grouping,
                        struct fpost_reader *reader) {
  struct fpost_record record;
  size_t next = 0;
  int err = FPOST_OK;
  while ((err = fpost_reader_next(reader, &record)) == FPOST_OK) {
    while (next < grouping->points_count &&
           grouping->points[next].event <= reader->index) {
      point_place(grouping, &grouping->points[next++]);
    }
    if (record.kind == FPOST_RECORD_OP_BEGIN) {
      operation_begin(grouping, &record);
    } else if (record.kind == FPOST_RECORD_OP_END) {
      operation_end(grouping, record.thread);
    }
  }
  while (next < grouping->points_count) {
    point_place(grouping, &grouping->points[next++]);
  }
  return err == FPOST_ENOENT ? FPOST_OK : err;
}

/* The points outside of operations, by neighbourhood. */
static void outside_divide(struct grouping *grouping) {
  size_t count = grouping->outside_count;
  size_t share = (count + EXPLORE_GROUPS_OUTSIDE - 1) / EXPLORE_GROUPS_OUTSIDE;
  for (size_t first = 0; first < count; first += share) {
    size_t end = first + share < count ? first + share : count;
    struct fpost_group *group = group_add(
        grouping,
        fpost_report_format(grouping->report, "crash points %zu to %zu of %zu",
                            first + 1, end, count),
        false);
    for (size_t i = first; i < end; i++) {
      point_count(grouping->report, group, &grouping->outside[i]);
    }
  }
}

static int grouping_fill(struct grouping *grouping, const char *command,
                         const char *trace) {
  struct fpost_reader reader;
  grouping->outside =
      calloc(grouping->points_count + 1, sizeof *grouping->outside);
  if (grouping->outside == NULL) {
    fpost_memory_exhausted();
  }
  int err = fpost_reader_open(&reader, trace);
  if (err == FPOST_OK) {
    err = trace_follow(grouping, &reader);
    outside_divide(grouping);
    fpost_reader_close(&reader);
  }
  if (err != FPOST_OK) {
    fpost_error("%s: %s", command, reader.error);
  }
  free(grouping->outside);
  return err;
}

int explore_groups(const char *command, const char *path, const char *trace,
                   struct fpost_report *report) {
  struct grouping grouping = {.report = report};
  struct explore_db db;
  int err = explore_db_open(&db, path, false);
  if (err == FPOST_OK) {
    err = explore_db_axis(&db, point_seen, &grouping);
  }
  if (err != FPOST_OK) {
    fpost_error("%s: %s", command, db.error);
  }
  explore_db_close(&db);
  if (err == FPOST_OK) {
    err = grouping_fill(&grouping, command, trace);
  }
  free(grouping.points);
  return err;
}
