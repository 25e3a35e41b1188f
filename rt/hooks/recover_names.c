/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Names of pools in a run: which path stands for which view. At first each
 * recorded pool has its path, which names its view if the pool is there at the
 * crash point. Renames, links and removals of the run change this table, never
 * the user's directory; other files are the real ones, but a real file that
 * takes a pool's name becomes a view. If a run has made it, it loses its old
 * name; if it was the user's, the run sees a copy of it, and hides it.
 */
#define _GNU_SOURCE
#include "rt/hooks/recover_run.h"
#include "rt/hooks/text.h"
#include "rt/os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Names that a run may give to pools beyond the recorded ones. */
#define NAMES_MORE 32u
/* Symbolic links in a row that are followed. */
#define LINKS_MAX 16u
/* Of a descriptor's name in /proc, bytes. */
#define NAME_SIZE 32u
/* Bytes that are copied at once. */
#define COPY_BLOCK (1u << 20)

static struct fpost_name names[FPOST_POOLS_MAX + NAMES_MORE];
static uint32_t names_count;
static char names_text[NAMES_MORE][FPOST_PLAN_PATH_MAX];
static uint32_t names_more;
static uint64_t started; /* before the first run, by the clock of files, ns */
static uint32_t views_more; /* views that no pool of the plan has */
/* What has no units. */
static struct fpost_plan_pool no_pool = {.image = -1};

void fpost_names_prepare(void) {
  const struct fpost_plan *plan = fpost_run.plan;
  struct timespec now = {0, 0};
  (void)syscall(SYS_clock_gettime, CLOCK_REALTIME_COARSE, &now);
  started = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  for (uint32_t i = 0; i < plan->pool_count; i++) {
    if (plan->pools[i].path[0] != '\0') {
      names[names_count++] = (struct fpost_name){.path = plan->pools[i].path,
                                                 .view = &fpost_run.views[i]};
    }
  }
}

struct fpost_view *fpost_name_view(struct fpost_name *name) {
  if (!name->begun) {
    name->begun = true;
    fpost_view_begin(name->view);
    name->view = name->view->size != 0 ? name->view : NULL;
  }
  if (name->view != NULL) {
    fpost_view_begin(name->view);
  }
  return name->view;
}

/* ---- finding ---- */

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

/* The directory part of path, "." if it has none. False: too long. */
static bool directory_of(const char *path, char directory[]) {
  size_t length = (size_t)(base_name(path) - path);
  if (length + 2 > FPOST_PLAN_PATH_MAX) {
    return false;
  }
  memcpy(directory, length == 0 ? "." : path, length == 0 ? 1 : length);
  directory[length == 0 ? 1 : length] = '\0';
  return true;
}

bool fpost_run_same_path(int dirfd, const char *path, const char *other) {
  if (strcmp(path, other) == 0) {
    return true;
  }
  char directory[FPOST_PLAN_PATH_MAX];
  struct stat one;
  struct stat two;
  return strcmp(base_name(path), base_name(other)) == 0 &&
         directory_of(path, directory) &&
         syscall(SYS_newfstatat, dirfd, directory, &one, 0) == 0 &&
         directory_of(other, directory) &&
         syscall(SYS_newfstatat, AT_FDCWD, directory, &two, 0) == 0 &&
         one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

/* The descriptor of which path is a name in /proc, or -1. */
static int descriptor_of(const char *path) {
  static const char *const folders[] = {"/proc/self/fd/",
                                        "/proc/thread-self/fd/", "/dev/fd/"};
  for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
    size_t size = strlen(folders[i]);
    if (strncmp(path, folders[i], size) == 0 && path[size] != '\0') {
      char *end = NULL;
      long fd = strtol(path + size, &end, 10);
      return *end == '\0' && fd >= 0 && fd < FPOST_RUN_FDS_MAX ? (int)fd : -1;
    }
  }
  return -1;
}

/* A name that is in no table: of an open descriptor, or a link. */
static struct fpost_name *nameless(struct fpost_view *view) {
  static struct fpost_name name;
  name = (struct fpost_name){.path = "", .view = view, .begun = true};
  return view == NULL ? NULL : &name;
}

/* The pool whose file in the user's directory this is. */
static struct fpost_view *by_inode(const struct stat *file) {
  const struct fpost_plan *plan = fpost_run.plan;
  for (uint32_t i = 0; i < plan->pool_count; i++) {
    const struct fpost_plan_pool *pool = &plan->pools[i];
    if (pool->path[0] != '\0' && pool->inode != 0 &&
        file->st_dev == pool->device && file->st_ino == pool->inode) {
      return &fpost_run.views[i];
    }
  }
  return NULL;
}

/* Where the symbolic link at path goes, from dirfd as path does. */
static bool link_target(int dirfd, const char *path, char target[]) {
  char text[FPOST_PLAN_PATH_MAX];
  long size = syscall(SYS_readlinkat, dirfd, path, text, sizeof text - 1);
  if (size <= 0) {
    return false;
  }
  text[size] = '\0';
  size_t before = text[0] == '/' ? 0 : (size_t)(base_name(path) - path);
  if (before + (size_t)size >= FPOST_PLAN_PATH_MAX) {
    return false;
  }
  memmove(target, path, before);
  memcpy(target + before, text, (size_t)size + 1);
  return true;
}

static struct fpost_name *listed(int dirfd, const char *path) {
  for (uint32_t i = 0; i < names_count; i++) {
    if (strcmp(names[i].path, path) == 0) {
      return &names[i];
    }
  }
  for (uint32_t i = 0; i < names_count; i++) {
    if (fpost_run_same_path(dirfd, path, names[i].path)) {
      return &names[i];
    }
  }
  return NULL;
}

static struct fpost_name *find(int dirfd, const char *path, bool follow) {
  char here[FPOST_PLAN_PATH_MAX];
  struct stat file;
  for (uint32_t i = 0; i < LINKS_MAX; i++) {
    struct fpost_name *found = listed(dirfd, path);
    if (found != NULL) {
      return found;
    }
    int fd = follow ? descriptor_of(path) : -1;
    if (fd >= 0) {
      return nameless(fpost_run_fd(fd));
    }
    if (syscall(SYS_newfstatat, dirfd, path, &file, AT_SYMLINK_NOFOLLOW) != 0) {
      return NULL;
    }
    if (!S_ISLNK(file.st_mode)) {
      /* Another hard link to a pool. */
      struct fpost_view *view = by_inode(&file);
      return view == NULL ? NULL
             : follow     ? nameless(view)
                          : fpost_name_add(dirfd, path, view);
    }
    if (!follow || !link_target(dirfd, path, here)) {
      return NULL;
    }
    path = here;
  }
  return NULL;
}

struct fpost_name *fpost_run_name(int dirfd, const char *path, bool follow) {
  if (!fpost_recover_on || path == NULL || *path == '\0') {
    return NULL;
  }
  int error = errno;
  struct fpost_name *found = find(dirfd, path, follow);
  errno = error;
  return found;
}

/* ---- new names and views ---- */

static void descriptor_name(int fd, char out[NAME_SIZE]) {
  struct fpost_text text = fpost_text_in(out, NAME_SIZE);
  fpost_text_add(&text, "/proc/self/fd/");
  fpost_text_add_number(&text, (uint64_t)fd);
}

/* A path that means the same from everywhere. False: none can be had. */
static bool absolute(int dirfd, const char *path, char out[]) {
  char directory[FPOST_PLAN_PATH_MAX];
  char link[NAME_SIZE];
  long fd = -1;
  if (directory_of(path, directory)) {
    fd = syscall(SYS_openat, dirfd, directory, O_PATH | O_CLOEXEC, 0);
  }
  if (fd < 0) {
    return false;
  }
  descriptor_name((int)fd, link);
  long size = syscall(SYS_readlink, link, out, FPOST_PLAN_PATH_MAX - 2);
  (void)syscall(SYS_close, fd);
  size_t base = strlen(base_name(path));
  if (size <= 0 || (size_t)size + base + 2 > FPOST_PLAN_PATH_MAX) {
    return false;
  }
  out[size] = '/';
  memcpy(out + size + 1, base_name(path), base + 1);
  return true;
}

struct fpost_name *fpost_name_add(int dirfd, const char *path,
                                  struct fpost_view *view) {
  if (names_more == NAMES_MORE ||
      !absolute(dirfd, path, names_text[names_more])) {
    errno = ENFILE;
    return NULL;
  }
  struct fpost_name *name = &names[names_count++];
  *name = (struct fpost_name){
      .path = names_text[names_more++], .view = view, .begun = true};
  return name;
}

/* A view of its own for a file that has no units. Takes the descriptor. */
static struct fpost_view *view_add(int fd) {
  struct stat file;
  if (fd < 0 || views_more == FPOST_RUN_VIEWS_MORE ||
      syscall(SYS_fstat, fd, &file) != 0) {
    if (fd >= 0) {
      (void)syscall(SYS_close, fd);
      errno = ENFILE;
    }
    return NULL;
  }
  struct fpost_view *view = &fpost_run.views[FPOST_POOLS_MAX + views_more++];
  *view = (struct fpost_view){.pool = &no_pool,
                              .copy = fd,
                              .size = (uint64_t)file.st_size,
                              .adopted = true,
                              .begun = true};
  fpost_run_flag(FPOST_RUN_STORED);
  return view;
}

bool fpost_name_create(struct fpost_name *name) {
  struct fpost_view *own = NULL;
  for (uint32_t i = 0; i < fpost_run.plan->pool_count; i++) {
    if (fpost_run.plan->pools[i].path == name->path) {
      own = &fpost_run.views[i];
    }
  }
  if (own != NULL && own->copy < 0 && own->size == 0) {
    name->view = own; /* the crash came before it was made */
    return fpost_view_resize(own, 0);
  }
  name->view =
      view_add((int)syscall(SYS_memfd_create, "fencepost-run", MFD_CLOEXEC));
  return name->view != NULL;
}

/* ---- what changes names ---- */

static int fail(int error) {
  errno = error;
  return -1;
}

static int refuse(const char *why, int error) {
  fpost_run_say(why);
  return fail(error);
}

int fpost_name_remove(int dirfd, const char *path) {
  struct fpost_name *name = fpost_run_name(dirfd, path, false);
  if (name == NULL) {
    return 1;
  }
  if (fpost_name_view(name) == NULL) {
    return fail(ENOENT);
  }
  name->view = NULL;
  fpost_run_flag(FPOST_RUN_STORED);
  return 0;
}

/* Is the directory one that a recorded pool lies in? */
static bool holds_pool(const struct stat *directory) {
  char path[FPOST_PLAN_PATH_MAX];
  struct stat file;
  for (uint32_t i = 0; i < fpost_run.plan->pool_count; i++) {
    strcpy(path, fpost_run.plan->pools[i].path);
    for (char *slash = strrchr(path, '/'); slash != NULL && slash != path;
         slash = strrchr(path, '/')) {
      *slash = '\0';
      if (syscall(SYS_newfstatat, AT_FDCWD, path, &file, 0) == 0 &&
          file.st_dev == directory->st_dev &&
          file.st_ino == directory->st_ino) {
        return true;
      }
    }
  }
  return false;
}

/* Did a run make the file? It may take it for a pool then, as it is, and take
   its name away. One that the user had is copied, and hidden. */
static bool made_by_run(int fd) {
  struct fpost_os_file file;
  return fpost_os_file_info(fd, &file) == FPOST_OK && file.birth >= started;
}

static int copy_of(int fd) {
  long copy = syscall(SYS_memfd_create, "fencepost-run", MFD_CLOEXEC);
  long done = 1;
  while (copy >= 0 && done > 0) {
    done = syscall(SYS_sendfile, copy, fd, NULL, COPY_BLOCK);
  }
  if (copy >= 0 && done < 0) {
    (void)syscall(SYS_close, copy);
    copy = -1;
  }
  return (int)copy;
}

/* A real file that becomes a view. */
struct adopted {
  struct fpost_view *view;
  bool made; /* by a run */
};

static bool adopt(int dirfd, const char *path, int flags,
                  struct adopted *adopted) {
  struct stat file;
  char link[NAME_SIZE];
  if ((flags & AT_EMPTY_PATH) != 0 && *path == '\0') {
    descriptor_name(dirfd, link);
    path = link;
    flags |= AT_SYMLINK_FOLLOW;
  }
  int how = (flags & AT_SYMLINK_FOLLOW) != 0 ? 0 : AT_SYMLINK_NOFOLLOW;
  if (syscall(SYS_newfstatat, dirfd, path, &file, how) != 0) {
    return false;
  }
  if (!S_ISREG(file.st_mode)) {
    fpost_run_say(
        "fencepost: recovery gives a pool's name to what is no "
        "regular file, which cannot be followed\n");
    errno = S_ISDIR(file.st_mode) ? ENOTDIR : EXDEV;
    return false;
  }
  int fd = (int)syscall(SYS_openat, dirfd, path, O_RDWR | O_CLOEXEC, 0);
  adopted->made = fd >= 0 && made_by_run(fd);
  if (fd >= 0 && !adopted->made) {
    int copy = copy_of(fd);
    (void)syscall(SYS_close, fd);
    fd = copy;
  }
  adopted->view = view_add(fd);
  return adopted->view != NULL;
}

/* The real file loses its name, as far as the run sees; `view` gets it. */
static bool displace(int dirfd, const char *path, const struct adopted *adopted,
                     struct fpost_view *view) {
  if (adopted->made && syscall(SYS_unlinkat, dirfd, path, 0) != 0) {
    return false;
  }
  return (adopted->made && view == NULL) ||
         fpost_name_add(dirfd, path, view) != NULL;
}

/* Is there a real file at path? */
static bool is_there(int dirfd, const char *path, struct stat *file) {
  return syscall(SYS_newfstatat, dirfd, path, file, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A real file takes the name of a pool. */
static int rename_in(int from_fd, const char *from, struct fpost_name *to,
                     unsigned flags) {
  struct fpost_view *old = fpost_name_view(to);
  bool exchange = (flags & RENAME_EXCHANGE) != 0;
  if (exchange && old == NULL) {
    return fail(ENOENT);
  }
  struct adopted adopted;
  if (!adopt(from_fd, from, 0, &adopted) ||
      !displace(from_fd, from, &adopted, exchange ? old : NULL)) {
    return -1;
  }
  to->view = adopted.view;
  return 0;
}

/* A pool gets a name that is no pool's. The name of a real file hides that. */
static int rename_out(struct fpost_name *from, int to_fd, const char *to,
                      unsigned flags) {
  struct fpost_view *view = from->view;
  struct adopted other = {.view = NULL};
  struct stat file;
  bool there = is_there(to_fd, to, &file);
  if (there && S_ISDIR(file.st_mode)) {
    return fail(EISDIR);
  }
  if ((flags & RENAME_EXCHANGE) != 0 && !there) {
    return fail(ENOENT);
  }
  if ((flags & RENAME_EXCHANGE) != 0 && !adopt(to_fd, to, 0, &other)) {
    return -1;
  }
  if (!displace(to_fd, to, &other, view)) {
    return -1;
  }
  from->view = other.view;
  return 0;
}

int fpost_name_rename(int from_fd, const char *from, int to_fd, const char *to,
                      unsigned flags) {
  struct fpost_name *source = fpost_run_name(from_fd, from, false);
  struct fpost_name *target = fpost_run_name(to_fd, to, false);
  struct stat file;
  if (source == NULL && target == NULL) {
    if (fpost_recover_on && is_there(from_fd, from, &file) &&
        S_ISDIR(file.st_mode) && holds_pool(&file)) {
      return refuse(
          "fencepost: recovery renames the directory of a pool, "
          "which cannot be followed\n",
          EBUSY);
    }
    return 1;
  }
  fpost_run_flag(FPOST_RUN_STORED);
  if ((flags & RENAME_WHITEOUT) != 0) {
    return fail(EINVAL);
  }
  if (source != NULL && fpost_name_view(source) == NULL) {
    return fail(ENOENT);
  }
  bool taken = target != NULL ? fpost_name_view(target) != NULL
                              : is_there(to_fd, to, &file);
  if ((flags & RENAME_NOREPLACE) != 0 && taken) {
    return fail(EEXIST);
  }
  if (source == NULL) {
    return rename_in(from_fd, from, target, flags);
  }
  if (target == NULL) {
    return rename_out(source, to_fd, to, flags);
  }
  struct fpost_view *other = fpost_name_view(target);
  if ((flags & RENAME_EXCHANGE) != 0 && other == NULL) {
    return fail(ENOENT);
  }
  if (other != source->view) { /* two links to one file stay as they are */
    target->view = source->view;
    source->view = (flags & RENAME_EXCHANGE) != 0 ? other : NULL;
  }
  return 0;
}

int fpost_name_link(int from_fd, const char *from, int to_fd, const char *to,
                    int flags) {
  bool follow = (flags & AT_SYMLINK_FOLLOW) != 0;
  bool by_fd = (flags & AT_EMPTY_PATH) != 0 && from != NULL && *from == '\0';
  struct fpost_name *source = by_fd ? nameless(fpost_run_fd(from_fd))
                                    : fpost_run_name(from_fd, from, follow);
  struct fpost_view *view = source == NULL ? NULL : fpost_name_view(source);
  bool pool = source != NULL; /* nameless(NULL) is no pool */
  struct fpost_name *target = fpost_run_name(to_fd, to, false);
  struct stat file;
  if (!pool && target == NULL) {
    return 1;
  }
  if (pool && view == NULL) {
    return fail(ENOENT);
  }
  if (target != NULL ? fpost_name_view(target) != NULL
                     : is_there(to_fd, to, &file)) {
    return fail(EEXIST);
  }
  struct adopted adopted = {.view = view};
  if (!pool && !adopt(from_fd, from, flags, &adopted)) {
    return -1;
  }
  view = adopted.view;
  if (target == NULL) {
    return fpost_name_add(to_fd, to, view) == NULL ? -1 : 0;
  }
  target->view = view;
  return 0;
}
