/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Settings in persistent memory: two slots, of which one is current. A new
 * version is written to the other slot, which then becomes the current one: a
 * power cut leaves the old version or the new one. Or so it was meant.
 *
 *   settings FILE set NAME HOST     write a new version
 *   settings FILE show              print the current one; exit 1 if it is
 * damaged
 */
#include <libpmem.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct slot {
  _Alignas(64) char name[64];
  char host[64];
  uint64_t sum; /* of all bytes of name and host */
};

struct settings {
  uint64_t current; /* 0 or 1 */
  uint64_t spare[7];
  struct slot slots[2];
};

static uint64_t sum(const struct slot *slot) {
  uint64_t total = 0;
  for (size_t i = 0; i < sizeof slot->name; i++)
    total = total * 31 + (unsigned char)slot->name[i];
  for (size_t i = 0; i < sizeof slot->host; i++)
    total = total * 31 + (unsigned char)slot->host[i];
  return total;
}

static void set(struct settings *settings, const char *name, const char *host) {
  uint64_t other = !settings->current;
  struct slot *slot = &settings->slots[other];

  strncpy(slot->name, name, sizeof slot->name - 1);
  strncpy(slot->host, host, sizeof slot->host - 1);
  slot->sum = sum(slot);
#ifdef FIXED
  pmem_persist(slot, sizeof *slot);
#else
  pmem_persist(slot, sizeof slot);
#endif
  settings->current = other;
  pmem_persist(&settings->current, sizeof settings->current);
}

static int show(const struct settings *settings) {
  const struct slot *slot = &settings->slots[settings->current];

  if (slot->sum != sum(slot)) {
    fprintf(stderr, "settings: damaged\n");
    return 1;
  }
  printf("%s@%s\n", slot->name, slot->host);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  struct settings *settings = pmem_map_file(argv[1], sizeof *settings,
                                            PMEM_FILE_CREATE, 0600, NULL, NULL);
  if (settings == NULL) {
    perror(argv[1]);
    return 2;
  }
  if (strcmp(argv[2], "set") == 0 && argc == 5)
    set(settings, argv[3], argv[4]);
  else
    return show(settings);
  return 0;
}
