/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/target.h"

#include "rt/base/assert.h"
#include "tools/explore/foreign.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How often a waiting explorer looks after time and the server, nanoseconds. */
#define WATCH_NS 20000000
/* The server must be ready after this, milliseconds. */
#define START_MS 60000u

static uint64_t now_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the command ---- */

static bool find_program(const char *word, char path[PATH_MAX]) {
  if (strchr(word, '/') != NULL) {
    return realpath(word, path) != NULL;
  }
  const char *list = getenv("PATH");
  while (list != NULL && *list != '\0') {
    size_t size = strcspn(list, ":");
    char candidate[PATH_MAX];
    int length = snprintf(candidate, sizeof candidate, "%.*s/%s", (int)size,
                          size == 0 ? "." : list, word);
    if (length < PATH_MAX && access(candidate, X_OK) == 0 &&
        realpath(candidate, path) != NULL) {
      return true;
    }
    list += size;
    list += *list == ':';
  }
  return false;
}

/* Has it the symbol, or needs it? */
static bool section_has(Elf *elf, Elf_Scn *section, const char *name,
                        bool defined) {
  GElf_Shdr header;
  if (gelf_getshdr(section, &header) == NULL || header.sh_entsize == 0 ||
      (header.sh_type != SHT_DYNSYM && header.sh_type != SHT_SYMTAB)) {
    return false;
  }
  Elf_Data *data = elf_getdata(section, NULL);
  size_t count = data == NULL ? 0 : header.sh_size / header.sh_entsize;
  for (size_t i = 0; i < count; i++) {
    GElf_Sym symbol;
    const char *found = gelf_getsym(data, (int)i, &symbol) == NULL
                            ? NULL
                            : elf_strptr(elf, header.sh_link, symbol.st_name);
    if (found != NULL && (!defined || symbol.st_shndx != SHN_UNDEF) &&
        strcmp(found, name) == 0) {
      return true;
    }
  }
  return false;
}

/* Has the program the symbol (defined), or any use for it? -1: it is no ELF
   file. */
static int has_symbol(const char *path, const char *name, bool defined) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  (void)elf_version(EV_CURRENT);
  Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
  int found = elf == NULL || elf_kind(elf) != ELF_K_ELF ? -1 : 0;
  for (Elf_Scn *section = NULL;
       found == 0 && (section = elf_nextscn(elf, section)) != NULL;) {
    found = section_has(elf, section, name, defined);
  }
  if (elf != NULL) {
    (void)elf_end(elf);
  }
  if (fd >= 0) {
    (void)close(fd);
  }
  return found;
}

int explore_command_split(const char *which, const char *command,
                          wordexp_t *words, char path[PATH_MAX],
                          char error[512]) {
  int err = wordexp(command, words, WRDE_NOCMD | WRDE_UNDEF);
  if (err != 0 || words->we_wordc == 0) {
    snprintf(error, 512,
             "the %s command '%.200s' is not a program and its arguments: "
             "it is run without a shell, so quote what is special to one",
             which, command);
    return FPOST_EINVAL;
  }
  if (!find_program(words->we_wordv[0], path)) {
    snprintf(error, 512,
             "the %s program '%.200s' is not there: give its path or put "
             "its directory into PATH",
             which, words->we_wordv[0]);
    return FPOST_ENOENT;
  }
  struct stat file;
  bool folder = stat(path, &file) == 0 && S_ISDIR(file.st_mode);
  if (folder || access(path, X_OK) != 0) {
    snprintf(error, 512, "the %s program '%.200s' cannot be executed: %s",
             which, path, strerror(folder ? EISDIR : errno));
    return FPOST_EINVAL;
  }
  return FPOST_OK;
}

int explore_target_init(struct explore_target *target, const char *command) {
  char path[PATH_MAX];
  *target = (struct explore_target){0};
  int err = explore_command_split("recovery", command, &target->expanded, path,
                                  target->error);
  if (err != FPOST_OK) {
    return err;
  }
  target->words = target->expanded.we_wordv;
  int hooks = has_symbol(path, "__fencepost_load", true);
  target->foreign = hooks != 1;
  target->limited = hooks == 0 && has_symbol(path, "__asan_init", false) == 0 &&
                    has_symbol(path, "__tsan_init", false) == 0;
  target->values = malloc(FPOST_CHOICE_VALUES_MAX * sizeof *target->values);
  FPOST_ASSERT(target->values != NULL);
  target->program = strdup(path);
  return target->program == NULL ? FPOST_ENOMEM : FPOST_OK;
}

void explore_target_environment(void) {
  const char *own = getenv("UBSAN_OPTIONS");
  char *both = NULL;
  /* Of two values of an option the later one is taken. */
  int size = asprintf(&both, "halt_on_error=1:%s", own == NULL ? "" : own);
  FPOST_ASSERT(size > 0);
  (void)setenv("UBSAN_OPTIONS", both, 1);
  free(both);
}

static void free_modules(struct explore_target *target) {
  for (uint32_t i = 0; i < target->module_count; i++) {
    free(target->modules[i].path);
  }
  free(target->modules);
  target->modules = NULL;
  target->module_count = 0;
}

void explore_target_free(struct explore_target *target) {
  free_modules(target);
  free(target->program);
  free(target->values);
  wordfree(&target->expanded);
}

/* ---- start ---- */

static _Noreturn void child_exec(struct explore_target *target,
                                 const struct explore_image *image, int log,
                                 char *const *before) {
  char options[64];
  int plan = fcntl(image->plan_fd, F_DUPFD, 100);
  int output = log < 0 ? -1 : fcntl(image->output, F_DUPFD, 100);
  image->plan->output = output;
  image->plan->observe = log < 0 ? -1 : fcntl(image->observe, F_DUPFD, 100);
  snprintf(options, sizeof options, "mode=recover:recover=%d", plan);
  (void)setenv("FENCEPOST_OPTIONS", options, 1);
  (void)setenv("PMEM_IS_PMEM_FORCE", "1", 1);
  /* Symbols are bound once in the server, not in every run. */
  (void)setenv("LD_BIND_NOW", "1", 1);
  if (log >= 0) {
    (void)setpgid(0, 0); /* what recovery does to its parent's group */
    (void)dup2(log, 2);
  }
  if (before == NULL) {
    execv(target->program, target->words);
  } else {
    execvp(before[0], before);
  }
  dprintf(2, "%s: %s\n", before == NULL ? target->program : before[0],
          strerror(errno));
  _exit(127);
}

static uint64_t load_bias(const char *path, uint64_t start, uint64_t offset) {
  Elf64_Ehdr header;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? 0 : read(fd, &header, sizeof header);
  if (fd >= 0) {
    (void)close(fd);
  }
  if (got != (ssize_t)sizeof header || header.e_type == ET_EXEC) {
    return 0;
  }
  return start - offset;
}

static void read_modules(struct explore_target *target) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/maps", (int)target->pid);
  FILE *maps = fopen(path, "re");
  char *line = NULL;
  size_t room = 0;
  uint64_t bias = 0;
  char *last = NULL;
  while (maps != NULL && getline(&line, &room, maps) > 0) {
    uint64_t start = 0;
    uint64_t end = 0;
    uint64_t offset = 0;
    char prot[8];
    int name = 0;
    if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %n", &start, &end, prot, &offset,
               &name) < 4 ||
        name == 0 || line[name] != '/') {
      continue;
    }
    line[name + (int)strcspn(line + name, "\n")] = '\0';
    if (last == NULL || strcmp(last, line + name) != 0) {
      free(last);
      last = strdup(line + name);
      bias = load_bias(line + name, start, offset);
    }
    if (prot[2] != 'x') {
      continue;
    }
    target->modules = realloc(target->modules, (target->module_count + 1) *
                                                   sizeof *target->modules);
    FPOST_ASSERT(target->modules != NULL);
    target->modules[target->module_count++] = (struct explore_module){
        .start = start, .end = end, .bias = bias, .path = strdup(line + name)};
  }
  free(last);
  free(line);
  if (maps != NULL) {
    (void)fclose(maps);
  }
}

static void start_error(struct explore_target *target, int log, int status) {
  char text[256] = "";
  ssize_t got = pread(log, text, sizeof text - 1, 0);
  text[got > 0 ? got : 0] = '\0';
  text[strcspn(text, "\n")] = '\0';
  snprintf(target->error, sizeof target->error,
           "the recovery program '%.200s' did not start: %s%s%s",
           target->program,
           status < 0            ? "it was not ready within a minute"
           : WIFSIGNALED(status) ? "it was killed before main"
                                 : "it ended before main",
           *text != '\0' ? "; it said: " : "", text);
}

int explore_target_start(struct explore_target *target,
                         struct explore_image *image) {
  target->image = image;
  struct fpost_plan *plan = image->plan;
  if (target->foreign) {
    return explore_foreign_start(target) == FPOST_OK ? FPOST_OK : FPOST_EIO;
  }
  plan->ready = 0;
  plan->run_pid = 0;
  plan->answered = plan->asked;
  plan->explorer = (int32_t)getpid();
  int log = memfd_create("fencepost-start", MFD_CLOEXEC);
  target->pid = fork();
  if (target->pid == 0) {
    child_exec(target, image, log, NULL);
  }
  uint64_t start = now_ms();
  int status = -1;
  while (target->pid > 0 &&
         __atomic_load_n(&plan->ready, __ATOMIC_ACQUIRE) == 0) {
    if (waitpid(target->pid, &status, WNOHANG) == target->pid) {
      target->pid = 0;
    } else if (now_ms() - start > START_MS) {
      status = -1;
      explore_target_stop(target);
    } else {
      (void)poll(NULL, 0, 1);
    }
  }
  if (target->pid <= 0) {
    start_error(target, log, status);
    (void)close(log);
    return FPOST_EIO;
  }
  (void)close(log);
  free_modules(target); /* it is elsewhere each time */
  read_modules(target);
  return FPOST_OK;
}

void explore_target_stop(struct explore_target *target) {
  explore_foreign_stop(target);
  if (target->pid > 0) {
    (void)kill(target->pid, SIGKILL);
    int32_t run = target->image->plan->run_pid;
    if (run > 0) {
      (void)kill(-run, SIGKILL);
    }
    (void)waitpid(target->pid, NULL, 0);
    target->pid = 0;
  }
}

void explore_target_become(struct explore_target *target,
                           struct explore_image *image, char *const *before) {
  struct fpost_plan *plan = image->plan;
  target->image = image;
  if (target->foreign) {
    explore_foreign_become(target, before);
    return;
  }
  plan->explorer = (int32_t)getpid();
  plan->request = FPOST_PLAN_MAIN;
  plan->answered = 0;
  plan->asked = 1;
  /* The image stays reachable as /proc/<explorer>/fd: by this same process. */
  for (uint32_t i = 0; i < plan->pool_count; i++) {
    (void)fcntl(image->pools[i].image, F_SETFD, 0);
  }
  child_exec(target, image, -1, before);
}

/* ---- asking ---- */

static long futex(uint32_t *word, int operation, uint32_t value,
                  const struct timespec *timeout) {
  return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

/* Cut off a run that takes too long. */
static void watch_time(const struct explore_target *target, uint64_t *run,
                       uint64_t *since) {
  struct fpost_plan *plan = target->image->plan;
  uint64_t runs = __atomic_load_n(&plan->runs, __ATOMIC_ACQUIRE);
  uint64_t now = now_ms();
  if (runs != *run || plan->solving != 0) {
    *run = runs;
    *since = now;
    return;
  }
  if (target->timeout_ms == 0 || now - *since <= target->timeout_ms) {
    return;
  }
  /* In this order: a process that does several runs looks at the one after it
     has cleared the other. */
  __atomic_store_n(&plan->timed_out, (uint32_t)runs, __ATOMIC_SEQ_CST);
  int32_t pid = __atomic_load_n(&plan->run_pid, __ATOMIC_SEQ_CST);
  if (pid > 0) {
    (void)kill(-pid, SIGKILL);
    (void)kill(pid, SIGKILL);
  }
}

enum explore_answer explore_target_ask(struct explore_target *target) {
  struct fpost_plan *plan = target->image->plan;
  if (target->foreign) {
    explore_foreign_ask(target);
    return EXPLORE_ANSWERED;
  }
  uint64_t run = UINT64_MAX;
  uint64_t since = now_ms();
  uint32_t before = plan->answered;
  uint32_t asked = __atomic_add_fetch(&plan->asked, 1, __ATOMIC_RELEASE);
  /* All: one that was killed a moment ago may still be among them. */
  (void)futex(&plan->asked, FUTEX_WAKE, INT32_MAX, NULL);
  for (;;) {
    uint32_t answered = __atomic_load_n(&plan->answered, __ATOMIC_ACQUIRE);
    if (answered == asked) {
      return EXPLORE_ANSWERED;
    }
    struct timespec timeout = {0, WATCH_NS};
    if (futex(&plan->answered, FUTEX_WAIT, before, &timeout) == 0 ||
        errno != ETIMEDOUT) {
      continue;
    }
    watch_time(target, &run, &since);
    int status = 0;
    pid_t ended = waitpid(target->pid, &status, WNOHANG | WUNTRACED);
    if (ended == target->pid && WIFSTOPPED(status)) {
      (void)kill(target->pid, SIGKILL); /* a run has stopped it */
      ended = waitpid(target->pid, &status, 0);
    }
    if (ended == target->pid) {
      target->pid = 0;
      if (plan->run_pid > 0) {
        (void)kill(-plan->run_pid, SIGKILL);
      }
      return EXPLORE_ESCAPED;
    }
  }
}

size_t explore_target_output(const struct explore_target *target, char *text,
                             size_t max) {
  const struct explore_image *image = target->image;
  ssize_t said = 0;
  if (image->plan->observe_stdout != 0) {
    said = pread(image->observe, text, max, 0);
    said = said < 0 ? 0 : said;
  }
  ssize_t got = pread(image->output, text + said, max - (size_t)said, 0);
  return (size_t)said + (got < 0 ? 0 : (size_t)got);
}
