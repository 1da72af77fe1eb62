#include "registry/observe/report.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/observe/exposition.h"

static void put(struct sbuf *out, const char *name, const char *help, uint64_t value)
{
    expose_head(out, name, "gauge", help);
    expose_number(out, name, "", (int64_t)value);
}

/* proc(5): pages in all, a blank, pages in memory. */
static bool read_pages(uint64_t *all, uint64_t *resident)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128] = "";
    struct str first, rest;

    if (file == NULL)
        return false;
    if (fgets(line, sizeof(line), file) == NULL)
        line[0] = '\0';
    fclose(file);
    first = (struct str){line, str_find(str_of(line), ' ')};
    rest = str_from(str_of(line), first.n + 1);
    rest.n = str_find(rest, ' ');
    return str_to_u64(first, all) && str_to_u64(rest, resident);
}

static void put_memory(struct sbuf *out)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), all, resident;

    if (!read_pages(&all, &resident))
        return;
    put(out, "process_virtual_memory_bytes", "Address space, of which the metadata's map is most.", all * page);
    put(out, "process_resident_memory_bytes", "Memory in use, with pages of files that are mapped.", resident * page);
}

static void put_processor(struct sbuf *out)
{
    static const char name[] = "process_cpu_seconds_total";
    struct rusage used;

    if (getrusage(RUSAGE_SELF, &used) != 0)
        return;
    expose_head(out, name, "counter", "Processor time of user and system.");
    expose_decimal(out, name, "",
                   (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
                       (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec),
                   6);
}

/* Linux 6.2 and later tell the number as the folder's size; before, entries have to be counted. */
static bool count_descriptors(uint64_t *count)
{
    struct stat folder;
    DIR *dir;

    if (stat("/proc/self/fd", &folder) != 0)
        return false;
    *count = (uint64_t)folder.st_size;
    if (*count > 0)
        return true;
    dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return false;
    while (readdir(dir) != NULL)
        ++*count;
    closedir(dir);
    *count -= 3; /* ".", ".." and the one that reads */
    return true;
}

static void put_descriptors(struct sbuf *out)
{
    struct rlimit limit;
    uint64_t count;

    if (count_descriptors(&count))
        put(out, "process_open_fds", "Open descriptors.", count);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        put(out, "process_max_fds", "Descriptors that may be open.", limit.rlim_cur);
}

void report_process(struct sbuf *out)
{
    put_processor(out);
    put_memory(out);
    put_descriptors(out);
}
