/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/orders.h"

#include "rt/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NONE UINT32_MAX

/* ---- the orders ---- */

static void keep(struct explore_orders *orders,
                 const struct explore_order *order) {
  uint32_t count = orders->count;
  if ((count & (count - 1)) == 0) { /* full, at a power of two */
    uint32_t room = count == 0 ? 1 : 2 * count;
    orders->orders = realloc(orders->orders, room * sizeof *orders->orders);
    FPOST_ASSERT(orders->orders != NULL);
  }
  orders->orders[orders->count++] = *order;
}

static bool same(const struct explore_orders *orders,
                 const struct explore_order *a, const struct explore_order *b) {
  return orders->by_observed
             ? a->known && b->known && a->observed == b->observed
             : memcmp(&a->content, &b->content, sizeof a->content) == 0;
}

/* Is there an order that will do in the place of this one? */
static bool replaced(struct explore_orders *orders,
                     const struct explore_order *order) {
  for (uint32_t i = 0; i < orders->count; i++) {
    const struct explore_order *other = &orders->orders[i];
    if (other->standing == EXPLORE_ORDER_LIVE && other->in == order->in &&
        same(orders, other, order)) {
      orders->merged =
          orders->merged ||
          memcmp(&other->content, &order->content, sizeof other->content) != 0;
      return true;
    }
  }
  return false;
}

static int prolong(struct explore_orders *orders, uint32_t parent,
                   uint32_t slot, explore_orders_replay *replay,
                   void *context) {
  const struct explore_order *from = &orders->orders[parent];
  uint32_t operation = orders->slots[slot] - 1;
  uint64_t key[2] = {from->id, operation};
  struct explore_order order = {.id = XXH3_64bits(key, sizeof key),
                                .parent = parent,
                                .operation = operation,
                                .length = from->length + 1,
                                .in = from->in | UINT64_C(1) << slot};
  if (orders->count == EXPLORE_ORDERS_MAX) {
    orders->full = true;
    return FPOST_OK;
  }
  int err = replay(context, orders, &order);
  if (err == FPOST_OK) {
    orders->orders[parent].tried |= UINT64_C(1) << slot;
    /* One that another stands for is kept too: it may show what was lost. */
    order.standing =
        replaced(orders, &order) ? EXPLORE_ORDER_GONE : EXPLORE_ORDER_LIVE;
    keep(orders, &order);
  }
  return err;
}

/* Every live order, by every operation under way that it lacks. */
static int prolong_all(struct explore_orders *orders,
                       explore_orders_replay *replay, void *context) {
  int err = FPOST_OK;
  for (uint32_t i = 0; i < orders->count && err == FPOST_OK; i++) {
    for (uint32_t slot = 0;
         slot < EXPLORE_ORDERS_OPEN_MAX && err == FPOST_OK && !orders->full &&
         orders->orders[i].standing == EXPLORE_ORDER_LIVE;
         slot++) {
      uint64_t done = orders->orders[i].in | orders->orders[i].tried;
      if (orders->slots[slot] != 0 && (done >> slot & 1) == 0) {
        err = prolong(orders, i, slot, replay, context);
      }
    }
  }
  return err;
}

static uint32_t slot_of(const struct explore_orders *orders, uint32_t value) {
  uint32_t slot = 0;
  while (slot < EXPLORE_ORDERS_OPEN_MAX && orders->slots[slot] != value) {
    slot++;
  }
  return slot;
}

static void operation_ends(struct explore_orders *orders, uint32_t operation) {
  uint32_t slot = slot_of(orders, operation + 1);
  FPOST_ASSERT(slot < EXPLORE_ORDERS_OPEN_MAX);
  bool buffered = orders->all->operations[operation].buffered;
  orders->slots[slot] = 0;
  for (uint32_t i = 0; i < orders->count; i++) {
    struct explore_order *order = &orders->orders[i];
    if ((order->in >> slot & 1) == 0 && order->standing != EXPLORE_ORDER_GONE) {
      order->standing = !buffered ? EXPLORE_ORDER_GONE : EXPLORE_ORDER_PAST;
    }
    order->in &= ~(UINT64_C(1) << slot);
    order->tried &= ~(UINT64_C(1) << slot);
  }
}

int explore_orders_begin(struct explore_orders *orders,
                         const struct explore_operations *all, uint32_t first,
                         bool by_observed, explore_orders_replay *replay,
                         void *context) {
  *orders = (struct explore_orders){
      .all = all, .first = first, .next = first, .by_observed = by_observed};
  struct explore_order empty = {.parent = NONE, .operation = NONE};
  int err = replay(context, orders, &empty);
  if (err == FPOST_OK) {
    keep(orders, &empty);
  }
  return err;
}

void explore_orders_free(struct explore_orders *orders) {
  free(orders->orders);
  *orders = (struct explore_orders){0};
}

int explore_orders_pass(struct explore_orders *orders, uint32_t boundary,
                        explore_orders_replay *replay, void *context) {
  int err = FPOST_OK;
  while (orders->next <= boundary && !orders->full && err == FPOST_OK) {
    const struct explore_boundary *at = &orders->all->boundaries[orders->next];
    FPOST_ASSERT(at->first == orders->first);
    if (at->ends) {
      operation_ends(orders, at->operation);
      orders->next++;
      continue;
    }
    /* It has its slot already if this is tried again. */
    uint32_t slot = slot_of(orders, at->operation + 1);
    slot = slot == EXPLORE_ORDERS_OPEN_MAX ? slot_of(orders, 0) : slot;
    if (slot == EXPLORE_ORDERS_OPEN_MAX) {
      orders->full = true;
      break;
    }
    orders->slots[slot] = at->operation + 1;
    err = prolong_all(orders, replay, context);
    orders->next += err == FPOST_OK;
  }
  return err;
}

/* ---- asking ---- */

enum explore_verdict explore_orders_explain(const struct explore_orders *orders,
                                            uint64_t observed) {
  /* What follows an unknown beginning is no better known. */
  bool unknown = orders->full || !orders->orders[0].known;
  for (uint32_t i = 0; i < orders->count; i++) {
    const struct explore_order *order = &orders->orders[i];
    if (order->standing == EXPLORE_ORDER_GONE) {
      continue;
    }
    if (order->known && order->observed == observed) {
      return EXPLORE_LEGAL;
    }
    unknown = unknown || !order->known;
  }
  return unknown ? EXPLORE_UNDECIDED : EXPLORE_TORN;
}

void explore_orders_sequence(const struct explore_orders *orders,
                             const struct explore_order *order,
                             uint32_t *operations) {
  for (uint32_t i = order->length; i-- > 0;) {
    operations[i] = order->operation;
    order = &orders->orders[order->parent];
  }
}

/* How many operations that had returned the order lacks; *first: of them, the
   first that did. */
static uint32_t lacks(const struct explore_orders *orders,
                      const struct explore_order *order, uint32_t *first) {
  const struct explore_boundary *boundaries = orders->all->boundaries;
  uint32_t *has = malloc((order->length + 1) * sizeof *has);
  uint32_t count = 0;
  FPOST_ASSERT(has != NULL);
  explore_orders_sequence(orders, order, has);
  *first = NONE;
  for (uint32_t i = orders->first; i < orders->next; i++) {
    bool there = !boundaries[i].ends;
    for (uint32_t j = 0; j < order->length && !there; j++) {
      there = has[j] == boundaries[i].operation;
    }
    if (!there) {
      *first = count == 0 ? boundaries[i].operation : *first;
      count++;
    }
  }
  free(has);
  return count;
}

uint32_t explore_orders_lost(const struct explore_orders *orders,
                             uint64_t observed) {
  uint32_t fewest = UINT32_MAX;
  uint32_t lost = NONE;
  for (uint32_t i = 0; i < orders->count; i++) {
    const struct explore_order *order = &orders->orders[i];
    uint32_t first = NONE;
    if (!order->known || order->observed != observed) {
      continue;
    }
    uint32_t count = lacks(orders, order, &first);
    if (count != 0 && count < fewest) {
      fewest = count;
      lost = first;
    }
  }
  return lost;
}
