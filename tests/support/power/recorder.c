/* Records what a process writes, syncs and sends, so that a test can cut its power at any moment.
 *
 * Preloaded (LD_PRELOAD); RECORD_FOLDER names the folder whose files count, RECORD_TO the file that takes the record.
 * What a power cut could take back is written down after it has happened, except what leaves by a socket: that is
 * written down before, for it may have left. Read by tests/support/power/disk.py, which knows the format too.
 * It changes nothing of what the process does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;
static const char *folder;
static size_t folder_length;
static char ours[FILES]; /* whether this descriptor is a file or folder that counts */

struct __attribute__((packed)) head {
    char what;
    int32_t file;
    int64_t where;
    uint32_t length;
};

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("RECORD_TO");
    folder = getenv("RECORD_FOLDER");
    if (path == NULL || folder == NULL)
        return;
    folder_length = strlen(folder);
    record = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void note(char what, int file, int64_t where, const struct iovec *parts, int count) {
    struct iovec all[66];
    struct head head = {what, file, where, 0};
    int used = 1;
    for (int i = 0; i < count && used < 66; i++) {
        all[used++] = parts[i];
        head.length += parts[i].iov_len;
    }
    all[0].iov_base = &head;
    all[0].iov_len = sizeof head;
    if (syscall(SYS_writev, record, all, used) < 0)
        abort();
}

static void note_bytes(char what, int file, int64_t where, const void *bytes, size_t length) {
    struct iovec part = {(void *)bytes, length};
    note(what, file, where, &part, 1);
}

static int counts(const char *path) {
    return record >= 0 && strncmp(path, folder, folder_length) == 0;
}

static int is_ours(int file) {
    return record >= 0 && file >= 0 && file < FILES && ours[file];
}

static int is_socket(int file) {
    struct stat found;
    int before = errno, yes;
    if (record < 0 || file == record)
        return 0;
    yes = fstat(file, &found) == 0 && S_ISSOCK(found.st_mode);
    errno = before;
    return yes;
}

/* Opening and closing */

static int open_at(int where, const char *path, int flags, mode_t mode) {
    struct stat found;
    int file, fresh, before;
    if (!counts(path))
        return syscall(SYS_openat, where, path, flags, mode);
    pthread_mutex_lock(&turn);
    fresh = stat(path, &found) != 0;
    file = syscall(SYS_openat, where, path, flags, mode);
    before = errno;
    if (file >= 0 && file < FILES) {
        ours[file] = 1;
        note_bytes('O', file, fresh | (flags & O_TRUNC ? 2 : 0), path, strlen(path));
    }
    pthread_mutex_unlock(&turn);
    errno = before;
    return file;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int where, const char *path, int flags, ...) { MODE(flags) return open_at(where, path, flags, mode); }
int openat64(int where, const char *path, int flags, ...) { MODE(flags) return open_at(where, path, flags, mode); }
int __open_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }

int close(int file) {
    int found, before;
    if (!is_ours(file))
        return syscall(SYS_close, file);
    pthread_mutex_lock(&turn);
    found = syscall(SYS_close, file);
    before = errno;
    ours[file] = 0;
    note_bytes('C', file, 0, "", 0);
    pthread_mutex_unlock(&turn);
    errno = before;
    return found;
}

/* Writing */

static ssize_t write_at(int file, const struct iovec *parts, int count, off_t where) {
    ssize_t written;
    int before;
    if (is_socket(file)) {
        pthread_mutex_lock(&turn);
        note('N', file, 0, parts, count);
        pthread_mutex_unlock(&turn);
    }
    if (!is_ours(file))
        return where < 0 ? syscall(SYS_writev, file, parts, count)
                         : syscall(SYS_pwritev, file, parts, count, where, 0);
    pthread_mutex_lock(&turn);
    if (where < 0) {
        written = syscall(SYS_writev, file, parts, count);
        where = lseek(file, 0, SEEK_CUR) - written;
    } else {
        written = syscall(SYS_pwritev, file, parts, count, where, 0);
    }
    before = errno;
    for (ssize_t left = written; left > 0; parts++) {
        size_t length = (size_t)left < parts->iov_len ? (size_t)left : parts->iov_len;
        note_bytes('W', file, where, parts->iov_base, length);
        where += length;
        left -= length;
    }
    pthread_mutex_unlock(&turn);
    errno = before;
    return written;
}

ssize_t write(int file, const void *bytes, size_t length) {
    struct iovec part = {(void *)bytes, length};
    return write_at(file, &part, 1, -1);
}

ssize_t writev(int file, const struct iovec *parts, int count) { return write_at(file, parts, count, -1); }

ssize_t pwrite(int file, const void *bytes, size_t length, off_t where) {
    struct iovec part = {(void *)bytes, length};
    return write_at(file, &part, 1, where);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t where) {
    struct iovec part = {(void *)bytes, length};
    return write_at(file, &part, 1, where);
}

static int cut(int file, off_t length) {
    int found, before;
    if (!is_ours(file))
        return syscall(SYS_ftruncate, file, length);
    pthread_mutex_lock(&turn);
    found = syscall(SYS_ftruncate, file, length);
    before = errno;
    if (found == 0)
        note_bytes('T', file, length, "", 0);
    pthread_mutex_unlock(&turn);
    errno = before;
    return found;
}

int ftruncate(int file, off_t length) { return cut(file, length); }
int ftruncate64(int file, off64_t length) { return cut(file, length); }

static int force(int file, long how) {
    int found, before;
    if (!is_ours(file))
        return syscall(how, file);
    pthread_mutex_lock(&turn);
    found = syscall(how, file);
    before = errno;
    if (found == 0)
        note_bytes('S', file, 0, "", 0);
    pthread_mutex_unlock(&turn);
    errno = before;
    return found;
}

int fsync(int file) { return force(file, SYS_fsync); }
int fdatasync(int file) { return force(file, SYS_fdatasync); }

/* Names */

static int name(char what, const char *path, const char *other, int found) {
    int before = errno;
    if (found == 0 && (counts(path) || (other != NULL && counts(other)))) {
        struct iovec both[3] = {{(void *)path, strlen(path)}, {"\0", 1}, {NULL, 0}};
        if (other != NULL) {
            both[2].iov_base = (void *)other;
            both[2].iov_len = strlen(other);
        }
        note(what, -1, 0, both, other != NULL ? 3 : 1);
    }
    pthread_mutex_unlock(&turn);
    errno = before;
    return found;
}

int unlink(const char *path) {
    pthread_mutex_lock(&turn);
    return name('U', path, NULL, syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

int rename(const char *path, const char *other) {
    pthread_mutex_lock(&turn);
    return name('R', path, other, syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 0));
}

int renameat(int from, const char *path, int to, const char *other) {
    pthread_mutex_lock(&turn);
    return name('R', path, other, syscall(SYS_renameat2, from, path, to, other, 0));
}

int link(const char *path, const char *other) {
    pthread_mutex_lock(&turn);
    return name('L', path, other, syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, other, 0));
}

int linkat(int from, const char *path, int to, const char *other, int flags) {
    pthread_mutex_lock(&turn);
    return name('L', path, other, syscall(SYS_linkat, from, path, to, other, flags));
}

int mkdir(const char *path, mode_t mode) {
    pthread_mutex_lock(&turn);
    return name('D', path, NULL, syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

/* What leaves */

ssize_t send(int file, const void *bytes, size_t length, int flags) {
    if (record >= 0) {
        pthread_mutex_lock(&turn);
        note_bytes('N', file, 0, bytes, length);
        pthread_mutex_unlock(&turn);
    }
    return syscall(SYS_sendto, file, bytes, length, flags, NULL, 0);
}

ssize_t sendmsg(int file, const struct msghdr *message, int flags) {
    if (record >= 0) {
        pthread_mutex_lock(&turn);
        note('N', file, 0, message->msg_iov, message->msg_iovlen);
        pthread_mutex_unlock(&turn);
    }
    return syscall(SYS_sendmsg, file, message, flags);
}
