/* For LD_PRELOAD: writes and syncs of files under FAILING_DISK fail with EIO while the file FAILING_DISK_ON is there. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int fails(int fd) {
  const char *folder = getenv("FAILING_DISK"), *on = getenv("FAILING_DISK_ON");
  char link[64], path[PATH_MAX];
  if (!folder || !on || access(on, F_OK) != 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strncmp(path, folder, strlen(folder)) == 0;
}

#define SHIM(type, name, parameters, arguments)                     \
  type name parameters {                                            \
    static type(*real) parameters;                                  \
    if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);  \
    if (fails(fd)) { errno = EIO; return -1; }                      \
    return real arguments;                                          \
  }

SHIM(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n))
SHIM(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o))
SHIM(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o))
SHIM(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
SHIM(int, fsync, (int fd), (fd))
SHIM(int, fdatasync, (int fd), (fd))
SHIM(int, ftruncate, (int fd, off_t n), (fd, n))
SHIM(int, ftruncate64, (int fd, off64_t n), (fd, n))
