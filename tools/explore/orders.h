/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The orders in which operations that overlap may have happened, as far as a
 * crash may show them (docs/OPERATIONS.md):
 *
 *     boundaries    begin A   begin B      end A        end B
 *     orders        -         -            A            A B
 *                   A         A  B         A B          B A
 *                             A B  B A     B A
 *
 * A begin prolongs each order, an end drops those without the operation. What
 * an order leads to is the caller's affair: he replays it.
 */
#ifndef FPOST_TOOLS_EXPLORE_ORDERS_H
#define FPOST_TOOLS_EXPLORE_ORDERS_H

#include "rt/base/err.h"
#include "tools/explore/image.h"
#include "tools/explore/operations.h"

/* Orders of a stretch that are replayed at most. */
#define EXPLORE_ORDERS_MAX 5000u
/* Operations that may be under way at the same time. */
#define EXPLORE_ORDERS_OPEN_MAX 64u

enum explore_standing {
  EXPLORE_ORDER_LIVE, /* legal, and later operations prolong it */
  EXPLORE_ORDER_PAST, /* legal; it lacks buffered operations that returned */
  EXPLORE_ORDER_GONE  /* it lacks an operation that returned */
};

struct explore_order {
  uint64_t id;                 /* of the sequence, in its stretch */
  uint32_t parent;             /* the order without its last operation */
  uint32_t operation;          /* the last; UINT32_MAX: it is empty */
  uint32_t length;             /* operations */
  uint64_t in;                 /* by slot: operations under way that it has */
  uint64_t tried;              /* by slot: and those it was prolonged by */
  struct explore_hash content; /* of the pools */
  uint64_t observed;           /* hash */
  bool known;                  /* recovery ended well there */
  enum explore_standing standing;
};

struct explore_orders {
  const struct explore_operations *all;
  uint32_t first;   /* boundary that the stretch begins with */
  uint32_t next;    /* the first boundary that has not been passed */
  bool by_observed; /* orders with the same observation are one */
  bool merged;      /* there were such, with different contents */
  bool full;        /* there are too many: not all are here */
  uint32_t slots[EXPLORE_ORDERS_OPEN_MAX]; /* 1 + operation, 0: free */
  struct explore_order *orders;            /* the empty one first */
  uint32_t count;
};

/*
 * Replay an order: orders->orders[order->parent], then order->operation (the
 * empty one: look at the pools as they are). Sets content, observed and known.
 * Returns 0 or an error that ends the whole.
 */
typedef int explore_orders_replay(void *context,
                                  const struct explore_orders *orders,
                                  struct explore_order *order);

/* Begin with the stretch whose first boundary this is. Returns 0 or replay's
   error; to be freed in either case. */
FPOST_MUST_USE int explore_orders_begin(struct explore_orders *orders,
                                        const struct explore_operations *all,
                                        uint32_t first, bool by_observed,
                                        explore_orders_replay *replay,
                                        void *context);
void explore_orders_free(struct explore_orders *orders);

/* Pass all boundaries up to and with this one, of the stretch, unless that has
   been done. Returns 0 or replay's error; then it can be tried again. */
FPOST_MUST_USE int explore_orders_pass(struct explore_orders *orders,
                                       uint32_t boundary,
                                       explore_orders_replay *replay,
                                       void *context);

/* Is the observation legal after the boundaries passed? UNDECIDED: that is not
   known of all orders. TORN: no order leads to it that is legal. */
enum explore_verdict explore_orders_explain(const struct explore_orders *orders,
                                            uint64_t observed);

/*
 * The operation that is missed most: of an order that leads to the observation
 * but lacks operations that had returned (the order that lacks fewest), the
 * first of these. UINT32_MAX: there is none.
 */
uint32_t explore_orders_lost(const struct explore_orders *orders,
                             uint64_t observed);

/* The operations of an order, first to last: `length` of them. */
void explore_orders_sequence(const struct explore_orders *orders,
                             const struct explore_order *order,
                             uint32_t *operations);

#endif /* FPOST_TOOLS_EXPLORE_ORDERS_H */
