/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/run.h"

#include "rt/model/rules.h"
#include "tools/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* As in rt/hooks/flags.def. */
#define FRAMES_MAX 16
/* What every instrumented executable exports. */
#define HOOK_SYMBOL "__fencepost_module"

void fpost_flags_init(struct fpost_flags *flags) {
  const char *given = getenv("FENCEPOST_OPTIONS");
  memset(flags, 0, sizeof *flags);
  if (given != NULL && *given != '\0') {
    int size = snprintf(flags->text, sizeof flags->text, "%s", given);
    flags->full = size < 0 || (size_t)size >= sizeof flags->text;
    flags->size = strlen(flags->text);
  }
}

void fpost_flags_add(struct fpost_flags *flags, const char *name,
                     const char *value) {
  const char *quote = strchr(value, '\'') != NULL ? "\"" : "'";
  if (strpbrk(value, ":\"'") == NULL) {
    quote = "";
  }
  size_t left = sizeof flags->text - flags->size;
  int size = snprintf(flags->text + flags->size, left, "%s%s=%s%s%s",
                      flags->size != 0 ? ":" : "", name, quote, value, quote);
  if (size < 0 || (size_t)size >= left) {
    flags->full = true;
    return;
  }
  flags->size += (size_t)size;
}

/* The file's path as the kernel would say it, whether it is there or not.
   False: its folder is not there. */
static bool path_whole(const char *file, char path[PATH_MAX]) {
  char folder[PATH_MAX];
  const char *name = strrchr(file, '/');
  name = name == NULL ? file : name + 1;
  snprintf(folder, sizeof folder, "%.*s", (int)(name - file), file);
  if (realpath(folder[0] == '\0' ? "." : folder, path) == NULL) {
    return false;
  }
  size_t size = strcmp(path, "/") == 0 ? 0 : strlen(path);
  snprintf(path + size, PATH_MAX - size, "/%s", name);
  return true;
}

/*
 * A pattern with a slash is for whole paths, which the runtime has from the
 * kernel: one that begins in the current folder, or leads through symbolic
 * links, would match none of them.
 */
static void flags_pool(struct fpost_flags *flags, const char *pattern) {
  char path[PATH_MAX];
  bool folder = strchr(pattern, '/') != NULL && *pattern != '*';
  if (folder && !path_whole(pattern, path)) {
    /* Its folder is a pattern, or not there yet. */
    folder = *pattern != '/' && getcwd(path, sizeof path) != NULL;
    size_t size = folder ? strlen(path) : 0;
    snprintf(path + size, sizeof path - size, "/%s", pattern);
  }
  fpost_flags_add(flags, "pool", folder ? path : pattern);
}

/*
 * All of the program's heap in file: the allocator that does it is preloaded,
 * and told the file by its absolute path.
 */
static void flags_heap(struct fpost_flags *flags, const char *file) {
  char path[PATH_MAX];
  if (!path_whole(file, path)) {
    snprintf(path, sizeof path, "%s", file); /* the allocator will say so */
  }
  fpost_flags_add(flags, "heap_pm", path);
  if (fpost_path_part("rt/heap/libfencepost_heap.so",
                      FENCEPOST_LIBDIR "/fencepost/libfencepost_heap.so",
                      flags->preload, sizeof flags->preload) != FPOST_OK) {
    fpost_error("--heap-pm: '%s' is not there: install Fencepost again",
                flags->preload);
  }
}

static void preload_add(const char *library) {
  char list[2 * PATH_MAX];
  const char *old = getenv("LD_PRELOAD");
  snprintf(list, sizeof list, "%s%s%s", library, old != NULL ? ":" : "",
           old != NULL ? old : "");
  setenv("LD_PRELOAD", list, 1);
}

void fpost_flags_run(struct fpost_flags *flags,
                     const struct fpost_run_options *options) {
  char number[16];
  for (uint32_t i = 0; i < options->pool.count; i++) {
    flags_pool(flags, options->pool.items[i]);
  }
  if (options->heap_pm != NULL) {
    flags_heap(flags, options->heap_pm);
  }
  if (options->domain == FPOST_DOMAIN_EADR) {
    fpost_flags_add(flags, "domain", "eadr");
  }
  /* `only` is always told: by itself it would not mean that races are wanted.
   */
  if (options->races || strstr(flags->text, "races=") == NULL) {
    fpost_flags_add(flags, "races", options->races ? "1" : "0");
  }
  if (options->full_compare) {
    fpost_flags_add(flags, "full_compare", "1");
  }
  if (options->check_heap) {
    fpost_flags_add(flags, "check_heap", "1");
  }
  if (options->frames != 0) {
    snprintf(number, sizeof number, "%u", options->frames);
    fpost_flags_add(flags, "frames", number);
  }
}

void fpost_flags_classes(struct fpost_flags *flags, uint32_t enabled) {
  char list[1024] = "";
  size_t size = 0;
  for (uint32_t i = 0; i < FPOST_CLASS_COUNT; i++) {
    if ((enabled >> i & 1) != 0) {
      size += (size_t)snprintf(list + size, sizeof list - size, "%s%s",
                               size != 0 ? "," : "", fpost_class_infos[i].name);
    }
  }
  if (size != 0) {
    fpost_flags_add(flags, "only", list);
  }
}

/* The file that execvp would run, if it can be found; else the name. */
static void program_resolve(const char *program, char path[PATH_MAX]) {
  const char *search = getenv("PATH");
  snprintf(path, PATH_MAX, "%s", program);
  if (strchr(program, '/') != NULL || search == NULL) {
    return;
  }
  while (*search != '\0') {
    int size = (int)strcspn(search, ":");
    char candidate[PATH_MAX];
    int length = snprintf(candidate, sizeof candidate, "%.*s%s%s", size, search,
                          size != 0 ? "/" : "./", program);
    if (length > 0 && (size_t)length < sizeof candidate &&
        access(candidate, X_OK) == 0) {
      snprintf(path, PATH_MAX, "%s", candidate);
      return;
    }
    search += size;
    search += *search == ':';
  }
}

static bool symbols_have_hook(Elf *elf, Elf_Scn *section,
                              const GElf_Shdr *header) {
  Elf_Data *data = elf_getdata(section, NULL);
  size_t count = header->sh_entsize != 0
                     ? (size_t)(header->sh_size / header->sh_entsize)
                     : 0;
  for (size_t i = 0; data != NULL && i < count && i < INT_MAX; i++) {
    GElf_Sym symbol;
    if (gelf_getsym(data, (int)i, &symbol) == NULL) {
      return false;
    }
    const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
    if (name != NULL && strcmp(name, HOOK_SYMBOL) == 0 &&
        symbol.st_shndx != SHN_UNDEF) {
      return true;
    }
  }
  return false;
}

/* Does the ELF file define the runtime's hooks? */
static bool elf_has_hooks(Elf *elf) {
  Elf_Scn *section = NULL;
  while ((section = elf_nextscn(elf, section)) != NULL) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) != NULL &&
        (header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB) &&
        symbols_have_hook(elf, section, &header)) {
      return true;
    }
  }
  return false;
}

int fpost_run_check(const char *command, const char *program,
                    const struct fpost_run_options *options) {
  char path[PATH_MAX];
  struct stat status;
  if (options->frames > FRAMES_MAX) {
    fpost_error("%s: --frames %u: expected 1 to %d", command, options->frames,
                FRAMES_MAX);
    return FPOST_EINVAL;
  }
  program_resolve(program, path);
  if (stat(path, &status) != 0) {
    fpost_error("%s: cannot run '%s': %s", command, program, strerror(errno));
    return FPOST_ENOENT;
  }
  if (!S_ISREG(status.st_mode) || access(path, X_OK) != 0) {
    fpost_error("%s: cannot run '%s': %s", command, program,
                S_ISREG(status.st_mode) ? "no permission to execute it"
                                        : "it is not a file");
    return FPOST_ENOENT;
  }
  int err = FPOST_OK;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  elf_version(EV_CURRENT);
  Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
  if (elf != NULL && elf_kind(elf) == ELF_K_ELF && !elf_has_hooks(elf)) {
    fpost_error(
        "%s: no hooks in '%s': compile and link it with "
        "fencepost-clang (if it only starts the program, put the "
        "commands into a script and name that)",
        command, path);
    err = FPOST_EINVAL;
  }
  elf_end(elf);
  if (fd >= 0) {
    close(fd);
  }
  return err;
}

/* The process to pass signals on to; 0: none. Written before handlers are set.
 */
static volatile sig_atomic_t signal_process;
static volatile sig_atomic_t signal_seen;

static void signal_pass_on(int number, siginfo_t *info, void *context) {
  (void)context;
  int error = errno;
  signal_seen = number;
  /* What the terminal sends goes to the program as well. */
  if (info->si_code != SI_KERNEL && signal_process != 0) {
    kill((pid_t)signal_process, number);
  }
  errno = error;
}

static const int passed_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define PASSED_COUNT (sizeof passed_signals / sizeof passed_signals[0])

static void child_run(char **program, const struct fpost_flags *flags,
                      int report_fd) {
  for (size_t i = 0; i < PASSED_COUNT; i++) {
    signal(passed_signals[i], SIG_DFL);
  }
  setenv("FENCEPOST_OPTIONS", flags->text, 1);
  if (flags->preload[0] != '\0') {
    preload_add(flags->preload);
  }
  execvp(program[0], program);
  int error = errno;
  if (write(report_fd, &error, sizeof error) < 0) {
    _exit(126);
  }
  _exit(127);
}

/* Wait for the child; signals interrupt the wait and are passed on meanwhile.
 */
static int child_wait(pid_t child, int *status) {
  while (waitpid(child, status, 0) < 0) {
    if (errno != EINTR) {
      return FPOST_EIO;
    }
  }
  return FPOST_OK;
}

int fpost_run(const char *command, char **program,
              const struct fpost_flags *flags, struct fpost_run_end *end) {
  int report[2];
  int exec_error = 0;
  struct sigaction old[PASSED_COUNT];
  struct sigaction action = {.sa_sigaction = signal_pass_on,
                             .sa_flags = SA_SIGINFO};
  if (flags->full) {
    fpost_error("%s: the options of the run are too long", command);
    return FPOST_EIO;
  }
  if (pipe2(report, O_CLOEXEC) != 0) {
    fpost_error("%s: cannot make a pipe: %s", command, strerror(errno));
    return FPOST_EIO;
  }
  fflush(NULL);
  signal_process = 0;
  signal_seen = 0;
  for (size_t i = 0; i < PASSED_COUNT; i++) {
    sigaction(passed_signals[i], &action, &old[i]);
  }
  pid_t child = fork();
  if (child == 0) {
    child_run(program, flags, report[1]);
  }
  signal_process = child > 0 ? child : 0;
  close(report[1]);
  int err = child < 0 ? FPOST_EIO : child_wait(child, &end->status);
  signal_process = 0;
  for (size_t i = 0; i < PASSED_COUNT; i++) {
    sigaction(passed_signals[i], &old[i], NULL);
  }
  ssize_t got = read(report[0], &exec_error, sizeof exec_error);
  close(report[0]);
  if (err != FPOST_OK || got == (ssize_t)sizeof exec_error) {
    fpost_error(
        "%s: cannot run '%s': %s", command, program[0],
        strerror(got == (ssize_t)sizeof exec_error ? exec_error : errno));
    return FPOST_ENOENT;
  }
  end->process = child;
  end->interrupted = signal_seen != 0;
  return FPOST_OK;
}

bool fpost_run_expected(const char *command,
                        const struct fpost_run_options *options,
                        const struct fpost_run_end *end) {
  if (WIFEXITED(end->status)) {
    uint32_t code = (uint32_t)WEXITSTATUS(end->status);
    if (code == 0 || code == options->expect_exit) {
      return true;
    }
    fpost_error(
        "%s: the program exited with %u, expected 0 (if that is right: "
        "--expect-exit %u)",
        command, code, code);
    return false;
  }
  int number = WTERMSIG(end->status);
  if (options->expect_exit == 128u + (uint32_t)number) {
    return true;
  }
  fpost_error(
      "%s: the program was killed by signal %d (%s); the report holds "
      "what was found before%s",
      command, number, strsignal(number),
      end->interrupted ? ""
                       : " (if that is right: --expect-exit 128 "
                         "and the signal's number added)");
  return false;
}

static int results_fail(const char *command, const char *path, int fd) {
  fpost_error(
      "%s: cannot make the results file '%s': %s (its folder is that of "
      "TMPDIR)",
      command, path, strerror(errno));
  if (fd >= 0) {
    close(fd);
    unlink(path);
  }
  return FPOST_EIO;
}

int fpost_results_make(const char *command, struct fpost_results_file *file) {
  const char *folder = getenv("TMPDIR");
  snprintf(file->path, sizeof file->path, "%.4000s/fencepost-XXXXXX",
           folder != NULL && *folder != '\0' ? folder : "/tmp");
  int fd = mkostemp(file->path, O_CLOEXEC);
  if (fd < 0 || ftruncate(fd, (off_t)FPOST_RESULTS_SIZE) != 0) {
    return results_fail(command, file->path, fd);
  }
  void *bytes =
      mmap(NULL, FPOST_RESULTS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (bytes == MAP_FAILED) {
    return results_fail(command, file->path, fd);
  }
  close(fd);
  file->results = bytes;
  memcpy(file->results->magic, FPOST_RESULTS_MAGIC, 8);
  file->results->version = FPOST_RESULTS_VERSION;
  file->results->size = (uint32_t)FPOST_RESULTS_SIZE;
  return FPOST_OK;
}

int fpost_results_open(const char *command, const char *path,
                       struct fpost_results_file *file) {
  struct stat status;
  file->path[0] = '\0';
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) != 0) {
    fpost_error("%s: cannot read the results '%s': %s", command, path,
                strerror(errno));
    if (fd >= 0) {
      close(fd);
    }
    return FPOST_ENOENT;
  }
  size_t size = FPOST_RESULTS_SIZE;
  void *bytes = (size_t)status.st_size == size
                    ? mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0)
                    : MAP_FAILED;
  close(fd);
  if (bytes == MAP_FAILED || memcmp(bytes, FPOST_RESULTS_MAGIC, 8) != 0) {
    fpost_error("%s: '%s' is no results file of this version", command, path);
    if (bytes != MAP_FAILED) {
      munmap(bytes, size);
    }
    return FPOST_EINVAL;
  }
  file->results = bytes;
  if (file->results->version != FPOST_RESULTS_VERSION) {
    fpost_error(
        "%s: '%s' was made by version %u of the results file, this is "
        "version %u: run again",
        command, path, file->results->version, FPOST_RESULTS_VERSION);
    fpost_results_close(file);
    return FPOST_EVERSION;
  }
  return FPOST_OK;
}

void fpost_results_close(struct fpost_results_file *file) {
  if (file->results != NULL) {
    munmap(file->results, FPOST_RESULTS_SIZE);
    file->results = NULL;
  }
  if (file->path[0] != '\0') {
    unlink(file->path);
    file->path[0] = '\0';
  }
}
