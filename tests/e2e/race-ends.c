/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: %fencepost-clang -g -O1 -DBUGGY %s -pthread -o %t.buggy
 *
 * Intent: one thread makes something ready and another one learns of it by
 * other ways than a read of what was written: the end of a pipe that shutdown,
 * dup2 or fclose makes, a line of a stream, a datagram, a connection, a
 * descriptor that has become ready, a queue, a semaphore of System V, a signal
 * that is waited for. What is done behind the message is a race.
 *
 * RUN: sh %S/Inputs/races.sh pm-data-race %t %t.pool shutdown dup2 dup3 \
 * RUN:   fclose line record sendmsg sendto connect poll select epoll \
 * RUN:   mq msg sem sigwait sigwaitinfo sigsuspend signalfd
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <errno.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Both ends of what the message goes through, and their streams. */
static int from;
static int to;
static FILE *from_stream;
static FILE *to_stream;
static mqd_t queue;
static pthread_t receiver;

static void must(int good) {
  if (!good) {
    perror("race-ends");
    exit(3);
  }
}

static void byte_sent(void) {
  must(write(to, "x", 1) == 1);
}

static void pipe_made(void) {
  int ends[2];
  must(pipe(ends) == 0);
  from = ends[0];
  to = ends[1];
}
static void socket_made(void) {
  int ends[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  from = ends[0];
  to = ends[1];
}
static void streams_made(void) {
  pipe_made();
  from_stream = fdopen(from, "r");
  to_stream = fdopen(to, "w");
  must(from_stream != NULL && to_stream != NULL);
}

/* ---- ends ---- */

static void end_received(void) {
  char byte;
  must(read(from, &byte, 1) == 0);
}
static void shut(void) {
  must(shutdown(to, SHUT_WR) == 0);
}
static void dup2_over(void) {
  must(dup2(STDERR_FILENO, to) == to);
}
static void dup3_over(void) {
  must(dup3(STDERR_FILENO, to, O_CLOEXEC) == to);
}
static void stream_closed(void) {
  must(fclose(to_stream) == 0);
}
static void stream_end_received(void) {
  char line[8];
  must(fgets(line, sizeof line, from_stream) == NULL);
}

/* ---- what a stream carries ---- */

static void line_sent(void) {
  must(fprintf(to_stream, "%d\n", 42) > 0 && fflush(to_stream) == 0);
}
static void line_received(void) {
  char *line = NULL;
  size_t size = 0;
  must(getline(&line, &size, from_stream) == 3);
  free(line);
}
static void unbuffered_made(void) {
  streams_made();
  setvbuf(to_stream, NULL, _IONBF, 0);
}
static void record_sent(void) {
  uint64_t record = 7;
  must(fwrite(&record, sizeof record, 1, to_stream) == 1);
}
static void record_received(void) {
  uint64_t record;
  must(fread(&record, sizeof record, 1, from_stream) == 1);
}

/* ---- sockets ---- */

static void message_sent(void) {
  struct iovec part = {"x", 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  must(sendmsg(to, &message, 0) == 1);
}
static void message_received(void) {
  char byte;
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  must(recvmsg(from, &message, 0) == 1);
}
static void datagram_sent(void) {
  must(sendto(to, "x", 1, 0, NULL, 0) == 1);
}
static void datagram_received(void) {
  char byte;
  must(recvfrom(from, &byte, 1, 0, NULL, NULL) == 1);
}

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void listening(void) {
  snprintf(address.sun_path + 1, sizeof address.sun_path - 1,
           "fencepost-race-ends-%d", (int)getpid());
  from = socket(AF_UNIX, SOCK_STREAM, 0);
  to = socket(AF_UNIX, SOCK_STREAM, 0);
  must(bind(from, (struct sockaddr *)&address, sizeof address) == 0 &&
       listen(from, 1) == 0);
}
static void connected(void) {
  must(connect(to, (struct sockaddr *)&address, sizeof address) == 0);
}
static void accepted(void) {
  must(accept(from, NULL, NULL) >= 0);
}

/* ---- readiness ---- */

static void poll_received(void) {
  struct pollfd of = {.fd = from, .events = POLLIN};
  must(poll(&of, 1, -1) == 1);
}
static void select_received(void) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(from, &set);
  must(select(from + 1, &set, NULL, NULL, NULL) == 1);
}
static void epoll_received(void) {
  int all = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  must(all >= 0 && epoll_ctl(all, EPOLL_CTL_ADD, from, &event) == 0);
  must(epoll_wait(all, &event, 1, -1) == 1);
}

/* ---- queues ---- */

static void mq_made(void) {
  char name[64];
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
  snprintf(name, sizeof name, "/fencepost-race-ends-%d", (int)getpid());
  queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  must(queue != (mqd_t)-1 && mq_unlink(name) == 0);
}
static void mq_sent(void) {
  must(mq_send(queue, "x", 1, 0) == 0);
}
static void mq_received(void) {
  char message[8];
  must(mq_receive(queue, message, sizeof message, NULL) == 1);
}

struct letter {
  long type;
  char text[1];
};
static void msg_made(void) {
  to = msgget(IPC_PRIVATE, 0600);
  must(to >= 0);
}
static void msg_sent(void) {
  struct letter letter = {1, "x"};
  must(msgsnd(to, &letter, 1, 0) == 0);
}
static void msg_received(void) {
  struct letter letter;
  must(msgrcv(to, &letter, 1, 0, 0) == 1);
  msgctl(to, IPC_RMID, NULL);
}

static void sem_made(void) {
  to = semget(IPC_PRIVATE, 1, 0600);
  must(to >= 0 && semctl(to, 0, SETVAL, 0) == 0);
}
static void sem_given(void) {
  must(semop(to, &(struct sembuf){.sem_op = 1}, 1) == 0);
}
static void sem_taken(void) {
  must(semop(to, &(struct sembuf){.sem_op = -1}, 1) == 0);
  semctl(to, 0, IPC_RMID);
}

/* ---- signals ---- */

static sigset_t usr1;

static void nothing(int number) {
  (void)number;
}
static void signals_made(void) {
  signal(SIGUSR1, nothing);
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  must(pthread_sigmask(SIG_BLOCK, &usr1, NULL) == 0);
}
static void signal_sent(void) {
  must(pthread_kill(receiver, SIGUSR1) == 0);
}
static void signal_to_all(void) {
  must(kill(getpid(), SIGUSR1) == 0);
}
static void signal_awaited(void) {
  int number;
  must(sigwait(&usr1, &number) == 0);
}
static void signal_awaited_info(void) {
  must(sigwaitinfo(&usr1, NULL) == SIGUSR1);
}
static void signal_handled(void) {
  sigset_t none;
  sigemptyset(&none);
  must(sigsuspend(&none) == -1 && errno == EINTR);
}
static void signal_read(void) {
  struct signalfd_siginfo about;
  int fd = signalfd(-1, &usr1, 0);
  must(fd >= 0 && read(fd, &about, sizeof about) == sizeof about);
}

static const struct kind {
  const char *name;
  void (*make)(void);
  void (*tell)(void);
  void (*wait)(void);
} kinds[] = {
    {"shutdown", socket_made, shut, end_received},
    {"dup2", pipe_made, dup2_over, end_received},
    {"dup3", pipe_made, dup3_over, end_received},
    {"fclose", streams_made, stream_closed, stream_end_received},
    {"line", streams_made, line_sent, line_received},
    {"record", unbuffered_made, record_sent, record_received},
    {"sendmsg", socket_made, message_sent, message_received},
    {"sendto", socket_made, datagram_sent, datagram_received},
    {"connect", listening, connected, accepted},
    {"poll", pipe_made, byte_sent, poll_received},
    {"select", pipe_made, byte_sent, select_received},
    {"epoll", pipe_made, byte_sent, epoll_received},
    {"mq", mq_made, mq_sent, mq_received},
    {"msg", msg_made, msg_sent, msg_received},
    {"sem", sem_made, sem_given, sem_taken},
    {"sigwait", signals_made, signal_sent, signal_awaited},
    {"sigwaitinfo", signals_made, signal_to_all, signal_awaited_info},
    {"sigsuspend", signals_made, signal_sent, signal_handled},
    {"signalfd", signals_made, signal_to_all, signal_read},
};

static const struct kind *kind;
static uint64_t *cell;
/* Who has begun; orders nothing. */
static _Alignas(64) _Atomic int begun;

static void put(void) {
  ++*cell;
  pm_persist(cell, sizeof *cell);
}

static void meet(void) {
  atomic_fetch_add_explicit(&begun, 1, memory_order_relaxed);
  while (atomic_load_explicit(&begun, memory_order_relaxed) < 2)
    sched_yield();
}

static void *teller(void *argument) {
  meet();
#ifdef BUGGY
  kind->tell();
  put();
#else
  put();
  kind->tell();
#endif
  return argument;
}

static void *waiter(void *argument) {
  meet();
  kind->wait();
#ifdef BUGGY
  usleep(100000); /* until the other one is through */
#endif
  put();
  return argument;
}

int main(int argc, char **argv) {
  pthread_t sender;
  if (pm_is_check(argc, argv))
    return 0;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(argv[1], kinds[i].name) == 0)
      kind = &kinds[i];
  must(kind != NULL);
  cell = pm_map(argv[2]);
  kind->make();
  pthread_create(&receiver, NULL, waiter, NULL);
  pthread_create(&sender, NULL, teller, NULL);
  pthread_join(receiver, NULL);
  pthread_join(sender, NULL);
  return 0;
}
