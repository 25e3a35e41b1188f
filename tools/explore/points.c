/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading an image: where crash points are, and in which order units are named.
 */
#include "tools/explore/image.h"

#include <stdlib.h>

#define LINE FENCEPOST_LINE_SIZE

/* Has the line of this pm address an undecided unit? */
static bool undecided(const struct explore_image *image, uint64_t address) {
  struct fpost_plan *plan = image->plan;
  const uint32_t *lines =
      fpost_plan_table(plan, plan->pools[fpost_pm_pool(address)].lines);
  return lines[fpost_pm_offset(address) / LINE] != 0;
}

/* ---- crash points ---- */

static bool range_undecided(const struct explore_image *image,
                            const struct fpost_record *record) {
  uint64_t end = record->address + (record->size == 0 ? 1 : record->size);
  for (uint64_t at = record->address & ~(uint64_t)(LINE - 1); at < end;
       at += LINE) {
    if (undecided(image, at)) {
      return true;
    }
  }
  return false;
}

static bool flush_raises(const struct explore_image *image,
                         const struct fpost_record *record) {
  if (record->flags != FENCEPOST_CLFLUSH) {
    return image->options.at != EXPLORE_AT_FENCE;
  }
  bool nt = record->thread < image->threads_count &&
            image->threads[record->thread].nt_count != 0;
  return nt || range_undecided(image, record);
}

/* A store after an NT store of the same thread to the same line completes that.
 */
static bool store_raises(const struct explore_image *image,
                         const struct fpost_record *record) {
  bool nt = record->thread < image->threads_count &&
            image->threads[record->thread].nt_count != 0;
  return nt && range_undecided(image, record);
}

bool explore_image_during(const struct explore_image *image,
                          const struct fpost_record *record) {
  return image->options.mode.domain == FPOST_DOMAIN_EADR &&
         record->kind == FPOST_RECORD_STORE &&
         (record->flags & FENCEPOST_STORE_FOUND) == 0;
}

bool explore_image_found_ends(const struct explore_image *image,
                              const struct fpost_record *record) {
  if (!image->pending_found) {
    return false;
  }
  switch (record->kind) {
  case FPOST_RECORD_STORE:
    return image->found_shown && (record->flags & FENCEPOST_STORE_FOUND) == 0;
  case FPOST_RECORD_FENCE:
  case FPOST_RECORD_DURABLE:
  case FPOST_RECORD_POOL:
  case FPOST_RECORD_RESIZE:
  case FPOST_RECORD_IMAGE:
  case FPOST_RECORD_OP_BEGIN:
  case FPOST_RECORD_OP_END:
  case FPOST_RECORD_END:
    return true;
  default:
    return false;
  }
}

bool explore_found_shows(const struct explore_image *image,
                         const struct fpost_record *record) {
  return image->pending_found && !image->found_shown &&
         (record->kind == FPOST_RECORD_FLUSH ||
          explore_image_found_ends(image, record));
}

bool explore_image_crash_point(const struct explore_image *image,
                               const struct fpost_record *record) {
  if (explore_found_shows(image, record)) {
    return true;
  }
  switch (record->kind) {
  case FPOST_RECORD_STORE:
    return image->options.at == EXPLORE_AT_STORE ||
           explore_image_during(image, record) || store_raises(image, record);
  case FPOST_RECORD_FLUSH:
    return flush_raises(image, record);
  case FPOST_RECORD_FENCE:
    return record->thread < image->threads_count &&
           fpost_model_fence_useful(&image->threads[record->thread]);
  case FPOST_RECORD_DURABLE:
    return range_undecided(image, record);
  case FPOST_RECORD_POOL:   /* a file appears, or has another size: no later */
  case FPOST_RECORD_RESIZE: /* crash leaves the files as they are now */
  case FPOST_RECORD_OP_END:
  case FPOST_RECORD_END:
    return true;
  default:
    return false;
  }
}

/* ---- order ---- */

static const struct fpost_unit *order_units;

static int order_compare(const void *a, const void *b) {
  const struct fpost_unit *one = &order_units[*(const uint32_t *)a];
  const struct fpost_unit *two = &order_units[*(const uint32_t *)b];
  if (one->address != two->address) {
    return one->address < two->address ? -1 : 1;
  }
  return one->all < two->all ? -1 : one->all > two->all;
}

uint32_t explore_image_order(const struct explore_image *image, uint32_t *units,
                             uint32_t max) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < image->plan->units_used && count < max; i++) {
    if (image->units[i].touched != 0 &&
        image->step_infos[image->units[i].steps_first].number != UINT32_MAX) {
      units[count++] = i;
    }
  }
  order_units = image->units;
  qsort(units, count, sizeof *units, order_compare);
  return count;
}
