/* WebSocket clients of 127.0.0.1: few that are busy, or many that listen. One thread, epoll, bounded in time.
 *
 *   sockets calls PORT CONNECTIONS MEASURE_MS POOL_FILE
 *   sockets listen PORT CONNECTIONS MAX_MS
 *
 * calls: POOL_FILE has one "key<TAB>body" a line, as for wrk.lua. Each connection has the key of one line (X-API-Key), and
 * sends one call after the other, round the pool, for MEASURE_MS. Prints one JSON object: calls answered, microseconds from
 * the first call on, and `failed`: answers that are no result under the call's own id, frames no server may send, connections
 * that broke, calls without an answer two seconds after the end. The first wrong one is shown on standard error.
 *
 * listen: subscribes each to newHeads. Prints {"subscribed":N} once all are, then for each head that all have received
 * {"head":NUMBER,"received":N,"last":MICROSECONDS}: when the last of them had it, on CLOCK_MONOTONIC. Ends on SIGTERM or after
 * MAX_MS, with those heads that some have not received and {"open":N,"failed":N}: a head that came twice or out of order
 * is a failure, too.
 *
 * Frames are masked with one fixed key, which servers cannot tell from a random one.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { connectionsMax = 50000, openingMax = 64, messageMax = 1 << 20, poolMax = 16384, idMax = 32, headsMax = 4096 };
enum { eventsMax = 256, graceMs = 2000, msMax = 600000, controlMax = 125, shownMax = 400 };
enum { opText = 1, opClose = 8, opPing = 9, opPong = 10 };

/* The example of RFC 6455, 1.3. */
#define ACCEPT "\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define HANDSHAKE "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s\r\n"
#define SUBSCRIBE "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}"

typedef struct { char *at; size_t length; char id[idMax], key[64]; } Call;
typedef struct { int fd, open, subscribed, asked; const Call *call; uint64_t head; char *rest; size_t restLength; } Connection;
typedef struct { uint64_t number; int received; int64_t last; } Head;

static Call *pool;
static size_t poolSize, nextCall;
static Connection *all;
static int listening, poller, connected, settled, count, lost, failed, sending;
static long answered;
static Head heads[headsMax];
static int headCount;
static char *received;
static volatile sig_atomic_t ended;

static void end(int signal) { (void)signal; ended = 1; }

static int64_t micros(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static void fail(const char *what, const char *text, size_t length) {
  if (!failed++) fprintf(stderr, "%s: %.*s\n", what, (int)(length < shownMax ? length : shownMax), text);
}

/* Writes one masked frame; returns its length. */
static size_t frame(char *to, int opcode, const char *text, size_t length) {
  static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  unsigned char *p = (void *)to;
  *p++ = 0x80 | opcode;
  if (length < 126) *p++ = 0x80 | length;
  else { *p++ = 0x80 | 126; *p++ = length >> 8; *p++ = length & 255; }
  memcpy(p, mask, 4);
  p += 4;
  for (size_t i = 0; i < length; i++) *p++ = text[i] ^ mask[i & 3];
  return (char *)p - to;
}

/* What is sent is small and waits for an answer: it always finds room. */
static void sendAll(Connection *c, const char *at, size_t length) {
  if (send(c->fd, at, length, MSG_NOSIGNAL) != (ssize_t)length) fail("not sent", at, 0);
}

static void sendCall(Connection *c) {
  c->call = &pool[nextCall++ % poolSize];
  c->asked = 1;
  sendAll(c, c->call->at, c->call->length);
}

static void drop(Connection *c) {
  epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, 0);
  close(c->fd);
  c->fd = -1;
  lost++;
  fail("connection lost", "", 0);
}

/* The rest of an answer that begins with its id: {"jsonrpc":"2.0","id":1,"result":…} with members in any order. */
static int isResult(const char *text, size_t length, const char *id) {
  const char *found = memmem(text, length, "\"id\":", 5);
  size_t idLength = strlen(id);
  if (!found || found + 5 + idLength >= text + length || memcmp(found + 5, id, idLength)) return 0;
  char after = found[5 + idLength];
  return (after == ',' || after == '}') && memmem(text, length, "\"result\":", 9);
}

static void showHead(const Head *head) {
  printf("{\"head\":%llu,\"received\":%d,\"last\":%lld}\n", (unsigned long long)head->number, head->received, (long long)head->last);
  fflush(stdout);
}

static void takeHead(Connection *c, const char *text, size_t length, int64_t at) {
  const char *number = memmem(text, length, "\"number\":\"0x", 12);
  uint64_t value = number ? strtoull(number + 12, 0, 16) : 0;
  if (!number || value <= c->head) return fail("no head, or one that is not due", text, length);
  c->head = value;
  int n = headCount;
  while (n > 0 && heads[n - 1].number != value) n--;
  if (n == 0) {
    if (headCount == headsMax) return fail("too many heads", "", 0);
    heads[headCount] = (Head){value, 0, 0};
    n = ++headCount;
  }
  Head *head = &heads[n - 1];
  head->last = at;
  if (++head->received == count) showHead(head);
}

static void take(Connection *c, const char *text, size_t length, int64_t at) {
  if (!listening) {
    if (c->asked && isResult(text, length, c->call->id)) answered++;
    else fail("wrong answer", text, length);
    c->asked = 0;
    if (sending) sendCall(c);
  } else if (c->subscribed && memmem(text, length, "\"eth_subscription\"", 18)) takeHead(c, text, length, at);
  else if (!c->subscribed && isResult(text, length, "1")) { c->subscribed = 1; settled++; }
  else fail("wrong answer", text, length);
}

/* Takes one whole frame; returns its length, 0 where there is more to come, -1 where no server may send it. */
static ssize_t takeFrame(Connection *c, const char *text, size_t have, int64_t at) {
  const unsigned char *p = (const void *)text;
  if (have < 2) return 0;
  size_t head = 2, length = p[1] & 127;
  int wide = length == 126 ? 2 : length == 127 ? 8 : 0, opcode = p[0] & 15;
  if (have < head + wide) return 0;
  if (wide) for (length = 0; wide; wide--) length = length << 8 | p[head++];
  if (p[1] & 128 || (p[0] & 0xf0) != 0x80 || length > messageMax) { fail("no frame of a server", "", 0); return -1; }
  if (have < head + length) return 0;
  if (opcode == opText) take(c, text + head, length, at);
  else if (opcode == opPing && length <= controlMax) {
    char pong[controlMax + 8];
    sendAll(c, pong, frame(pong, opPong, text + head, length));
  } else { fail(opcode == opClose ? "closed" : "no frame of text", text + head + 2, length < 2 ? 0 : length - 2); return -1; }
  return head + length;
}

/* Takes the answer to the handshake; as takeFrame. */
static ssize_t takeHandshake(Connection *c, char *text, size_t have) {
  char *to = memmem(text, have, "\r\n\r\n", 4);
  if (!to) return 0;
  to[2] = 0;
  if (strncmp(text, "HTTP/1.1 101 ", 13) || !strcasestr(text, ACCEPT)) { fail("refused", text, have); return -1; }
  c->open = 1;
  if (listening) {
    char subscribe[sizeof SUBSCRIBE + 8];
    sendAll(c, subscribe, frame(subscribe, opText, SUBSCRIBE, sizeof SUBSCRIBE - 1));
  } else settled++;
  return to + 4 - text;
}

static void receive(Connection *c) {
  if (c->restLength) memcpy(received, c->rest, c->restLength);
  ssize_t n = recv(c->fd, received + c->restLength, messageMax, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return drop(c);
  int64_t at = micros();
  char *p = received, *to = received + c->restLength + n;
  ssize_t used = 0;
  do {
    used = c->open ? takeFrame(c, p, to - p, at) : takeHandshake(c, p, to - p);
    if (used < 0) return drop(c);
    p += used;
  } while (used && p < to);
  free(c->rest);
  c->rest = 0;
  c->restLength = to - p;
  if (p < to) {
    c->rest = malloc(to - p);
    memcpy(c->rest, p, to - p);
  }
}

static void handle(int waitMs) {
  struct epoll_event events[eventsMax];
  int ready = epoll_wait(poller, events, eventsMax, waitMs);
  for (int i = 0; i < ready; i++) receive(events[i].data.ptr);
}

static void openOne(Connection *c, int port, const char *key) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  char request[1024];
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (void *)&address, sizeof address)) { perror("sockets"); exit(1); }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
  int length = snprintf(request, sizeof request, HANDSHAKE, *key ? "X-API-Key: " : "", key, *key ? "\r\n" : "");
  sendAll(c, request, length);
}

/* Few at once, so that opening does not become a flood. */
static void openAll(int port, int64_t until) {
  while (settled + lost < count && micros() < until && !ended) {
    while (connected < count && connected - settled - lost < openingMax) {
      openOne(&all[connected], port, listening ? "" : pool[connected % poolSize].key);
      connected++;
    }
    handle(20);
  }
}

static void readPool(const char *path) {
  FILE *file = fopen(path, "r");
  char *line = 0;
  size_t room = 0;
  ssize_t length;
  if (!file) { perror("sockets"); exit(2); }
  pool = calloc(poolMax, sizeof *pool);
  while (poolSize < poolMax && (length = getline(&line, &room, file)) > 0) {
    if (line[length - 1] == '\n') line[--length] = 0;
    Call *call = &pool[poolSize++];
    char *body = strchr(line, '\t'), *id = body ? strstr(body, "\"id\":") : 0;
    size_t idLength = id ? strcspn(id + 5, ",}") : idMax, bodyLength = id ? line + length - ++body : 0;
    if (idLength >= idMax || body - line > (ssize_t)sizeof call->key || bodyLength > 65535) {
      fprintf(stderr, "sockets: no key and call: %.200s\n", line);
      exit(2);
    }
    memcpy(call->key, line, body - 1 - line);
    memcpy(call->id, id + 5, idLength);
    call->at = malloc(bodyLength + 16);
    call->length = frame(call->at, opText, body, bodyLength);
  }
  free(line);
  fclose(file);
  if (!poolSize) { fprintf(stderr, "sockets: no calls in %s\n", path); exit(2); }
}

static int openAsked(void) {
  int asked = 0;
  for (int i = 0; i < count; i++) asked += all[i].fd >= 0 && all[i].asked;
  return asked;
}

static void callUntil(int ms) {
  int64_t from = micros(), to = from + ms * 1000ll, at;
  sending = 1;
  for (int i = 0; i < count; i++) if (all[i].fd >= 0) sendCall(&all[i]);
  while ((at = micros()) < to && lost < count && !ended) handle(20);
  sending = 0;
  long counted = answered;
  for (int64_t last = micros() + graceMs * 1000ll; openAsked() && micros() < last && !ended;) handle(20);
  failed += openAsked();
  printf("{\"answered\":%ld,\"microseconds\":%lld,\"failed\":%d}\n", counted, (long long)(at - from), failed);
}

static void listenUntil(int64_t until) {
  if (settled == count) printf("{\"subscribed\":%d}\n", count);
  fflush(stdout);
  while (micros() < until && !ended && lost < count) handle(100);
  for (int n = 0; n < headCount; n++) if (heads[n].received != count) showHead(&heads[n]);
  printf("{\"open\":%d,\"failed\":%d}\n", settled - lost, failed);
}

static int number(const char *text, int max) {
  int value = atoi(text);
  if (value < 1 || value > max) { fprintf(stderr, "sockets: %s: expected 1 to %d\n", text, max); exit(2); }
  return value;
}

int main(int argc, char **argv) {
  listening = argc == 5 && !strcmp(argv[1], "listen");
  if (!listening && !(argc == 6 && !strcmp(argv[1], "calls"))) {
    fprintf(stderr, "sockets calls PORT CONNECTIONS MEASURE_MS POOL_FILE\nsockets listen PORT CONNECTIONS MAX_MS\n");
    return 2;
  }
  int port = number(argv[2], 65535), ms = number(argv[4], msMax);
  count = number(argv[3], connectionsMax);
  int64_t until = micros() + ms * 1000ll;
  if (!listening) readPool(argv[5]);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, 0);
  sigaction(SIGINT, &action, 0);
  poller = epoll_create1(EPOLL_CLOEXEC);
  all = calloc(count, sizeof *all);
  received = malloc(2 * messageMax + 64);
  openAll(port, listening ? until : micros() + 10000000ll);
  if (listening) listenUntil(until);
  else callUntil(ms);
  return 0;
}
