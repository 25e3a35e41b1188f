/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The lines of source files that a report shows. */
#ifndef FPOST_HTML_SOURCES_H
#define FPOST_HTML_SOURCES_H

#include <jansson.h>
#include <stdint.h>

struct html_sources;

struct html_sources *html_sources_new(void);
void html_sources_free(struct html_sources *sources);

/* The report shows the lines around one, `context` before and after it. */
void html_sources_want(struct html_sources *sources, const char *file,
                       uint32_t line, uint32_t context);

/*
 * Read what is wanted: the object `sources` of tools/html/data.h, by path.
 * Files changed later than `since` (seconds since 1970, 0: not known) are
 * marked. A new reference.
 */
json_t *html_sources_read(struct html_sources *sources, int64_t since);

#endif /* FPOST_HTML_SOURCES_H */
