/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A queue of short messages in persistent memory: a ring of one-line slots in
 * the root object of a libpmemobj pool. It does not use transactions; it orders
 * its own stores, so that a push costs one fence.
 *
 *     queue create POOL           make an empty queue
 *     queue push POOL TEXT...     append each text
 *     queue pop POOL              print the oldest message and remove it
 *     queue check POOL            walk the queue, as after a restart; exit 1 if
 *                                 a message is not whole
 *
 * It has a bug, which no ordinary test can find. -DFIXED builds it without.
 */
#include <inttypes.h>
#include <libpmemobj.h>
#include <stdio.h>
#include <string.h>

#define SLOTS 64

struct slot { /* one cache line */
  uint64_t length;
  char text[56];
};

struct queue {
  uint64_t head; /* messages ever popped */
  uint64_t tail; /* messages ever pushed */
  uint64_t unused[6];
  struct slot slots[SLOTS];
};

static int push(PMEMobjpool *pool, struct queue *queue, const char *text) {
  struct slot *slot = &queue->slots[queue->tail % SLOTS];
  size_t length = strlen(text);

  if (queue->tail - queue->head == SLOTS || length >= sizeof slot->text) {
    fprintf(stderr, "queue: no room for \"%s\"\n", text);
    return 1;
  }
  slot->length = length;
  memcpy(slot->text, text, length + 1);
#ifdef FIXED
  pmemobj_persist(pool, slot, sizeof *slot);
#else
  /* Saves a fence: the one of the next persist waits for this flush, too. */
  pmemobj_flush(pool, slot, sizeof *slot);
#endif
  queue->tail++;
  pmemobj_persist(pool, &queue->tail, sizeof queue->tail);
  return 0;
}

static int pop(PMEMobjpool *pool, struct queue *queue) {
  if (queue->head == queue->tail)
    return 1;
  puts(queue->slots[queue->head % SLOTS].text);
  queue->head++;
  pmemobj_persist(pool, &queue->head, sizeof queue->head);
  return 0;
}

static int check(const struct queue *queue) {
  if (queue->tail - queue->head > SLOTS) {
    fprintf(stderr, "queue: head and tail do not match\n");
    return 1;
  }
  for (uint64_t i = queue->head; i != queue->tail; i++) {
    const struct slot *slot = &queue->slots[i % SLOTS];
    if (slot->length == 0 || slot->length >= sizeof slot->text ||
        strnlen(slot->text, sizeof slot->text) != slot->length) {
      fprintf(stderr, "queue: message %" PRIu64 " is damaged\n", i);
      return 1;
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: queue create|push|pop|check POOL [TEXT...]\n");
    return 2;
  }
  const char *command = argv[1];
  PMEMobjpool *pool =
      strcmp(command, "create") == 0
          ? pmemobj_create(argv[2], "queue", PMEMOBJ_MIN_POOL, 0600)
          : pmemobj_open(argv[2], "queue");
  if (pool == NULL) {
    fprintf(stderr, "queue: %s: %s\n", argv[2], pmemobj_errormsg());
    return 2;
  }
  struct queue *queue = pmemobj_direct(pmemobj_root(pool, sizeof *queue));
  int result = queue == NULL ? 2 : 0;

  if (result == 0 && strcmp(command, "push") == 0)
    for (int i = 3; i < argc && result == 0; i++)
      result = push(pool, queue, argv[i]);
  else if (result == 0 && strcmp(command, "pop") == 0)
    result = pop(pool, queue);
  else if (result == 0 && strcmp(command, "check") == 0)
    result = check(queue);
  pmemobj_close(pool);
  return result;
}
