/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tables of tools/html/data.h: strings, frames and stacks, each once. */
#ifndef FPOST_HTML_TABLES_H
#define FPOST_HTML_TABLES_H

#include "tools/finding.h"

struct html_tables;

struct html_tables *html_tables_new(void);
void html_tables_free(struct html_tables *tables);

/* The number of a string, a new reference; -1 for null. */
json_t *html_string(struct html_tables *tables, const char *text);

/* The number of a place's stack, a new reference; -1 if nothing is known. The
   frames must live until the tables are taken. */
json_t *html_stack(struct html_tables *tables, const struct fpost_place *place);

/* Put the tables into the data, as `strings`, `frames` and `stacks`. */
void html_tables_take(struct html_tables *tables, json_t *data);

#endif /* FPOST_HTML_TABLES_H */
