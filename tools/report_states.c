/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A state is shown by lines: those that it lacks of a legal state, and those
 * that it has in excess, in their order (a longest common subsequence of the
 * part in which the two differ).
 */
#include "tools/report_states.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Lines of a difference that are shown. */
#define SHOWN 12u
/* Lines that are compared; what lies beyond is taken for different. */
#define LINES_MAX 512u

struct lines {
  const char *text[LINES_MAX];
  int size[LINES_MAX];
  uint32_t count;
};

static void lines_split(const char *text, struct lines *lines) {
  lines->count = 0;
  while (text != NULL && *text != '\0' && lines->count < LINES_MAX) {
    size_t size = strcspn(text, "\n");
    lines->text[lines->count] = text;
    lines->size[lines->count++] = (int)size;
    text += size + (text[size] == '\n');
  }
}

static bool same(const struct lines *a, uint32_t i, const struct lines *b,
                 uint32_t j) {
  return a->size[i] == b->size[j] &&
         memcmp(a->text[i], b->text[j], (size_t)a->size[i]) == 0;
}

static void line_print(FILE *out, char mark, const struct lines *lines,
                       uint32_t at, uint32_t *shown) {
  if (++*shown <= SHOWN) {
    fprintf(out, "    %c %.*s\n", mark, lines->size[at], lines->text[at]);
  }
}

static void diff_print(FILE *out, const struct lines *a,
                       const struct lines *b) {
  uint16_t(*longest)[LINES_MAX + 1] = calloc(LINES_MAX + 1, sizeof *longest);
  uint32_t shown = 0;
  if (longest == NULL) {
    return;
  }
  for (uint32_t i = a->count; i-- > 0;) {
    for (uint32_t j = b->count; j-- > 0;) {
      uint16_t down = longest[i + 1][j];
      uint16_t right = longest[i][j + 1];
      longest[i][j] = same(a, i, b, j) ? (uint16_t)(longest[i + 1][j + 1] + 1)
                      : down > right   ? down
                                       : right;
    }
  }
  for (uint32_t i = 0, j = 0; i < a->count || j < b->count;) {
    if (i < a->count && j < b->count && same(a, i, b, j)) {
      i++;
      j++;
    } else if (j == b->count ||
               (i < a->count && longest[i + 1][j] >= longest[i][j + 1])) {
      line_print(out, '-', a, i++, &shown);
    } else {
      line_print(out, '+', b, j++, &shown);
    }
  }
  if (shown > SHOWN) {
    fprintf(out, "    ... %u lines more\n", shown - SHOWN);
  }
  free(longest);
}

static void state_print(FILE *out, const char *which, const char *legal,
                        const struct lines *found, struct lines *lines) {
  if (legal == NULL) {
    return;
  }
  lines_split(legal, lines);
  bool equal = lines->count == found->count;
  for (uint32_t i = 0; equal && i < found->count; i++) {
    equal = same(lines, i, found, i);
  }
  if (equal) {
    fprintf(out, "  found: the state %s it\n", which);
    return;
  }
  fprintf(out, "  found, against the state %s it:\n", which);
  diff_print(out, lines, found);
}

void fpost_report_states(FILE *out,
                         const struct fpost_report_finding *finding) {
  if (finding->state_found == NULL) {
    return;
  }
  struct lines *found = calloc(2, sizeof *found);
  if (found == NULL) {
    return;
  }
  lines_split(finding->state_found, found);
  if (finding->state_nearest != NULL) {
    if (finding->states_legal == 1) {
      fprintf(out, "  found, against the only legal state, the one %s:\n",
              finding->state_order);
    } else {
      fprintf(out,
              "  found, against the nearest of %" PRIu64
              " legal states, the one %s:\n",
              finding->states_legal, finding->state_order);
    }
    lines_split(finding->state_nearest, found + 1);
    diff_print(out, found + 1, found);
  }
  bool none = finding->state_before != NULL && finding->state_after != NULL &&
              strcmp(finding->state_before, finding->state_after) == 0;
  if (none) {
    state_print(out, "before and after", finding->state_before, found,
                found + 1);
  } else {
    state_print(out, "before", finding->state_before, found, found + 1);
    state_print(out, "after", finding->state_after, found, found + 1);
  }
  free(found);
}
