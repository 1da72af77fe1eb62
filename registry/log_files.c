#include "registry/log_files.h"

#include <pthread.h>
#include <stdlib.h>

#include "registry/base/log.h"

enum { LOG, ACCESS, FILES };

struct log_files {
    struct log_file *files[FILES]; /* NULL: not configured */
    pthread_mutex_t lock;          /* guards what follows, and that one follows at a time */
    bool failing[FILES];           /* it was moved away and could not be opened again */
};

struct log_files *log_files_open(const struct config *config, struct err *e)
{
    const struct {
        const char *key;
        const char *path;
    } wanted[FILES] = {
        [LOG] = {"log.file", config->log_file},
        [ACCESS] = {"log.accesslog.file", config->accesslog_disabled ? NULL : config->accesslog_file},
    };
    struct log_files *files = xcalloc(1, sizeof(*files));

    pthread_mutex_init(&files->lock, NULL);
    for (int i = 0; i < FILES; i++) {
        if (wanted[i].path == NULL || (files->files[i] = log_file_open(wanted[i].key, wanted[i].path, e)) != NULL)
            continue;
        log_files_close(&files);
        return NULL;
    }
    if (files->files[LOG] != NULL) {
        log_info("the log goes on in %s", config->log_file);
        log_to(files->files[LOG]);
    }
    return files;
}

void log_files_close(struct log_files **files)
{
    struct log_files *f = *files;

    if (f == NULL)
        return;
    log_to(NULL);
    for (int i = 0; i < FILES; i++)
        log_file_close(&f->files[i]);
    pthread_mutex_destroy(&f->lock);
    free(f);
    *files = NULL;
}

struct log_file *log_files_access(const struct log_files *files)
{
    return files->files[ACCESS];
}

unsigned log_files_follow(struct log_files *files, bool force)
{
    unsigned opened = 0;
    struct err e;

    pthread_mutex_lock(&files->lock);
    for (int i = 0; i < FILES; i++) {
        int rc = files->files[i] == NULL ? 0 : log_file_follow(files->files[i], force, &e);

        opened += rc > 0;
        if (rc < 0 && (force || !files->failing[i]))
            log_error("%s; the file before stays in use", e.text);
        files->failing[i] = rc < 0;
    }
    pthread_mutex_unlock(&files->lock);
    return opened;
}
