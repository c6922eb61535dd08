/* load.c - closed-loop load generator for an OpenAI-compatible endpoint, streaming aware.
 *
 *   cc -O2 -o load load.c
 *   ./load -p PORT [-c CONNS] [-n REQUESTS | -t SECONDS] [-s] [-m MODEL] [-k KEY] [-b PROMPT_BYTES]
 *          [-P PID[,PID..]] [-w WARMUP_REQUESTS] [-u PATH] [-l LABEL] [-H] [-W connect_pace_us]
 *          [-f BODY_FILE]
 *
 * One JSON line on stdout: rps, latency percentiles (us), for -s also time to first event, events/s,
 * one-way delay of each event (the mock stamps its content chunks with CLOCK_MONOTONIC), and the gaps between a
 * stream's events.
 * -f: the body of every request, in any dialect; -s then only says that the answers are streams.
 * -P: also CPU seconds per 1,000 requests of those processes and all their descendants (utime+stime
 *     from /proc/PID/stat; per-process CPU clocks for sub-tick precision where readable) and RSS/PSS at the end of the run, before connections close.
 * -H: hold mode: every connection starts one request; stop after -t seconds, report RSS and events.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct { int fd, st, chunked, status, keep, first, connected; long long left; long long t0; int hlen, llen; char h[8192]; char line[32]; char ev[64]; int evst, dig; long long stampv, last; } conn;
enum { HEAD, BODY, CSIZE, CDATA, CCRLF, CTRAIL, DONE };

static int port = 8080, conns = 1, stream, hold, warm = 0, pace = 0; static long total = 0; static double secs = 0;
static const char *model = "mock", *key = "sk-test", *path = "/v1/chat/completions", *label = "", *file; static int pbytes = 200;
static char *req; static int reqlen, ep; static struct sockaddr_in addr;
static long started, done, errors, non200, events, stamped;

/* log-ish histogram: 1 us steps to 1 ms, 10 us to 100 ms, 1 ms to 60 s */
#define HN (1000 + 9900 + 60000)
typedef struct { unsigned n[HN]; long c; double sum; long long max; } hist;
static hist lat, ttft, owd, gap;
static void hadd(hist *h, long long us) { if (us < 0) us = 0; int i = us < 1000 ? us : us < 100000 ? 1000 + (us - 1000) / 10 : 10900 + (us - 100000) / 1000; if (i >= HN) i = HN - 1; h->n[i]++; h->c++; h->sum += us; if (us > h->max) h->max = us; }
static long long hq(hist *h, double q) { long k = (long)(q * h->c); for (int i = 0; i < HN; i++) { if (k < h->n[i]) return i < 1000 ? i : i < 10900 ? 1000 + (i - 1000) * 10LL : 100000 + (i - 10900) * 1000LL; k -= h->n[i]; } return h->max; }
static long long now_us(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000LL + t.tv_nsec / 1000; }

/* ---- CPU and RSS of process trees ---- */
static int pids[4096], npids; static int roots[64], nroots;
static void tree(void) {
  npids = 0; for (int i = 0; i < nroots; i++) pids[npids++] = roots[i];
  for (int pass = 0, grew = 1; grew && pass < 8; pass++) {
    grew = 0; DIR *d = opendir("/proc"); struct dirent *e;
    while ((e = readdir(d))) {
      int p = atoi(e->d_name), pp = 0; if (p <= 0) continue;
      char f[64], b[1024]; snprintf(f, sizeof f, "/proc/%d/stat", p); FILE *s = fopen(f, "r"); if (!s) continue;
      if (fgets(b, sizeof b, s)) { char *z = strrchr(b, ')'); if (z) sscanf(z + 2, "%*c %d", &pp); } fclose(s);
      int have = 0, par = 0; for (int i = 0; i < npids; i++) { have |= pids[i] == p; par |= pids[i] == pp; }
      if (par && !have && npids < 4096) { pids[npids++] = p; grew = 1; }
    }
    closedir(d);
  }
}
static double cpu(void) { /* seconds, all of the tree; schedstat of every thread has ns precision */
  double t = 0;
  for (int i = 0; i < npids; i++) {
    clockid_t cid; struct timespec ts; if (!clock_getcpuclockid(pids[i], &cid) && !clock_gettime(cid, &ts)) t += ts.tv_sec + ts.tv_nsec / 1e9;
  }
  return t;
}
static double ticks_user, ticks_sys;
static void split(void) { /* utime/stime of the tree, 10 ms ticks: only their ratio is used */
  ticks_user = ticks_sys = 0;
  for (int i = 0; i < npids; i++) { char f[64], b[1024]; unsigned long u, s; snprintf(f, sizeof f, "/proc/%d/stat", pids[i]); FILE *g = fopen(f, "r"); if (!g) continue;
    if (fgets(b, sizeof b, g)) { char *z = strrchr(b, ')'); if (z && sscanf(z + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s) == 2) { ticks_user += u; ticks_sys += s; } } fclose(g); }
}
static double memory(const char *field) { /* MiB of the tree: "Rss" or "Pss" */
  double t = 0; int w = strlen(field);
  for (int i = 0; i < npids; i++) {
    char f[64], b[256]; snprintf(f, sizeof f, "/proc/%d/smaps_rollup", pids[i]); FILE *s = fopen(f, "r"); if (!s) continue;
    while (fgets(b, sizeof b, s)) if (!strncmp(b, field, w) && b[w] == ':') t += atol(b + w + 1);
    fclose(s);
  }
  return t / 1024;
}

static void send_req(conn *c) {
  c->st = HEAD; c->hlen = c->llen = 0; c->chunked = 0; c->left = -1; c->first = 0; c->keep = 1; c->evst = 0; c->last = 0;
  c->t0 = now_us(); started++;
  if (send(c->fd, req, reqlen, MSG_NOSIGNAL) != reqlen) { errors++; }
}
static void dial(conn *c) {
  int one = 1; if (c->fd > 0) close(c->fd); c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(c->fd, (void *)&addr, sizeof addr)) { perror("connect"); exit(1); }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event e = {EPOLLIN, {.ptr = c}}; epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}
/* scan decoded body bytes for "\ndata: " starts and "@<16 digits>" stamps */
static void scan(conn *c, const char *p, long n, long long now) {
  if (!stream) return;
  for (long i = 0; i < n; i++) {
    char ch = p[i];
    if (c->dig) { if (ch >= '0' && ch <= '9') { c->stampv = c->stampv * 10 + ch - '0'; if (++c->dig == 17) { hadd(&owd, now - c->stampv); stamped++; c->dig = 0; } } else c->dig = 0; }
    else if (ch == '@') { c->dig = 1; c->stampv = 0; }
    static const char pat[] = "data:";
    if (ch == pat[c->evst]) { if (++c->evst == 5) { events++; c->evst = 0; if (c->last) hadd(&gap, now - c->last); c->last = now; if (!c->first) { c->first = 1; hadd(&ttft, now - c->t0); } } }
    else c->evst = ch == 'd';
  }
}
/* feed bytes; returns 1 when the response is complete, -1 on protocol error */
static int feed(conn *c, const char *p, long n, long long now) {
  while (n > 0) switch (c->st) {
    case HEAD: {
      long k = n < (long)sizeof c->h - 1 - c->hlen ? n : (long)sizeof c->h - 1 - c->hlen; if (k <= 0) return -1;
      int was = c->hlen; memcpy(c->h + c->hlen, p, k); c->hlen += k; c->h[c->hlen] = 0;
      int from = was > 3 ? was - 3 : 0; char *e = memmem(c->h + from, c->hlen - from, "\r\n\r\n", 4);
      if (!e) { p += k; n -= k; break; }
      int used = e + 4 - c->h - was; p += used; n -= used; e[2] = 0;
      c->status = atoi(c->h + 9);
      for (char *q = strchr(c->h, '\n'); q; q = strchr(q + 1, '\n')) {
        if (!strncasecmp(q + 1, "content-length:", 15)) c->left = atoll(q + 16);
        else if (!strncasecmp(q + 1, "transfer-encoding:", 18)) c->chunked = 1;
        else if (!strncasecmp(q + 1, "connection: close", 17)) c->keep = 0;
      }
      c->st = c->chunked ? CSIZE : BODY; if (!c->chunked && c->left == 0) return 1;
      break; }
    case BODY: { long k = c->left < 0 || n < c->left ? n : c->left; scan(c, p, k, now); p += k; n -= k; if (c->left > 0 && (c->left -= k) == 0) return 1; break; }
    case CSIZE: { char ch = *p++; n--; if (ch == '\n') { c->line[c->llen] = 0; c->left = strtol(c->line, 0, 16); c->llen = 0; c->st = c->left ? CDATA : CTRAIL; } else if (c->llen < 31) c->line[c->llen++] = ch; break; }
    case CDATA: { long k = n < c->left ? n : c->left; scan(c, p, k, now); p += k; n -= k; if ((c->left -= k) == 0) c->st = CCRLF; break; }
    case CCRLF: { if (*p++ == '\n') c->st = CSIZE; n--; break; }
    case CTRAIL: { char ch = *p++; n--; if (ch == '\n') { if (c->llen == 0) return 1; c->llen = 0; } else if (ch != '\r') c->llen++; break; }
  }
  return 0;
}
int main(int argc, char **argv) {
  int o; while ((o = getopt(argc, argv, "p:c:n:t:sm:k:b:P:w:u:l:HW:f:")) > 0) switch (o) {
    case 'p': port = atoi(optarg); break; case 'c': conns = atoi(optarg); break; case 'n': total = atol(optarg); break;
    case 't': secs = atof(optarg); break; case 's': stream = 1; break; case 'm': model = optarg; break; case 'k': key = optarg; break;
    case 'b': pbytes = atoi(optarg); break; case 'w': warm = atoi(optarg); break; case 'u': path = optarg; break; case 'l': label = optarg; break;
    case 'H': hold = 1; break; case 'W': pace = atoi(optarg); break; case 'f': file = optarg; break;
    case 'P': for (char *t = strtok(optarg, ","); t; t = strtok(0, ",")) roots[nroots++] = atoi(t); break; default: return 2; }
  signal(SIGPIPE, SIG_IGN); if (!total && !secs) total = 10000;
  addr.sin_family = AF_INET; addr.sin_port = htons(port); addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK); ep = epoll_create1(0);
  char *body = malloc(pbytes + 1024), *pad = malloc(pbytes + 1); for (int i = 0; i < pbytes; i++) pad[i] = "lorem ipsum dolor sit amet "[i % 27]; pad[pbytes] = 0;
  int n = sprintf(body, "{\"model\":\"%s\",\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"},{\"role\":\"user\",\"content\":\"%s\"}],\"temperature\":0.7,\"max_tokens\":256%s}", model, pad, stream ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : "");
  if (file) {
    FILE *f = fopen(file, "rb"); if (!f) { perror(file); return 1; }
    fseek(f, 0, SEEK_END); n = ftell(f); rewind(f); body = realloc(body, n + 1);
    if (fread(body, 1, n, f) != (size_t)n) { perror(file); return 1; }
    fclose(f);
  }
  req = malloc(n + 2048); reqlen = sprintf(req, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\nAccept: */*\r\nUser-Agent: OpenAI/Python 2.0.0\r\nX-Stainless-Lang: python\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, port, key, getenv("LOAD_HEADERS") ? getenv("LOAD_HEADERS") : "", n); memcpy(req + reqlen, body, n); reqlen += n;
  conn *cs = calloc(conns, sizeof *cs); static char buf[262144]; long quota = warm; int phase = warm ? 0 : 1;
  for (int i = 0; i < conns; i++) { dial(&cs[i]); if (pace) usleep(pace); }
  if (phase == 1) quota = total ? total : 1L << 60;
  double c0 = 0; long long T0 = 0; if (nroots) tree();
  int act = 0;
again:
  started = done = errors = non200 = events = stamped = 0; memset(&lat, 0, sizeof lat); memset(&ttft, 0, sizeof ttft); memset(&owd, 0, sizeof owd); memset(&gap, 0, sizeof gap);
  double u0 = 0, s0 = 0; if (nroots) { c0 = cpu(); split(); u0 = ticks_user; s0 = ticks_sys; }
  T0 = now_us(); act = 0;
  for (int i = 0; i < conns && started < quota; i++) { send_req(&cs[i]); act++; if (pace) usleep(pace); }
  while (act > 0) {
    struct epoll_event ev[256]; int k = epoll_wait(ep, ev, 256, 100); long long now = now_us();
    if (phase && secs && now - T0 > secs * 1e6) { if (hold) break; quota = started; }
    if (phase && secs && now - T0 > (secs + 20) * 1e6) break;
    if (!secs && now - T0 > 120e6) break;
    for (int i = 0; i < k; i++) {
      conn *c = ev[i].data.ptr; ssize_t r = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);
      if (r < 0 && errno == EAGAIN) continue;
      int f = r > 0 ? feed(c, buf, r, now_us()) : (c->st == BODY && c->left < 0 ? 1 : -1);
      if (f == 0) continue;
      now = now_us(); if (f > 0) { hadd(&lat, now - c->t0); done++; if (c->status != 200) { if (!non200++) fprintf(stderr, "status %d\n", c->status); } } else { errors++; done++; }
      if (f < 0 || r <= 0 || !c->keep) dial(c);
      if (started < quota && !hold) send_req(c); else act--;
    }
  }
  double el = (now_us() - T0) / 1e6;
  if (!phase) { phase = 1; quota = total ? total : 1L << 60; goto again; }
  double cs1 = 0, mem = 0, pss = 0, uf = 0; if (nroots) { cs1 = cpu() - c0; split(); double u = ticks_user - u0, k = ticks_sys - s0; uf = u + k ? u / (u + k) : 0; mem = memory("Rss"); pss = memory("Pss"); }
  printf("{\"label\":\"%s\",\"c\":%d,\"n\":%ld,\"s\":%.2f,\"rps\":%.0f,\"p50\":%lld,\"p90\":%lld,\"p99\":%lld,\"max\":%lld,\"err\":%ld,\"non200\":%ld", label, conns, done, el, done / el, hq(&lat, .5), hq(&lat, .9), hq(&lat, .99), lat.max, errors, non200);
  if (stream) printf(",\"ttft50\":%lld,\"ttft99\":%lld,\"events\":%ld,\"ev_s\":%.0f,\"owd50\":%lld,\"owd99\":%lld,\"owdmax\":%lld,\"gap50\":%lld,\"gap99\":%lld,\"gapmax\":%lld", hq(&ttft, .5), hq(&ttft, .99), events, events / el, hq(&owd, .5), hq(&owd, .99), owd.max, hq(&gap, .5), hq(&gap, .99), gap.max);
  if (nroots) printf(",\"cpu_s\":%.3f,\"cpu_ms_per_req\":%.4f,\"cpu_us_per_event\":%.2f,\"user_frac\":%.2f,\"cpu_pct\":%.0f,\"rss_mb\":%.1f,\"pss_mb\":%.1f", cs1, done ? cs1 / done * 1e3 : 0, events ? cs1 / events * 1e6 : 0, uf, cs1 / el * 100, mem, pss);
  printf("}\n"); return 0;
}
