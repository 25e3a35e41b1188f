/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/fix/calls.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Files looked into per fault: the file and what it includes. */
#define FILES_MAX 32u
#define CALLS_MAX 64u
#define NAME_MAX_SIZE 96u
/* A wrapper that calls a wrapper that calls ... */
#define ROUNDS 4

struct call {
  char name[NAME_MAX_SIZE];
  unsigned does;
  bool pool;     /* its first argument is the PMEMobjpool */
  bool line;     /* takes an address only: flushes its line */
  bool wrapper;  /* defined by the code base */
  unsigned uses; /* in the file of the fault */
};

struct file {
  char path[PATH_MAX];
  struct fix_text text;
};

struct search {
  struct file *files; /* the first is that of the fault */
  unsigned files_count;
  struct call calls[CALLS_MAX];
  unsigned calls_count;
  size_t offset; /* of the fault */
};

static const struct {
  struct call call;
  const char *header; /* one that declares it */
} known[] = {
    {{.name = "pmem_persist", .does = FIX_FLUSH | FIX_FENCE}, "libpmem.h>"},
    {{.name = "pmem_flush", .does = FIX_FLUSH}, "libpmem.h>"},
    {{.name = "pmem_drain", .does = FIX_FENCE}, "libpmem.h>"},
    {{.name = "pmemobj_persist", .does = FIX_FLUSH | FIX_FENCE, .pool = true},
     "libpmemobj.h>"},
    {{.name = "pmemobj_flush", .does = FIX_FLUSH, .pool = true},
     "libpmemobj.h>"},
    {{.name = "pmemobj_drain", .does = FIX_FENCE, .pool = true},
     "libpmemobj.h>"},
    {{.name = "_mm_clwb", .does = FIX_FLUSH, .line = true}, "intrin.h>"},
    {{.name = "_mm_clflushopt", .does = FIX_FLUSH, .line = true}, "intrin.h>"},
    /* Complete by itself (rule F1). */
    {{.name = "_mm_clflush", .does = FIX_FLUSH | FIX_FENCE, .line = true},
     "intrin.h>"},
    {{.name = "_mm_sfence", .does = FIX_FENCE}, "intrin.h>"}};

static bool word_char(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

/* The next call of name between two offsets: of its name, or end. */
static size_t call_find(const char *code, size_t begin, size_t end,
                        const char *name) {
  size_t size = strlen(name);
  for (const char *at = code + begin; (at = strstr(at, name)) != NULL; at++) {
    size_t offset = (size_t)(at - code);
    if (offset >= end) {
      break;
    }
    const char *after = at + size;
    after += strspn(after, " ");
    if (*after == '(' && (offset == 0 || !word_char(at[-1]))) {
      return offset;
    }
  }
  return end;
}

static unsigned calls_count(const char *code, size_t size, const char *name) {
  unsigned count = 0;
  for (size_t at = call_find(code, 0, size, name); at != size;
       at = call_find(code, at + 1, size, name)) {
    count++;
  }
  return count;
}

static size_t closing(const char *code, size_t at, char open, char close) {
  int depth = 0;
  for (; code[at] != '\0'; at++) {
    depth += code[at] == open;
    depth -= code[at] == close;
    if (depth == 0) {
      return at;
    }
  }
  return at;
}

/* ---- files ---- */

static void file_add(struct search *search, const char *path) {
  char real[PATH_MAX];
  if (realpath(path, real) == NULL || search->files_count == FILES_MAX) {
    return;
  }
  for (unsigned i = 0; i < search->files_count; i++) {
    if (strcmp(search->files[i].path, real) == 0) {
      return;
    }
  }
  struct file *file = &search->files[search->files_count];
  if (fix_text_read(&file->text, real) == FPOST_OK) {
    memcpy(file->path, real, strlen(real) + 1);
    search->files_count++;
  }
}

/* The files that file number i includes by "...", beside it. */
static void includes_add(struct search *search, unsigned i) {
  const char *at = search->files[i].text.text;
  while ((at = strstr(at, "#include \"")) != NULL) {
    char path[2 * PATH_MAX];
    const char *slash = strrchr(search->files[i].path, '/');
    at += strlen("#include \"");
    snprintf(path, sizeof path, "%.*s/%.*s",
             (int)(slash - search->files[i].path), search->files[i].path,
             (int)strcspn(at, "\"\n"), at);
    file_add(search, path);
  }
}

/* ---- calls ---- */

static bool includes(const struct search *search, const char *header) {
  for (unsigned i = 0; i < search->files_count; i++) {
    if (strstr(search->files[i].text.text, header) != NULL) {
      return true;
    }
  }
  return false;
}

static void known_add(struct search *search) {
  const struct fix_text *text = &search->files[0].text;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    struct call *call = &search->calls[search->calls_count];
    *call = known[i].call;
    call->uses = calls_count(text->code, text->size, call->name);
    /* clwb and clflushopt need the compiler's leave: only where they are in
       use. */
    if (includes(search, known[i].header) && (!call->line || call->uses != 0)) {
      search->calls_count++;
    }
  }
}

/* What a function's body does by the calls in it, and by its assembly. */
static unsigned body_does(const struct search *search,
                          const struct fix_text *text, size_t begin,
                          size_t end) {
  unsigned does = 0;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (call_find(text->code, begin, end, known[i].call.name) != end) {
      does |= known[i].call.does;
    }
  }
  for (unsigned i = 0; i < search->calls_count; i++) {
    if (call_find(text->code, begin, end, search->calls[i].name) != end) {
      does |= search->calls[i].does;
    }
  }
  static const struct {
    const char *word;
    unsigned does;
  } assembly[] = {{"clwb", FIX_FLUSH},
                  {"clflush", FIX_FLUSH},
                  {"xsaveopt", FIX_FLUSH},
                  {"sfence", FIX_FENCE}};
  for (size_t i = 0; i < sizeof assembly / sizeof assembly[0]; i++) {
    const char *at = strstr(text->bare + begin, assembly[i].word);
    if (at != NULL && (size_t)(at - text->bare) < end &&
        strstr(text->bare + begin, "asm") != NULL) {
      does |= assembly[i].does;
    }
  }
  return does;
}

/* Are the parameters (const void *, size_t), or none (*none)? */
static bool parameters_fit(const char *text, size_t size, bool *none) {
  char copy[256];
  snprintf(copy, sizeof copy, "%.*s", (int)size, text);
  const char *word = copy + strspn(copy, " \n");
  *none = *word == '\0' || strcmp(word, "void") == 0;
  if (*none) {
    return true;
  }
  char *comma = strchr(copy, ',');
  if (comma == NULL || strchr(comma + 1, ',') != NULL) {
    return false;
  }
  *comma = '\0';
  return strchr(copy, '*') != NULL && strchr(comma + 1, '*') == NULL &&
         strchr(comma + 1, '.') == NULL &&
         (strstr(copy, "void") != NULL || strstr(copy, "char") != NULL);
}

static bool call_known(const struct search *search, const char *name) {
  for (unsigned i = 0; i < search->calls_count; i++) {
    if (strcmp(search->calls[i].name, name) == 0) {
      return true;
    }
  }
  return false;
}

/* Can the function whose name is at name be called from everywhere below? Not a
   member of a class, and what has no type before its name is a constructor or
   a destructor. */
static bool function_is_free(const char *code, size_t name) {
  size_t depth = 0;
  size_t type = name;
  while (type > 0 && strchr(" \n*&", code[type - 1]) != NULL) {
    type--;
  }
  if (type == 0 || type == name || !word_char(code[type - 1])) {
    return false;
  }
  for (size_t at = type; at-- > 0;) {
    depth += code[at] == '}';
    if (code[at] != '{') {
      continue;
    }
    if (depth != 0) {
      depth--;
      continue;
    }
    size_t head = at;
    while (head > 0 && strchr(";{}", code[head - 1]) == NULL) {
      head--;
    }
    head += strspn(code + head, " \n");
    if (strncmp(code + head, "namespace", 9) != 0 &&
        strncmp(code + head, "inline namespace", 16) != 0 &&
        strncmp(code + head, "extern", 6) != 0) {
      return false;
    }
  }
  return true;
}

/* The function whose parameters open at open, if it is a wrapper. */
static void definition_add(struct search *search, const struct fix_text *text,
                           size_t open) {
  size_t close = closing(text->code, open, '(', ')');
  size_t begin = close + 1;
  size_t name = open;
  char copy[NAME_MAX_SIZE];
  bool none = false;
  begin += strspn(text->code + begin, " \n");
  while (name > 0 && word_char(text->code[name - 1])) {
    name--;
  }
  if (text->code[begin] != '{' || name == open || open - name >= sizeof copy ||
      search->calls_count == CALLS_MAX ||
      !parameters_fit(text->code + open + 1, close - open - 1, &none)) {
    return;
  }
  snprintf(copy, sizeof copy, "%.*s", (int)(open - name), text->code + name);
  size_t end = closing(text->code, begin, '{', '}');
  unsigned does = body_does(search, text, begin, end);
  if (none) {
    does &= (does & FIX_FLUSH) != 0 ? 0 : FIX_FENCE;
  } else if ((does & FIX_FLUSH) == 0) {
    does = 0;
  }
  /* In the file of the fault it must come before the fault. */
  bool later = text == &search->files[0].text && end >= search->offset;
  if (does == 0 || later || call_known(search, copy) ||
      !function_is_free(text->code, name)) {
    return;
  }
  struct call *call = &search->calls[search->calls_count++];
  *call = (struct call){.does = does, .wrapper = true};
  memcpy(call->name, copy, sizeof copy);
  call->uses =
      calls_count(search->files[0].text.code, search->files[0].text.size, copy);
}

static void wrappers_add(struct search *search) {
  for (int round = 0; round < ROUNDS; round++) {
    for (unsigned i = 0; i < search->files_count; i++) {
      const struct fix_text *text = &search->files[i].text;
      for (size_t at = 0; at < text->size; at++) {
        if (text->code[at] == '(') {
          definition_add(search, text, at);
        }
      }
    }
  }
}

/* ---- the choice ---- */

/* The name of a PMEMobjpool in the function around the fault; "" if none. */
static void pool_find(const struct search *search, char pool[NAME_MAX_SIZE]) {
  const char *code = search->files[0].text.code;
  const char *type = "PMEMobjpool *";
  size_t begin = search->offset;
  while (begin > 1 && !(code[begin - 1] == '\n' && code[begin] == '}')) {
    begin--;
  }
  pool[0] = '\0';
  for (const char *at = code + begin; (at = strstr(at, type)) != NULL; at++) {
    size_t size = 0;
    const char *name = at + strlen(type);
    if ((size_t)(at - code) >= search->offset) {
      return;
    }
    while (word_char(name[size])) {
      size++;
    }
    if (size != 0 && size < NAME_MAX_SIZE) {
      memcpy(pool, name, size);
      pool[size] = '\0';
    }
  }
}

/* The best call that does exactly this: of a pool if there is one, then what
   the file uses most, then a wrapper. */
static const struct call *best(const struct search *search, unsigned does,
                               bool pool, bool one_line) {
  const struct call *found = NULL;
  unsigned most = 0;
  for (unsigned i = 0; i < search->calls_count; i++) {
    const struct call *call = &search->calls[i];
    unsigned score = 1 + 1000 * call->pool + 10 * call->uses + call->wrapper;
    if (call->does == does && (!call->pool || pool) &&
        (!call->line || one_line) && score > most) {
      most = score;
      found = call;
    }
  }
  return found;
}

/* One call, with the arguments that it takes, at the end of out. */
static bool call_put(const struct call *call, const char *pool,
                     const struct fix_target *target, char out[FIX_CALL_MAX]) {
  size_t size = strlen(out);
  const char *space = size != 0 ? " " : "";
  const char *first = call->pool ? pool : "";
  int more = 0;
  if ((call->does & FIX_FLUSH) == 0) {
    more = snprintf(out + size, FIX_CALL_MAX - size, "%s%s(%s);", space,
                    call->name, first);
  } else if (call->line) {
    more = snprintf(out + size, FIX_CALL_MAX - size, "%s%s(%s);", space,
                    call->name, target->address);
  } else {
    more = snprintf(out + size, FIX_CALL_MAX - size, "%s%s(%s%s%s, %s);", space,
                    call->name, first, call->pool ? ", " : "", target->address,
                    target->size);
  }
  return more > 0 && size + (size_t)more < FIX_CALL_MAX;
}

static const char *choose(const struct search *search,
                          const struct fix_target *target, bool one_line,
                          char out[FIX_CALL_MAX]) {
  char pool[NAME_MAX_SIZE];
  pool_find(search, pool);
  bool has_pool = pool[0] != '\0';
  const struct call *fence = best(search, FIX_FENCE, has_pool, one_line);
  bool good = false;
  out[0] = '\0';
  if (target == NULL) {
    if (fence == NULL) {
      return "no fence is in use in the file or what it includes";
    }
    good = call_put(fence, pool, NULL, out);
  } else {
    const struct call *persist =
        best(search, FIX_FLUSH | FIX_FENCE, has_pool, one_line);
    const struct call *flush = best(search, FIX_FLUSH, has_pool, one_line);
    if (persist != NULL) {
      good = call_put(persist, pool, target, out);
    } else if (flush != NULL && fence != NULL) {
      good = call_put(flush, pool, target, out) &&
             call_put(fence, pool, NULL, out);
    } else {
      return "no flush is in use in the file or what it includes";
    }
  }
  return good ? NULL : "the call would be too long";
}

const char *fix_calls_make(const char *path, size_t offset,
                           const struct fix_target *target, bool one_line,
                           char call[FIX_CALL_MAX]) {
  struct search *search = calloc(1, sizeof *search);
  const char *why = "there is no memory";
  if (search != NULL) {
    search->files = calloc(FILES_MAX, sizeof *search->files);
  }
  if (search != NULL && search->files != NULL) {
    search->offset = offset;
    file_add(search, path);
    for (unsigned i = 0; i < search->files_count; i++) {
      includes_add(search, i);
    }
    why = "its file cannot be read";
    if (search->files_count != 0) {
      known_add(search);
      wrappers_add(search);
      why = choose(search, target, one_line, call);
    }
    for (unsigned i = 0; i < search->files_count; i++) {
      fix_text_free(&search->files[i].text);
    }
  }
  if (search != NULL) {
    free(search->files);
  }
  free(search);
  return why;
}
