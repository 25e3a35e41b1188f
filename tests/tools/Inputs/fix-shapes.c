/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stores in statements of many shapes, none of them flushed. Each has a line of
   PM of its own; argv[2] is 1, so that conditions hold. */
#include <fcntl.h>
#include <libpmem.h>
#include <stdlib.h>
#include <string.h>

struct cell {
  long value;
  char text[56];
};

#define SET(cell, number) (cell)->value = (number)
/* clang-format off */
static struct cell *next(struct cell *cell) {
  return cell + 1;
}

static void shapes(struct cell *c, int yes) {
  c[0].value = yes; /* plain */
  if (yes)
    c[1].value = 1;
  else
    c[2].value = 1;
  for (int i = 3; i < 5; i++)
    c[i].value = i;
  c[5].value =
      yes
          ? strchr("a;b", ';') != NULL
          : 0; // over several lines
  while (yes-- > 0) {
    struct cell *at = &c[6];
    at->value += 2; /* overwritten by the next */
    at++->value = 3;
    (*(at + 0)).value++;
  }
  switch (c[0].value) {
  case 1:
    memset(c[8].text, 'x', sizeof c[8].text);
    break;
  default:
    break;
  }
  SET(&c[9], 1);
  next(&c[9])->value = 4;
  c[11].value = 5; c[12].value = 6;
  if (c[0].value) c[13].value = 7;
  for (c[14].value = 0; c[14].value < 2; c[14].value++) {
  }
  strcpy(c[15].text, "text");
  c[16].value = c[17].value = 8;
  pmem_persist(&c[18], sizeof c[18]);
}

int main(int argc, char **argv) {
  struct cell *cells =
      pmem_map_file(argv[1], 4096, PMEM_FILE_CREATE, 0600, NULL, NULL);
  if (cells == NULL) {
    return 2;
  }
  cells[18].value = 1;
  shapes(cells, argc > 2 ? atoi(argv[2]) : 1);
  return 0;
}
