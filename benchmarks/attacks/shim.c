/* Preloaded, it lets the n-th call of one kind fail, on paths that contain a word; disarmed, it does nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char call_[32], word_[128];
static int left_ = -1, code_ = 0, kill_ = 0, always_ = 0;

/* code 0: the process is killed before the call. always: every later call of the kind fails too. */
void shim_arm(const char *call, const char *word, int nth, int code, int always) {
  strncpy(call_, call, sizeof call_ - 1);
  strncpy(word_, word, sizeof word_ - 1);
  left_ = nth; code_ = code; kill_ = code == 0; always_ = always;
}

static int fails(const char *call, const char *path) {
  if (left_ < 0 || strcmp(call, call_) || !path || !strstr(path, word_)) return 0;
  if (left_ > 0) { left_--; return 0; }
  if (!always_) left_ = -1;
  if (kill_) kill(getpid(), SIGKILL);
  errno = code_;
  return 1;
}

static int fails_fd(const char *call, int fd) {
  char link[64], path[4096];
  if (left_ < 0 || strcmp(call, call_)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return fails(call, path);
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, name)

static int opens(const char *path, int flags) { return fails(flags & (O_WRONLY | O_RDWR) ? "create" : "open", path); }

int open(const char *path, int flags, ...) {
  va_list more; va_start(more, flags); int mode = va_arg(more, int); va_end(more);
  REAL(int, "open", const char *, int, ...);
  return opens(path, flags) ? -1 : real(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  va_list more; va_start(more, flags); int mode = va_arg(more, int); va_end(more);
  REAL(int, "open64", const char *, int, ...);
  return opens(path, flags) ? -1 : real(path, flags, mode);
}
ssize_t write(int fd, const void *data, size_t n) {
  REAL(ssize_t, "write", int, const void *, size_t);
  return fails_fd("write", fd) ? -1 : real(fd, data, n);
}
ssize_t read(int fd, void *data, size_t n) {
  REAL(ssize_t, "read", int, void *, size_t);
  return fails_fd("read", fd) ? -1 : real(fd, data, n);
}
int fsync(int fd) {
  REAL(int, "fsync", int);
  return fails_fd("fsync", fd) ? -1 : real(fd);
}
int rename(const char *a, const char *b) {
  REAL(int, "rename", const char *, const char *);
  return fails("rename", b) ? -1 : real(a, b);
}
int link(const char *a, const char *b) {
  REAL(int, "link", const char *, const char *);
  return fails("link", b) ? -1 : real(a, b);
}
int mkdir(const char *path, mode_t mode) {
  REAL(int, "mkdir", const char *, mode_t);
  return fails("mkdir", path) ? -1 : real(path, mode);
}
int unlink(const char *path) {
  REAL(int, "unlink", const char *);
  return fails("unlink", path) ? -1 : real(path);
}
