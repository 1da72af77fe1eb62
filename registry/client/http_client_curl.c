#include "registry/client/http_client_curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Options that name protocols by text are there since 7.85. */
enum { OLDEST = 0x075500 };

static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
    {"curl_global_init", offsetof(struct curl_library, global_init)},
    {"curl_version_info", offsetof(struct curl_library, version_info)},
    {"curl_easy_init", offsetof(struct curl_library, easy_init)},
    {"curl_easy_reset", offsetof(struct curl_library, easy_reset)},
    {"curl_easy_setopt", offsetof(struct curl_library, easy_setopt)},
    {"curl_easy_perform", offsetof(struct curl_library, easy_perform)},
    {"curl_easy_getinfo", offsetof(struct curl_library, easy_getinfo)},
    {"curl_easy_strerror", offsetof(struct curl_library, easy_strerror)},
    {"curl_easy_cleanup", offsetof(struct curl_library, easy_cleanup)},
    {"curl_slist_append", offsetof(struct curl_library, slist_append)},
    {"curl_slist_free_all", offsetof(struct curl_library, slist_free_all)},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards both */
static struct curl_library library;
static bool loaded;

static int find_symbols(void *handle, struct err *e)
{
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void *symbol = dlsym(handle, symbols[i].name);

        if (symbol == NULL)
            return err_set(e, ERR_UNSUPPORTED, "libcurl.so.4 has no %s; install Debian's package libcurl4",
                           symbols[i].name);
        memcpy((char *)&library + symbols[i].offset, &symbol, sizeof(symbol));
    }
    return 0;
}

static int check_version(struct err *e)
{
    const curl_version_info_data *info = library.version_info(CURLVERSION_NOW);

    if (info->version_num < OLDEST)
        return err_set(e, ERR_UNSUPPORTED, "libcurl %s is too old: 7.85 is needed", info->version);
    if ((info->features & CURL_VERSION_SSL) == 0)
        return err_set(e, ERR_UNSUPPORTED, "libcurl %s was built without TLS; install Debian's package libcurl4",
                       info->version);
    return 0;
}

/* It stays loaded until the process ends: libraries that it brings along register what runs then. */
static int load(struct err *e)
{
    void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    CURLcode code;

    if (handle == NULL)
        return err_set(e, ERR_UNSUPPORTED,
                       "calling other hosts needs libcurl.so.4, which cannot be loaded: install Debian's package "
                       "libcurl4 (libcurl4t64 from Debian 13 on)");
    if (find_symbols(handle, e) != 0 || check_version(e) != 0) {
        dlclose(handle);
        return -1;
    }
    code = library.global_init(CURL_GLOBAL_DEFAULT);
    return code == CURLE_OK ? 0 : err_set(e, ERR_IO, "libcurl: %s", library.easy_strerror(code));
}

const struct curl_library *curl_library_get(struct err *e)
{
    bool ready;

    pthread_mutex_lock(&lock);
    if (!loaded)
        loaded = load(e) == 0;
    ready = loaded;
    pthread_mutex_unlock(&lock);
    return ready ? &library : NULL;
}
