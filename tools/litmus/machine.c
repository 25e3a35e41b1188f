/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The machine that turns a litmus program into sequences of events for the
 * model.
 *
 * Each thread has a buffer into which stores, flushes and sfences go in program
 * order. They leave it, and so take effect and become events, one by one: in
 * the order that must_precede() demands and in no other. Loads look into the
 * own buffer first; mfence and locked RMW wait until it is empty. All schedules
 * are explored, depth first, each distinct state once.
 *
 * An NT store leaves the buffer when it leaves the write-combining buffer. The
 * model may go on taking it for undecided: a crash that loses it is one of
 * another schedule, in which it leaves later; unless somebody has seen that it
 * had left, and then the model is told (fpost_model_drained).
 *
 * What makes no difference is not enumerated but done at once, see may_hurry();
 * states that only differ in what no crash can tell are one, see
 * key_add_contents(); and where a next state leaves all that a crash now does,
 * the crash is left to it.
 */
#include "rt/base/assert.h"
#include "rt/model/crash.h"
#include "tools/litmus/litmus.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define THREADS FPOST_LITMUS_THREADS_MAX
#define INSTRUCTIONS FPOST_LITMUS_INSTRUCTIONS_MAX
#define LOCATIONS FPOST_LITMUS_LOCATIONS_MAX
/* All stores of all threads. */
#define HISTORY_MAX (THREADS * INSTRUCTIONS)
/* A flush adds an entry per word in torn-line mode. */
#define PENDING_MAX (INSTRUCTIONS * FPOST_LINE_WORDS)
/* A unit is a line, or a word that is a location. */
#define UNITS_MAX LOCATIONS
/* How many states are done between two words to who watches. */
#define WATCH_EVERY 4096u

/* Pointers in the threads and their pending lists point into the state itself.
 */
struct state {
  uint8_t pc[THREADS];
  uint8_t buffered[THREADS];             /* entries of buffer */
  uint8_t buffer[THREADS][INSTRUCTIONS]; /* instructions, oldest first */
  uint32_t registers[THREADS][FPOST_LITMUS_REGISTERS_MAX];
  uint32_t memory[LOCATIONS];
  uint8_t nt[LOCATIONS];  /* per line: threads with NT stores to it that left */
  uint32_t history_count; /* stores in visibility order */
  uint8_t history_location[HISTORY_MAX];
  uint32_t history_value[HISTORY_MAX];
  struct fpost_line lines[LOCATIONS][FPOST_LINE_WORDS];
  struct fpost_thread threads[THREADS];
  struct fpost_pending pending[THREADS][PENDING_MAX];
};

/* The values that one unit may have after a crash. */
struct unit_values {
  uint32_t locations; /* bit per location in the unit */
  uint32_t count;
  uint8_t values[HISTORY_MAX + 1][64];
};

struct machine {
  const struct fpost_litmus_program *program;
  const struct fpost_mode *mode;
  const struct fpost_litmus_watch *watch; /* may be null */
  struct fpost_litmus_states *states;
  struct state *todo; /* stack */
  size_t todo_count;
  size_t todo_max;
  XXH128_hash_t *seen; /* open addressing; {0, 0} is free */
  size_t seen_count;
  size_t seen_max; /* a power of two */
  struct unit_values units[UNITS_MAX];
  uint32_t units_count;
};

static const struct fpost_litmus_instruction *
instruction_at(const struct machine *machine, uint32_t thread, uint32_t index) {
  FPOST_ASSERT(index < machine->program->threads[thread].instructions_count);
  return &machine->program->threads[thread].instructions[index];
}

static void state_copy(struct state *to, const struct state *from) {
  memcpy(to, from, offsetof(struct state, pending));
  for (uint32_t t = 0; t < THREADS; t++) {
    to->threads[t].pending = to->pending[t];
    for (uint32_t i = 0; i < to->threads[t].pending_count; i++) {
      const struct fpost_line *line = from->pending[t][i].line;
      to->pending[t][i] = from->pending[t][i];
      to->pending[t][i].line = &to->lines[0][0] + (line - &from->lines[0][0]);
    }
  }
}

/* Must the older of two buffered instructions of a thread take effect first? */
static bool must_precede(const struct machine *machine,
                         const struct fpost_litmus_instruction *older,
                         const struct fpost_litmus_instruction *younger) {
  if (older->op == FPOST_LITMUS_SFENCE || younger->op == FPOST_LITMUS_SFENCE) {
    return true; /* F2, N1 */
  }
  const uint8_t *line = machine->program->line;
  bool same_line = line[older->location] == line[younger->location];
  bool older_flush = older->op == FPOST_LITMUS_FLUSH;
  bool younger_flush = younger->op == FPOST_LITMUS_FLUSH;
  bool older_clwb = older_flush && older->value != FENCEPOST_CLFLUSH;
  bool younger_clwb = younger_flush && younger->value != FENCEPOST_CLFLUSH;
  if (older_clwb) {
    return same_line && younger_flush && !younger_clwb; /* F2 */
  }
  if (younger_clwb || younger->op == FPOST_LITMUS_NT) {
    return same_line; /* F2, N1 */
  }
  if (older->op == FPOST_LITMUS_NT) {
    return same_line || younger_flush; /* N1 */
  }
  return true; /* S1, F1 */
}

static struct fpost_line *line_of(struct state *state, uint32_t line) {
  return state->lines[line];
}

/*
 * The thread accesses a location: NT stores of other threads that it finds in
 * the line had left (N1). So had the thread's own, if this is another NT store
 * to the line; of which the model need not be told if the line's cut says it.
 */
static void observe(const struct machine *machine, struct state *state,
                    uint32_t thread, uint32_t location, bool nt) {
  uint32_t line = machine->program->line[location];
  uint32_t own = 1u << thread;
  uint32_t seen = nt && machine->mode->torn ? UINT32_MAX : ~own;
  if ((state->nt[line] & seen) != 0) {
    fpost_model_drained(machine->mode, line_of(state, line));
    state->nt[line] = 0;
  }
  if (nt) {
    state->nt[line] = (uint8_t)(state->nt[line] | own);
  }
}

static void store(const struct machine *machine, struct state *state,
                  uint32_t thread, uint32_t location, uint32_t value, bool nt) {
  observe(machine, state, thread, location, nt);
  uint32_t line = machine->program->line[location];
  int err = fpost_model_store(
      machine->mode, &state->threads[thread], line_of(state, line),
      1u << machine->program->word[location], nt ? FENCEPOST_STORE_NT : 0);
  FPOST_ASSERT(err == FPOST_OK);
  FPOST_ASSERT(state->history_count < HISTORY_MAX);
  state->memory[location] = value;
  state->history_location[state->history_count] = (uint8_t)location;
  state->history_value[state->history_count] = value;
  state->history_count++;
}

/* The entry at index of the thread's buffer takes effect. */
static void leave(const struct machine *machine, struct state *state,
                  uint32_t thread, uint32_t index) {
  const struct fpost_litmus_instruction *instruction =
      instruction_at(machine, thread, state->buffer[thread][index]);
  state->buffered[thread]--;
  memmove(&state->buffer[thread][index], &state->buffer[thread][index + 1],
          state->buffered[thread] - index);
  state->buffer[thread][state->buffered[thread]] = 0;
  switch (instruction->op) {
  case FPOST_LITMUS_STORE:
  case FPOST_LITMUS_NT:
    store(machine, state, thread, instruction->location, instruction->value,
          instruction->op == FPOST_LITMUS_NT);
    break;
  case FPOST_LITMUS_FLUSH: {
    observe(machine, state, thread, instruction->location, false);
    uint32_t line = machine->program->line[instruction->location];
    int err = fpost_model_flush(machine->mode, &state->threads[thread],
                                line_of(state, line), instruction->value, NULL);
    FPOST_ASSERT(err == FPOST_OK);
    break;
  }
  default:
    FPOST_ASSERT(instruction->op == FPOST_LITMUS_SFENCE);
    (void)fpost_model_fence(&state->threads[thread]);
  }
}

/* The thread's own youngest store to the location, else memory (S1). */
static uint32_t load(const struct machine *machine, struct state *state,
                     uint32_t thread, uint32_t location) {
  for (uint32_t i = state->buffered[thread]; i-- > 0;) {
    const struct fpost_litmus_instruction *instruction =
        instruction_at(machine, thread, state->buffer[thread][i]);
    bool stores = instruction->op == FPOST_LITMUS_STORE ||
                  instruction->op == FPOST_LITMUS_NT;
    if (stores && instruction->location == location) {
      return instruction->value;
    }
  }
  observe(machine, state, thread, location, false);
  return state->memory[location];
}

/* Execute the thread's next instruction, which no other thread can be blocking.
 */
static void execute(const struct machine *machine, struct state *state,
                    uint32_t thread) {
  const struct fpost_litmus_instruction *instruction =
      instruction_at(machine, thread, state->pc[thread]);
  uint32_t *result = &state->registers[thread][instruction->register_];
  uint32_t next = state->pc[thread] + 1u;
  switch (instruction->op) {
  case FPOST_LITMUS_LOAD:
    *result = load(machine, state, thread, instruction->location);
    break;
  case FPOST_LITMUS_MFENCE:
    (void)fpost_model_fence(&state->threads[thread]);
    break;
  case FPOST_LITMUS_XCHG:
  case FPOST_LITMUS_CAS:
    (void)fpost_model_fence(&state->threads[thread]);
    *result = load(machine, state, thread, instruction->location);
    if (instruction->op == FPOST_LITMUS_XCHG ||
        *result == instruction->expected) {
      store(machine, state, thread, instruction->location, instruction->value,
            false);
    }
    break;
  case FPOST_LITMUS_LFENCE:
    break;
  case FPOST_LITMUS_IF:
    if (*result != instruction->expected) {
      next += instruction->skip;
    }
    break;
  default:
    state->buffer[thread][state->buffered[thread]++] = state->pc[thread];
  }
  state->pc[thread] = (uint8_t)next;
}

/* Does the instruction involve its own thread only, whenever it executes? */
static bool instruction_is_local(uint32_t op) {
  return op != FPOST_LITMUS_LOAD && op != FPOST_LITMUS_MFENCE &&
         op != FPOST_LITMUS_XCHG && op != FPOST_LITMUS_CAS;
}

/*
 * Execute what is local to the threads at once: entering the buffer early
 * hinders nobody, and staying in it is always possible.
 */
static void advance(const struct machine *machine, struct state *state) {
  for (uint32_t t = 0; t < machine->program->threads_count; t++) {
    const struct fpost_litmus_thread *thread = &machine->program->threads[t];
    while (state->pc[t] < thread->instructions_count &&
           instruction_is_local(thread->instructions[state->pc[t]].op)) {
      execute(machine, state, t);
    }
  }
}

/* Append a number to the key. */
static uint32_t *key_add(uint32_t *key, uint64_t value) {
  FPOST_ASSERT(value <= UINT32_MAX);
  *key = (uint32_t)value;
  return key + 1;
}

/* The number of stores to line (or to its word, in torn-line mode). */
static bool history_is_in(const struct machine *machine,
                          const struct state *state, uint32_t index,
                          uint32_t line, uint32_t word) {
  uint32_t location = state->history_location[index];
  if (machine->program->line[location] != line) {
    return false;
  }
  return !machine->mode->torn || machine->program->word[location] == word;
}

/*
 * A unit as crash.h has it: base content, and the steps that are not
 * guaranteed. Steps has room for HISTORY_MAX.
 */
static void unit_make(const struct machine *machine, const struct state *state,
                      uint32_t line, uint32_t word, struct fpost_unit *unit,
                      struct fpost_step *steps) {
  uint32_t guaranteed =
      state->lines[line][machine->mode->torn ? word : 0].guaranteed;
  *unit = (struct fpost_unit){
      .all = machine->mode->torn ? UINT64_C(0xff) << (word * 8) : UINT64_MAX};
  uint32_t number = 0;
  for (uint32_t i = 0; i < state->history_count; i++) {
    if (!history_is_in(machine, state, i, line, word)) {
      continue;
    }
    uint32_t at = machine->program->word[state->history_location[i]] * 8u;
    uint64_t value = state->history_value[i];
    if (number++ < guaranteed) {
      memcpy(unit->base + at, &value, sizeof(value));
      continue;
    }
    struct fpost_step *step = &steps[unit->steps_count++];
    *step = (struct fpost_step){.written = UINT64_C(0xff) << at, .store = i};
    memcpy(step->content + at, &value, sizeof(value));
    unit->touched |= step->written;
  }
}

static int hash_compare(const void *left, const void *right) {
  return XXH128_cmp(left, right);
}

/*
 * What may become of a line (or its word): the contents that its cuts leave. A
 * guarantee drops those before some cut; which cuts those can be, flushes have
 * fixed: `parts` has a bit for each. In which order the contents between two of
 * them came makes no difference.
 */
static uint32_t *key_add_contents(const struct machine *machine,
                                  const struct state *state, uint32_t line,
                                  uint32_t word, const bool *parts,
                                  uint32_t *key) {
  struct fpost_unit unit;
  struct fpost_step steps[HISTORY_MAX];
  XXH128_hash_t contents[HISTORY_MAX + 1];
  uint8_t content[FENCEPOST_LINE_SIZE];
  unit_make(machine, state, line, word, &unit, steps);
  memcpy(content, unit.base, sizeof(content));
  for (uint32_t cut = 0; cut <= unit.steps_count;) {
    size_t count = 0;
    do {
      if (cut != 0) {
        uint32_t at =
            (uint32_t)__builtin_ctzll(steps[cut - 1].written) & (uint32_t)~7;
        memcpy(content + at, steps[cut - 1].content + at, 8);
      }
      contents[count++] = XXH3_128bits(content, sizeof(content));
      cut++;
    } while (cut <= unit.steps_count && !parts[cut]);
    qsort(contents, count, sizeof(contents[0]), hash_compare);
    size_t distinct = 1;
    for (size_t i = 1; i < count; i++) {
      if (!XXH128_isEqual(contents[i], contents[distinct - 1])) {
        contents[distinct++] = contents[i];
      }
    }
    key = key_add(key, distinct);
    for (size_t i = 0; i < distinct; i++) {
      memcpy(key, &contents[i], sizeof(contents[i]));
      key += sizeof(contents[i]) / sizeof(*key);
    }
  }
  return key;
}

/* A line (or word) and what threads await of it, into the key. */
static uint32_t *key_add_line(const struct machine *machine,
                              const struct state *state, uint32_t number,
                              uint32_t word, uint32_t *key) {
  const struct fpost_line *line = &state->lines[number][word];
  if (line->stores == 0) {
    return key_add(key, 0);
  }
  bool parts[HISTORY_MAX + 1] = {false};
  uint32_t threads_count = machine->program->threads_count;
  if (line->flushed > line->guaranteed) {
    parts[line->flushed - line->guaranteed] = true;
    key = key_add(key, 1 + line->flusher * 2u + line->nt);
    key = key_add(key, line->flushed - line->guaranteed);
  }
  for (uint32_t t = 0; t < threads_count; t++) {
    const struct fpost_thread *thread = &state->threads[t];
    for (uint32_t i = 0; i < thread->pending_count; i++) {
      const struct fpost_pending *pending = &thread->pending[i];
      if (pending->line == line && pending->stores > line->guaranteed) {
        parts[pending->stores - line->guaranteed] = true;
        key = key_add(key, 1 + t * 2 + pending->nt);
        key = key_add(key, pending->stores - line->guaranteed);
      }
    }
  }
  key = key_add(key, 0);
  return key_add_contents(machine, state, number, word, parts, key);
}

/* A name of what the state has ahead of it; equal for equal futures. */
static XXH128_hash_t state_name(const struct machine *machine,
                                const struct state *state) {
  uint32_t key[8192];
  uint32_t *end = key;
  memcpy(end, state, offsetof(struct state, history_count));
  end += offsetof(struct state, history_count) / sizeof(*end);
  const struct fpost_litmus_program *program = machine->program;
  for (uint32_t l = 0; l < program->lines_count; l++) {
    for (uint32_t i = 0; i < fpost_mode_cuts(machine->mode); i++) {
      end = key_add_line(machine, state, l, i, end);
    }
  }
  for (uint32_t t = 0; t < program->threads_count; t++) {
    end = key_add(end, state->threads[t].nt_count != 0);
  }
  FPOST_ASSERT((size_t)(end - key) <= sizeof(key) / sizeof(*key));
  XXH128_hash_t name = XXH3_128bits(key, (size_t)(end - key) * sizeof(*key));
  name.low64 |= name.low64 == 0;
  return name;
}

/* Where name is in the table, or is to be. */
static XXH128_hash_t *seen_find(XXH128_hash_t *seen, size_t max,
                                XXH128_hash_t name) {
  size_t at = name.low64 & (max - 1);
  while (seen[at].low64 != 0 && !XXH128_isEqual(seen[at], name)) {
    at = (at + 1) & (max - 1);
  }
  return &seen[at];
}

/* *fresh: the state was not seen before. Returns 0 or FPOST_ENOMEM. */
static int seen_add(struct machine *machine, XXH128_hash_t name, bool *fresh) {
  if (2 * machine->seen_count >= machine->seen_max) {
    size_t max = machine->seen_max == 0 ? 1024 : 2 * machine->seen_max;
    XXH128_hash_t *grown = calloc(max, sizeof(*grown));
    if (grown == NULL) {
      return FPOST_ENOMEM;
    }
    for (size_t i = 0; i < machine->seen_max; i++) {
      if (machine->seen[i].low64 != 0) {
        *seen_find(grown, max, machine->seen[i]) = machine->seen[i];
      }
    }
    free(machine->seen);
    machine->seen = grown;
    machine->seen_max = max;
  }
  XXH128_hash_t *place = seen_find(machine->seen, machine->seen_max, name);
  *fresh = place->low64 == 0;
  machine->seen_count += *fresh;
  *place = name;
  return FPOST_OK;
}

/* Fill in machine->units for a crash now. */
static void units_collect(struct machine *machine, const struct state *state) {
  const struct fpost_litmus_program *program = machine->program;
  uint32_t done = 0;
  machine->units_count = 0;
  for (uint32_t first = 0; first < program->locations_count; first++) {
    if ((done >> first & 1) != 0) {
      continue;
    }
    struct unit_values *values = &machine->units[machine->units_count++];
    struct fpost_unit unit;
    struct fpost_step steps[HISTORY_MAX];
    unit_make(machine, state, program->line[first], program->word[first], &unit,
              steps);
    values->locations = 0;
    fpost_bytes read = 0;
    for (uint32_t i = first; i < program->locations_count; i++) {
      fpost_bytes word = UINT64_C(0xff) << (program->word[i] * 8);
      if (program->line[i] == program->line[first] && (word & unit.all) != 0) {
        values->locations |= 1u << i;
        read |= word;
      }
    }
    done |= values->locations;
    const struct fpost_known nothing = {.fixed = 0};
    int err = fpost_unit_values(&unit, steps, &nothing, read, values->values,
                                HISTORY_MAX + 1, &values->count);
    FPOST_ASSERT(err == FPOST_OK);
  }
}

/* Add all contents that a crash now may leave: any value of each unit. */
static int crash(struct machine *machine, const struct state *state) {
  units_collect(machine, state);
  uint32_t digits[UNITS_MAX] = {0};
  for (;;) {
    uint32_t content[LOCATIONS] = {0};
    for (uint32_t u = 0; u < machine->units_count; u++) {
      const struct unit_values *unit = &machine->units[u];
      for (uint32_t left = unit->locations; left != 0; left &= left - 1) {
        uint32_t location = (uint32_t)__builtin_ctz(left);
        memcpy(&content[location],
               &unit->values[digits[u]][machine->program->word[location] * 8u],
               sizeof(content[location]));
      }
    }
    int err = fpost_litmus_states_add(machine->states, content);
    if (err != FPOST_OK) {
      return err;
    }
    uint32_t u = 0;
    while (u < machine->units_count && ++digits[u] == machine->units[u].count) {
      digits[u++] = 0;
    }
    if (u == machine->units_count) {
      return FPOST_OK;
    }
  }
}

/* A copy of state on the stack, to be changed by the caller; NULL: no memory.
 */
static struct state *todo_push(struct machine *machine,
                               const struct state *state) {
  if (machine->todo_count == machine->todo_max) {
    size_t max = machine->todo_max == 0 ? 16 : 2 * machine->todo_max;
    struct state *grown = malloc(max * sizeof(*grown));
    if (grown == NULL) {
      return NULL;
    }
    for (size_t i = 0; i < machine->todo_count; i++) {
      state_copy(&grown[i], &machine->todo[i]);
    }
    free(machine->todo);
    machine->todo = grown;
    machine->todo_max = max;
  }
  struct state *top = &machine->todo[machine->todo_count++];
  state_copy(top, state);
  return top;
}

/* May the entry leave the buffer now? */
static bool may_leave(const struct machine *machine, const struct state *state,
                      uint32_t thread, uint32_t index) {
  const struct fpost_litmus_instruction *younger =
      instruction_at(machine, thread, state->buffer[thread][index]);
  for (uint32_t i = 0; i < index; i++) {
    if (must_precede(machine,
                     instruction_at(machine, thread, state->buffer[thread][i]),
                     younger)) {
      return false;
    }
  }
  return true;
}

/* Is the line accessed by no other thread, at any time? */
static bool line_is_private(const struct machine *machine, uint32_t thread,
                            uint32_t line) {
  const struct fpost_litmus_program *program = machine->program;
  for (uint32_t t = 0; t < program->threads_count; t++) {
    for (uint32_t i = 0; i < program->threads[t].instructions_count; i++) {
      const struct fpost_litmus_instruction *other =
          instruction_at(machine, t, i);
      bool fence = other->op == FPOST_LITMUS_SFENCE ||
                   other->op == FPOST_LITMUS_MFENCE ||
                   other->op == FPOST_LITMUS_LFENCE ||
                   other->op == FPOST_LITMUS_IF;
      if (t != thread && !fence && program->line[other->location] == line) {
        return false;
      }
    }
  }
  return true;
}

/* Is the instruction the only NT store of the program to its line? */
static bool nt_is_alone(const struct machine *machine,
                        const struct fpost_litmus_instruction *nt) {
  const struct fpost_litmus_program *program = machine->program;
  for (uint32_t t = 0; t < program->threads_count; t++) {
    for (uint32_t i = 0; i < program->threads[t].instructions_count; i++) {
      const struct fpost_litmus_instruction *other =
          instruction_at(machine, t, i);
      if (other != nt && other->op == FPOST_LITMUS_NT &&
          program->line[other->location] == program->line[nt->location]) {
        return false;
      }
    }
  }
  return true;
}

/*
 * May an entry as well leave the buffer as soon as it can? A clwb covers more
 * if it takes effect later: no crash is lost. An NT store to a line that no
 * other thread accesses is seen by nobody, and the model keeps it undecided for
 * as long as it could have stayed: until a clflush takes effect, which
 * therefore must not be one that it has overtaken. Torn lines are undecided
 * word by word: there, the order of NT stores to one line (N1) is for the
 * machine.
 */
static bool may_hurry(const struct machine *machine, const struct state *state,
                      uint32_t thread, uint32_t index) {
  const struct fpost_litmus_instruction *instruction =
      instruction_at(machine, thread, state->buffer[thread][index]);
  if (instruction->op == FPOST_LITMUS_FLUSH) {
    return instruction->value != FENCEPOST_CLFLUSH;
  }
  if (instruction->op != FPOST_LITMUS_NT ||
      !line_is_private(machine, thread,
                       machine->program->line[instruction->location]) ||
      (machine->mode->torn && !nt_is_alone(machine, instruction))) {
    return false;
  }
  for (uint32_t i = 0; i < index; i++) {
    const struct fpost_litmus_instruction *older =
        instruction_at(machine, thread, state->buffer[thread][i]);
    if (older->op == FPOST_LITMUS_FLUSH && older->value == FENCEPOST_CLFLUSH) {
      return false;
    }
  }
  return true;
}

/* Let everything leave the buffers that may as well. */
static void hurry(const struct machine *machine, struct state *state) {
  for (uint32_t t = 0; t < machine->program->threads_count; t++) {
    for (uint32_t i = 0; i < state->buffered[t];) {
      if (may_leave(machine, state, t, i) && may_hurry(machine, state, t, i)) {
        leave(machine, state, t, i);
        i = 0;
      } else {
        i++;
      }
    }
  }
}

/* Does the second state guarantee no more than the first, which led to it? */
static bool guarantees_same(const struct machine *machine,
                            const struct state *state,
                            const struct state *next) {
  for (uint32_t l = 0; l < machine->program->lines_count; l++) {
    for (uint32_t i = 0; i < fpost_mode_cuts(machine->mode); i++) {
      if (next->lines[l][i].guaranteed != state->lines[l][i].guaranteed) {
        return false;
      }
    }
  }
  return true;
}

/*
 * Push every state that one step of thread leads to. *covered is set if one of
 * them leaves all that a crash now would: if nothing has become guaranteed, the
 * crash states have only grown.
 */
static int successors(struct machine *machine, const struct state *state,
                      uint32_t thread, bool *covered) {
  const struct fpost_litmus_thread *code = &machine->program->threads[thread];
  uint32_t buffered = state->buffered[thread];
  for (uint32_t i = 0; i <= buffered; i++) {
    bool executes = i == buffered;
    if (executes) {
      bool ends = state->pc[thread] == code->instructions_count;
      bool waits = !ends && code->instructions[state->pc[thread]].op !=
                                FPOST_LITMUS_LOAD; /* mfence, locked RMW */
      if (ends || (waits && buffered != 0)) {
        return FPOST_OK;
      }
    } else if (!may_leave(machine, state, thread, i)) {
      continue;
    }
    struct state *next = todo_push(machine, state);
    if (next == NULL) {
      return FPOST_ENOMEM;
    }
    if (executes) {
      execute(machine, next, thread);
    } else {
      leave(machine, next, thread, i);
    }
    advance(machine, next);
    hurry(machine, next);
    *covered = *covered || guarantees_same(machine, state, next);
  }
  return FPOST_OK;
}

/* Take states from the stack until there are none. */
static int explore(struct machine *machine, struct state *state) {
  while (machine->todo_count != 0) {
    state_copy(state, &machine->todo[--machine->todo_count]);
    bool fresh = false;
    bool covered = false;
    int err = seen_add(machine, state_name(machine, state), &fresh);
    for (uint32_t t = 0;
         t < machine->program->threads_count && err == FPOST_OK && fresh; t++) {
      err = successors(machine, state, t, &covered);
    }
    if (err == FPOST_OK && fresh && !covered) {
      err = crash(machine, state);
    }
    if (err != FPOST_OK) {
      return err;
    }
    if (machine->watch != NULL && fresh &&
        machine->seen_count % WATCH_EVERY == 0) {
      machine->watch->tell(machine->watch->context, machine->seen_count,
                           machine->todo_count);
    }
  }
  return FPOST_OK;
}

int fpost_litmus_run(const struct fpost_litmus_program *program,
                     const struct fpost_mode *mode,
                     const struct fpost_litmus_watch *watch,
                     struct fpost_litmus_states *states) {
  *states = (struct fpost_litmus_states){.values = NULL};
  struct machine *machine = calloc(1, sizeof(*machine));
  struct state *state = calloc(1, sizeof(*state));
  int err = FPOST_ENOMEM;
  if (machine == NULL || state == NULL) {
    goto out;
  }
  machine->program = program;
  machine->mode = mode;
  machine->watch = watch;
  machine->states = states;
  for (uint32_t t = 0; t < THREADS; t++) {
    state->threads[t] = (struct fpost_thread){
        .pending = state->pending[t], .pending_max = PENDING_MAX, .id = t};
  }
  advance(machine, state);
  hurry(machine, state);
  if (todo_push(machine, state) == NULL) {
    goto out;
  }
  err = explore(machine, state);
out:
  if (err == FPOST_OK) {
    fpost_litmus_states_sort(states);
  } else {
    fpost_litmus_states_free(states);
  }
  if (machine != NULL) {
    free(machine->todo);
    free(machine->seen);
  }
  free(machine);
  free(state);
  return err;
}
