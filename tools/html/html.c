/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The report as one HTML file that needs nothing beside it: no network, no
 * other file. The page (report.html, report.css and the scripts) is embedded in
 * the executable when it is built; the findings go into it as JSON, from which
 * the scripts draw what the reader looks at.
 */
#include "tools/html/data.h"
#include "tools/html/page.h"

#include <string.h>

/* No text can end the script that holds the data: `<` only occurs in strings,
   where it may be written like this. */
static int write_escaped(const char *text, size_t size, void *context) {
  FILE *out = context;
  while (size != 0) {
    const char *found = memchr(text, '<', size);
    size_t plain = found == NULL ? size : (size_t)(found - text);
    if (fwrite(text, 1, plain, out) != plain) {
      return -1;
    }
    text += plain;
    size -= plain;
    if (found != NULL) {
      if (fputs("\\u003c", out) == EOF) {
        return -1;
      }
      text++;
      size--;
    }
  }
  return 0;
}

bool fpost_report_dump_html(struct fpost_report *report, FILE *out) {
  json_t *data = fpost_html_data(report);
  (void)fwrite(fpost_html_page_head, 1, fpost_html_page_head_size, out);
  /* Errors of out are the caller's, who looks for them at the end. */
  (void)json_dump_callback(data, write_escaped, out,
                           JSON_COMPACT | JSON_ENSURE_ASCII |
                               JSON_REAL_PRECISION(9));
  (void)fwrite(fpost_html_page_tail, 1, fpost_html_page_tail_size, out);
  json_decref(data);
  return true;
}
