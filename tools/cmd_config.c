/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost config: the flags that build an instrumented program by hand. */
#include "tools/options.h"
#include "tools/paths.h"

#include <limits.h>
#include <string.h>

struct options {
  bool plugin;
  bool ldflags;
  bool cflags;
  bool version;
  uint32_t llvm;
};

static const struct fpost_option table[] = {
    {"plugin", 0, FPOST_OPTION_FLAG, NULL, offsetof(struct options, plugin),
     "print the path of the pass plugin, for clang's -fpass-plugin="},
    {"cflags", 0, FPOST_OPTION_FLAG, NULL, offsetof(struct options, cflags),
     "print the flags to compile with"},
    {"ldflags", 0, FPOST_OPTION_FLAG, NULL, offsetof(struct options, ldflags),
     "print the flags to link with, which go to the end of the line"},
    {"version", 0, FPOST_OPTION_FLAG, NULL, offsetof(struct options, version),
     "print the version"},
    {"llvm", 0, FPOST_OPTION_U32, "N", offsetof(struct options, llvm),
     "for clang of this version (default " FENCEPOST_LLVM_DEFAULT ")"},
    FPOST_OPTION_END};

/* The path of a part, or an error that says where it should be. */
static bool part_find(const char *built_at, const char *installed_at,
                      char path[PATH_MAX]) {
  if (fpost_path_part(built_at, installed_at, path, PATH_MAX) == 0) {
    return true;
  }
  fpost_error(
      "config: '%s' is not there: build or install Fencepost first, "
      "with that version of LLVM",
      path);
  return false;
}

static bool plugin_find(uint32_t llvm, char path[PATH_MAX]) {
  char built_at[64];
  char installed_at[128];
  snprintf(built_at, sizeof built_at, "pass/FencepostPass-%u.so", llvm);
  snprintf(installed_at, sizeof installed_at,
           FENCEPOST_LIBDIR "/fencepost/FencepostPass-%u.so", llvm);
  return part_find(built_at, installed_at, path);
}

/* The flags that the wrappers compile with, and the line numbers of reports. */
static bool cflags_print(const char *plugin) {
  char header[PATH_MAX];
  if (fpost_path_part(FENCEPOST_SOURCE_INCLUDE "/fencepost/fencepost.h",
                      FENCEPOST_INCLUDEDIR "/fencepost/fencepost.h", header,
                      sizeof header) != 0) {
    fpost_error("config: '%s' is not there: install Fencepost again", header);
    return false;
  }
  *strrchr(header, '/') = '\0';
  *strrchr(header, '/') = '\0';
  printf("-g -fpass-plugin=%s -idirafter %s\n", plugin, header);
  return true;
}

static int config_print(const struct options *options) {
  char path[PATH_MAX];
  char list[PATH_MAX];
  if (options->version) {
    puts(FENCEPOST_VERSION);
  }
  if (options->plugin || options->cflags) {
    if (!plugin_find(options->llvm, path)) {
      return FPOST_EXIT_USAGE;
    }
    if (options->plugin) {
      puts(path);
    }
    if (options->cflags && !cflags_print(path)) {
      return FPOST_EXIT_USAGE;
    }
  }
  if (options->ldflags) {
    if (!part_find("rt/hooks/libfencepost_rt.a",
                   FENCEPOST_LIBDIR "/fencepost/libfencepost_rt.a", path) ||
        !part_find("rt/hooks/fencepost.dynlist",
                   FENCEPOST_LIBDIR "/fencepost/fencepost.dynlist", list)) {
      return FPOST_EXIT_USAGE;
    }
    *strrchr(path, '/') = '\0';
    /* The same flags as in the compiler wrappers, see wrappers.cmake. */
    printf(FENCEPOST_LINK_FORMAT "\n", path, path);
  }
  return FPOST_EXIT_CLEAN;
}

static int config_run(const struct fpost_command *command, int argc,
                      char **argv) {
  struct options options = {.llvm = FENCEPOST_LLVM_DEFAULT_NUMBER};
  struct fpost_operands operands;
  int exit_code = FPOST_EXIT_USAGE;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  if (!fpost_options_operands(command, &operands, 0)) {
    return FPOST_EXIT_USAGE;
  }
  if (!options.plugin && !options.cflags && !options.ldflags &&
      !options.version) {
    fpost_error("config: what shall be printed? usage: fencepost config %s",
                command->usage);
    return FPOST_EXIT_USAGE;
  }
  return config_print(&options);
}

const struct fpost_command fpost_command_config = {
    .name = "config",
    .usage = "--plugin|--cflags|--ldflags|--version",
    .summary = "print the flags that build an instrumented program",
    .description =
        "Prints what a build system needs to build an instrumented program "
        "without the compiler wrappers fencepost-clang and fencepost-clang++.",
    .options = table,
    .example = "clang-22 -fpass-plugin=$(fencepost config --plugin) -c queue.c",
    .run = config_run};
