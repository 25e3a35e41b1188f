# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The compiler wrappers, and the one place that says how a program is linked with
# the runtime: `fencepost config --ldflags` prints the same flags. They go to the
# end of the link line, so that the runtime starts after the program's own
# constructors. %s stands for the folder of the runtime.
set(FENCEPOST_LINK_FLAGS
  -Wl,--whole-archive %s/libfencepost_rt.a -Wl,--no-whole-archive
  -Wl,--dynamic-list=%s/fencepost.dynlist -lpthread -ldl)
string(JOIN " " FENCEPOST_LINK_FORMAT ${FENCEPOST_LINK_FLAGS})

set(FENCEPOST_LINK_SHELL "")
foreach(flag IN LISTS FENCEPOST_LINK_FLAGS)
  string(REPLACE "%s" "$runtime" flag "${flag}")
  string(APPEND FENCEPOST_LINK_SHELL "\"${flag}\" ")
endforeach()
string(STRIP "${FENCEPOST_LINK_SHELL}" FENCEPOST_LINK_SHELL)

set(FENCEPOST_CLANGS "")
foreach(version IN LISTS FENCEPOST_LLVM_VERSIONS)
  string(APPEND FENCEPOST_CLANGS "clang-${version} ")
endforeach()
string(APPEND FENCEPOST_CLANGS "clang")
list(GET FENCEPOST_LLVM_VERSIONS 0 FENCEPOST_LLVM_DEFAULT)

string(JOIN ", " FENCEPOST_LLVM_LIST ${FENCEPOST_LLVM_VERSIONS})

# fencepost_add_wrapper(<source> <name> <destination>)
function(fencepost_add_wrapper source name destination)
  configure_file(${source} ${name} @ONLY
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
      GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  install(PROGRAMS ${CMAKE_CURRENT_BINARY_DIR}/${name}
    DESTINATION ${destination})
endfunction()

fencepost_add_wrapper(fencepost-cc.in fencepost-clang ${CMAKE_INSTALL_BINDIR})
fencepost_add_wrapper(fencepost-cc.in fencepost-clang++ ${CMAKE_INSTALL_BINDIR})
fencepost_add_wrapper(fencepost-cargo.in fencepost-cargo ${CMAKE_INSTALL_BINDIR})
fencepost_add_wrapper(fencepost-rustc.in fencepost-rustc
  ${CMAKE_INSTALL_LIBDIR}/fencepost)
