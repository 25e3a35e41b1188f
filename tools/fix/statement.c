/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/fix/statement.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool word_char(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

/* ---- text ---- */

static void blank(char *text, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++) {
    text[i] = text[i] == '\n' ? '\n' : ' ';
  }
}

/* The end of what begins at i: a comment, a string or a character. */
static size_t token_end(const char *text, size_t size, size_t i) {
  if (text[i] == '/' && text[i + 1] == '/') {
    while (i < size && text[i] != '\n') {
      i++;
    }
    return i;
  }
  if (text[i] == '/') {
    const char *end = strstr(text + i + 2, "*/");
    return end == NULL ? size : (size_t)(end - text) + 2;
  }
  char quote = text[i];
  for (i++; i < size && text[i] != quote && text[i] != '\n'; i++) {
    i += text[i] == '\\' && i + 1 < size;
  }
  return i < size ? i + 1 : size;
}

static void blank_tokens(struct fix_text *text) {
  for (size_t i = 0; i < text->size;) {
    const char *at = text->text + i;
    bool comment = at[0] == '/' && (at[1] == '/' || at[1] == '*');
    /* 1'000 has no character in it. */
    bool quote = *at == '"' ||
                 (*at == '\'' && (i == 0 || !word_char(text->text[i - 1])));
    if (!comment && !quote) {
      i++;
      continue;
    }
    size_t end = token_end(text->text, text->size, i);
    blank(text->code, i, end);
    if (comment) {
      blank(text->bare, i, end);
    }
    i = end;
  }
}

/* Directives, with the lines that continue them. */
static void blank_directives(struct fix_text *text) {
  for (size_t i = 0; i < text->size;) {
    const char *line_end = memchr(text->text + i, '\n', text->size - i);
    size_t end =
        line_end == NULL ? text->size : (size_t)(line_end - text->text);
    size_t first = i + strspn(text->code + i, " \t");
    bool directive = text->code[first] == '#';
    while (directive && end < text->size && text->text[end - 1] == '\\') {
      line_end = memchr(text->text + end + 1, '\n', text->size - end - 1);
      end = line_end == NULL ? text->size : (size_t)(line_end - text->text);
    }
    if (directive) {
      blank(text->code, i, end);
      blank(text->bare, i, end);
    }
    i = end + 1;
  }
}

int fix_text_read(struct fix_text *text, const char *path) {
  FILE *file = fopen(path, "re");
  *text = (struct fix_text){.text = NULL};
  if (file == NULL) {
    return FPOST_ENOENT;
  }
  size_t room = 0;
  ssize_t got = getdelim(&text->text, &room, '\0', file);
  fclose(file);
  if (got < 0) {
    fix_text_free(text);
    return FPOST_ENOENT;
  }
  text->size = strlen(text->text);
  text->bare = strdup(text->text);
  text->code = strdup(text->text);
  if (text->bare == NULL || text->code == NULL) {
    fix_text_free(text);
    return FPOST_ENOMEM;
  }
  blank_tokens(text);
  blank_directives(text);
  return FPOST_OK;
}

void fix_text_free(struct fix_text *text) {
  free(text->text);
  free(text->bare);
  free(text->code);
  *text = (struct fix_text){.text = NULL};
}

size_t fix_line_offset(const struct fix_text *text, uint32_t line) {
  size_t i = 0;
  for (; line > 1 && i < text->size; i++) {
    line -= text->text[i] == '\n';
  }
  return line <= 1 ? i : text->size;
}

uint32_t fix_line_of(const struct fix_text *text, size_t offset) {
  uint32_t line = 1;
  for (size_t i = 0; i < offset && i < text->size; i++) {
    line += text->text[i] == '\n';
  }
  return line;
}

/* ---- where a statement begins and ends ---- */

/* Is the word before offset (after spaces) one that a parenthesis follows? */
static bool control_before(const char *code, size_t offset) {
  static const char *const words[] = {"if", "for", "while", "switch"};
  while (offset > 0 && isspace((unsigned char)code[offset - 1])) {
    offset--;
  }
  size_t end = offset;
  while (offset > 0 && word_char(code[offset - 1])) {
    offset--;
  }
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (strlen(words[i]) == end - offset &&
        strncmp(code + offset, words[i], end - offset) == 0) {
      return true;
    }
  }
  return false;
}

/* Back to after the last `;`, `{` or `}` outside of parentheses. */
static const char *begin_find(const char *code, size_t at, size_t *begin) {
  int depth = 0;
  size_t i = at;
  for (; i > 0; i--) {
    char c = code[i - 1];
    if (c == ')') {
      depth++;
    } else if (c == '(' && depth == 0 && control_before(code, i - 1)) {
      return "it is in the head of a condition or loop";
    } else if (c == '(') {
      depth -= depth != 0;
    } else if (depth == 0 && (c == ';' || c == '{' || c == '}')) {
      break;
    }
  }
  *begin = i;
  return NULL;
}

/* After the parenthesis that closes the one at offset. */
static size_t parenthesis_end(const char *code, size_t offset) {
  int depth = 0;
  for (; code[offset] != '\0'; offset++) {
    depth += code[offset] == '(';
    depth -= code[offset] == ')';
    if (depth == 0) {
      return offset + 1;
    }
  }
  return offset;
}

static size_t space_skip(const char *code, size_t offset) {
  return offset + strspn(code + offset, " \t\r\n");
}

static bool word_at(const char *code, size_t offset, const char *word) {
  size_t size = strlen(word);
  return strncmp(code + offset, word, size) == 0 &&
         !word_char(code[offset + size]);
}

/* Past labels, and past heads of conditions and loops, which are noted. */
static size_t heads_skip(const char *code, size_t at, bool *unbraced) {
  for (;;) {
    at = space_skip(code, at);
    if (word_at(code, at, "if") || word_at(code, at, "for") ||
        word_at(code, at, "while") || word_at(code, at, "switch")) {
      size_t open = at + strcspn(code + at, "(");
      at = parenthesis_end(code, open);
      *unbraced = true;
    } else if (word_at(code, at, "else") || word_at(code, at, "do")) {
      at += code[at] == 'e' ? 4 : 2;
      *unbraced = true;
    } else if (word_at(code, at, "case") || word_at(code, at, "default")) {
      at += strcspn(code + at, ":;") + 1;
    } else {
      size_t name = at;
      while (word_char(code[name])) {
        name++;
      }
      if (name == at || code[name] != ':' || code[name + 1] == ':') {
        return at;
      }
      at = name + 1;
    }
  }
}

static const char *end_find(const char *code, size_t at, size_t *end) {
  int depth = 0;
  for (; code[at] != '\0'; at++) {
    char c = code[at];
    depth += c == '(' || c == '{' || c == '[';
    depth -= c == ')' || c == '}' || c == ']';
    if (depth < 0) {
      return c == ')' ? "it is in the head of a condition or loop"
                      : "the statement has no end that can be told";
    }
    if (c == ';' && depth == 0) {
      *end = at;
      return NULL;
    }
  }
  return "the statement has no end that can be told";
}

/* Is there code between two offsets? */
static bool code_between(const char *code, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++) {
    if (!isspace((unsigned char)code[i])) {
      return true;
    }
  }
  return false;
}

const char *fix_statement_find(const struct fix_text *text, uint32_t line,
                               uint32_t column,
                               struct fix_statement *statement) {
  size_t start = fix_line_offset(text, line);
  size_t line_size = strcspn(text->text + start, "\n");
  size_t at = start + (column != 0 && column <= line_size
                           ? column - 1
                           : strspn(text->code + start, " \t"));
  *statement = (struct fix_statement){.begin = 0};
  if (!code_between(text->code, start, start + line_size)) {
    return "its line is in a macro or a directive, or the source has changed";
  }
  const char *why = begin_find(text->code, at, &statement->begin);
  if (why != NULL) {
    return why;
  }
  statement->begin =
      heads_skip(text->code, statement->begin, &statement->unbraced);
  if (at < statement->begin) {
    return "it is in the head of a condition or loop";
  }
  why = end_find(text->code, statement->begin, &statement->end);
  if (why != NULL) {
    return why;
  }
  statement->first_line = fix_line_of(text, statement->begin);
  statement->last_line = fix_line_of(text, statement->end);
  size_t first = fix_line_offset(text, statement->first_line);
  size_t after = statement->end + 1;
  if (code_between(text->code, after,
                   after + strcspn(text->code + after, "\n"))) {
    return "its line goes on after the statement";
  }
  if (statement->unbraced &&
      code_between(text->code, first, statement->begin)) {
    return "it shares its line with the head of a condition or loop";
  }
  return NULL;
}

/* ---- what it stores to ---- */

/* An expression without the space around it; false if it does not fit, or has
   something that must not be done twice. */
static bool expression_copy(char out[FIX_EXPRESSION_MAX], const char *text,
                            size_t size) {
  while (size != 0 && isspace((unsigned char)*text)) {
    text++;
    size--;
  }
  while (size != 0 && isspace((unsigned char)text[size - 1])) {
    size--;
  }
  if (size == 0 || size >= FIX_EXPRESSION_MAX) {
    return false;
  }
  memcpy(out, text, size);
  out[size] = '\0';
  for (size_t i = 0; i < size; i++) {
    out[i] = isspace((unsigned char)out[i]) ? ' ' : out[i];
    bool call = i != 0 && out[i] == '(' && word_char(out[i - 1]);
    if (call && !(i >= 6 && strncmp(out + i - 6, "sizeof", 6) == 0)) {
      return false;
    }
  }
  return strstr(out, "++") == NULL && strstr(out, "--") == NULL;
}

/* The offset of the assignment's `=` outside of parentheses, or of nothing. */
static size_t assignment_find(const char *code, size_t at, size_t end) {
  int depth = 0;
  for (; at < end; at++) {
    depth += code[at] == '(' || code[at] == '[' || code[at] == '{';
    depth -= code[at] == ')' || code[at] == ']' || code[at] == '}';
    if (depth != 0 || code[at] != '=') {
      continue;
    }
    if (code[at + 1] == '=') {
      at++;
    } else if (strchr("!<>", code[at - 1]) == NULL ||
               code[at - 2] == code[at - 1]) {
      return at;
    }
  }
  return end;
}

/* Does it declare a variable: a name after a name, or `name *name`? */
static bool declares(const char *left) {
  size_t i = 0;
  while (word_char(left[i]) || left[i] == ':') {
    i++;
  }
  size_t after = i + strspn(left + i, " *&");
  return i != 0 && after != i && left[i] == ' ' && word_char(left[after]);
}

static const char *target_of_left(const struct fix_text *text, size_t begin,
                                  size_t end, struct fix_target *target) {
  char left[FIX_EXPRESSION_MAX];
  if (!expression_copy(left, text->bare + begin, end - begin)) {
    return "the left side of the assignment does something that must not be "
           "done twice";
  }
  if (declares(left)) {
    return "it is a declaration";
  }
  int size = left[0] == '*'
                 ? snprintf(target->address, FIX_EXPRESSION_MAX, "%s", left + 1)
                 : snprintf(target->address, FIX_EXPRESSION_MAX, "&%s", left);
  int more = snprintf(target->size, FIX_EXPRESSION_MAX, "sizeof(%s)", left);
  return size < (int)FIX_EXPRESSION_MAX && more < (int)FIX_EXPRESSION_MAX
             ? NULL
             : "the left side of the assignment is too long";
}

/* Argument number `index` of the call whose parenthesis opens at open. */
static bool argument_copy(const struct fix_text *text, size_t open,
                          unsigned index, char out[FIX_EXPRESSION_MAX]) {
  int depth = 0;
  size_t begin = open + 1;
  for (size_t at = open; at < text->size; at++) {
    char c = text->code[at];
    depth += c == '(' || c == '[' || c == '{';
    depth -= c == ')' || c == ']' || c == '}';
    if ((c == ',' && depth == 1) || depth == 0) {
      if (index == 0) {
        return expression_copy(out, text->bare + begin, at - begin);
      }
      if (depth == 0) {
        return false;
      }
      index--;
      begin = at + 1;
    }
  }
  return false;
}

/* Functions that store: how many bytes. */
static const char *target_of_call(const struct fix_text *text, size_t begin,
                                  size_t open, struct fix_target *target) {
  static const char *const sized[] = {"memcpy",  "memmove",     "memset",
                                      "strncpy", "std::memcpy", "std::memset"};
  static const char *const single[] = {"atomic_store", "atomic_store_explicit",
                                       "atomic_fetch_add", "atomic_exchange",
                                       "__atomic_store_n"};
  char name[FIX_EXPRESSION_MAX];
  snprintf(name, sizeof name, "%.*s", (int)(open - begin), text->bare + begin);
  size_t dot = strlen(name);
  if (dot > 6 && strcmp(name + dot - 6, ".store") == 0) {
    return target_of_left(text, begin, open - 6, target);
  }
  if (!argument_copy(text, open, 0, target->address)) {
    return "what it stores to cannot be told from its arguments";
  }
  for (size_t i = 0; i < sizeof sized / sizeof sized[0]; i++) {
    if (strcmp(name, sized[i]) == 0) {
      return argument_copy(text, open, 2, target->size)
                 ? NULL
                 : "what it stores to cannot be told from its arguments";
    }
  }
  for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
    if (strcmp(name, single[i]) == 0) {
      snprintf(target->size, FIX_EXPRESSION_MAX, "sizeof(*(%.480s))",
               target->address);
      return NULL;
    }
  }
  if (strcmp(name, "strcpy") == 0) {
    snprintf(target->size, FIX_EXPRESSION_MAX, "strlen(%.480s) + 1",
             target->address);
    return NULL;
  }
  return "how much the call stores cannot be told from its text";
}

const char *fix_statement_target(const struct fix_text *text,
                                 const struct fix_statement *statement,
                                 struct fix_target *target) {
  const char *code = text->code;
  size_t begin = statement->begin;
  size_t end = statement->end;
  *target = (struct fix_target){.address = ""};
  if (word_at(code, begin, "return") || word_at(code, begin, "throw")) {
    return "control does not come past it";
  }
  size_t equal = assignment_find(code, begin, end);
  if (equal != end) {
    if (assignment_find(code, equal + 1, end) != end) {
      return "it assigns more than once";
    }
    while (equal > begin && strchr("+-*/%&|^<>", code[equal - 1]) != NULL) {
      equal--;
    }
    return target_of_left(text, begin, equal, target);
  }
  if (strncmp(code + begin, "++", 2) == 0 ||
      strncmp(code + begin, "--", 2) == 0) {
    return target_of_left(text, begin + 2, end, target);
  }
  if (end - begin > 2 && (strncmp(code + end - 2, "++", 2) == 0 ||
                          strncmp(code + end - 2, "--", 2) == 0)) {
    return target_of_left(text, begin, end - 2, target);
  }
  size_t open = begin + strcspn(code + begin, "(;");
  if (open < end && parenthesis_end(code, open) == end) {
    return target_of_call(text, begin, open, target);
  }
  return "it is no assignment that can be taken apart";
}
