/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The memory that instrumented code and the runtime share: what the pass writes
 * about a module, and what the inlined checks read. The layouts are part of the
 * ABI of fencepost/hooks.def, under the same version.
 */
#ifndef FENCEPOST_MODULE_H
#define FENCEPOST_MODULE_H

#include <stdint.h>

/*
 * What is read inline, defined once by the runtime as __fencepost_state. One
 * symbol, so that position-independent code needs one GOT entry for it.
 */
struct fencepost_state {
  /* All PM lies in [pm_base, pm_base + pm_size): an access outside is not to
     PM. An access inside need not be PM; the hook decides. Size 0: no PM
     mapped. */
  uint64_t pm_base;
  uint64_t pm_size;
  /* Non-zero when the versions that report loads are to run: during recovery
     from a crash, to find races, and for operations. Set before the first
     instrumented function runs and never changed after. */
  uint8_t loads;
  /* Non-zero when functions are operations by their names (op=); then loads is
     too. Set as early. */
  uint8_t ops;
  /* A load of up to FENCEPOST_LOADS_SPAN bytes whose address is not in
     [loads_base, loads_base + loads_size) need not be reported. The runtime
     moves the range as it likes, also in the middle of a function; it begins so
     much earlier that loads that reach into it are in it. */
  uint64_t loads_base;
  uint64_t loads_size;
};

#define FENCEPOST_LOADS_SPAN 64

/* The fields as the pass addresses them, by offset in bytes. */
#define FENCEPOST_STATE_PM_BASE 0
#define FENCEPOST_STATE_PM_SIZE 8
#define FENCEPOST_STATE_LOADS 16
#define FENCEPOST_STATE_OPS 17
#define FENCEPOST_STATE_LOADS_BASE 24
#define FENCEPOST_STATE_LOADS_SIZE 32

/* A function whose calls are marked, and may be operations. */
struct fencepost_function {
  const char *name;       /* demangled, without parameters and result */
  const char *parameters; /* "(int)"; "" where the symbol has none */
  /* Of up to FENCEPOST_OP_ARGUMENTS arguments: a letter and the name, which may
     be empty, separated by ','. i signed, u unsigned, b bool, c char, d double,
     s C string, S std::string, p other pointer, x what is not shown, and any
     arguments that follow. */
  const char *arguments;
  uint64_t chosen; /* written by the runtime: bit i if it matches op=, number i
                    */
};
#define FENCEPOST_OP_ARGUMENTS 8

/*
 * Which call of a marked function it is that a mark belongs to, within a frame:
 * the function that has the frame (a hash of its name), and an interval. That
 * of a call that has been inlined lies in the interval of the call that it was
 * made in; [0, max] is the function itself. A place is in the calls whose
 * intervals hold its number.
 */
#define FENCEPOST_INSTANCE_OWNER_SHIFT 32
#define FENCEPOST_INSTANCE_FIRST_SHIFT 16
#define FENCEPOST_INSTANCE_MAX 0xffffu

/*
 * One per instrumented module (translation unit), constant, passed to
 * __fencepost_module by a constructor of priority 0. The two first fields keep
 * their place in every version. Strings are never null, and live as long as the
 * module is loaded. The counts are of hooks inserted, before any linker drops
 * functions that nobody needs.
 */
struct fencepost_module {
  uint32_t abi_version; /* FENCEPOST_ABI_VERSION of the pass */
  uint32_t llvm_major;  /* LLVM that the pass was built for, 22 for example */
  const char *source;   /* source file, as given to the compiler */
  const char *options;  /* options of the pass, "" for none */
  uint32_t stores;      /* plain, masked, block and atomic ones */
  uint32_t loads;       /* load hooks */
  uint32_t flushes;     /* flush hooks */
  uint32_t fences;      /* fence hooks, those of locked RMW included */
  uint32_t asm_unknown; /* asm blocks that may write memory, not understood */
  uint32_t functions;   /* functions instrumented */
  /* Function that holds the first such asm block; "" if there is none. */
  const char *asm_unknown_function;
  struct fencepost_function *marked; /* functions with marks */
  uint64_t marked_count;
};

#endif /* FENCEPOST_MODULE_H */
