/* A JSON-RPC node that costs next to nothing, so that a run measures the proxy before it.
 *
 * One thread, epoll, HTTP/1.1 with keep-alive and pipelining, JSON-RPC calls and batches. Each call is answered with
 * its own id, byte for byte, and with a result made from its params: an answer that went to another call's caller
 * differs, even where the proxy has put its own ids in between.
 *
 * What proxies ask to see whether a node is well (eth_chainId, eth_syncing, eth_getBlockByNumber) is answered as by a node
 * of chain 1 whose head stands still, and is not among the `calls` of /count.
 *
 *   upstream PORT     listens on 127.0.0.1:PORT (0: any), prints the port, ends on SIGTERM
 *   GET /count        {"calls":…,"requests":…,"connections":…}; these are not counted
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
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { bytesMax = 64 << 20, eventsMax = 256, answerMax = 160, headMax = 160, blockMax = 512 };
enum { headNumber = 0x1500000, finalDepth = 64 };

typedef struct { char *at; size_t length, room; } Bytes;
typedef struct { int fd; int writing; int closing; Bytes in, out; size_t sent; } Connection;
typedef struct { const char *at; size_t length; } Range;
typedef struct { Range id, method, params; } Call;

static uint64_t calls, requests, connections;
static int poller;
static volatile sig_atomic_t ended;

static void end(int signal) { (void)signal; ended = 1; }

static void reserve(Bytes *bytes, size_t more) {
  if (bytes->length + more <= bytes->room) return;
  size_t room = bytes->room ? bytes->room : 16384;
  while (room < bytes->length + more) room *= 2;
  bytes->at = realloc(bytes->at, room);
  if (!bytes->at) abort();
  bytes->room = room;
}

static void append(Bytes *bytes, const char *from, size_t length) {
  reserve(bytes, length);
  memcpy(bytes->at + bytes->length, from, length);
  bytes->length += length;
}

/* JSON. Bounds are kept for any input; the meaning is right for well-formed input, which proxies have checked. */

static const char *skipSpace(const char *p, const char *to) {
  while (p < to && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
  return p;
}

static const char *skipString(const char *p, const char *to) {
  for (p++; p < to; p++) {
    if (*p == '\\') p++;
    else if (*p == '"') return p + 1;
  }
  return to;
}

static const char *skipValue(const char *p, const char *to) {
  if (p < to && *p == '"') return skipString(p, to);
  if (p < to && (*p == '{' || *p == '[')) {
    int depth = 0;
    while (p < to) {
      if (*p == '"') { p = skipString(p, to); continue; }
      if (*p == '{' || *p == '[') depth++;
      else if ((*p == '}' || *p == ']') && --depth == 0) return p + 1;
      p++;
    }
    return to;
  }
  while (p < to && *p != ',' && *p != '}' && *p != ']' && *p != ' ' && *p != '\n' && *p != '\r' && *p != '\t') p++;
  return p;
}

static const char *readCall(const char *p, const char *to, Call *call) {
  memset(call, 0, sizeof *call);
  p = skipSpace(p + 1, to);
  while (p < to && *p == '"') {
    const char *key = p + 1;
    p = skipString(p, to);
    size_t keyLength = p - key - 1;
    p = skipSpace(p, to);
    if (p >= to || *p != ':') break;
    const char *value = p = skipSpace(p + 1, to);
    p = skipValue(p, to);
    if (keyLength == 2 && !memcmp(key, "id", 2)) call->id = (Range){value, p - value};
    else if (keyLength == 6 && !memcmp(key, "params", 6)) call->params = (Range){value, p - value};
    else if (keyLength == 6 && !memcmp(key, "method", 6)) call->method = (Range){value, p - value};
    p = skipSpace(p, to);
    if (p >= to || *p != ',') break;
    p = skipSpace(p + 1, to);
  }
  return p < to && *p == '}' ? p + 1 : to;
}

static uint64_t digest(Range range) {
  uint64_t hash = 0x9e3779b97f4a7c15u ^ range.length;
  while (range.length) {
    uint64_t word = 0;
    size_t step = range.length < 8 ? range.length : 8;
    memcpy(&word, range.at, step);
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
    range.at += step;
    range.length -= step;
  }
  return hash;
}

static int is(Range range, const char *text) {
  return range.length == strlen(text) && !memcmp(range.at, text, range.length);
}

/* A block's hash is its number and one more, so that parents are right. */
static int writeBlock(char *to, uint64_t number) {
  return snprintf(to, blockMax,
                  "{\"number\":\"0x%llx\",\"hash\":\"0x%064llx\",\"parentHash\":\"0x%064llx\",\"timestamp\":\"0x%llx\","
                  "\"transactions\":[]}",
                  (unsigned long long)number, (unsigned long long)number + 1, (unsigned long long)number,
                  (unsigned long long)0x60000000 + 12 * number);
}

/* Writes the block that params of eth_getBlockByNumber name, null above the head. */
static int writeBlockOf(char *to, Range params) {
  const char *p = params.at, *end = p + params.length;
  if (params.length) p = skipSpace(p + 1, end);
  Range tag = {p, skipValue(p, end) - p};
  if (is(tag, "\"finalized\"")) return writeBlock(to, headNumber - finalDepth);
  if (tag.length < 4 || memcmp(tag.at, "\"0x", 3) || tag.at[tag.length - 1] != '"') return writeBlock(to, headNumber);
  uint64_t number = strtoull(tag.at + 3, 0, 16);
  return number > headNumber ? snprintf(to, blockMax, "null") : writeBlock(to, number);
}

/* The answer to a question about the node itself; 0 for all other calls. */
static int writeHealth(char *to, const Call *call) {
  if (is(call->method, "\"eth_getBlockByNumber\"")) return writeBlockOf(to, call->params);
  if (is(call->method, "\"eth_chainId\"")) return snprintf(to, blockMax, "\"0x1\"");
  if (is(call->method, "\"eth_syncing\"")) return snprintf(to, blockMax, "false");
  return 0;
}

static void answerCall(Bytes *out, const Call *call) {
  static const char before[] = "{\"jsonrpc\":\"2.0\",\"id\":";
  static const char result[] = ",\"result\":\"0x000000000000000000000000000000000000000000000000";
  static const char digits[] = "0123456789abcdef";
  char health[blockMax];
  int healthLength = writeHealth(health, call);
  reserve(out, call->id.length + answerMax);
  append(out, before, sizeof before - 1);
  append(out, call->id.at, call->id.length);
  if (healthLength) {
    append(out, ",\"result\":", 10);
    append(out, health, healthLength);
    append(out, "}", 1);
    return;
  }
  calls++;
  append(out, result, sizeof result - 1);
  uint64_t hash = digest(call->params);
  char tail[18];
  for (int i = 15; i >= 0; i--, hash >>= 4) tail[i] = digits[hash & 15];
  tail[16] = '"';
  tail[17] = '}';
  append(out, tail, sizeof tail);
}

static void answerBody(Bytes *out, const char *p, const char *to) {
  Call call;
  p = skipSpace(p, to);
  if (p < to && *p == '{') {
    readCall(p, to, &call);
    if (call.id.length) answerCall(out, &call);
    else calls++;
    return;
  }
  if (p >= to || *p != '[') return;
  size_t start = out->length;
  append(out, "[", 1);
  for (p = skipSpace(p + 1, to); p < to && *p == '{';) {
    p = skipSpace(readCall(p, to, &call), to);
    if (call.id.length) {
      if (out->length > start + 1) append(out, ",", 1);
      answerCall(out, &call);
    } else calls++;
    if (p >= to || *p != ',') break;
    p = skipSpace(p + 1, to);
  }
  if (out->length == start + 1) out->length = start;
  else append(out, "]", 1);
}

/* HTTP. */

static Range headerValue(const char *head, const char *to, const char *name) {
  size_t length = strlen(name);
  const char *line = memchr(head, '\n', to - head);
  while (line && ++line < to) {
    const char *lineEnd = memchr(line, '\r', to - line);
    if (!lineEnd) break;
    if ((size_t)(lineEnd - line) > length && line[length] == ':' && !strncasecmp(line, name, length)) {
      const char *value = skipSpace(line + length + 1, lineEnd);
      return (Range){value, lineEnd - value};
    }
    line = memchr(lineEnd, '\n', to - lineEnd);
  }
  return (Range){0, 0};
}

static void respond(Connection *c, const char *status, const char *body, size_t length) {
  char head[headMax];
  int size = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", status, length);
  append(&c->out, head, size);
  append(&c->out, body, length);
}

/* Answers all whole requests that have been read. Returns -1 where the connection cannot go on. */
static int serve(Connection *c) {
  static Bytes body;
  const char *p = c->in.at, *to = p + c->in.length;
  while (p < to && !c->closing) {
    const char *headEnd = memmem(p, to - p, "\r\n\r\n", 4);
    if (!headEnd) break;
    const char *start = headEnd + 4;
    if (!strncmp(p, "GET /count ", 11)) {
      char text[headMax];
      int size = snprintf(text, sizeof text, "{\"calls\":%llu,\"requests\":%llu,\"connections\":%llu}",
                          (unsigned long long)calls, (unsigned long long)requests, (unsigned long long)connections);
      respond(c, "200 OK", text, size);
      p = start;
      continue;
    }
    Range length = headerValue(p, headEnd + 2, "content-length");
    if (strncmp(p, "POST ", 5) || !length.length) {
      respond(c, "400 Bad Request", "", 0);
      c->closing = 1;
      break;
    }
    size_t size = strtoull(length.at, 0, 10);
    if (size > bytesMax) return -1;
    if ((size_t)(to - start) < size) break;
    Range keep = headerValue(p, headEnd + 2, "connection");
    if (keep.length == 5 && !strncasecmp(keep.at, "close", 5)) c->closing = 1;
    requests++;
    body.length = 0;
    answerBody(&body, start, start + size);
    respond(c, "200 OK", body.at, body.length);
    p = start + size;
  }
  size_t used = p - c->in.at;
  if (used) memmove(c->in.at, p, c->in.length -= used);
  return 0;
}

static void drop(Connection *c) {
  close(c->fd);
  free(c->in.at);
  free(c->out.at);
  free(c);
}

static int flush(Connection *c) {
  while (c->sent < c->out.length) {
    ssize_t n = send(c->fd, c->out.at + c->sent, c->out.length - c->sent, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return -1;
      break;
    }
    c->sent += n;
  }
  int left = c->sent < c->out.length;
  if (!left) c->out.length = c->sent = 0;
  if (left != c->writing) {
    struct epoll_event event = {.events = left ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
    c->writing = left;
  }
  return !left && c->closing ? -1 : 0;
}

static int receive(Connection *c) {
  reserve(&c->in, 65536);
  ssize_t n = recv(c->fd, c->in.at + c->in.length, c->in.room - c->in.length, 0);
  if (n == 0) return -1;
  if (n < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
  c->in.length += n;
  return c->in.length > bytesMax ? -1 : serve(c);
}

static void acceptAll(int listener) {
  for (;;) {
    int fd = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->fd = fd;
    connections++;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

static int listenOn(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(fd, (void *)&address, size) || listen(fd, 4096)) { perror("upstream"); exit(1); }
  getsockname(fd, (void *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

int main(int argc, char **argv) {
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, 0);
  sigaction(SIGINT, &action, 0);
  poller = epoll_create1(EPOLL_CLOEXEC);
  int listener = listenOn(argc > 1 ? atoi(argv[1]) : 0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = 0}, events[eventsMax];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  while (!ended) {
    int count = epoll_wait(poller, events, eventsMax, -1);
    for (int i = 0; i < count; i++) {
      Connection *c = events[i].data.ptr;
      if (!c) { acceptAll(listener); continue; }
      int over = events[i].events & (EPOLLERR | EPOLLHUP);
      if (!over && events[i].events & EPOLLIN) over = receive(c);
      if (!over) over = flush(c);
      if (over) drop(c);
    }
  }
  return 0;
}
