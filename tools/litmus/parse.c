/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Litmus files. Jansson parses the JSON and says where it is malformed; it does
 * not keep the places of what it parsed, so those are looked up again in the
 * text when there is an error to report.
 */
#include "rt/base/assert.h"
#include "tools/litmus/litmus.h"

#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The way to a value: program, its key, and up to two indices; -1: none. */
struct path {
  size_t program;
  const char *key;
  long first;
  long second;
};

struct parser {
  const char *text; /* of the file */
  struct fpost_litmus_error *error;
  struct path path;
  /* The instruction at hand. */
  const char *instruction;
  const char *at;
  char registers[FPOST_LITMUS_REGISTERS_MAX][FPOST_LITMUS_NAME_MAX];
};

static const char *skip_space(const char *at) {
  return at + strspn(at, " \t\r\n");
}

/* Behind the string that starts here. */
static const char *skip_string(const char *at) {
  for (at++; *at != '"'; at++) {
    at += *at == '\\';
  }
  return at + 1;
}

/* Behind the value that starts here; the text is known to be well-formed. */
static const char *skip_value(const char *at) {
  size_t depth = 0;
  do {
    at = skip_space(at);
    if (*at == '"') {
      at = skip_string(at);
    } else if (*at == '[' || *at == '{') {
      depth++;
      at++;
    } else if (*at == ']' || *at == '}') {
      depth--;
      at++;
    } else if (*at == ',' || *at == ':') {
      at++;
    } else {
      at += strcspn(at, ",:]} \t\r\n");
    }
  } while (depth != 0);
  return at;
}

/* The element of the array that starts here. */
static const char *find_element(const char *at, size_t index) {
  at = skip_space(at + 1);
  for (size_t i = 0; i < index; i++) {
    at = skip_space(skip_space(skip_value(at)) + 1);
  }
  return at;
}

/* The value of key in the object that starts here; the object if it has none.
 */
static const char *find_key(const char *object, const char *key) {
  const char *at = skip_space(object + 1);
  while (*at == '"') {
    const char *name = at + 1;
    at = skip_string(at);
    size_t size = (size_t)(at - 1 - name);
    at = skip_space(skip_space(at) + 1);
    if (size == strlen(key) && strncmp(name, key, size) == 0) {
      return at;
    }
    at = skip_space(skip_value(at));
    at = *at == ',' ? skip_space(at + 1) : at;
  }
  return object;
}

/* Say what is wrong with the value at the parser's path. */
__attribute__((format(printf, 2, 3))) static int fail(struct parser *parser,
                                                      const char *format, ...) {
  const char *at = skip_space(parser->text);
  if (*at == '[' && parser->path.program != SIZE_MAX) {
    at = find_element(at, parser->path.program);
    if (*at == '{' && parser->path.key != NULL) {
      const char *object = at;
      at = find_key(at, parser->path.key);
      if (at != object && parser->path.first >= 0) {
        at = find_element(at, (size_t)parser->path.first);
      }
      if (at != object && parser->path.second >= 0) {
        at = find_element(at, (size_t)parser->path.second);
      }
    }
  }
  if (parser->instruction != NULL && *at == '"' &&
      strncmp(at + 1, parser->instruction,
              (size_t)(parser->at - parser->instruction)) == 0) {
    at += 1 + (parser->at - parser->instruction);
  }
  uint32_t line = 1;
  uint32_t column = 1;
  for (const char *c = parser->text; c != at; c++) {
    column = *c == '\n' ? 1 : column + 1;
    line += *c == '\n';
  }
  parser->error->line = line;
  parser->error->column = column;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(parser->error->message, sizeof(parser->error->message),
                  format, arguments);
  va_end(arguments);
  return FPOST_EINVAL;
}

static bool is_name(const char *text) {
  size_t size = strlen(text);
  if (size == 0 || size >= FPOST_LITMUS_NAME_MAX ||
      isdigit((unsigned char)text[0])) {
    return false;
  }
  for (size_t i = 0; i < size; i++) {
    if (!isalnum((unsigned char)text[i]) && text[i] != '_') {
      return false;
    }
  }
  return true;
}

/* Take the name at the cursor. */
static int take_name(struct parser *parser, char name[FPOST_LITMUS_NAME_MAX]) {
  parser->at = skip_space(parser->at);
  size_t size = 0;
  while (isalnum((unsigned char)parser->at[size]) || parser->at[size] == '_') {
    size++;
  }
  if (size == 0 || isdigit((unsigned char)parser->at[0])) {
    return fail(parser, "expected a name");
  }
  if (size >= FPOST_LITMUS_NAME_MAX) {
    return fail(parser, "a name has at most %u characters",
                FPOST_LITMUS_NAME_MAX - 1);
  }
  memcpy(name, parser->at, size);
  name[size] = '\0';
  parser->at += size;
  return FPOST_OK;
}

/* Take text if it is at the cursor, whitespace aside. */
static bool take_if(struct parser *parser, const char *text) {
  const char *at = skip_space(parser->at);
  if (strncmp(at, text, strlen(text)) != 0) {
    return false;
  }
  parser->at = at + strlen(text);
  return true;
}

static int take(struct parser *parser, const char *text) {
  if (!take_if(parser, text)) {
    parser->at = skip_space(parser->at);
    return fail(parser, "expected '%s'", text);
  }
  return FPOST_OK;
}

static int take_number(struct parser *parser, uint32_t *number) {
  parser->at = skip_space(parser->at);
  if (!isdigit((unsigned char)*parser->at)) {
    return fail(parser, "expected a number");
  }
  uint64_t value = 0;
  const char *at = parser->at;
  for (; isdigit((unsigned char)*at); at++) {
    value = value * 10 + (uint64_t)(*at - '0');
    if (value > UINT32_MAX) {
      return fail(parser, "the number exceeds %u", UINT32_MAX);
    }
  }
  parser->at = at;
  *number = (uint32_t)value;
  return FPOST_OK;
}

static int location_find(struct parser *parser,
                         const struct fpost_litmus_program *program,
                         const char *name, uint32_t *location) {
  for (uint32_t i = 0; i < program->locations_count; i++) {
    if (strcmp(program->names[i], name) == 0) {
      *location = i;
      return FPOST_OK;
    }
  }
  parser->at -= parser->instruction != NULL ? strlen(name) : 0;
  return fail(parser, "'%s' is not in \"locations\"", name);
}

static int take_location(struct parser *parser,
                         const struct fpost_litmus_program *program,
                         uint32_t *location) {
  char name[FPOST_LITMUS_NAME_MAX];
  int err = take_name(parser, name);
  return err != FPOST_OK ? err : location_find(parser, program, name, location);
}

/* The number of the thread's register; a new one if it may be. */
static int register_find(struct parser *parser,
                         struct fpost_litmus_thread *thread, const char *name,
                         bool may_be_new, uint32_t *register_) {
  for (uint32_t i = 0; i < thread->registers_count; i++) {
    if (strcmp(parser->registers[i], name) == 0) {
      *register_ = i;
      return FPOST_OK;
    }
  }
  parser->at -= strlen(name);
  if (!may_be_new) {
    return fail(parser, "register '%s' is not set before", name);
  }
  if (thread->registers_count == FPOST_LITMUS_REGISTERS_MAX) {
    return fail(parser, "a thread has at most %u registers",
                FPOST_LITMUS_REGISTERS_MAX);
  }
  parser->at += strlen(name);
  *register_ = thread->registers_count++;
  memcpy(parser->registers[*register_], name, strlen(name) + 1);
  return FPOST_OK;
}

/* "if(a==1)[2]", behind the "if". */
static int parse_if(struct parser *parser, struct fpost_litmus_thread *thread,
                    struct fpost_litmus_instruction *instruction) {
  char name[FPOST_LITMUS_NAME_MAX];
  instruction->op = FPOST_LITMUS_IF;
  int err = take(parser, "(");
  err = err != FPOST_OK ? err : take_name(parser, name);
  err = err != FPOST_OK ? err
                        : register_find(parser, thread, name, false,
                                        &instruction->register_);
  err = err != FPOST_OK ? err : take(parser, "==");
  err = err != FPOST_OK ? err : take_number(parser, &instruction->expected);
  err = err != FPOST_OK ? err : take(parser, ")");
  err = err != FPOST_OK ? err : take(parser, "[");
  err = err != FPOST_OK ? err : take_number(parser, &instruction->skip);
  return err != FPOST_OK ? err : take(parser, "]");
}

/* "xchg(x,1)" or "cas(x,0,1)", behind the name. */
static int parse_locked(struct parser *parser,
                        const struct fpost_litmus_program *program,
                        struct fpost_litmus_instruction *instruction) {
  int err = take(parser, "(");
  err = err != FPOST_OK
            ? err
            : take_location(parser, program, &instruction->location);
  err = err != FPOST_OK ? err : take(parser, ",");
  if (instruction->op == FPOST_LITMUS_CAS) {
    err = err != FPOST_OK ? err : take_number(parser, &instruction->expected);
    err = err != FPOST_OK ? err : take(parser, ",");
  }
  err = err != FPOST_OK ? err : take_number(parser, &instruction->value);
  return err != FPOST_OK ? err : take(parser, ")");
}

/* What is behind "a:=". */
static int parse_load(struct parser *parser,
                      const struct fpost_litmus_program *program,
                      struct fpost_litmus_instruction *instruction) {
  char name[FPOST_LITMUS_NAME_MAX];
  int err = take_name(parser, name);
  if (err != FPOST_OK) {
    return err;
  }
  bool call = *skip_space(parser->at) == '(';
  if (call && strcmp(name, "xchg") == 0) {
    instruction->op = FPOST_LITMUS_XCHG;
    return parse_locked(parser, program, instruction);
  }
  if (call && strcmp(name, "cas") == 0) {
    instruction->op = FPOST_LITMUS_CAS;
    return parse_locked(parser, program, instruction);
  }
  instruction->op = FPOST_LITMUS_LOAD;
  return location_find(parser, program, name, &instruction->location);
}

/* Instructions that are a word and perhaps a location. */
static const struct {
  const char *name;
  uint32_t op;
  uint32_t value;
  bool has_location;
} spellings[] = {
    {"clflush", FPOST_LITMUS_FLUSH, FENCEPOST_CLFLUSH, true},
    {"clflushopt", FPOST_LITMUS_FLUSH, FENCEPOST_CLFLUSHOPT, true},
    {"clwb", FPOST_LITMUS_FLUSH, FENCEPOST_CLWB, true},
    {"sfence", FPOST_LITMUS_SFENCE, 0, false},
    {"mfence", FPOST_LITMUS_MFENCE, 0, false},
    {"lfence", FPOST_LITMUS_LFENCE, 0, false},
};

/* What follows the name that an instruction starts with. */
static int parse_rest(struct parser *parser, const char *name,
                      const struct fpost_litmus_program *program,
                      struct fpost_litmus_thread *thread,
                      struct fpost_litmus_instruction *instruction) {
  if (take_if(parser, ":=")) {
    parser->at -= 2;
    int err =
        register_find(parser, thread, name, true, &instruction->register_);
    parser->at += 2;
    return err != FPOST_OK ? err : parse_load(parser, program, instruction);
  }
  if (take_if(parser, "=")) {
    parser->at -= 1;
    int err = location_find(parser, program, name, &instruction->location);
    parser->at += 1;
    return err != FPOST_OK ? err : take_number(parser, &instruction->value);
  }
  for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
    if (strcmp(name, spellings[i].name) == 0) {
      instruction->op = spellings[i].op;
      instruction->value = spellings[i].value;
      return spellings[i].has_location
                 ? take_location(parser, program, &instruction->location)
                 : FPOST_OK;
    }
  }
  if (strcmp(name, "if") == 0) {
    return parse_if(parser, thread, instruction);
  }
  parser->at = parser->instruction;
  return fail(parser,
              "unknown instruction '%.40s'; there are x=1, nt x=1, clflush x, "
              "clflushopt x, clwb x, sfence, mfence, lfence, a:=x, "
              "a:=xchg(x,1), a:=cas(x,0,1), if(a==1)[n]",
              parser->instruction);
}

static int parse_instruction(struct parser *parser, const char *text,
                             const struct fpost_litmus_program *program,
                             struct fpost_litmus_thread *thread) {
  if (thread->instructions_count == FPOST_LITMUS_INSTRUCTIONS_MAX) {
    return fail(parser, "a thread has at most %u instructions",
                FPOST_LITMUS_INSTRUCTIONS_MAX);
  }
  struct fpost_litmus_instruction *instruction =
      &thread->instructions[thread->instructions_count];
  *instruction = (struct fpost_litmus_instruction){.op = FPOST_LITMUS_STORE};
  parser->instruction = text;
  parser->at = text;
  char name[FPOST_LITMUS_NAME_MAX];
  int err = take_name(parser, name);
  if (err == FPOST_OK && strcmp(name, "nt") == 0 &&
      *skip_space(parser->at) != '=') {
    err = take_name(parser, name);
    instruction->op = FPOST_LITMUS_NT;
    if (err == FPOST_OK && *skip_space(parser->at) != '=') {
      err = take(parser, "=");
    }
  }
  if (err == FPOST_OK) {
    err = parse_rest(parser, name, program, thread, instruction);
  }
  if (err == FPOST_OK && *skip_space(parser->at) != '\0') {
    parser->at = skip_space(parser->at);
    err = fail(parser, "unexpected text after the instruction");
  }
  parser->instruction = NULL;
  thread->instructions_count++;
  return err;
}

/* The value of key, an array; NULL with *err set if it is none. */
static const json_t *array_get(struct parser *parser, const json_t *object,
                               const char *key, int *err) {
  parser->path.key = key;
  parser->path.first = parser->path.second = -1;
  const json_t *value = json_object_get(object, key);
  if (!json_is_array(value)) {
    *err = value == NULL ? fail(parser, "the program has no \"%s\"", key)
                         : fail(parser, "\"%s\" is to be an array", key);
    return NULL;
  }
  return value;
}

static int parse_locations(struct parser *parser, const json_t *object,
                           struct fpost_litmus_program *program) {
  int err = FPOST_OK;
  const json_t *names = array_get(parser, object, "locations", &err);
  if (names == NULL) {
    return err;
  }
  if (json_array_size(names) > FPOST_LITMUS_LOCATIONS_MAX) {
    return fail(parser, "a program has at most %u locations",
                FPOST_LITMUS_LOCATIONS_MAX);
  }
  for (size_t i = 0; i < json_array_size(names); i++) {
    parser->path.first = (long)i;
    const char *name = json_string_value(json_array_get(names, i));
    if (name == NULL || !is_name(name)) {
      return fail(parser,
                  "a location is a name of at most %u letters, digits "
                  "and underscores",
                  FPOST_LITMUS_NAME_MAX - 1);
    }
    for (size_t j = 0; j < i; j++) {
      if (strcmp(program->names[j], name) == 0) {
        return fail(parser, "location '%s' is there twice", name);
      }
    }
    memcpy(program->names[i], name, strlen(name) + 1);
    program->line[i] = (uint8_t)i;
    program->locations_count++;
    program->lines_count++;
  }
  return FPOST_OK;
}

/* Lines keep their numbers, so that there may be unused ones. */
static int parse_same_line(struct parser *parser, const json_t *object,
                           struct fpost_litmus_program *program) {
  if (json_object_get(object, "same_line") == NULL) {
    return FPOST_OK;
  }
  int err = FPOST_OK;
  const json_t *names = array_get(parser, object, "same_line", &err);
  if (names == NULL) {
    return err;
  }
  uint32_t first = 0;
  uint32_t taken = 0; /* bit per location */
  for (size_t i = 0; i < json_array_size(names); i++) {
    parser->path.first = (long)i;
    const char *name = json_string_value(json_array_get(names, i));
    uint32_t location = 0;
    if (i == FPOST_LINE_WORDS) {
      return fail(parser, "a line has %u words", FPOST_LINE_WORDS);
    }
    if (name == NULL) {
      return fail(parser, "expected the name of a location");
    }
    err = location_find(parser, program, name, &location);
    if (err != FPOST_OK) {
      return err;
    }
    if ((taken >> location & 1) != 0) {
      return fail(parser, "location '%s' is there twice", name);
    }
    taken |= 1u << location;
    first = i == 0 ? location : first;
    program->line[location] = (uint8_t)first;
    program->word[location] = (uint8_t)i;
  }
  return FPOST_OK;
}

static int parse_thread(struct parser *parser, const json_t *code,
                        const struct fpost_litmus_program *program,
                        struct fpost_litmus_thread *thread) {
  if (!json_is_array(code)) {
    return fail(parser, "a thread is an array of instructions");
  }
  for (size_t i = 0; i < json_array_size(code); i++) {
    parser->path.second = (long)i;
    const char *text = json_string_value(json_array_get(code, i));
    if (text == NULL) {
      return fail(parser, "an instruction is a string");
    }
    int err = parse_instruction(parser, text, program, thread);
    if (err != FPOST_OK) {
      return err;
    }
  }
  for (uint32_t i = 0; i < thread->instructions_count; i++) {
    if (thread->instructions[i].skip >= thread->instructions_count - i) {
      parser->path.second = (long)i;
      return fail(parser, "only %u instructions follow",
                  thread->instructions_count - i - 1);
    }
  }
  parser->path.second = -1;
  return FPOST_OK;
}

static int parse_threads(struct parser *parser, const json_t *object,
                         struct fpost_litmus_program *program) {
  int err = FPOST_OK;
  const json_t *threads = array_get(parser, object, "threads", &err);
  if (threads == NULL) {
    return err;
  }
  if (json_array_size(threads) > FPOST_LITMUS_THREADS_MAX) {
    return fail(parser, "a program has at most %u threads",
                FPOST_LITMUS_THREADS_MAX);
  }
  for (size_t t = 0; t < json_array_size(threads) && err == FPOST_OK; t++) {
    parser->path.first = (long)t;
    program->threads_count++;
    err = parse_thread(parser, json_array_get(threads, t), program,
                       &program->threads[t]);
  }
  return err;
}

/* One expected content. */
static int parse_state(struct parser *parser, const json_t *array,
                       uint32_t locations_count,
                       struct fpost_litmus_states *states) {
  uint32_t values[FPOST_LITMUS_LOCATIONS_MAX] = {0};
  if (json_array_size(array) != locations_count || !json_is_array(array)) {
    return fail(parser, "a state has one value for each of the %u locations",
                locations_count);
  }
  for (size_t i = 0; i < locations_count; i++) {
    const json_t *value = json_array_get(array, i);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > UINT32_MAX) {
      parser->path.second = (long)i;
      return fail(parser, "a value is a number from 0 to %u", UINT32_MAX);
    }
    values[i] = (uint32_t)number;
  }
  return fpost_litmus_states_add(states, values);
}

/* The states expected in a mode, if the file has them. */
static int parse_states(struct parser *parser, const json_t *object,
                        const char *key, uint32_t locations_count, bool *has,
                        struct fpost_litmus_states *states) {
  if (json_object_get(object, key) == NULL) {
    return FPOST_OK;
  }
  int err = FPOST_OK;
  const json_t *list = array_get(parser, object, key, &err);
  if (list == NULL) {
    return err;
  }
  for (size_t i = 0; i < json_array_size(list) && err == FPOST_OK; i++) {
    parser->path.first = (long)i;
    parser->path.second = -1;
    err = parse_state(parser, json_array_get(list, i), locations_count, states);
  }
  fpost_litmus_states_sort(states);
  *has = true;
  return err;
}

static int parse_case(struct parser *parser, const json_t *object,
                      struct fpost_litmus_case *case_) {
  parser->path.key = NULL;
  parser->path.first = parser->path.second = -1;
  if (!json_is_object(object)) {
    return fail(parser, "a program is an object");
  }
  const json_t *id = json_object_get(object, "id");
  if (!json_is_string(id)) {
    parser->path.key = "id";
    return fail(parser, "a program has an \"id\", a string");
  }
  case_->id = strdup(json_string_value(id));
  if (case_->id == NULL) {
    return FPOST_ENOMEM;
  }
  int err = parse_locations(parser, object, &case_->program);
  uint32_t count = case_->program.locations_count;
  err =
      err != FPOST_OK ? err : parse_same_line(parser, object, &case_->program);
  err = err != FPOST_OK ? err : parse_threads(parser, object, &case_->program);
  err = err != FPOST_OK ? err
                        : parse_states(parser, object, "line", count,
                                       &case_->has_line, &case_->line);
  err = err != FPOST_OK ? err
                        : parse_states(parser, object, "word", count,
                                       &case_->has_word, &case_->word);
  return err != FPOST_OK ? err
                         : parse_states(parser, object, "eadr", count,
                                        &case_->has_eadr, &case_->eadr);
}

int fpost_litmus_parse(const char *text, size_t size,
                       struct fpost_litmus_file *file,
                       struct fpost_litmus_error *error) {
  *file = (struct fpost_litmus_file){.cases = NULL};
  FPOST_ASSERT(text[size] == '\0');
  json_error_t json_error;
  json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &json_error);
  if (root == NULL) {
    error->line = json_error.line > 0 ? (uint32_t)json_error.line : 1;
    error->column = json_error.column > 0 ? (uint32_t)json_error.column : 1;
    (void)snprintf(error->message, sizeof(error->message), "%s",
                   json_error.text);
    return FPOST_EINVAL;
  }
  struct parser parser = {
      .text = text,
      .error = error,
      .path = {.program = SIZE_MAX, .first = -1, .second = -1}};
  int err = FPOST_OK;
  if (!json_is_array(root)) {
    err = fail(&parser, "a litmus file is an array of programs");
  }
  size_t count = json_array_size(root);
  if (err == FPOST_OK && count != 0) {
    file->cases = calloc(count, sizeof(*file->cases));
    err = file->cases == NULL ? FPOST_ENOMEM : FPOST_OK;
  }
  for (size_t i = 0; i < count && err == FPOST_OK; i++) {
    parser.path.program = i;
    file->count++;
    err = parse_case(&parser, json_array_get(root, i), &file->cases[i]);
  }
  json_decref(root);
  if (err != FPOST_OK) {
    fpost_litmus_file_free(file);
  }
  return err;
}

void fpost_litmus_file_free(struct fpost_litmus_file *file) {
  for (size_t i = 0; i < file->count; i++) {
    free(file->cases[i].id);
    fpost_litmus_states_free(&file->cases[i].line);
    fpost_litmus_states_free(&file->cases[i].word);
    fpost_litmus_states_free(&file->cases[i].eadr);
  }
  free(file->cases);
  *file = (struct fpost_litmus_file){.cases = NULL};
}
