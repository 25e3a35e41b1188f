/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/materialise.h"

#include "rt/base/assert.h"
#include "tools/explore/contain.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(struct explore_material *material, int err, const char *what,
                const char *path, const char *advice) {
  snprintf(material->error, sizeof material->error, "%s '%.200s': %s%s%s", what,
           path, strerror(errno), advice == NULL ? "" : "; ",
           advice == NULL ? "" : advice);
  return err;
}

/* ---- namespaces ---- */

static bool write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  ssize_t size = (ssize_t)strlen(text);
  bool done = fd >= 0 && write(fd, text, (size_t)size) == size;
  if (fd >= 0) {
    (void)close(fd);
  }
  return done;
}

/* Users and groups are who they were. */
static bool map_ids(uid_t user, gid_t group) {
  char users[64];
  char groups[64];
  snprintf(users, sizeof users, "%u %u 1\n", user, user);
  snprintf(groups, sizeof groups, "%u %u 1\n", group, group);
  return write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/uid_map", users) &&
         write_file("/proc/self/gid_map", groups);
}

static bool namespace_enter(bool *users) {
  uid_t user = geteuid();
  gid_t group = getegid();
  *users = unshare(CLONE_NEWNS) != 0;
  if (*users &&
      (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !map_ids(user, group))) {
    return false;
  }
  return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/*
 * What a user namespace gave is more than those have who are run here: they may
 * not look into /proc/<pid>/fd of this process then, where runs with hooks find
 * the image.
 */
static void privileges_drop(void) {
  struct __user_cap_header_struct header = {.version =
                                                _LINUX_CAPABILITY_VERSION_3};
  const struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  (void)syscall(SYS_capset, &header, none);
  (void)prctl(PR_SET_DUMPABLE, 1);
}

/*
 * A process that removes the directory when this one has closed the pipe, by
 * explore_material_close or by dying. It keeps the right to unmount.
 */
static int janitor_start(struct explore_material *material) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return fail(material, FPOST_EIO, "no pipe for", material->directory, NULL);
  }
  (void)fflush(NULL);
  material->janitor = fork();
  if (material->janitor == 0) {
    char none = 0;
    (void)setsid(); /* what a terminal sends is not for it */
    (void)dup2(ends[0], 0);
    (void)syscall(SYS_close_range, 1u, ~0u, 0u);
    while (read(0, &none, 1) < 0 && errno == EINTR) {
    }
    (void)umount2(material->directory, MNT_DETACH);
    _exit(rmdir(material->directory) != 0);
  }
  (void)close(ends[0]);
  material->alive = ends[1];
  return material->janitor > 0 ? FPOST_OK
                               : fail(material, FPOST_EIO, "no process for",
                                      material->directory, NULL);
}

static int pool_cover(struct explore_material *material, uint32_t index,
                      const char *path) {
  char file[96];
  struct stat there;
  snprintf(file, sizeof file, "%s/%u", material->directory, index);
  int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  material->files[index] = fd;
  if (fd < 0) {
    return fail(material, FPOST_EIO, "cannot make", file, NULL);
  }
  if (stat(path, &there) != 0) {
    return fail(material, FPOST_ENOENT, "the pool", path,
                "a crash state is put in its place, so a file must be there");
  }
  /* Permissions are as they were: what recovery may open it may open again. */
  if (fchmod(fd, there.st_mode & 07777) != 0 ||
      mount(file, path, NULL, MS_BIND, NULL) != 0) {
    return fail(material, FPOST_EIO, "cannot mount a crash state over", path,
                NULL);
  }
  return FPOST_OK;
}

static int observe_cover(struct explore_material *material, const char *path) {
  char file[96];
  snprintf(file, sizeof file, "%s/observed", material->directory);
  material->observed = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (material->observed < 0) {
    return fail(material, FPOST_EIO, "cannot make", file, NULL);
  }
  if (fchmod(material->observed, 0666) != 0 ||
      mount(file, path, NULL, MS_BIND, NULL) != 0) {
    return fail(material, FPOST_EIO, "cannot mount a file over", path, NULL);
  }
  return FPOST_OK;
}

int explore_material_open(struct explore_material *material,
                          const struct explore_sizes *sizes,
                          const char *observe) {
  const char *folder = getenv("TMPDIR");
  *material = (struct explore_material){.count = sizes->count, .observed = -1};
  memset(material->files, 0xff, sizeof material->files);
  snprintf(material->directory, sizeof material->directory,
           "%.40s/fencepost-XXXXXX",
           folder != NULL && strlen(folder) <= 40 && *folder == '/' ? folder
                                                                    : "/tmp");
  if (mkdtemp(material->directory) == NULL) {
    int err = fail(material, FPOST_EIO, "cannot make the directory",
                   material->directory, "set TMPDIR to one that can be used");
    material->directory[0] = '\0';
    return err;
  }
  bool users = false;
  if (!namespace_enter(&users)) {
    return fail(material, FPOST_EIO, "no mount namespace for",
                material->directory,
                "allow user namespaces (sysctl kernel.unprivileged_userns_clone"
                "=1, user.max_user_namespaces), run as root, or build the "
                "recovery program with fencepost-clang, which needs none");
  }
  if (mount("fencepost", material->directory, "tmpfs", 0, NULL) != 0) {
    return fail(material, FPOST_EIO, "cannot mount a tmpfs on",
                material->directory, NULL);
  }
  int err = janitor_start(material);
  for (uint32_t i = 0; i < sizes->count && err == FPOST_OK; i++) {
    if (sizes->paths[i] != NULL) {
      err = pool_cover(material, i, sizes->paths[i]);
    }
  }
  if (err == FPOST_OK && observe != NULL) {
    err = observe_cover(material, observe);
  }
  if (users) {
    privileges_drop();
  }
  return err;
}

void explore_material_close(struct explore_material *material) {
  for (uint32_t i = 0; i < material->count; i++) {
    if (material->files[i] >= 0) {
      (void)close(material->files[i]);
      material->files[i] = -1;
    }
  }
  if (material->directory[0] != '\0') {
    if (material->observed >= 0) {
      (void)close(material->observed);
    }
    if (material->janitor > 0) {
      (void)close(material->alive);
      (void)waitpid(material->janitor, NULL, 0);
    } else {
      (void)umount2(material->directory, MNT_DETACH);
      (void)rmdir(material->directory);
    }
    material->directory[0] = '\0';
  }
}

/* ---- content ---- */

static bool write_at(int fd, const uint8_t *bytes, uint64_t size,
                     uint64_t offset) {
  while (size > 0) {
    ssize_t wrote = pwrite(fd, bytes, size, (off_t)offset);
    if (wrote <= 0) {
      return false;
    }
    bytes += wrote;
    size -= (uint64_t)wrote;
    offset += (uint64_t)wrote;
  }
  return true;
}

bool explore_material_copy(const struct explore_image *image, uint32_t pool,
                           int fd) {
  const struct explore_pool *from = &image->pools[pool];
  if (ftruncate(fd, 0) != 0 || ftruncate(fd, (off_t)from->size) != 0) {
    return false;
  }
  off_t at = 0;
  while ((uint64_t)at < from->size) {
    off_t data = lseek(from->image, at, SEEK_DATA);
    if (data < 0) {
      return errno == ENXIO; /* nothing but a hole follows */
    }
    off_t hole = lseek(from->image, data, SEEK_HOLE);
    uint64_t end = (uint64_t)hole < from->size ? (uint64_t)hole : from->size;
    if (hole < 0 || !write_at(fd, from->memory + data, end - (uint64_t)data,
                              (uint64_t)data)) {
      return false;
    }
    at = hole;
  }
  return true;
}

/* The bytes of a unit, as the choices leave it. */
static bool put_unit(const struct explore_material *material,
                     const struct explore_image *image, uint32_t index,
                     const struct fpost_choice *choices, uint32_t count,
                     bool others_full) {
  const struct fpost_unit *unit = &image->units[index];
  struct fpost_known known;
  uint8_t content[FENCEPOST_LINE_SIZE];
  fpost_choice_known(choices, count, index, &known);
  uint64_t cut = others_full ? fpost_unit_last_cut(unit, image->steps, &known)
                             : fpost_unit_first_cut(unit, image->steps, &known);
  fpost_unit_at(unit, image->steps, cut, content);
  uint64_t offset = fpost_pm_offset(unit->address);
  const struct explore_pool *pool = &image->pools[fpost_pm_pool(unit->address)];
  for (fpost_bytes left = unit->touched; left != 0;) {
    int first = __builtin_ctzll(left);
    fpost_bytes rest = ~(left >> first);
    int size = rest == 0 ? 64 - first : __builtin_ctzll(rest);
    if (offset + (uint64_t)first + (uint64_t)size <= pool->size &&
        !write_at(material->files[fpost_pm_pool(unit->address)],
                  content + first, (uint64_t)size, offset + (uint64_t)first)) {
      return false;
    }
    left &= first + size == 64 ? 0 : ~UINT64_C(0) << (first + size);
  }
  return true;
}

int explore_material_put(struct explore_material *material,
                         const struct explore_image *image,
                         const struct fpost_choice *choices, uint32_t count,
                         bool others_full) {
  bool done = true;
  for (uint32_t i = 0; i < material->count && done; i++) {
    done = material->files[i] < 0 ||
           explore_material_copy(image, i, material->files[i]);
  }
  for (uint32_t i = 0; i < image->plan->units_used && done; i++) {
    if (image->units[i].touched != 0) {
      done = put_unit(material, image, i, choices, count, others_full);
    }
  }
  return done ? FPOST_OK
              : fail(material, FPOST_ENOSPC, "cannot put a crash state into",
                     material->directory, "it lies in memory");
}

static bool zero(const uint8_t *bytes, size_t size) {
  size_t i = 0;
  while (i < size && bytes[i] == 0) {
    i++;
  }
  return i == size;
}

/* The image gets the file's size and content. */
static int take_file(struct explore_image *image, uint32_t pool, int fd,
                     uint64_t size, uint64_t virtual_address) {
  uint8_t page[FPOST_PLAN_PAGE];
  struct fpost_record record = {.kind = FPOST_RECORD_POOL,
                                .id = pool,
                                .size = size,
                                .value = virtual_address};
  int err = size == 0 ? FPOST_OK : explore_image_apply(image, &record, 0);
  off_t at = 0;
  while (err == FPOST_OK && (uint64_t)at < size &&
         (at = lseek(fd, at, SEEK_DATA)) >= 0) {
    at &= ~(off_t)(sizeof page - 1);
    ssize_t got = pread(fd, page, sizeof page, at);
    if (got > 0 && !zero(page, (size_t)got)) {
      record =
          (struct fpost_record){.kind = FPOST_RECORD_IMAGE,
                                .address = fpost_pm_address(pool, (uint64_t)at),
                                .size = (uint64_t)got,
                                .data = page,
                                .data_size = (size_t)got};
      err = explore_image_apply(image, &record, 0);
    }
    at += (off_t)sizeof page;
  }
  return err;
}

int explore_material_take(const struct explore_material *material,
                          struct explore_image *image,
                          const struct explore_image *like) {
  int err = FPOST_OK;
  image->early_count = 0; /* the files are all that there is */
  image->content = (struct explore_hash){0};
  for (uint32_t i = 0; i < material->count && err == FPOST_OK; i++) {
    struct explore_pool *pool = &image->pools[i];
    struct stat file;
    if (material->files[i] < 0) {
      continue;
    }
    if (fstat(material->files[i], &file) != 0 ||
        ftruncate(pool->image, 0) != 0) {
      return FPOST_EIO;
    }
    if ((uint64_t)file.st_size > pool->size_max) {
      return FPOST_ENOSPC;
    }
    pool->size = 0;
    image->plan->pools[i].size = 0;
    err = take_file(image, i, material->files[i], (uint64_t)file.st_size,
                    like->plan->pools[i].virtual_address);
  }
  return err;
}

/* ---- running ---- */

static void child(const void *argument) {
  const struct explore_material_run *how = argument;
  struct rlimit none = {0, 0};
  struct rlimit file = {how->output_max, how->output_max};
  struct rlimit data = {how->data_max, how->data_max};
  (void)setrlimit(RLIMIT_CORE, &none);
  (void)setrlimit(RLIMIT_FSIZE, &file);
  if (how->data_max != 0) {
    (void)setrlimit(RLIMIT_DATA, &data);
  }
  /* If memory runs out, it is this process that has to go. */
  (void)write_file("/proc/self/oom_score_adj", "1000");
  int input = how->input > 0 ? how->input : open("/dev/null", O_RDONLY);
  if (input >= 0) {
    (void)lseek(input, 0, SEEK_SET);
    (void)dup2(input, 0);
  }
  (void)dup2(how->observe > 0 ? how->observe : how->output, 1);
  (void)dup2(how->output, 2);
  if (how->options != NULL) {
    (void)setenv("FENCEPOST_OPTIONS", how->options, 1);
  } else {
    (void)unsetenv("FENCEPOST_OPTIONS");
  }
  (void)setenv("PMEM_IS_PMEM_FORCE", "1", 1);
  execvp(how->words[0], how->words);
  dprintf(2, "%s: %s\n", how->words[0], strerror(errno));
  _exit(127);
}

/* Reading, and mapping, moves the time of the last access. */
static void watch_access(const struct explore_material *material) {
  struct timespec times[2] = {{1, 0}, {.tv_nsec = UTIME_NOW}};
  for (uint32_t i = 0; i < material->count; i++) {
    if (material->files[i] >= 0) {
      (void)futimens(material->files[i], times);
    }
  }
}

static bool accessed(const struct explore_material *material) {
  for (uint32_t i = 0; i < material->count; i++) {
    struct stat now;
    if (material->files[i] >= 0 && fstat(material->files[i], &now) == 0 &&
        now.st_atim.tv_sec != 1) {
      return true;
    }
  }
  return false;
}

static void empty(int fd) {
  if (fd > 0) {
    (void)ftruncate(fd, 0);
    (void)lseek(fd, 0, SEEK_SET);
  }
}

void explore_material_run(const struct explore_material *material,
                          const struct explore_material_run *how,
                          struct fpost_plan_run *run) {
  struct explore_contained end;
  *run = (struct fpost_plan_run){.outcome = FPOST_OUTCOME_EXIT, .value = 127};
  empty(how->output);
  empty(how->observe);
  watch_access(material);
  (void)fflush(NULL);
  if (explore_contain(child, how, how->timeout_ms, &end) != FPOST_OK) {
    return;
  }
  if (end.late) {
    run->outcome = FPOST_OUTCOME_TIMEOUT;
    run->value = 0;
  } else if (end.escaped) {
    run->outcome = FPOST_OUTCOME_ESCAPED;
    run->value = 0;
  } else if (WIFSIGNALED(end.status)) {
    run->outcome = FPOST_OUTCOME_SIGNAL;
    run->value = (uint32_t)WTERMSIG(end.status);
  } else {
    run->value = (uint32_t)WEXITSTATUS(end.status);
  }
  if (end.orphans) {
    run->flags |= FPOST_RUN_ORPHANS;
  }
  if (accessed(material)) {
    run->flags |= FPOST_RUN_OPENED | FPOST_RUN_MAPPED;
  }
  if (lseek(how->output, 0, SEEK_END) > 0) {
    run->flags |= FPOST_RUN_OUTPUT;
  }
}
