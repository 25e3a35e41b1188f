/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -fPIC -shared -DLIBRARY=1 %s -o %t.1.so
 * RUN: %fencepost-clang -g -O1 -fPIC -shared -DLIBRARY=2 %s -o %t.2.so
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t %t.pool %t.1.so %t.2.so > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -fPIC -shared -DLIBRARY=1 -DFIXED %s -o %t.1.so
 * RUN: %fencepost-clang -g -O1 -fPIC -shared -DLIBRARY=2 -DFIXED %s -o %t.2.so
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t %t.pool %t.1.so %t.2.so
 *
 * Intent: hooks in libraries that are loaded late report to the program's
 * runtime, and a library that comes where another one was is not mistaken for
 * it.
 */
#include "Inputs/pm.h"

#include <dlfcn.h>

void store(uint64_t *pm);
void other(uint64_t *pm);

#if LIBRARY == 1
void store(uint64_t *pm) {
  /* CHECK-DAG: store of 8 bytes to {{.*}}+0x0 {{.*}}runtime-dlopen.c:[[#@LINE+2]] in store
   */
  pm[0] = 1;
#ifdef FIXED
  pm_persist(pm, 8);
#endif
}
#elif LIBRARY == 2
void store(uint64_t *pm) {
  /* CHECK-DAG: store of 8 bytes to {{.*}}+0x40 {{.*}}runtime-dlopen.c:[[#@LINE+2]] in store
   */
  pm[8] = 2;
#ifdef FIXED
  pm_persist(&pm[8], 8);
#endif
}
#else
int main(int argc, char **argv) {
  uint64_t *pm = pm_map(argv[1]);

  for (int i = 2; i < argc; i++) {
    void *library = dlopen(argv[i], RTLD_NOW);
    void (*store_in)(uint64_t *) =
        library ? (void (*)(uint64_t *))dlsym(library, "store") : NULL;
    if (!store_in) {
      fprintf(stderr, "%s\n", dlerror());
      return 3;
    }
    store_in(pm);
    dlclose(library);
  }
  return 0;
}
#endif
/* CHECK: SUMMARY: fencepost: 2 errors
 */
