/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -I%source/include %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t run %t.pool | FileCheck --check-prefix=END %s
 * RUN: %fencepost-clang -g -O1 -I%source/include -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=NONE %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --check-heap -- %t run %t.pool
 * RUN: %fencepost-clang -g -O1 -I%source/include -DFIXED -DDANGLES %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=GONE %s
 *
 * Intent: a list whose links are XORed offsets. Without a visitor (the bug, as
 * far as Fencepost can see) its nodes look like leaks, at the end of a run and
 * after each crash; with one they are reached, and a link to a freed node is
 * noticed although recovery does not look.
 *
 * CHECK: WARNING: fencepost: leak
 * CHECK-NEXT: object of {{.*}}heap-visit.c:[[#]] in push
 * END:   WARNING: fencepost: leak
 * NONE:  SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all of
 * GONE:  ERROR: fencepost: dangling-pointer
 * GONE:    is left by a crash, and what it goes to was freed by
 * GONE:    free of {{.*}}heap-visit.c:[[#]] in pop
 * GONE:    after recovery an object of type 3, {{[0-9]+}} bytes at pool+{{.*}},
 * holds a pointer to
 */
#include "fencepost/fencepost.h"

#include "Inputs/pmobj.h"

#include <stdint.h>

#define TYPE 3
#define MASK UINT64_C(0x5a5a5a5a5a5a5a5a)

struct node {
  uint64_t next; /* offset of the next one, XOR MASK; MASK: none */
  uint64_t value;
};

struct root {
  PMEMoid head; /* an empty node */
};

static PMEMobjpool *pool;

static struct node *node_at(uint64_t offset) {
  return (struct node *)((char *)pool + offset);
}

#ifdef FIXED
static void visit(const void *object, size_t size) {
  const struct node *node = object;

  if (size >= sizeof *node && (node->next ^ MASK) != 0)
    fencepost_reach(node_at(node->next ^ MASK));
}
#endif

static void push(struct node *head, uint64_t value) {
  TX_BEGIN(pool) {
    PMEMoid oid = pmemobj_tx_alloc(sizeof(struct node), TYPE);
    struct node *node = pmemobj_direct(oid);

    node->next = head->next;
    node->value = value;
    pmemobj_tx_add_range_direct(&head->next, sizeof head->next);
    head->next = oid.off ^ MASK;
  }
  TX_END
}

static void pop(struct node *head) {
  PMEMoid oid = pmemobj_oid(node_at(head->next ^ MASK));
  uint64_t next = node_at(oid.off)->next;

#ifdef DANGLES
  pmemobj_free(&oid);
  head->next = next;
  pmemobj_persist(pool, &head->next, sizeof head->next);
#else
  TX_BEGIN(pool) {
    pmemobj_tx_add_range_direct(&head->next, sizeof head->next);
    head->next = next;
    pmemobj_tx_free(oid);
  }
  TX_END
#endif
}

static int head_make(PMEMobjpool *of, void *at, void *unused) {
  struct node *node = at;

  (void)unused;
  node->next = MASK;
  node->value = 0;
  pmemobj_persist(of, node, sizeof *node);
  return 0;
}

int main(int argc, char **argv) {
  struct root *root;

#ifdef FIXED
  fencepost_visit(TYPE, visit);
#endif
  pool = pmobj_open(argc, argv, sizeof(struct root));
  root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));
  if (strcmp(argv[1], "run") == 0) {
    struct node *head;

    if (OID_IS_NULL(root->head))
      pmemobj_alloc(pool, &root->head, sizeof *head, TYPE, head_make, NULL);
    head = pmemobj_direct(root->head);
    push(head, 1);
    push(head, 2);
    pop(head);
  }
  pmemobj_close(pool);
  return 0;
}
