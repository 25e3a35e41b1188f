# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `cpack` makes a Debian package of what `cmake --install` installs, for the
# distribution that it is built on: the libraries' packages are found by
# dpkg-shlibdeps there.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fencepost)
set(CPACK_PACKAGE_VENDOR "The Fencepost developers")
set(CPACK_PACKAGE_CONTACT "The Fencepost developers <fencepost@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
  "find the crash bugs of persistent-memory programs")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "Fencepost runs a program that keeps its data in persistent memory, cuts the
power at every fence, builds the images that the hardware could have left, runs
the program's own recovery on them and reports those that break, with the store
that was lost and the missing flush or fence.")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# What no linker sees: the compilers that load the plugins, one of which is
# needed; the decoder that recovery loads when it has to; gdb for replay.
list(TRANSFORM FENCEPOST_LLVM_VERSIONS PREPEND clang- OUTPUT_VARIABLE clangs)
list(JOIN clangs " | " clangs)
execute_process(COMMAND dpkg-query --search "libZydis.so.4*"
  OUTPUT_VARIABLE zydis ERROR_QUIET)
string(REGEX MATCH "^[^:,]+" zydis "${zydis}")
set(CPACK_DEBIAN_PACKAGE_DEPENDS "${clangs}")
if(zydis)
  string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS ", ${zydis}")
endif()
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gdb, libpmemobj-dev")
include(CPack)
