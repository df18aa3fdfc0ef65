/* Preloaded, counts fsync and fdatasync, and makes each take longer.
 *
 * SLOW_DISK_CALLS: a file of 8 bytes, which holds the number of calls in the machine's byte order.
 * SLOW_DISK_MILLISECONDS: how much longer each call takes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t *calls;
static struct timespec pause_;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SLOW_DISK_CALLS");
    const char *text = getenv("SLOW_DISK_MILLISECONDS");
    long milliseconds = text ? atol(text) : 0;
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    pause_.tv_sec = milliseconds / 1000;
    pause_.tv_nsec = milliseconds % 1000 * 1000000;
    if (file < 0)
        return;
    void *memory = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED)
        calls = memory;
}

static int slowly(const char *name, int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct timespec left = pause_;

    if (calls)
        atomic_fetch_add(calls, 1);
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
    return real(file);
}

int fsync(int file)
{
    return slowly("fsync", file);
}

int fdatasync(int file)
{
    return slowly("fdatasync", file);
}
