/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The page around the data: report.html with report.css and report.js in it, as
   tools/html/embed.cmake puts them together. */
#ifndef FPOST_HTML_PAGE_H
#define FPOST_HTML_PAGE_H

#include <stddef.h>

/* What comes before the data, and after it. */
extern const unsigned char fpost_html_page_head[];
extern const size_t fpost_html_page_head_size;
extern const unsigned char fpost_html_page_tail[];
extern const size_t fpost_html_page_tail_size;

#endif /* FPOST_HTML_PAGE_H */
