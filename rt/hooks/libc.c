/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The functions of libc that the pass renames (fencepost/libc.def): the real
 * one, and the store that it made. In recovery, what it will read is decided
 * before, as far as it will read and no further; what it will write is opened.
 */
#define _GNU_SOURCE
#include "rt/hooks/context.h"
#include "rt/hooks/events.h"
#include "rt/hooks/heap_rules.h"
#include "rt/hooks/hooks.h"
#include "rt/hooks/races.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <wchar.h>

#define VOID void
#define PTR void *
#define U64 uint64_t
#define I32 int32_t
#define VALIST va_list
#define FENCEPOST_LIBC(name, result, arguments)                                \
  FPOST_INTERPOSE result __fencepost_libc_##name arguments;
#include "fencepost/libc.def"

_Noreturn void __chk_fail(void);

static __attribute__((noinline)) void wrote_here(const void *to, size_t size,
                                                 uintptr_t pc, uintptr_t cfa) {
  if (fpost_recover_on) {
    fpost_recover_store(to, size);
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (self != NULL) {
    uint32_t stack = fpost_stack_of(self, pc, cfa);
    fpost_event_store(self, to, size, 0, stack);
    fpost_heap_stored(self, to, size, FENCEPOST_STORE_BLOCK, stack);
    fpost_leave();
  } else if (fpost_context.phase == FPOST_PHASE_RUN &&
             fpost_context.run != FPOST_RUN_RECOVER) {
    fpost_defer(FPOST_EVENT_STORE, to, size, 0, pc);
  }
}

/* May [address, address + size) touch PM? */
static inline bool near_pm(const void *address, size_t size) {
  uint64_t base = __fencepost_state.pm_base;
  uint64_t at = (uintptr_t)address;
  return __fencepost_state.pm_size != 0 && size != 0 &&
         at < base + __fencepost_state.pm_size && at + size > base;
}

/* size bytes at to were written by the function that uses this. */
#define WROTE(to, size)                                                        \
  do {                                                                         \
    if (FPOST_UNLIKELY(fpost_races_on)) {                                      \
      fpost_races_touch_any();                                                 \
    }                                                                          \
    if (FPOST_UNLIKELY(near_pm((to), (size)))) {                               \
      wrote_here((to), (size), FPOST_CALLER_PC, FPOST_CALLER_CFA);             \
    }                                                                          \
  } while (0)

/* ---- recovery: what will be read, and written ---- */

/* Inlined into the function that the program calls, whose caller reads. */
#define READS static inline __attribute__((always_inline)) void

static inline bool reads_matter(void) {
  return fpost_recover_on || fpost_races_on;
}

READS reads(const void *from, size_t size) {
  if (FPOST_UNLIKELY(reads_matter()) && near_pm(from, size)) {
    struct fpost_site site = {FPOST_CALLER_PC, FPOST_CALLER_CFA};
    if (fpost_recover_on) {
      fpost_recover_load(from, size, site);
    } else {
      fpost_races_load(from, size, false, site.pc, site.cfa);
    }
  }
}

static inline void writes(const void *to, size_t size) {
  if (FPOST_UNLIKELY(fpost_recover_on) && near_pm(to, size)) {
    struct fpost_site site = {0, 0};
    fpost_recover_access(to, size, true, site);
  }
}

/* A byte after the other, up to the end of the string or max of them. */
READS reads_string(const char *from, size_t max) {
  if (FPOST_LIKELY(!reads_matter())) {
    return;
  }
  for (size_t i = 0; i < max; i++) {
    reads(from + i, 1);
    if (from[i] == '\0') {
      return;
    }
  }
}

/* Two at a time, up to the first that differ (or the ends of strings). */
READS reads_both(const char *a, const char *b, size_t max, bool strings) {
  if (FPOST_LIKELY(!reads_matter())) {
    return;
  }
  for (size_t i = 0; i < max; i++) {
    reads(a + i, 1);
    reads(b + i, 1);
    if (a[i] != b[i] || (strings && a[i] == '\0')) {
      return;
    }
  }
}

/* Up to the first that is byte. */
READS reads_until(const char *from, int byte, size_t max) {
  if (FPOST_LIKELY(!reads_matter())) {
    return;
  }
  for (size_t i = 0; i < max; i++) {
    reads(from + i, 1);
    if (from[i] == (char)byte) {
      return;
    }
  }
}

/* ---- blocks of bytes ---- */

static void space_check(size_t size, size_t space) {
  if (size > space) {
    __chk_fail();
  }
}

PTR __fencepost_libc_memcpy(PTR to, PTR from, U64 size) {
  reads(from, size);
  writes(to, size);
  memcpy(to, from, size);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc_memmove(PTR to, PTR from, U64 size) {
  reads(from, size);
  writes(to, size);
  memmove(to, from, size);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc_memset(PTR to, I32 byte, U64 size) {
  writes(to, size);
  memset(to, byte, size);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc_mempcpy(PTR to, PTR from, U64 size) {
  reads(from, size);
  writes(to, size);
  PTR end = mempcpy(to, from, size);
  WROTE(to, size);
  return end;
}
PTR __fencepost_libc_memccpy(PTR to, PTR from, I32 byte, U64 size) {
  reads_until(from, byte, size);
  PTR end = memccpy(to, from, byte, size);
  size_t done = end == NULL ? size : (size_t)((char *)end - (char *)to);
  WROTE(to, done);
  return end;
}
VOID __fencepost_libc_bcopy(PTR from, PTR to, U64 size) {
  reads(from, size);
  writes(to, size);
  memmove(to, from, size);
  WROTE(to, size);
}
VOID __fencepost_libc_bzero(PTR to, U64 size) {
  writes(to, size);
  memset(to, 0, size);
  WROTE(to, size);
}
VOID __fencepost_libc_explicit_bzero(PTR to, U64 size) {
  writes(to, size);
  explicit_bzero(to, size);
  WROTE(to, size);
}
I32 __fencepost_libc_memcmp(PTR a, PTR b, U64 size) {
  reads_both(a, b, size, false);
  return memcmp(a, b, size);
}
I32 __fencepost_libc_bcmp(PTR a, PTR b, U64 size) {
  reads_both(a, b, size, false);
  return memcmp(a, b, size);
}
PTR __fencepost_libc_memchr(PTR from, I32 byte, U64 size) {
  reads_until(from, byte, size);
  return memchr(from, byte, size);
}
PTR __fencepost_libc_memrchr(PTR from, I32 byte, U64 size) {
  reads(from, size);
  return memrchr(from, byte, size);
}

/* ---- strings, written ---- */

PTR __fencepost_libc_strcpy(PTR to, PTR from) {
  reads_string(from, SIZE_MAX);
  size_t size = strlen(from) + 1;
  writes(to, size);
  memcpy(to, from, size);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc_strncpy(PTR to, PTR from, U64 size) {
  reads_string(from, size);
  writes(to, size);
  strncpy(to, from, size);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc_stpcpy(PTR to, PTR from) {
  reads_string(from, SIZE_MAX);
  size_t size = strlen(from) + 1;
  writes(to, size);
  memcpy(to, from, size);
  WROTE(to, size);
  return (char *)to + size - 1;
}
PTR __fencepost_libc_stpncpy(PTR to, PTR from, U64 size) {
  reads_string(from, size);
  writes(to, size);
  PTR end = stpncpy(to, from, size);
  WROTE(to, size);
  return end;
}
PTR __fencepost_libc_strcat(PTR to, PTR from) {
  reads_string(to, SIZE_MAX);
  reads_string(from, SIZE_MAX);
  char *end = (char *)to + strlen(to);
  size_t size = strlen(from) + 1;
  writes(end, size);
  memcpy(end, from, size);
  WROTE(end, size);
  return to;
}
PTR __fencepost_libc_strncat(PTR to, PTR from, U64 max) {
  reads_string(to, SIZE_MAX);
  reads_string(from, max);
  char *end = (char *)to + strlen(to);
  size_t size = strnlen(from, max);
  writes(end, size + 1);
  memcpy(end, from, size);
  end[size] = '\0';
  WROTE(end, size + 1);
  return to;
}

/* ---- strings, read ---- */

U64 __fencepost_libc_strlen(PTR from) {
  reads_string(from, SIZE_MAX);
  return strlen(from);
}
U64 __fencepost_libc_strnlen(PTR from, U64 size) {
  reads_string(from, size);
  return strnlen(from, size);
}
I32 __fencepost_libc_strcmp(PTR a, PTR b) {
  reads_both(a, b, SIZE_MAX, true);
  return strcmp(a, b);
}
I32 __fencepost_libc_strncmp(PTR a, PTR b, U64 size) {
  reads_both(a, b, size, true);
  return strncmp(a, b, size);
}
I32 __fencepost_libc_strcasecmp(PTR a, PTR b) {
  reads_string(a, SIZE_MAX);
  reads_string(b, SIZE_MAX);
  return strcasecmp(a, b);
}
I32 __fencepost_libc_strncasecmp(PTR a, PTR b, U64 size) {
  reads_string(a, size);
  reads_string(b, size);
  return strncasecmp(a, b, size);
}
PTR __fencepost_libc_strchr(PTR from, I32 byte) {
  reads_string(from, SIZE_MAX);
  return strchr(from, byte);
}
PTR __fencepost_libc_strchrnul(PTR from, I32 byte) {
  reads_string(from, SIZE_MAX);
  return strchrnul(from, byte);
}
PTR __fencepost_libc_strrchr(PTR from, I32 byte) {
  reads_string(from, SIZE_MAX);
  return strrchr(from, byte);
}
PTR __fencepost_libc_strstr(PTR from, PTR what) {
  reads_string(from, SIZE_MAX);
  reads_string(what, SIZE_MAX);
  return strstr(from, what);
}
PTR __fencepost_libc_strdup(PTR from) {
  reads_string(from, SIZE_MAX);
  PTR copy = strdup(from);
  if (copy != NULL) {
    WROTE(copy, strlen(copy) + 1); /* all of the heap may be PM */
  }
  return copy;
}
PTR __fencepost_libc_strndup(PTR from, U64 size) {
  reads_string(from, size);
  PTR copy = strndup(from, size);
  if (copy != NULL) {
    WROTE(copy, strlen(copy) + 1);
  }
  return copy;
}

/* ---- what _FORTIFY_SOURCE makes of the above ---- */

/* The same function after its check; the caller of the checked one is the
   place, so it cannot be a function between. */
#define INLINED __attribute__((always_inline)) static inline

INLINED PTR move_checked(PTR to, PTR from, U64 size, U64 space) {
  space_check(size, space);
  reads(from, size);
  writes(to, size);
  memmove(to, from, size);
  return (char *)to + size;
}
PTR __fencepost_libc___memcpy_chk(PTR to, PTR from, U64 size, U64 space) {
  move_checked(to, from, size, space);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc___memmove_chk(PTR to, PTR from, U64 size, U64 space) {
  move_checked(to, from, size, space);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc___memset_chk(PTR to, I32 byte, U64 size, U64 space) {
  space_check(size, space);
  writes(to, size);
  memset(to, byte, size);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc___mempcpy_chk(PTR to, PTR from, U64 size, U64 space) {
  PTR end = move_checked(to, from, size, space);
  WROTE(to, size);
  return end;
}
PTR __fencepost_libc___strcpy_chk(PTR to, PTR from, U64 space) {
  reads_string(from, SIZE_MAX);
  size_t size = strlen(from) + 1;
  move_checked(to, from, size, space);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc___strncpy_chk(PTR to, PTR from, U64 size, U64 space) {
  space_check(size, space);
  reads_string(from, size);
  writes(to, size);
  strncpy(to, from, size);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc___stpcpy_chk(PTR to, PTR from, U64 space) {
  reads_string(from, SIZE_MAX);
  size_t size = strlen(from) + 1;
  char *end = move_checked(to, from, size, space);
  WROTE(to, size);
  return end - 1;
}
PTR __fencepost_libc___stpncpy_chk(PTR to, PTR from, U64 size, U64 space) {
  space_check(size, space);
  reads_string(from, size);
  writes(to, size);
  PTR end = stpncpy(to, from, size);
  WROTE(to, size);
  return end;
}
PTR __fencepost_libc___strcat_chk(PTR to, PTR from, U64 space) {
  reads_string(to, SIZE_MAX);
  reads_string(from, SIZE_MAX);
  size_t before = strlen(to);
  char *end = (char *)to + before;
  size_t size = strlen(from) + 1;
  space_check(before + size, space);
  move_checked(end, from, size, size);
  WROTE(end, size);
  return to;
}
PTR __fencepost_libc___strncat_chk(PTR to, PTR from, U64 max, U64 space) {
  reads_string(to, SIZE_MAX);
  reads_string(from, max);
  size_t before = strlen(to);
  char *end = (char *)to + before;
  size_t size = strnlen(from, max);
  space_check(before + size + 1, space);
  move_checked(end, from, size, size);
  end[size] = '\0';
  WROTE(end, size + 1);
  return to;
}

/* ---- formatted output ---- */

/* What a print that returned length wrote to a buffer of size. */
static size_t printed(int length, size_t size) {
  size_t wanted = length < 0 ? 0 : (size_t)length + 1;
  return wanted < size ? wanted : size;
}

/* What the arguments point to is read in libc, byte by byte as it needs it. */
static inline void prints(void) {
  if (FPOST_UNLIKELY(fpost_recover_on)) {
    fpost_recover_leave();
  }
}

/* The program's format: not ours to check. */
#pragma clang diagnostic ignored "-Wformat-nonliteral"

#define PRINT(to, size, call)                                                  \
  do {                                                                         \
    va_list list;                                                              \
    va_start(list, format);                                                    \
    prints();                                                                  \
    int length = call;                                                         \
    va_end(list);                                                              \
    WROTE(to, printed(length, size));                                          \
    return length;                                                             \
  } while (0)

I32 __fencepost_libc_sprintf(PTR to, PTR format, ...) {
  PRINT(to, SIZE_MAX, vsnprintf(to, INT_MAX, format, list));
}
I32 __fencepost_libc_snprintf(PTR to, U64 size, PTR format, ...) {
  PRINT(to, size, vsnprintf(to, size, format, list));
}
I32 __fencepost_libc_vsprintf(PTR to, PTR format, VALIST list) {
  prints();
  int length = vsnprintf(to, INT_MAX, format, list);
  WROTE(to, printed(length, SIZE_MAX));
  return length;
}
I32 __fencepost_libc_vsnprintf(PTR to, U64 size, PTR format, VALIST list) {
  prints();
  int length = vsnprintf(to, size, format, list);
  WROTE(to, printed(length, size));
  return length;
}

int __vsprintf_chk(char *to, int flag, size_t space, const char *format,
                   va_list list);
int __vsnprintf_chk(char *to, size_t size, int flag, size_t space,
                    const char *format, va_list list);

I32 __fencepost_libc___sprintf_chk(PTR to, I32 flag, U64 space, PTR format,
                                   ...) {
  PRINT(to, SIZE_MAX, __vsprintf_chk(to, flag, space, format, list));
}
I32 __fencepost_libc___snprintf_chk(PTR to, U64 size, I32 flag, U64 space,
                                    PTR format, ...) {
  PRINT(to, size, __vsnprintf_chk(to, size, flag, space, format, list));
}
I32 __fencepost_libc___vsprintf_chk(PTR to, I32 flag, U64 space, PTR format,
                                    VALIST list) {
  prints();
  int length = __vsprintf_chk(to, flag, space, format, list);
  WROTE(to, printed(length, SIZE_MAX));
  return length;
}
I32 __fencepost_libc___vsnprintf_chk(PTR to, U64 size, I32 flag, U64 space,
                                     PTR format, VALIST list) {
  prints();
  int length = __vsnprintf_chk(to, size, flag, space, format, list);
  WROTE(to, printed(length, size));
  return length;
}

/* ---- streams and sockets ---- */

PTR __fencepost_libc_fgets(PTR to, I32 size, PTR stream) {
  writes(to, size > 0 ? (size_t)size : 0);
  char *line = fgets(to, size, stream);
  if (line != NULL) {
    WROTE(to, strlen(to) + 1);
  }
  return line;
}
U64 __fencepost_libc_fread(PTR to, U64 size, U64 count, PTR stream) {
  writes(to, size * count);
  U64 done = fread(to, size, count, stream);
  WROTE(to, size * done);
  return done;
}
U64 __fencepost_libc_fwrite(PTR from, U64 size, U64 count, PTR stream) {
  reads(from, size * count);
  return fwrite(from, size, count, stream);
}
I32 __fencepost_libc_fputs(PTR from, PTR stream) {
  reads_string(from, SIZE_MAX);
  return fputs(from, stream);
}
I32 __fencepost_libc_puts(PTR from) {
  reads_string(from, SIZE_MAX);
  return puts(from);
}
U64 __fencepost_libc_recv(I32 socket, PTR to, U64 size, I32 flags) {
  writes(to, size);
  ssize_t done = recv(socket, to, size, flags);
  if (done > 0) {
    WROTE(to, (size_t)done < size ? (size_t)done : size);
  }
  return (U64)done;
}
U64 __fencepost_libc_send(I32 socket, PTR from, U64 size, I32 flags) {
  reads(from, size);
  return (U64)send(socket, from, size, flags);
}

/* ---- wide strings ---- */

/* Decide a wide string, one character after the other. */
READS reads_wide(const wchar_t *from) {
  if (FPOST_LIKELY(!reads_matter())) {
    return;
  }
  do {
    reads(from, sizeof(*from));
  } while (*from++ != L'\0');
}

PTR __fencepost_libc_wmemcpy(PTR to, PTR from, U64 count) {
  size_t size = count * sizeof(wchar_t);
  reads(from, size);
  writes(to, size);
  memcpy(to, from, size);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc_wmemset(PTR to, I32 wide, U64 count) {
  size_t size = count * sizeof(wchar_t);
  writes(to, size);
  wmemset(to, wide, count);
  WROTE(to, size);
  return to;
}
PTR __fencepost_libc_wcscpy(PTR to, PTR from) {
  reads_wide(from);
  size_t size = (wcslen(from) + 1) * sizeof(wchar_t);
  writes(to, size);
  memcpy(to, from, size);
  WROTE(to, size);
  return to;
}
U64 __fencepost_libc_wcslen(PTR from) {
  reads_wide(from);
  return wcslen(from);
}
I32 __fencepost_libc_wcscmp(PTR a, PTR b) {
  reads_wide(a);
  reads_wide(b);
  return wcscmp(a, b);
}
