// Makes single calls with the largest arguments, so that the host can time how long each holds its loop. Arguments: which, count.
#include "guest.h"
#include "wasi.h"

struct preopen {
    handle descriptor;
    const char *path;
    size_t size;
};

struct entry {
    const char *name;
    size_t name_size;
    const char *value;
    size_t value_size;
};

WASI("filesystem/preopens", "get-directories") void get_directories(void *list);
WASI("filesystem/types", "[method]descriptor.stat-at")
void stat_at(handle self, int32_t flags, const char *path, size_t size, void *result);
WASI("filesystem/types", "[method]descriptor.open-at")
void open_at(handle self, int32_t path_flags, const char *path, size_t size, int32_t open_flags, int32_t flags, void *result);
WASI("filesystem/types", "[method]descriptor.write")
void write_at(handle self, const char *bytes, size_t size, int64_t offset, void *result);
WASI("http/types", "[static]fields.from-list") void from_list(const struct entry *first, size_t count, void *result);
WASI("clocks/monotonic-clock", "subscribe-duration") handle after(int64_t nanoseconds);
WASI("io/poll", "poll") void poll_list(const handle *first, size_t count, void *list);

static uint64_t result[16];

static handle root(void) {
    struct {
        struct preopen *first;
        size_t count;
    } preopens;
    get_directories(&preopens);
    return preopens.first[0].descriptor;
}

// Header fields of one byte each; so many that they are refused, once the host has them.
static int fields(long count) {
    struct entry *entries = calloc(count, sizeof *entries);
    for (long i = 0; i < count; i++) entries[i] = (struct entry){"a", 1, "b", 1};
    from_list(entries, count, result);
    return 0;
}

// Pollables of which only the last becomes ready, and that not at once.
static int pollables(long count) {
    handle *all = calloc(count, sizeof *all);
    for (long i = 0; i < count; i++) all[i] = after(i + 1 < count ? 3600000000000LL : 1000000);
    poll_list(all, count, result);
    return 0;
}

// Writes of 1 MiB to one file.
static int writes(long count) {
    static char block[1 << 20];
    memset(block, 'w', sizeof block);
    open_at(root(), 0, "bench.hold", 10, 1, 3, result);  // create; read and write
    if (*(uint8_t *)result) return 3;
    handle file = ((int32_t *)result)[1];
    for (long i = 0; i < count; i++) {
        write_at(file, block, sizeof block, i * (int64_t)sizeof block, result);
        if (*(uint8_t *)result) return 4;
    }
    return 0;
}

// A path of so many bytes, which is refused as too long.
static int string(long count) {
    char *path = malloc(count);
    memset(path, 'p', count);
    stat_at(root(), 1, path, count, result);
    return !*(uint8_t *)result;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    long count = atol(argv[2]);
    if (!strcmp(argv[1], "fields")) return fields(count);
    if (!strcmp(argv[1], "poll")) return pollables(count);
    if (!strcmp(argv[1], "write")) return writes(count);
    return string(count);
}
