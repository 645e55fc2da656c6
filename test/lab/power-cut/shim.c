/* For LD_PRELOAD: what a file under POWER_CUT_DIR holds when it is synced is copied to POWER_CUT_KEPT: so much a power cut leaves of it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void keep(int fd) {
  const char *folder = getenv("POWER_CUT_DIR"), *kept = getenv("POWER_CUT_KEPT");
  char link[64], path[PATH_MAX], copy[PATH_MAX], draft[PATH_MAX + 32], bytes[65536];
  struct statx of;
  if (!folder || !kept) return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return;
  path[length] = 0;
  if (strncmp(path, folder, strlen(folder)) != 0) return;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &of) != 0 || !S_ISREG(of.stx_mode)) return;
  snprintf(copy, sizeof copy, "%s/%llu-%lld%09u", kept, (unsigned long long)of.stx_ino, (long long)of.stx_btime.tv_sec, of.stx_btime.tv_nsec);
  snprintf(draft, sizeof draft, "%s.%d", copy, gettid());
  int from = open(link, O_RDONLY | O_CLOEXEC), to = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  while (from >= 0 && to >= 0 && (length = read(from, bytes, sizeof bytes)) > 0)
    if (write(to, bytes, length) != length) break;
  close(from);
  close(to);
  rename(draft, copy);
}

#define SHIM(name)                                            \
  int name(int fd) {                                          \
    static int (*real)(int);                                  \
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #name);  \
    int result = real(fd);                                    \
    if (result == 0) keep(fd);                                \
    return result;                                            \
  }

SHIM(fsync)
SHIM(fdatasync)
