/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/call_name.h"

#include "rt/os/os.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a string that are shown. */
#define STRING_SHOWN 48u

/* The text at an address, at most size bytes up to a NUL; the address if it
   cannot be read. */
static void add_text(struct fpost_text *name, uint64_t address, uint64_t size) {
  char bytes[STRING_SHOWN];
  const void *text = (const void *)(uintptr_t)address; // NOLINT: of the program
  size_t wanted = size < STRING_SHOWN ? (size_t)size : STRING_SHOWN;
  size_t got = wanted == 0 ? 0 : fpost_os_peek(text, bytes, wanted);
  if (got == 0 && wanted != 0) {
    fpost_text_add_hex(name, address);
    return;
  }
  size_t shown = strnlen(bytes, got);
  fpost_text_add(name, "\"");
  for (size_t i = 0; i < shown; i++) {
    bool printable = bytes[i] >= ' ' && bytes[i] <= '~';
    bool special = bytes[i] == '"' || bytes[i] == '\\';
    fpost_text_add(name, special ? "\\" : "");
    fpost_text_add_bytes(name, printable ? &bytes[i] : "?", 1);
  }
  bool cut = shown == got && size > got;
  fpost_text_add(name, cut ? "\"..." : "\"");
}

static void add_string(struct fpost_text *name, uint64_t address) {
  if (address == 0) {
    fpost_text_add(name, "NULL");
  } else {
    add_text(name, address, UINT64_MAX);
  }
}

/* A std::string: a pointer to its text, and the size of that. */
static void add_std_string(struct fpost_text *name, uint64_t address) {
  uint64_t string[2];
  const void *at = (const void *)(uintptr_t)address; // NOLINT: of the program
  if (fpost_os_peek(at, string, sizeof string) == sizeof string) {
    add_text(name, string[0], string[1]);
  } else {
    fpost_text_add_hex(name, address);
  }
}

static void add_value(struct fpost_text *name, char type, uint64_t value) {
  double number = 0;
  char text[40] = "";
  switch (type) {
  case 's':
    add_string(name, value);
    break;
  case 'S':
    add_std_string(name, value);
    break;
  case 'b':
    fpost_text_add(name, value != 0 ? "true" : "false");
    break;
  case 'd':
    memcpy(&number, &value, sizeof number);
    (void)snprintf(text, sizeof text, "%.9g", number);
    break;
  case 'c':
    (void)snprintf(text, sizeof text,
                   value >= ' ' && value <= '~' ? "'%c'" : "%d", (int)value);
    break;
  case 'i':
    (void)snprintf(text, sizeof text, "%" PRId64, (int64_t)value);
    break;
  case 'u':
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    break;
  default:
    fpost_text_add_hex(name, value);
    break;
  }
  fpost_text_add(name, text);
}

void fpost_call_name(struct fpost_text *text,
                     const struct fencepost_function *function, uint64_t known,
                     const uint64_t *values) {
  int err = errno;
  const char *at = function->arguments;
  fpost_text_add(text, function->name);
  fpost_text_add(text, "(");
  for (uint32_t i = 0; *at != '\0'; i++) {
    char type = *at++;
    size_t size = strcspn(at, ",");
    fpost_text_add(text, i == 0 ? "" : ", ");
    fpost_text_add_bytes(text, at, size);
    fpost_text_add(text, size == 0 ? "" : "=");
    if (type == 'x') {
      fpost_text_add(text, "...");
    } else if (i < FENCEPOST_OP_ARGUMENTS && (known >> i & 1) != 0) {
      add_value(text, type, values[i]);
    } else {
      fpost_text_add(text, "?");
    }
    at += size;
    at += *at == ',';
  }
  fpost_text_add(text, ")");
  errno = err;
}
