/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Error codes: a function that can fail returns 0 or one of these, negative,
 * and leaves its object unchanged.
 */
#ifndef FPOST_BASE_ERR_H
#define FPOST_BASE_ERR_H

/* Negated errno values where one exists. */
enum fpost_err {
  FPOST_OK = 0,
  FPOST_ENOENT = -2,   /* no such file, region or state */
  FPOST_EIO = -5,      /* reading or writing failed */
  FPOST_ENOMEM = -12,  /* a table given by the caller is full */
  FPOST_EINVAL = -22,  /* malformed input */
  FPOST_ENOSPC = -28,  /* no space left on the device */
  FPOST_EVERSION = -71 /* made by another version (EPROTO) */
};

#define FPOST_MUST_USE __attribute__((warn_unused_result))

#endif /* FPOST_BASE_ERR_H */
