/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Messages between threads besides what read and write carry: streams, queues,
 * signals that are waited for, and waiting for a descriptor; sockets in part,
 * see recover_call.c. What sends is told to races.h before the real function,
 * what receives behind it. Without --races these are detours of one test. The
 * symbols are weak: a program may have functions of these names.
 */
#define _GNU_SOURCE
#include "rt/hooks/races.h"
#include "rt/hooks/real.h"

#include <errno.h>
#include <stdarg.h>

#define SENDS(type, name, tell, parameters, arguments)                         \
  FPOST_INTERPOSE __attribute__((weak)) type name parameters {                 \
    if (FPOST_UNLIKELY(fpost_races_on)) {                                      \
      tell;                                                                    \
    }                                                                          \
    return FPOST_BEHIND(name) arguments;                                       \
  }

/* good: what the result has to be for something to have come. */
#define RECEIVES(type, name, good, tell, parameters, arguments)                \
  FPOST_INTERPOSE __attribute__((weak)) type name parameters {                 \
    type result = FPOST_BEHIND(name) arguments;                                \
    if (FPOST_UNLIKELY(fpost_races_on) && (result good)) {                     \
      tell;                                                                    \
    }                                                                          \
    return result;                                                             \
  }

/* ---- sockets ---- */

SENDS(int, shutdown, fpost_races_sent(fd), (int fd, int how), (fd, how))

RECEIVES(int, accept, >= 0, fpost_races_received(fd),
         (int fd, struct sockaddr *from, socklen_t *size), (fd, from, size))
RECEIVES(int, accept4, >= 0, fpost_races_received(fd),
         (int fd, struct sockaddr *from, socklen_t *size, int flags),
         (fd, from, size, flags))

/* ---- streams: a pipe may be behind one ---- */

static void stream_sent(FILE *stream) {
  if (stream != NULL) {
    int error = errno;
    fpost_races_sent(fileno(stream));
    errno = error;
  }
}

static void stream_received(FILE *stream) {
  int error = errno;
  fpost_races_received(fileno(stream));
  errno = error;
}

SENDS(int, fclose, stream_sent(stream), (FILE * stream), (stream))
SENDS(int, fflush, stream_sent(stream), (FILE * stream), (stream))
SENDS(size_t, fwrite, stream_sent(stream),
      (const void *from, size_t size, size_t count, FILE *stream),
      (from, size, count, stream))
SENDS(int, fputs, stream_sent(stream), (const char *from, FILE *stream),
      (from, stream))
SENDS(int, vfprintf, stream_sent(stream),
      (FILE * stream, const char *format, va_list list), (stream, format, list))

FPOST_INTERPOSE __attribute__((weak, format(printf, 2, 3))) int
stream_print(FILE *stream, const char *format, ...) __asm__("fprintf");
int stream_print(FILE *stream, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int result = vfprintf(stream, format, list);
  va_end(list);
  return result;
}

/* The end of the file is a message, too. */
RECEIVES(size_t, fread, <= count, stream_received(stream),
         (void *to, size_t size, size_t count, FILE *stream),
         (to, size, count, stream))
RECEIVES(char *, fgets, == to || feof(stream) != 0, stream_received(stream),
         (char *to, int size, FILE *stream), (to, size, stream))
RECEIVES(ssize_t, getdelim, >= 0 || feof(stream) != 0, stream_received(stream),
         (char **to, size_t *size, int end, FILE *stream),
         (to, size, end, stream))
/* The header has a getline of its own, which calls this. */
RECEIVES(ssize_t, __getdelim, >= 0 || feof(stream) != 0,
         stream_received(stream),
         (char **to, size_t *size, int end, FILE *stream),
         (to, size, end, stream))

/* ---- waiting for descriptors ---- */

RECEIVES(int, ppoll, > 0, fpost_races_heard(FPOST_HEARD_READY),
         (struct pollfd * of, nfds_t count, const struct timespec *wait,
          const sigset_t *mask),
         (of, count, wait, mask))
RECEIVES(int, select, > 0, fpost_races_heard(FPOST_HEARD_READY),
         (int count, fd_set *in, fd_set *out, fd_set *other,
          struct timeval *wait),
         (count, in, out, other, wait))
RECEIVES(int, pselect, > 0, fpost_races_heard(FPOST_HEARD_READY),
         (int count, fd_set *in, fd_set *out, fd_set *other,
          const struct timespec *wait, const sigset_t *mask),
         (count, in, out, other, wait, mask))
RECEIVES(int, epoll_wait, > 0, fpost_races_heard(FPOST_HEARD_READY),
         (int fd, struct epoll_event *events, int count, int wait),
         (fd, events, count, wait))
RECEIVES(int, epoll_pwait, > 0, fpost_races_heard(FPOST_HEARD_READY),
         (int fd, struct epoll_event *events, int count, int wait,
          const sigset_t *mask),
         (fd, events, count, wait, mask))

/* ---- queues and semaphores of System V, queues of POSIX ---- */

SENDS(int, mq_send, fpost_races_said(FPOST_HEARD_QUEUE),
      (mqd_t queue, const char *from, size_t size, unsigned int priority),
      (queue, from, size, priority))
SENDS(int, mq_timedsend, fpost_races_said(FPOST_HEARD_QUEUE),
      (mqd_t queue, const char *from, size_t size, unsigned int priority,
       const struct timespec *until),
      (queue, from, size, priority, until))
RECEIVES(ssize_t, mq_receive, >= 0, fpost_races_heard(FPOST_HEARD_QUEUE),
         (mqd_t queue, char *to, size_t size, unsigned int *priority),
         (queue, to, size, priority))
RECEIVES(ssize_t, mq_timedreceive, >= 0, fpost_races_heard(FPOST_HEARD_QUEUE),
         (mqd_t queue, char *to, size_t size, unsigned int *priority,
          const struct timespec *until),
         (queue, to, size, priority, until))
SENDS(int, msgsnd, fpost_races_said(FPOST_HEARD_QUEUE),
      (int queue, const void *from, size_t size, int flags),
      (queue, from, size, flags))
RECEIVES(ssize_t, msgrcv, >= 0, fpost_races_heard(FPOST_HEARD_QUEUE),
         (int queue, void *to, size_t size, long type, int flags),
         (queue, to, size, type, flags))

/* One operation may give some semaphores and take others. */
FPOST_INTERPOSE __attribute__((weak)) int semop(int set, struct sembuf *with,
                                                size_t count) {
  return semtimedop(set, with, count, NULL);
}
FPOST_INTERPOSE __attribute__((weak)) int
semtimedop(int set, struct sembuf *with, size_t count,
           const struct timespec *wait) {
  if (FPOST_UNLIKELY(fpost_races_on)) {
    fpost_races_said(FPOST_HEARD_QUEUE);
  }
  int result = FPOST_BEHIND(semtimedop)(set, with, count, wait);
  if (FPOST_UNLIKELY(fpost_races_on) && result == 0) {
    fpost_races_heard(FPOST_HEARD_QUEUE);
  }
  return result;
}

/* ---- signals that are waited for ---- */

SENDS(int, kill, fpost_races_said(FPOST_HEARD_SIGNAL),
      (pid_t process, int number), (process, number))
SENDS(int, raise, fpost_races_said(FPOST_HEARD_SIGNAL), (int number), (number))
SENDS(int, sigqueue, fpost_races_said(FPOST_HEARD_SIGNAL),
      (pid_t process, int number, union sigval value), (process, number, value))
SENDS(int, pthread_kill, fpost_races_said(FPOST_HEARD_SIGNAL),
      (pthread_t thread, int number), (thread, number))
SENDS(int, pthread_sigqueue, fpost_races_said(FPOST_HEARD_SIGNAL),
      (pthread_t thread, int number, union sigval value),
      (thread, number, value))
SENDS(int, tgkill, fpost_races_said(FPOST_HEARD_SIGNAL),
      (pid_t process, pid_t thread, int number), (process, thread, number))

RECEIVES(int, sigwait, == 0, fpost_races_heard(FPOST_HEARD_SIGNAL),
         (const sigset_t *set, int *number), (set, number))
RECEIVES(int, sigwaitinfo, >= 0, fpost_races_heard(FPOST_HEARD_SIGNAL),
         (const sigset_t *set, siginfo_t *about), (set, about))
RECEIVES(int, sigtimedwait, >= 0, fpost_races_heard(FPOST_HEARD_SIGNAL),
         (const sigset_t *set, siginfo_t *about, const struct timespec *wait),
         (set, about, wait))
/* They return behind a handler. */
RECEIVES(int, sigsuspend, < 0, fpost_races_heard(FPOST_HEARD_SIGNAL),
         (const sigset_t *set), (set))
RECEIVES(int, pause, < 0, fpost_races_heard(FPOST_HEARD_SIGNAL), (void), ())
