/* A constant rate, open loop: requests fall due at random (Poisson) moments whatever the answers do, and latency
 * counts from the due moment, so a stall is seen by everyone it would have met.
 *
 *   pace PORT CONNECTIONS RATE WARM_UP_MS MEASURE_MS REQUEST_FILE [SAMPLES_FILE]
 *
 * REQUEST_FILE holds whole HTTP requests with Content-Length, one after another; they are sent in turn. Each connection
 * carries one exchange at a time; a request that is due while all are taken waits, and its wait counts. An answer is
 * right if it is a 200 that holds the request's own id and a result. Prints one JSON object with times in microseconds.
 *
 * SAMPLES_FILE gets a line a call: when it was due (CLOCK_MONOTONIC), how long it took (both microseconds), 1 if it was
 * answered right, else 0.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { connectionsMax = 1024, answerMax = 65536, queueMax = 1 << 20, graceMs = 2000, requestsMax = 16384, idMax = 64 };

typedef struct { const char *at; size_t length; char id[idMax]; } Request;
typedef struct { int fd; size_t length; int64_t due; const Request *request; char answer[answerMax]; } Connection;
typedef struct { int64_t due; uint32_t micros; int right; } Sample;

static Connection *all[connectionsMax], *idle[connectionsMax];
static int idleCount, failed;
static int64_t queue[queueMax];
static size_t queueHead, queueTail;
static Request *requests;
static size_t requestCount, nextRequest;
static Sample *samples;
static size_t sampleCount, sampleRoom;
static int64_t measureFrom, measureTo;

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* xorshift64*: the same moments in every run. */
static double uniform(void) {
  static uint64_t x = 88172645463325252ull;
  x ^= x >> 12; x ^= x << 25; x ^= x >> 27;
  return ((x * 2685821657736338717ull >> 11) + 1) / 9007199254740993.0;
}

static void start(Connection *c, int64_t due) {
  c->due = due;
  c->length = 0;
  c->request = &requests[nextRequest++ % requestCount];
  /* what cannot be sent is not answered, and the connection is among those that are still busy at the end */
  (void)!send(c->fd, c->request->at, c->request->length, MSG_NOSIGNAL);
}

/* The whole answer is there, with a NUL behind it. */
static int isRight(const Connection *c) {
  if (strncmp(c->answer, "HTTP/1.1 200", 12)) return 0;
  const char *body = strstr(c->answer, "\r\n\r\n"), *id = strstr(body, c->request->id);
  if (!id) return 0;
  char after = id[strlen(c->request->id)];
  return (after == ',' || after == '}') && strstr(body, "\"result\":\"0x");
}

static void finish(Connection *c) {
  int right = isRight(c);
  if (!right && !failed++) fprintf(stderr, "%.600s\n", c->answer);
  if (c->due >= measureFrom && c->due < measureTo && sampleCount < sampleRoom)
    samples[sampleCount++] = (Sample){c->due / 1000, (now() - c->due) / 1000, right};
  if (queueHead != queueTail) start(c, queue[queueHead++ % queueMax]);
  else idle[idleCount++] = c;
}

static int complete(Connection *c) {
  c->answer[c->length] = 0;
  char *head = strstr(c->answer, "\r\n\r\n");
  if (!head) return 0;
  char *length = strcasestr(c->answer, "\r\ncontent-length:");
  size_t body = length && length < head ? strtoull(length + 17, 0, 10) : 0;
  return c->length >= (size_t)(head + 4 - c->answer) + body;
}

static void receive(Connection *c, int poller) {
  ssize_t n = recv(c->fd, c->answer + c->length, answerMax - 1 - c->length, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, 0);
    return;
  }
  c->length += n;
  if (complete(c)) finish(c);
}

static int ascending(const void *a, const void *b) {
  uint32_t x = ((const Sample *)a)->micros, y = ((const Sample *)b)->micros;
  return x < y ? -1 : x > y;
}

static uint32_t percentile(double p) { return sampleCount ? samples[(size_t)((sampleCount - 1) * p)].micros : 0; }

/* Takes the file apart. Ends the program where it is no sequence of whole requests, each with an id. */
static void readRequests(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) { perror("pace"); exit(2); }
  fseek(file, 0, SEEK_END);
  size_t size = ftell(file);
  char *text = calloc(size + 1, 1), *to = text + size;
  rewind(file);
  size = fread(text, 1, size, file);
  fclose(file);
  requests = calloc(requestsMax, sizeof *requests);
  for (char *p = text; p < to && requestCount < requestsMax;) {
    char *body = strstr(p, "\r\n\r\n"), *length = strcasestr(p, "\r\ncontent-length:");
    char *id = body ? strstr(body, "\"id\":") : 0;
    size_t idLength = id ? strcspn(id, ",}") : idMax;
    if (!length || length > body || idLength >= idMax) { fprintf(stderr, "pace: not a request: %.200s\n", p); exit(2); }
    char *end = body + 4 + strtoull(length + 17, 0, 10);
    Request *request = &requests[requestCount++];
    request->at = p;
    request->length = end - p;
    memcpy(request->id, id, idLength);
    p = end;
  }
  if (!requestCount) { fprintf(stderr, "pace: no requests in %s\n", path); exit(2); }
}

static void writeSamples(const char *path) {
  FILE *file = fopen(path, "w");
  if (!file) { perror("pace"); exit(1); }
  for (size_t i = 0; i < sampleCount; i++)
    fprintf(file, "%lld %u %d\n", (long long)samples[i].due, samples[i].micros, samples[i].right);
  fclose(file);
}

static void openAll(int port, int count, int poller) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (int i = 0; i < count; i++) {
    Connection *c = all[i] = idle[idleCount++] = calloc(1, sizeof *c);
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (void *)&address, sizeof address)) { perror("pace"); exit(1); }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
  }
}

int main(int argc, char **argv) {
  if (argc != 7 && argc != 8) { fprintf(stderr, "pace PORT CONNECTIONS RATE WARM_UP_MS MEASURE_MS REQUEST_FILE [SAMPLES_FILE]\n"); return 2; }
  int count = atoi(argv[2]), poller = epoll_create1(0);
  double gapNs = 1e9 / atof(argv[3]);
  if (count > connectionsMax) { fprintf(stderr, "pace: at most %d connections\n", connectionsMax); return 2; }
  readRequests(argv[6]);
  prctl(PR_SET_TIMERSLACK, 1);
  openAll(atoi(argv[1]), count, poller);
  int64_t begin = now(), due = begin;
  measureFrom = begin + atoll(argv[4]) * 1000000;
  measureTo = measureFrom + atoll(argv[5]) * 1000000;
  sampleRoom = (size_t)(atof(argv[3]) * atof(argv[5]) / 1000 * 1.5) + 1000;
  samples = malloc(sampleRoom * sizeof *samples);
  struct epoll_event events[256];
  for (;;) {
    int64_t at = now();
    for (; due <= at && due < measureTo; due += (int64_t)(-log(uniform()) * gapNs)) {
      if (idleCount) start(idle[--idleCount], due);
      else if (queueTail - queueHead < queueMax) queue[queueTail++ % queueMax] = due;
      else failed++;
    }
    if (due >= measureTo && (idleCount == count || at > measureTo + graceMs * 1000000ll)) break;
    int64_t wait = due >= measureTo ? 1000000 : due - now();
    struct timespec timeout = {0, wait < 0 ? 0 : wait > 100000000 ? 100000000 : wait};
    int ready = epoll_pwait2(poller, events, 256, &timeout, 0);
    for (int i = 0; i < ready; i++) receive(events[i].data.ptr, poller);
  }
  /* a connection that broke during a call never became idle again */
  failed += count - idleCount + (int)(queueTail - queueHead);
  if (argc == 8) writeSamples(argv[7]);
  qsort(samples, sampleCount, sizeof *samples, ascending);
  printf("{\"samples\":%zu,\"failed\":%d,\"p50\":%u,\"p90\":%u,\"p99\":%u,\"max\":%u}\n", sampleCount, failed,
         percentile(.5), percentile(.9), percentile(.99), percentile(1));
  return 0;
}
