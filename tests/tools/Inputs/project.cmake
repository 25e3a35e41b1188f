# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# A project that uses the installed package.
cmake_minimum_required(VERSION 3.20)
project(cell C)
find_package(Fencepost REQUIRED)
add_executable(cell cell.c)
target_compile_options(cell PRIVATE -mclflushopt)
fencepost_instrument(cell)
