/* Preloaded, lets the n-th call that writes below INPAINT_FAULT_FOLDER go wrong.
 *
 * Counted are calls that open a file to write, write, sync, cut, close or rename one.
 * inpaint_fault says what goes wrong, and begins to count anew; inpaint_calls tells how many there
 * were since. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static atomic_int calls;
static int first, error_number, is_lasting, is_part;

/* at: the call, from 1; 0 for none. error: the errno, or 0. lasting: that call and all that follow,
 * as on a full disk. part: a write first writes half of what it is given and says so; the error is
 * the next call's. */
void inpaint_fault(int at, int error, int lasting, int part) {
  calls = 0;
  first = at, error_number = error, is_lasting = lasting, is_part = part;
}

int inpaint_calls(void) { return calls; }

static int in_folder(const char* path) {
  const char* folder = getenv("INPAINT_FAULT_FOLDER");
  return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static int of_folder(int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return in_folder(path);
}

static int is_written(int file) {
  int flags = fcntl(file, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && of_folder(file);
}

enum { GOES_WELL, FAILS, WRITES_PART };

static int next_call(void) {
  int at = atomic_fetch_add(&calls, 1) + 1, since = at - first - is_part;
  if (!first) return GOES_WELL;
  if (is_part && at == first) return WRITES_PART;
  if (!error_number || since < 0 || (since > 0 && !is_lasting)) return GOES_WELL;
  errno = error_number;
  return FAILS;
}

#define FAULTY(counted, failed, real) return (counted) && next_call() == FAILS ? (failed) : (real)

#define WRITE(file, size, whole, half)                  \
  switch (is_written(file) ? next_call() : GOES_WELL) { \
    case FAILS:                                         \
      return -1;                                        \
    case WRITES_PART:                                   \
      if ((size) > 1) return half;                      \
  }                                                     \
  return whole

ssize_t write(int file, const void* data, size_t size) {
  WRITE(file, size, REAL(write)(file, data, size), REAL(write)(file, data, size / 2));
}

ssize_t pwrite(int file, const void* data, size_t size, off_t at) {
  WRITE(file, size, REAL(pwrite)(file, data, size, at), REAL(pwrite)(file, data, size / 2, at));
}

ssize_t pwrite64(int file, const void* data, size_t size, off64_t at) {
  return pwrite(file, data, size, at);
}

ssize_t writev(int file, const struct iovec* parts, int count) {
  WRITE(file, parts[0].iov_len, REAL(writev)(file, parts, count),
        REAL(write)(file, parts[0].iov_base, parts[0].iov_len / 2));
}

/* Nothing is synced: it takes long, and no power fails here. */
int fsync(int file) { FAULTY(of_folder(file), -1, 0); }

int fdatasync(int file) { return fsync(file); }

int ftruncate(int file, off_t size) { FAULTY(of_folder(file), -1, REAL(ftruncate)(file, size)); }

int ftruncate64(int file, off64_t size) { return ftruncate(file, size); }

int rename(const char* from, const char* to) { FAULTY(in_folder(to), -1, REAL(rename)(from, to)); }

int chmod(const char* path, mode_t mode) { FAULTY(in_folder(path), -1, REAL(chmod)(path, mode)); }

/* What it closes is closed all the same, as Linux does it. */
int close(int file) {
  int is_counted = is_written(file), closed = REAL(close)(file);
  FAULTY(is_counted, -1, closed);
}

#define OPEN(name)                                                                                 \
  int name(const char* path, int flags, ...) {                                                     \
    va_list rest;                                                                                  \
    va_start(rest, flags);                                                                         \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                        \
    va_end(rest);                                                                                  \
    FAULTY((flags & O_ACCMODE) != O_RDONLY && in_folder(path), -1, REAL(name)(path, flags, mode)); \
  }
OPEN(open)
OPEN(open64)
