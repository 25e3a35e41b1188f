/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/flags.h"

#include <string.h>

/* Part of the options' text: not terminated. */
struct span {
  const char *bytes;
  size_t size;
};

static bool span_is(struct span span, const char *string) {
  return strlen(string) == span.size &&
         memcmp(span.bytes, string, span.size) == 0;
}

static int mistake(struct fpost_text *error, const char *what,
                   struct span value, const char *expected) {
  fpost_text_add(error, what);
  fpost_text_add(error, " '");
  fpost_text_add_bytes(error, value.bytes, value.size);
  fpost_text_add(error, "': expected ");
  fpost_text_add(error, expected);
  return FPOST_EINVAL;
}

static int parse_MODE(struct fpost_flags *flags, struct span value,
                      enum fpost_flag_mode *out, struct fpost_text *error) {
  (void)flags;
  if (span_is(value, "check")) {
    *out = FPOST_MODE_CHECK;
  } else if (span_is(value, "record")) {
    *out = FPOST_MODE_RECORD;
  } else if (span_is(value, "recover")) {
    *out = FPOST_MODE_RECOVER;
  } else {
    return mistake(error, "mode", value, "check, record or recover");
  }
  return FPOST_OK;
}

static int parse_DOMAIN(struct fpost_flags *flags, struct span value,
                        enum fpost_domain *out, struct fpost_text *error) {
  (void)flags;
  if (span_is(value, "adr")) {
    *out = FPOST_DOMAIN_ADR;
  } else if (span_is(value, "eadr")) {
    *out = FPOST_DOMAIN_EADR;
  } else {
    return mistake(error, "domain", value, "adr or eadr");
  }
  return FPOST_OK;
}

static int parse_TEXT(struct fpost_flags *flags, struct span value,
                      const char **out, struct fpost_text *error) {
  if (value.size >= FPOST_FLAG_TEXT_MAX ||
      value.size >= FPOST_FLAG_ARENA - flags->arena_used) {
    return mistake(error, "text", (struct span){value.bytes, 32},
                   "less than 4096 bytes, and 16 KiB for all");
  }
  char *copy = flags->arena + flags->arena_used;
  memcpy(copy, value.bytes, value.size);
  copy[value.size] = '\0';
  flags->arena_used += (uint32_t)value.size + 1;
  *out = copy;
  return FPOST_OK;
}

static int parse_LIST(struct fpost_flags *flags, struct span value,
                      struct fpost_flag_list *out, struct fpost_text *error) {
  if (out->count == FPOST_FLAG_LIST_MAX) {
    return mistake(error, "one value too many", value, "at most 16");
  }
  int err = parse_TEXT(flags, value, &out->values[out->count], error);
  if (err == FPOST_OK) {
    out->count++;
  }
  return err;
}

static int parse_NUMBER(struct fpost_flags *flags, struct span value,
                        uint64_t *out, struct fpost_text *error) {
  (void)flags;
  uint64_t number = 0;
  for (size_t i = 0; i < value.size; i++) {
    unsigned digit = (unsigned)value.bytes[i] - '0';
    if (digit > 9 || number > (UINT64_MAX - digit) / 10) {
      return mistake(error, "number", value, "decimal digits below 2^64");
    }
    number = number * 10 + digit;
  }
  if (value.size == 0) {
    return mistake(error, "number", value, "decimal digits");
  }
  *out = number;
  return FPOST_OK;
}

static int parse_BOOL(struct fpost_flags *flags, struct span value, bool *out,
                      struct fpost_text *error) {
  (void)flags;
  if (!span_is(value, "0") && !span_is(value, "1")) {
    return mistake(error, "switch", value, "0 or 1");
  }
  *out = value.bytes[0] == '1';
  return FPOST_OK;
}

static int parse_CLASSES(struct fpost_flags *flags, struct span value,
                         uint32_t *out, struct fpost_text *error) {
  (void)flags;
  uint32_t classes = 0;
  size_t start = 0;
  for (size_t i = 0; i <= value.size; i++) {
    if (i < value.size && value.bytes[i] != ',') {
      continue;
    }
    struct span name = {value.bytes + start, i - start};
    uint32_t found = span_is(name, "all") ? UINT32_MAX : 0;
    for (uint32_t c = 0; c < FPOST_CLASS_COUNT; c++) {
      if (span_is(name, fpost_class_infos[c].name)) {
        found = UINT32_C(1) << c;
      }
    }
    if (found == 0 && name.size != 0) {
      return mistake(error, "class", name,
                     "one that `fencepost explain` lists");
    }
    classes |= found;
    start = i + 1;
  }
  *out = classes;
  return FPOST_OK;
}

static int flag_set(struct fpost_flags *flags, struct span name,
                    struct span value, struct fpost_text *error) {
#define FPOST_FLAG(type, field, default_, text)                                \
  if (span_is(name, #field)) {                                                 \
    return parse_##type(flags, value, &flags->field, error);                   \
  }
#include "rt/hooks/flags.def"
  return mistake(error, "unknown option", name, "one of"
#define FPOST_FLAG(type, field, default_, text) " " #field
#include "rt/hooks/flags.def"
  );
}

#define DEFAULT_CHECK FPOST_MODE_CHECK
#define DEFAULT_ADR FPOST_DOMAIN_ADR
#define DEFAULT_MODE(value) DEFAULT_##value
#define DEFAULT_DOMAIN(value) DEFAULT_##value
#define DEFAULT_TEXT(value) value
#define DEFAULT_LIST(value)                                                    \
  { {NULL}, 0 }
#define DEFAULT_CLASSES(value) 0
#define DEFAULT_NUMBER(value) value
#define DEFAULT_BOOL(value) value

static void flags_default(struct fpost_flags *flags) {
  flags->arena_used = 0;
#define FPOST_FLAG(type, field, value, text)                                   \
  {                                                                            \
    FPOST_FLAG_TYPE_##type initial = DEFAULT_##type(value);                    \
    flags->field = initial;                                                    \
  }
#include "rt/hooks/flags.def"
}

/* The value at text: up to ':' or, if quoted, up to the closing quote. */
static int value_scan(const char *text, struct span *value, const char **rest,
                      struct fpost_text *error) {
  char end = ':';
  if (*text == '"' || *text == '\'') {
    end = *text++;
  }
  size_t size = 0;
  while (text[size] != '\0' && text[size] != end) {
    size++;
  }
  *value = (struct span){text, size};
  *rest = text + size;
  if (end != ':') {
    if (**rest != end) {
      return mistake(error, "quoted value", *value, "a closing quote");
    }
    ++*rest;
  }
  if (**rest != '\0' && **rest != ':') {
    return mistake(error, "quoted value", *value, "':' after it");
  }
  return FPOST_OK;
}

static int limits_check(const struct fpost_flags *flags,
                        struct fpost_text *error) {
  const char *mistake = NULL;
  if (flags->frames < 1 || flags->frames > 16) {
    mistake = "frames: expected 1 to 16";
  } else if (flags->races > FPOST_RACES_AUTO) {
    mistake = "races: expected 0, 1 or 2";
  } else if (flags->exit_code > 255) {
    mistake = "exit_code: expected 0 to 255";
  }
  if (mistake != NULL) {
    fpost_text_add(error, mistake);
  }
  return mistake != NULL ? FPOST_EINVAL : FPOST_OK;
}

int fpost_flags_parse(struct fpost_flags *flags, const char *options,
                      struct fpost_text *error) {
  flags_default(flags);
  const char *at = options == NULL ? "" : options;
  while (*at != '\0') {
    if (*at == ':') {
      at++;
      continue;
    }
    size_t name_size = strcspn(at, "=:");
    struct span name = {at, name_size};
    if (at[name_size] != '=') {
      return mistake(error, "option", name, "name=value");
    }
    struct span value;
    int err = value_scan(at + name_size + 1, &value, &at, error);
    if (err == FPOST_OK) {
      err = flag_set(flags, name, value, error);
    }
    if (err != FPOST_OK) {
      return err;
    }
  }
  return limits_check(flags, error);
}

uint32_t fpost_flags_classes(const struct fpost_flags *flags) {
  uint32_t classes = flags->only;
  if (classes == 0) {
    for (uint32_t c = 0; c < FPOST_CLASS_COUNT; c++) {
      classes |= (uint32_t)fpost_class_infos[c].on << c;
    }
  }
  return classes & ~flags->no;
}

bool fpost_flags_glob(const char *pattern, const char *text) {
  /* After a mismatch the last '*' takes one character more. */
  const char *star = NULL;
  const char *resume = NULL;
  while (*text != '\0') {
    if (*pattern == '*') {
      star = ++pattern;
      resume = text;
    } else if (*pattern == '?' || *pattern == *text) {
      pattern++;
      text++;
    } else if (star != NULL) {
      pattern = star;
      text = ++resume;
    } else {
      return false;
    }
  }
  while (*pattern == '*') {
    pattern++;
  }
  return *pattern == '\0';
}

bool fpost_flags_match(const char *pattern, const char *path) {
  if (strchr(pattern, '/') == NULL) {
    const char *slash = strrchr(path, '/');
    path = slash == NULL ? path : slash + 1;
  }
  return fpost_flags_glob(pattern, path);
}
