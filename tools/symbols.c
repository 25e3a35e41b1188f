/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/symbols.h"

#include "tools/demangle.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODULES_MAX 0x10000u
#define PC_MASK ((UINT64_C(1) << 48) - 1)
#define BUILD_ID_MAX 64u
/* Frames that one address can have; deeper inlining is cut off. */
#define INLINED_MAX 24u
#define CACHE_BUCKETS 4096u

/* Addresses of a compilation unit, without the bias. */
struct range {
  Dwarf_Addr begin;
  Dwarf_Addr end;
  Dwarf_Off unit; /* offset of its DIE */
};

struct module {
  char *path;
  uint8_t build_id[BUILD_ID_MAX];
  size_t build_id_size;
  bool tried;
  bool rust; /* some of its code is */
  Dwfl *dwfl;
  Dwfl_Module *dwfl_module; /* null: the file could not be used */
  uint64_t bias;            /* of dwfl, over the addresses of the file */
  Dwarf *dwarf;             /* null: no debug information */
  struct range *ranges;
  size_t ranges_count;
  size_t ranges_max;
  char *hint;
};

/* The answer for one pc. */
struct answer {
  struct answer *next;
  uint64_t pc;
  struct fpost_frame *frames;
  uint32_t count;
};

struct fpost_symbols {
  struct module *modules; /* MODULES_MAX */
  uint32_t modules_count;
  struct answer *cache[CACHE_BUCKETS];
};

struct fpost_symbols *fpost_symbols_new(void) {
  struct fpost_symbols *symbols = calloc(1, sizeof *symbols);
  if (symbols != NULL) {
    symbols->modules = calloc(MODULES_MAX, sizeof *symbols->modules);
    if (symbols->modules == NULL) {
      free(symbols);
      symbols = NULL;
    }
  }
  return symbols;
}

static void answer_free(struct answer *answer) {
  for (uint32_t i = 0; i < answer->count; i++) {
    struct fpost_frame *frame = &answer->frames[i];
    free((void *)(uintptr_t)frame->function);
    if (frame->shown != frame->file) {
      free((void *)(uintptr_t)frame->shown);
    }
    free((void *)(uintptr_t)frame->file);
  }
  free(answer->frames);
  free(answer);
}

void fpost_symbols_free(struct fpost_symbols *symbols) {
  if (symbols == NULL) {
    return;
  }
  for (uint32_t i = 0; i < symbols->modules_count; i++) {
    struct module *module = &symbols->modules[i];
    if (module->dwfl != NULL) {
      dwfl_end(module->dwfl);
    }
    free(module->ranges);
    free(module->path);
    free(module->hint);
  }
  for (size_t i = 0; i < CACHE_BUCKETS; i++) {
    while (symbols->cache[i] != NULL) {
      struct answer *answer = symbols->cache[i];
      symbols->cache[i] = answer->next;
      answer_free(answer);
    }
  }
  free(symbols->modules);
  free(symbols);
}

int fpost_symbols_module(struct fpost_symbols *symbols, uint32_t index,
                         const char *path, const uint8_t *build_id,
                         size_t build_id_size) {
  if (index >= MODULES_MAX || build_id_size > BUILD_ID_MAX) {
    return FPOST_EINVAL;
  }
  struct module *module = &symbols->modules[index];
  if (module->path != NULL) {
    return FPOST_OK;
  }
  module->path = strdup(path);
  if (module->path == NULL) {
    return FPOST_ENOMEM;
  }
  if (build_id_size != 0) {
    memcpy(module->build_id, build_id, build_id_size);
  }
  module->build_id_size = build_id_size;
  if (index >= symbols->modules_count) {
    symbols->modules_count = index + 1;
  }
  return FPOST_OK;
}

static void module_hint(struct module *module, const char *what) {
  if (module->hint == NULL &&
      asprintf(&module->hint, "'%s' %s", module->path, what) < 0) {
    module->hint = NULL;
  }
}

static bool module_unchanged(const struct module *module) {
  const unsigned char *bits = NULL;
  GElf_Addr address = 0;
  if (module->build_id_size == 0) {
    return true;
  }
  int size = dwfl_module_build_id(module->dwfl_module, &bits, &address);
  return size >= 0 && (size_t)size == module->build_id_size &&
         memcmp(bits, module->build_id, module->build_id_size) == 0;
}

static void range_add(struct module *module, const struct range *range) {
  if (module->ranges_count == module->ranges_max) {
    size_t max = module->ranges_max == 0 ? 256 : 2 * module->ranges_max;
    struct range *ranges = realloc(module->ranges, max * sizeof *ranges);
    if (ranges == NULL) {
      return; /* that unit has no source lines, then */
    }
    module->ranges = ranges;
    module->ranges_max = max;
  }
  module->ranges[module->ranges_count++] = *range;
}

/*
 * Which unit holds which addresses: clang writes no table of it, so the units
 * themselves are asked.
 */
static void ranges_read(struct module *module) {
  Dwarf_Addr bias = 0;
  Dwarf_CU *unit = NULL;
  Dwarf_Die die;
  uint8_t unit_type = 0;
  module->dwarf = dwfl_module_getdwarf(module->dwfl_module, &bias);
  while (module->dwarf != NULL &&
         dwarf_get_units(module->dwarf, unit, &unit, NULL, &unit_type, &die,
                         NULL) == 0) {
    struct range range = {.unit = dwarf_dieoffset(&die)};
    Dwarf_Addr base = 0;
    module->rust |= dwarf_srclang(&die) == DW_LANG_Rust;
    ptrdiff_t at = 0;
    while (unit_type == DW_UT_compile &&
           (at = dwarf_ranges(&die, at, &base, &range.begin, &range.end)) > 0) {
      range_add(module, &range);
    }
  }
}

/* The unit that holds an address. */
static bool unit_find(const struct module *module, Dwarf_Addr address,
                      Dwarf_Die *unit) {
  for (size_t i = 0; i < module->ranges_count; i++) {
    const struct range *range = &module->ranges[i];
    if (address >= range->begin && address < range->end) {
      return dwarf_offdie(module->dwarf, range->unit, unit) != NULL;
    }
  }
  return false;
}

/* Open the module's file, the first time that it is needed. */
static void module_open(struct module *module) {
  static const Dwfl_Callbacks callbacks = {
      .find_elf = dwfl_build_id_find_elf,
      .find_debuginfo = dwfl_standard_find_debuginfo,
      .section_address = dwfl_offline_section_address};
  module->tried = true;
  if (module->path[0] != '/') {
    return; /* the kernel's code, or none */
  }
  module->dwfl = dwfl_begin(&callbacks);
  if (module->dwfl == NULL) {
    return;
  }
  module->dwfl_module =
      dwfl_report_offline(module->dwfl, module->path, module->path, -1);
  dwfl_report_end(module->dwfl, NULL, NULL);
  if (module->dwfl_module == NULL) {
    module_hint(module, "is not there any more: no source lines for its code");
    return;
  }
  if (!module_unchanged(module)) {
    module_hint(module,
                "has changed since the run: no source lines for its "
                "code; run again with the file as it is now");
    module->dwfl_module = NULL;
    return;
  }
  GElf_Addr bias = 0;
  if (dwfl_module_getelf(module->dwfl_module, &bias) == NULL) {
    module->dwfl_module = NULL;
    return;
  }
  module->bias = bias;
  ranges_read(module);
}

/* Is the file one of the system's, whose lack of debug information is usual? */
static bool module_system(const struct module *module) {
  return strncmp(module->path, "/usr/", 5) == 0 ||
         strncmp(module->path, "/lib", 4) == 0;
}

/* The name of a function's DIE: the linkage name demangled, or the plain one.
 */
static char *die_name(Dwarf_Die *die) {
  Dwarf_Attribute attribute;
  const char *name = NULL;
  if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) != NULL ||
      dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute) != NULL) {
    name = dwarf_formstring(&attribute);
  }
  if (name != NULL) {
    return fpost_demangle(name);
  }
  name = dwarf_diename(die);
  return name != NULL ? strdup(name) : NULL;
}

/* Set file and shown of a frame. A relative path begins in the unit's
 * directory. */
static void frame_file(struct fpost_frame *frame, Dwarf_Die *unit,
                       const char *path) {
  Dwarf_Attribute attribute;
  const char *directory = NULL;
  char *full = NULL;
  if (path == NULL) {
    return;
  }
  if (dwarf_attr(unit, DW_AT_comp_dir, &attribute) != NULL) {
    directory = dwarf_formstring(&attribute);
  }
  if (path[0] == '/' || directory == NULL) {
    full = strdup(path);
  } else if (asprintf(&full, "%s/%s", directory, path) < 0) {
    full = NULL;
  }
  frame->file = full;
  frame->shown = full;
  size_t size = directory != NULL ? strlen(directory) : 0;
  if (full != NULL && size != 0 && strncmp(full, directory, size) == 0 &&
      full[size] == '/') {
    char *shown = strdup(full + size + 1);
    frame->shown = shown != NULL ? shown : full;
  }
}

/*
 * The last row of the line table at or before an address that has a line: code
 * that the compiler merged from several places has line 0.
 */
static Dwarf_Line *line_before(Dwarf_Die *unit, Dwarf_Addr address) {
  Dwarf_Lines *lines = NULL;
  size_t count = 0;
  Dwarf_Line *best = NULL;
  Dwarf_Addr best_address = 0;
  if (dwarf_getsrclines(unit, &lines, &count) != 0) {
    return NULL;
  }
  for (size_t i = 0; i < count; i++) {
    Dwarf_Line *line = dwarf_onesrcline(lines, i);
    Dwarf_Addr at = 0;
    int number = 0;
    if (dwarf_lineaddr(line, &at) == 0 && at <= address && at >= best_address &&
        dwarf_lineno(line, &number) == 0 && number > 0) {
      best = line;
      best_address = at;
    }
  }
  return best;
}

static void frame_line(struct fpost_frame *frame, Dwarf_Die *unit,
                       Dwarf_Addr address) {
  Dwarf_Line *line = dwarf_getsrc_die(unit, address);
  int number = 0;
  if (line != NULL && dwarf_lineno(line, &number) == 0 && number == 0) {
    line = line_before(unit, address);
  }
  if (line == NULL) {
    return;
  }
  frame_file(frame, unit, dwarf_linesrc(line, NULL, NULL));
  if (dwarf_lineno(line, &number) == 0 && number > 0) {
    frame->line = (uint32_t)number;
  }
  if (dwarf_linecol(line, &number) == 0 && number > 0) {
    frame->column = (uint32_t)number;
  }
}

static uint32_t die_number(Dwarf_Die *die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr(die, name, &attribute) == NULL ||
      dwarf_formudata(&attribute, &value) != 0) {
    return 0;
  }
  return (uint32_t)value;
}

/* Where an inlined function was called: the place in the frame around it. */
static void frame_call(struct fpost_frame *frame, Dwarf_Die *unit,
                       Dwarf_Die *inlined) {
  Dwarf_Files *files = NULL;
  size_t count = 0;
  uint32_t file = die_number(inlined, DW_AT_call_file);
  frame->line = die_number(inlined, DW_AT_call_line);
  frame->column = die_number(inlined, DW_AT_call_column);
  if (dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count) {
    frame_file(frame, unit, dwarf_filesrc(files, file, NULL, NULL));
  }
}

/* DIEs in each other that are followed; deeper ones are left out. */
#define DEPTH_MAX 64

static bool holds_functions(Dwarf_Die *die) {
  int tag = dwarf_tag(die);
  return tag == DW_TAG_namespace || tag == DW_TAG_module ||
         tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
         tag == DW_TAG_union_type;
}

/*
 * The function of a unit that an address lies in. libdw's own search does not
 * look into namespaces, which have no addresses, and where clang puts
 * functions.
 */
static bool function_find(Dwarf_Die *unit, Dwarf_Addr address,
                          Dwarf_Die *function) {
  Dwarf_Die path[DEPTH_MAX];
  int depth = 0;
  if (dwarf_child(unit, &path[0]) != 0) {
    return false;
  }
  for (;;) {
    Dwarf_Die *die = &path[depth];
    if (dwarf_tag(die) == DW_TAG_subprogram && dwarf_haspc(die, address) > 0) {
      *function = *die;
      return true;
    }
    if (depth + 1 < DEPTH_MAX && holds_functions(die) &&
        dwarf_child(die, &path[depth + 1]) == 0) {
      depth++;
      continue;
    }
    while (dwarf_siblingof(&path[depth], &path[depth]) != 0) {
      if (depth-- == 0) {
        return false;
      }
    }
  }
}

/* The child that an address lies in: a block, or a function inlined there. */
static bool child_find(Dwarf_Die *die, Dwarf_Addr address, Dwarf_Die *child) {
  int more = dwarf_child(die, child);
  while (more == 0) {
    int tag = dwarf_tag(child);
    if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
         tag == DW_TAG_try_block || tag == DW_TAG_catch_block) &&
        dwarf_haspc(child, address) > 0) {
      return true;
    }
    more = dwarf_siblingof(child, child);
  }
  return false;
}

/*
 * Fill frames for an address, innermost first. An inlined function ends one
 * frame and gives the line of the next.
 */
static uint32_t frames_from_scopes(struct fpost_frame *frames, Dwarf_Die *unit,
                                   Dwarf_Addr address) {
  Dwarf_Die path[DEPTH_MAX];
  int depth = 0;
  uint32_t count = 0;
  frame_line(&frames[0], unit, address);
  if (!function_find(unit, address, &path[0])) {
    return 0;
  }
  while (depth + 1 < DEPTH_MAX &&
         child_find(&path[depth], address, &path[depth + 1])) {
    depth++;
  }
  for (; depth > 0 && count + 1 < INLINED_MAX; depth--) {
    if (dwarf_tag(&path[depth]) == DW_TAG_inlined_subroutine) {
      frames[count].function = die_name(&path[depth]);
      frames[count].inlined = true;
      count++;
      frame_call(&frames[count], unit, &path[depth]);
    }
  }
  frames[count].function = die_name(&path[0]);
  return count + 1;
}

/* The symbol table's name for an address, when there is no debug information.
 */
static char *symbol_name(const struct module *module, Dwarf_Addr address) {
  GElf_Off offset = 0;
  GElf_Sym symbol;
  const char *name = dwfl_module_addrinfo(module->dwfl_module, address, &offset,
                                          &symbol, NULL, NULL, NULL);
  if (name == NULL) {
    return NULL;
  }
  /* The version of a function that reports loads, see pass/Versions.h. */
  const char *version = strstr(name, ".fencepost");
  char *plain =
      version == NULL ? strdup(name) : strndup(name, (size_t)(version - name));
  char *demangled = plain == NULL ? NULL : fpost_demangle(plain);
  free(plain);
  return demangled;
}

/* Code that a linker or a compiler adds, which never has debug information. */
static bool function_added(const struct module *module, const char *function) {
  if (function == NULL) {
    return false;
  }
  return strcmp(function, "_start") == 0 ||
         (module->rust && (strcmp(function, "main") == 0 ||
                           strcmp(function, "__rust_try") == 0));
}

static uint32_t frames_find(struct module *module, uint64_t offset,
                            struct fpost_frame frames[INLINED_MAX]) {
  uint32_t count = 0;
  if (!module->tried) {
    module_open(module);
  }
  if (module->dwfl_module != NULL) {
    Dwarf_Die unit;
    bool found = unit_find(module, offset, &unit);
    count = found ? frames_from_scopes(frames, &unit, offset) : 0;
    count = count == 0 ? 1 : count;
    if (frames[count - 1].function == NULL) {
      frames[count - 1].function = symbol_name(module, offset + module->bias);
    }
    const char *function = frames[count - 1].function;
    if (!found && !module_system(module) && !function_added(module, function)) {
      module_hint(
          module,
          "has code without debug information: compile with -g "
          "(Rust: debug = \"line-tables-only\" and strip = false in the "
          "profile) to see source lines");
    }
  }
  return count == 0 ? 1 : count;
}

static struct answer *answer_make(struct fpost_symbols *symbols, uint64_t pc) {
  struct fpost_frame frames[INLINED_MAX] = {
      {NULL, NULL, NULL, 0, 0, NULL, 0, 0}};
  uint32_t index = (uint32_t)(pc >> 48);
  struct module *module = &symbols->modules[index];
  uint64_t offset = pc & PC_MASK;
  uint32_t count = 1;
  if (module->path != NULL) {
    count = frames_find(module, offset, frames);
  }
  struct answer *answer = calloc(1, sizeof *answer);
  if (answer == NULL) {
    return NULL;
  }
  answer->frames = calloc(count, sizeof *answer->frames);
  if (answer->frames == NULL) {
    free(answer);
    return NULL;
  }
  for (uint32_t i = 0; i < count; i++) {
    answer->frames[i] = frames[i];
    answer->frames[i].module = module->path;
    answer->frames[i].offset = offset;
  }
  answer->pc = pc;
  answer->count = count;
  return answer;
}

int fpost_symbols_find(struct fpost_symbols *symbols, uint64_t pc,
                       const struct fpost_frame **frames, uint32_t *count) {
  struct answer **bucket =
      &symbols->cache[(pc ^ pc >> 12 ^ pc >> 48) % CACHE_BUCKETS];
  struct answer *answer = *bucket;
  while (answer != NULL && answer->pc != pc) {
    answer = answer->next;
  }
  if (answer == NULL) {
    answer = answer_make(symbols, pc);
    if (answer == NULL) {
      return FPOST_ENOMEM;
    }
    answer->next = *bucket;
    *bucket = answer;
  }
  *frames = answer->frames;
  *count = answer->count;
  return FPOST_OK;
}

const char *fpost_symbols_hint(struct fpost_symbols *symbols, uint32_t index) {
  for (uint32_t i = 0; i < symbols->modules_count; i++) {
    if (symbols->modules[i].hint != NULL && index-- == 0) {
      return symbols->modules[i].hint;
    }
  }
  return NULL;
}
