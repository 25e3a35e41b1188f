/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A report as the JSON that tools/html/report.js reads. It says what the JSON
 * of the contract says (tools/report_json.c), with each string, frame and stack
 * once, so that thousands of findings fit into a page:
 *
 *   strings  [text, ...]
 *   frames   [[file, shown, line, column, function, module, offset, inlined]]
 *   stacks   [[which frame to show, frame, frame, ...]]
 *   sources  {file: {"runs": [[first line, text, ...]], "changed": true}
 *             or {"error": why}}
 *   findings [{...}], with
 *     access    [stack, pool, offset, size]
 *     timeline  {"lines": [[pool, offset, undecided, bytes, bytes]],
 *                "marks": [[index, kind, thread, line, offset, size, fate,
 *                           role, completes, stack, left out before it,
 *                           value]], "crashed": true}
 *
 * file, shown, function, module, pool, kind are numbers of strings, -1: none;
 * frame and stack are numbers of theirs.
 */
#ifndef FPOST_HTML_DATA_H
#define FPOST_HTML_DATA_H

#include "tools/finding.h"

/* The data, a new reference. Ends the process if there is no memory. */
json_t *fpost_html_data(struct fpost_report *report);

#endif /* FPOST_HTML_DATA_H */
