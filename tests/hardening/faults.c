/* Preloaded, fails the n-th call that writes under INPAINT_FAULT_FOLDER with an error.
 *
 * INPAINT_FAULT_ERROR: the errno. inpaint_fail_at says n, from 1, and begins to count anew. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int calls, at;

void inpaint_fail_at(int n) {
  calls = 0;
  at = n;
}

static int in_folder(const char *path) {
  const char *folder = getenv("INPAINT_FAULT_FOLDER");
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

static int fails(void) {
  if (atomic_fetch_add(&calls, 1) + 1 != at) return 0;
  errno = atoi(getenv("INPAINT_FAULT_ERROR"));
  return 1;
}

ssize_t write(int file, const void *data, size_t size) {
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  return of_folder(file) && fails() ? -1 : real(file, data, size);
}

int fsync(int file) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  return of_folder(file) && fails() ? -1 : real(file);
}

int ftruncate(int file, off_t size) {
  int (*real)(int, off_t) = dlsym(RTLD_NEXT, "ftruncate");
  return of_folder(file) && fails() ? -1 : real(file, size);
}

int rename(const char *from, const char *to) {
  int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
  return in_folder(to) && fails() ? -1 : real(from, to);
}
