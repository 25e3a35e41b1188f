/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The plan: memory shared by the explorer and the recovery process. The
 * explorer writes what a crash leaves undecided, the recovery process's fork
 * server walks over all runs of a crash point by itself and logs them: one
 * hand-over per crash point, not per run.
 *
 * The plan is one sparse memfd:
 *
 *     header | choices | stacks | log | units | links | steps | joint tests |
 *     their facts | sums solved | per pool: lines, pages
 *
 * Offsets are in the header. A table is as large as it may become; untouched
 * parts have no memory behind them.
 *
 *     lines[pool][line]   1 + index of the first unit of that line, 0: none;
 *                         further units of the line (torn mode) by links[unit],
 *                         likewise 1 + index. A free unit has touched == 0
 *     pages[pool][page]   number of units with a place in that 4 KiB page
 *
 * Hand-over: the explorer fills in the request, increments `asked` and wakes;
 * the server works, sets `answered = asked` and wakes. The server watches the
 * explorer by PR_SET_PDEATHSIG; the explorer watches the server by waitpid, and
 * time by `runs`.
 */
#ifndef FPOST_OS_PLAN_H
#define FPOST_OS_PLAN_H

#include "rt/model/alike.h"
#include "rt/model/choice.h"
#include "rt/model/sum.h"
#include "rt/trace/trace.h"

#include <stdint.h>

#define FPOST_PLAN_MAGIC UINT64_C(0x6e616c7074736f70)
#define FPOST_PLAN_VERSION 10u

/* Undecided units at one crash point. */
#define FPOST_PLAN_UNITS_MAX (1u << 20)
/* Steps of all units together. */
#define FPOST_PLAN_STEPS_MAX (1u << 22)
/* Choices in one run: more are a recovery that reads without end. */
#define FPOST_PLAN_CHOICES_MAX (1u << 14)
/* Joint tests of one walk, and their words. */
#define FPOST_PLAN_JOINTS_MAX (1u << 12)
#define FPOST_PLAN_FACTS_MAX (1u << 16)
/* Sums whose solution is remembered. */
#define FPOST_PLAN_SUMS_MAX (1u << 12)
/* Bytes of the log; a request ends when it is full. */
#define FPOST_PLAN_LOG_MAX (UINT64_C(16) << 20)
/* Frames of the stack of a choice, innermost first. */
#define FPOST_PLAN_STACK_MAX 24u
#define FPOST_PLAN_PAGE 4096u
/* Memory a run may allocate beyond what a process has at its start, bytes. */
#define FPOST_PLAN_DATA_MAX (UINT64_C(4) << 30)
#define FPOST_PLAN_PATH_MAX 4096u

/* What is found in the heap of one run, and what is known and passed over. */
#define FPOST_PLAN_HEAP_MAX 4u
#define FPOST_PLAN_HEAP_KNOWN_MAX (1u << 16) /* places of a table */

/* How a run ended. */
enum fpost_outcome {
  FPOST_OUTCOME_EXIT = 0, /* value: exit code */
  FPOST_OUTCOME_SIGNAL,   /* value: signal that killed it */
  FPOST_OUTCOME_TIMEOUT,  /* cut off; value: 0 */
  FPOST_OUTCOME_OVERFLOW, /* more choices than FPOST_PLAN_CHOICES_MAX */
  FPOST_OUTCOME_ESCAPED   /* the run ended the server too */
};

/* What a run did besides ending; a bit set. */
enum fpost_run_flag {
  FPOST_RUN_OPENED = 1,  /* it opened a pool */
  FPOST_RUN_MAPPED = 2,  /* it mapped or read a pool */
  FPOST_RUN_THREADS = 4, /* it started threads */
  FPOST_RUN_ORPHANS = 8, /* it left processes behind, which were killed */
  FPOST_RUN_COARSE = 16, /* an instruction could not be decoded: a page's worth
                            of bytes was decided at once */
  FPOST_RUN_OUTPUT = 32, /* it wrote to stdout or stderr */
  FPOST_RUN_FORKED = 64, /* it made processes, which may have read a pool */
  FPOST_RUN_EXEC = 128,  /* it was refused to run another program */
  FPOST_RUN_CHECKSUM = 256, /* a checksum over too many undecided words to know
                              all states in which it matches */
  FPOST_RUN_STORED = 512, /* it may have stored to a pool: it did, or flushed */
  FPOST_RUN_CHECKER = 1024, /* the outcome is that of the checker after it */
  FPOST_RUN_CHECKED = 2048, /* that checker read a pool */
  FPOST_RUN_HEAP_THREADS = 4096, /* the heap it left was not looked at: other
                                    threads were there, */
  FPOST_RUN_HEAP_SIZE = 8192 /* or no memory for its objects; or too much in it
                                is known to be looked for more */
};

/* Looking at the heaps of libpmemobj after recovery, rt/hooks/recover_heap.h.
 */
enum fpost_plan_heap_mode {
  FPOST_PLAN_HEAP_OFF = 0,
  FPOST_PLAN_HEAP_BASE, /* what recovery has left undecided has not persisted */
  FPOST_PLAN_HEAP_READ  /* it is decided, as a read of recovery would */
};

/* An object as libpmemobj tells it. */
struct fpost_plan_object {
  uint64_t address; /* pm address */
  uint64_t size;    /* usable bytes */
  uint64_t type;    /* its type number */
  uint64_t root;    /* 1: it is the root */
};

/* An object that nothing reaches, or a pointer to no object. */
struct fpost_plan_heap {
  uint64_t object; /* pm address of the object, or where none is */
  uint64_t field;  /* pm address of the pointer; 0: it is a leak */
};

enum fpost_plan_request {
  FPOST_PLAN_WALK =
      1,              /* all runs that extend the prefix, while there is room */
  FPOST_PLAN_ONE = 2, /* one run, with stacks; output is kept */
  FPOST_PLAN_MAIN = 3, /* go on to main in the server itself, for a debugger */
  FPOST_PLAN_QUIT = 4
};

/* A pool as recovery sees it. */
struct fpost_plan_pool {
  char path[FPOST_PLAN_PATH_MAX]; /* absolute */
  uint64_t device, inode;         /* of the user's file; 0, 0: there is none */
  uint64_t size;                  /* at this crash point, bytes; 0: not yet */
  uint64_t lines;                 /* offset of uint32_t[] in the plan */
  uint64_t pages;                 /* offset of uint16_t[] in the plan */
  uint64_t pages_count;
  uint64_t closed_first; /* pages outside [closed_first, closed_end) have no */
  uint64_t closed_end;   /* units; pages inside may have some */
  uint64_t virtual_address; /* of its first mapping in the recorded run */
  int32_t image; /* the explorer's descriptor of the guaranteed image */
  uint32_t spare;
};

/* The stack of a choice or of a death; virtual addresses, as in /proc/pid/maps
   of the server. */
struct fpost_plan_stack {
  uint32_t count;
  uint32_t spare;
  uint64_t pcs[FPOST_PLAN_STACK_MAX];
};

/* A run in the log; `added` choices follow it. */
struct fpost_plan_run {
  uint32_t outcome; /* enum fpost_outcome */
  uint32_t value;
  uint32_t flags; /* enum fpost_run_flag */
  uint32_t kept;  /* choices that it shares with the run before it */
  uint32_t added; /* its choices after those */
  uint32_t heap_count;
  uint64_t observed; /* hash of what it said of the state; 0: nothing */
  struct fpost_plan_heap heap[FPOST_PLAN_HEAP_MAX];
};

/* A checksum that a run has found to match although some of the undecided words
   under it were lost and others not. */
struct fpost_plan_collision {
  uint32_t words; /* under it and undecided at the crash; 0: there was none */
  uint32_t lost;  /* of these, not as if everything had persisted */
  struct fpost_plan_stack stack; /* of the comparison */
};

/* A sum that has been solved; which, hashes say. */
struct fpost_plan_sum {
  uint64_t hash[2]; /* 0, 0: free */
  uint64_t subset;
  uint32_t result; /* enum fpost_sum_result */
  uint32_t spare;
};

struct fpost_plan {
  uint64_t magic;
  uint32_t version;
  uint32_t header_size;
  uint64_t size; /* of the whole plan, bytes */

  /* Where the tables are: offsets from the start of the plan. */
  uint64_t choices_at; /* struct fpost_choice[FPOST_PLAN_CHOICES_MAX] */
  uint64_t stacks_at;  /* struct fpost_plan_stack[FPOST_PLAN_CHOICES_MAX] */
  uint64_t log_at;
  uint64_t units_at;  /* struct fpost_unit[FPOST_PLAN_UNITS_MAX] */
  uint64_t links_at;  /* uint32_t[FPOST_PLAN_UNITS_MAX] */
  uint64_t steps_at;  /* struct fpost_step[FPOST_PLAN_STEPS_MAX] */
  uint64_t joints_at; /* struct fpost_joint[FPOST_PLAN_JOINTS_MAX] */
  uint64_t facts_at;  /* struct fpost_choice[FPOST_PLAN_FACTS_MAX] */
  uint64_t sums_at;   /* struct fpost_plan_sum[FPOST_PLAN_SUMS_MAX] */

  /* Fixed before the start. */
  int32_t explorer; /* process id */
  int32_t output;   /* descriptor that becomes stdout and stderr */
  int32_t observe;  /* descriptor of the observation, opened to append; -1 */
  uint32_t observe_stdout;                /* 1: it becomes stdout */
  char observe_path[FPOST_PLAN_PATH_MAX]; /* absolute; opening it opens the
                                             observation; "": none */
  uint32_t fork_runs; /* 1: no run is taken back, each is a fork */
  uint32_t heap_mode; /* enum fpost_plan_heap_mode */
  uint32_t heap_known_count;
  struct fpost_plan_heap heap_known[FPOST_PLAN_HEAP_KNOWN_MAX]; /* open
                                     addressing; object 0: a free place */
  uint32_t pool_count;
  uint32_t units_used; /* units at and past this index are free */
  struct fpost_plan_pool pools[FPOST_POOLS_MAX];

  /* Filled in by the server when it is ready. */
  int32_t server; /* process id */
  uint32_t ready; /* futex; 1: waits for requests */

  /* The request. */
  uint32_t asked; /* futex */
  uint32_t request;
  uint32_t rule;       /* enum fpost_choice_rule */
  uint32_t fixed;      /* the walk leaves this many choices alone */
  uint32_t audit;      /* with ONE: look for a collision */
  uint64_t runs_max;   /* at most so many runs */
  uint64_t output_max; /* bytes a run may write to any file */

  /* State of the walk; survives the server. */
  uint32_t choices_count; /* prefix before a run, all choices after it */
  uint32_t prefix_count;  /* of the run under way */
  int32_t run_pid;        /* 0: none, or between two runs */
  uint32_t run_flags;
  uint32_t run_over;  /* 1: overflow */
  uint32_t timed_out; /* set by the explorer to the low bits of runs */
  uint32_t heap_count;
  struct fpost_plan_heap heap[FPOST_PLAN_HEAP_MAX]; /* of the run under way */
  struct fpost_plan_object heap_objects[FPOST_PLAN_HEAP_MAX]; /* what leaks, or
                                                     what holds the pointer */
  uint64_t runs;    /* started since the plan was made */
  uint32_t solving; /* 1: the run computes for us; its time does not count */
  /* What follows is emptied by the explorer before a walk. */
  uint32_t joints_used;
  uint32_t facts_used;
  uint32_t stops; /* 1: runs that end alike are cut short */
  uint32_t kept; /* choices that the run under way shares with the one before */
  uint32_t working;       /* 1: the request is not answered yet */
  uint32_t walking;       /* 1: runs of it are left */
  uint64_t output_size;   /* of the last run, bytes */
  uint64_t observed_size; /* of its observation */
  uint64_t rewound;       /* runs that were taken back */
  uint64_t first;         /* run of the process that does the present one */
  uint32_t rewind_skip;   /* runs that are forked before that is tried again */
  uint32_t rewind_loss; /* times that it was given up soon, one after another */
  uint32_t
      varied; /* the run to come differs from here on from the one before */
  struct fpost_alikes alikes; /* runs that failed */
  struct fpost_alikes goods;  /* runs that ended well */

  /* The answer. */
  uint32_t answered; /* futex */
  uint32_t complete; /* 1: no choice is left to vary */
  uint64_t log_used; /* bytes */
  uint64_t log_runs;
  struct fpost_plan_stack fault; /* where a signal killed the run, with ONE */
  struct fpost_plan_collision collision; /* with audit */
};

static inline void *fpost_plan_table(struct fpost_plan *plan, uint64_t at) {
  return (uint8_t *)plan + at;
}

/* The place of what is known of the heap: its own, or a free one. There is
   always a free one. */
static inline struct fpost_plan_heap *
fpost_plan_heap_place(struct fpost_plan *plan,
                      const struct fpost_plan_heap *heap) {
  uint64_t hash = (heap->object ^ heap->field << 17 ^ heap->field >> 47) *
                  UINT64_C(0x9e3779b97f4a7c15);
  for (uint64_t at = hash >> 32;; at++) {
    struct fpost_plan_heap *place =
        &plan->heap_known[at % FPOST_PLAN_HEAP_KNOWN_MAX];
    if (place->object == 0 ||
        (place->object == heap->object && place->field == heap->field)) {
      return place;
    }
  }
}

static inline struct fpost_joints fpost_plan_joints(struct fpost_plan *plan) {
  return (struct fpost_joints){
      .tests = (struct fpost_joint *)fpost_plan_table(plan, plan->joints_at),
      .facts = (struct fpost_choice *)fpost_plan_table(plan, plan->facts_at)};
}

#endif /* FPOST_OS_PLAN_H */
