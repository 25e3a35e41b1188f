# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Puts report.css and the scripts into report.html, cuts it where the data belongs,
# and writes both halves as C arrays:
#   cmake -DFROM=folder -DTO=page.c -P embed.cmake

# The files without their first line, the licence tag.
foreach(name report.html report.css base.js picture.js report.js)
  file(READ ${FROM}/${name} text)
  string(FIND "${text}" "\n" line)
  math(EXPR line "${line} + 1")
  string(SUBSTRING "${text}" ${line} -1 text)
  string(REGEX REPLACE ".*\\." "" kind ${name})
  string(APPEND ${kind} "${text}")
endforeach()

string(FIND "${html}" "@DATA@" cut)
string(SUBSTRING "${html}" 0 ${cut} head)
math(EXPR cut "${cut} + 6")
string(SUBSTRING "${html}" ${cut} -1 tail)
string(REPLACE "@CSS@" "${css}" head "${head}")
string(REPLACE "@JS@" "${js}" tail "${tail}")

file(WRITE ${TO} "/* Made from ${FROM}/report.* by embed.cmake. */\n"
  "#include \"tools/html/page.h\"\n")
foreach(part head tail)
  file(WRITE ${TO}.${part} "${${part}}")
  file(READ ${TO}.${part} bytes HEX)
  file(REMOVE ${TO}.${part})
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  file(APPEND ${TO}
    "const unsigned char fpost_html_page_${part}[] = {\n${bytes}};\n"
    "const size_t fpost_html_page_${part}_size = sizeof fpost_html_page_${part};\n")
endforeach()
