/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/replay.h"

#include "rt/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number at *text, which is moved behind it; false: there is none. */
static bool number(const char **text, uint64_t *value) {
  char *end = NULL;
  if (**text < '0' || **text > '9') {
    return false;
  }
  *value = strtoull(*text, &end, 10);
  *text = end;
  return true;
}

/* Feed the records before the crash. */
static int feed(struct explore_image *image, struct fpost_reader *reader,
                uint64_t event, char error[512]) {
  struct fpost_record record;
  int err = FPOST_OK;
  while ((err = fpost_reader_next(reader, &record)) == FPOST_OK) {
    bool last = reader->index == event;
    if (!last || explore_image_during(image, &record)) {
      err = explore_image_apply(image, &record, reader->index);
    }
    if (err != FPOST_OK) {
      snprintf(error, 512, "too much is undecided at this crash point");
      return err;
    }
    if (last) {
      return FPOST_OK;
    }
    explore_image_settle(image);
  }
  if (err == FPOST_ENOENT) {
    snprintf(error, 512,
             "the trace ends before that event, at %" PRIu64
             "; 'fencepost show --crash-points' lists its crash points",
             reader->index);
  } else {
    snprintf(error, 512, "%.400s", reader->error);
  }
  return FPOST_EINVAL;
}

static int parse_cuts(const struct explore_image *image, const uint32_t *order,
                      uint32_t count, const char *text, uint64_t *cuts) {
  while (*text != '\0') {
    uint64_t unit = 0;
    uint64_t cut = 0;
    if (!number(&text, &unit) || *text++ != '.' || !number(&text, &cut) ||
        unit >= count ||
        cut >= fpost_unit_cuts(&image->units[order[unit]], image->steps)) {
      return FPOST_EINVAL;
    }
    cuts[unit] = cut;
    if (*text != '\0' && (*text++ != ',' || *text == '\0')) {
      return FPOST_EINVAL;
    }
  }
  return FPOST_OK;
}

/* Write the units at their cuts into the image, and forget them. */
static void decide(struct explore_image *image, const uint32_t *order,
                   uint32_t count, const uint64_t *cuts) {
  struct fpost_plan *plan = image->plan;
  for (uint32_t i = 0; i < count; i++) {
    struct fpost_unit *unit = &image->units[order[i]];
    uint32_t pool = fpost_pm_pool(unit->address);
    uint64_t offset = fpost_pm_offset(unit->address);
    fpost_unit_at(unit, image->steps, cuts[i],
                  image->pools[pool].memory + offset);
    uint16_t *pages = fpost_plan_table(plan, plan->pools[pool].pages);
    pages[offset / FPOST_PLAN_PAGE] = 0;
    unit->touched = 0;
  }
}

int explore_state_event(const char *state, uint64_t *event) {
  return number(&state, event) && *state == '/' ? FPOST_OK : FPOST_EINVAL;
}

int explore_state_cuts(const struct explore_image *image, const char *state,
                       const uint32_t *order, uint32_t count, uint64_t *cuts) {
  const char *text = strchr(state, '/');
  if (text == NULL) {
    return FPOST_EINVAL;
  }
  text++;
  bool all = strncmp(text, "all", 3) == 0;
  for (uint32_t i = 0; i < count; i++) {
    cuts[i] =
        all ? fpost_unit_cuts(&image->units[order[i]], image->steps) - 1 : 0;
  }
  text += all ? 3 : strcmp(text, "0") == 0;
  if (all && *text == '-') {
    text++;
  }
  return parse_cuts(image, order, count, text, cuts);
}

int explore_replay_cuts(struct explore_image *image, const char *state,
                        char error[512]) {
  uint32_t *order = malloc((image->units_live + 1) * sizeof *order);
  uint64_t *cuts = calloc(image->units_live + 1, sizeof *cuts);
  FPOST_ASSERT(order != NULL);
  FPOST_ASSERT(cuts != NULL);
  uint32_t count = explore_image_order(image, order, image->units_live);
  int err = explore_state_cuts(image, state, order, count, cuts);
  if (err == FPOST_OK) {
    decide(image, order, count, cuts);
  } else {
    snprintf(error, 512,
             "'%.200s' is no crash state of this trace: there are %u undecided "
             "units at that event",
             state, count);
  }
  free(order);
  free(cuts);
  return err;
}

int explore_replay(struct explore_image *image, struct fpost_reader *reader,
                   const char *state, char error[512]) {
  uint64_t event = 0;
  if (explore_state_event(state, &event) != FPOST_OK) {
    snprintf(
        error, 512,
        "'%.200s' is no crash state: it looks like 1742/0, 1742/3.1,7.2 or "
        "1742/all-3.0, as reports print it",
        state);
    return FPOST_EINVAL;
  }
  int err = feed(image, reader, event, error);
  if (err != FPOST_OK) {
    return err;
  }
  return explore_replay_cuts(image, state, error);
}
