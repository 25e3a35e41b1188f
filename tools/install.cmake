# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What `cmake --install` puts where, beside the plugins (pass/) and the compiler
# wrappers (wrappers.cmake); and the manual pages, which the commands' own tables
# make. Everything finds the rest relative to itself: the prefix may be moved.
include(CMakePackageConfigHelpers)

set(FENCEPOST_RUNTIME_INSTALL ${CMAKE_INSTALL_LIBDIR}/fencepost)
install(TARGETS fencepost RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${PROJECT_BINARY_DIR}/rt/hooks/libfencepost_rt.a
  ${PROJECT_BINARY_DIR}/rt/hooks/fencepost.dynlist
  DESTINATION ${FENCEPOST_RUNTIME_INSTALL})
install(FILES ${PROJECT_SOURCE_DIR}/include/fencepost/fencepost.h
  ${PROJECT_SOURCE_DIR}/include/fencepost/events.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fencepost)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Fencepost)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/FencepostConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/FencepostConfig.cmake
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_BINDIR CMAKE_INSTALL_INCLUDEDIR
    FENCEPOST_RUNTIME_INSTALL)
write_basic_package_version_file(
  ${CMAKE_CURRENT_BINARY_DIR}/FencepostConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/FencepostConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/FencepostConfigVersion.cmake
  DESTINATION ${package_dir})

file(RELATIVE_PATH FENCEPOST_PC_PREFIX
  /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${PROJECT_SOURCE_DIR}/cmake/fencepost.pc.in fencepost.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fencepost.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(PROGRAMS ${PROJECT_SOURCE_DIR}/docs/demo/run
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fencepost/demo)
install(FILES ${PROJECT_SOURCE_DIR}/docs/demo/queue.c
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fencepost/demo)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE RENAME copyright
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/fencepost)

set(man_dir ${PROJECT_BINARY_DIR}/docs/man)
set(man_pages ${man_dir}/fencepost.1)
file(MAKE_DIRECTORY ${man_dir})
add_custom_command(OUTPUT ${man_dir}/fencepost.1
  COMMAND fencepost help --man > ${man_dir}/fencepost.1
  DEPENDS fencepost VERBATIM)
file(STRINGS commands.def commands REGEX "^FPOST_COMMAND")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS commands.def)
foreach(command IN LISTS commands)
  string(REGEX REPLACE "^FPOST_COMMAND.(.*).$" "\\1" command "${command}")
  set(page ${man_dir}/fencepost-${command}.1)
  add_custom_command(OUTPUT ${page}
    COMMAND fencepost help --man ${command} > ${page}
    DEPENDS fencepost VERBATIM)
  list(APPEND man_pages ${page})
endforeach()
add_custom_command(OUTPUT ${man_dir}/fencepost-cargo.1
  COMMAND ${CMAKE_CURRENT_BINARY_DIR}/fencepost-cargo --man
    > ${man_dir}/fencepost-cargo.1
  DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/fencepost-cargo VERBATIM)
list(APPEND man_pages ${man_dir}/fencepost-cargo.1)
add_custom_target(fencepost_man ALL DEPENDS ${man_pages})
install(FILES ${man_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

# Completion: where each shell looks for that of a package.
set(completion_dir ${PROJECT_BINARY_DIR}/completion)
file(MAKE_DIRECTORY ${completion_dir})
set(completions)
foreach(shell bash zsh fish)
  add_custom_command(OUTPUT ${completion_dir}/fencepost.${shell}
    COMMAND fencepost help --completion ${shell}
      > ${completion_dir}/fencepost.${shell}
    DEPENDS fencepost VERBATIM)
  list(APPEND completions ${completion_dir}/fencepost.${shell})
endforeach()
add_custom_target(fencepost_completion ALL DEPENDS ${completions})
install(FILES ${completion_dir}/fencepost.bash RENAME fencepost
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${completion_dir}/fencepost.zsh RENAME _fencepost
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${completion_dir}/fencepost.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
