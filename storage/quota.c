#include "storage/quota.h"

#include <pthread.h>
#include <stdlib.h>

#include "registry/base/size_text.h"
#include "storage/meta/meta_usage.h"

struct quota {
    char *path;
    uint64_t limit;
    uint64_t reserved; /* guarded by the lock */
};

struct quotas {
    pthread_mutex_t lock;
    size_t n;
    struct quota list[];
};

struct quotas *quotas_new(const struct quota_rule *rules, size_t n)
{
    struct quotas *quotas = xcalloc(1, sizeof(*quotas) + n * sizeof(quotas->list[0]));

    pthread_mutex_init(&quotas->lock, NULL);
    quotas->n = n;
    for (size_t i = 0; i < n; i++)
        quotas->list[i] = (struct quota){.path = str_dup(str_of(rules[i].path)), .limit = rules[i].limit};
    return quotas;
}

void quotas_free(struct quotas **quotas)
{
    if (*quotas == NULL)
        return;
    for (size_t i = 0; i < (*quotas)->n; i++)
        free((*quotas)->list[i].path);
    pthread_mutex_destroy(&(*quotas)->lock);
    free(*quotas);
    *quotas = NULL;
}

static bool covers(const struct quota *quota, struct str repository)
{
    struct str path = str_of(quota->path);

    return path.n == 0 || (str_starts(repository, path) && (repository.n == path.n || repository.p[path.n] == '/'));
}

/* How many bytes are left when `used` are; none when there are too many already, because the limit was lowered. */
static uint64_t room_under(const struct quota *quota, uint64_t used)
{
    return used < quota->limit ? quota->limit - used : 0;
}

static int refuse(const struct quota *quota, uint64_t used, uint64_t reserved, uint64_t wanted, struct err *e)
{
    char limit[SIZE_TEXT_ROOM], stored[SIZE_TEXT_ROOM], under_way[SIZE_TEXT_ROOM], more[SIZE_TEXT_ROOM];

    return err_set(e, ERR_QUOTA,
                   "no room for %s more: the quota of %s%s%s is %s, %s are stored and %s are being uploaded; delete "
                   "images there that nobody needs, or ask the administrator to raise the limit (storage.quotas)",
                   size_text(wanted, more), quota->path[0] == '\0' ? "the registry" : "\"", quota->path,
                   quota->path[0] == '\0' ? "" : "\"", size_text(quota->limit, limit), size_text(used, stored),
                   size_text(reserved, under_way));
}

static int used_under(const struct quota *quota, struct meta_txn *txn, uint64_t *used, struct err *e)
{
    struct usage usage;

    if (meta_usage(txn, str_of(quota->path), &usage, e) != 0)
        return -1;
    *used = usage.logical;
    return 0;
}

size_t quotas_count(const struct quotas *quotas)
{
    return quotas == NULL ? 0 : quotas->n;
}

int quotas_use(struct quotas *quotas, size_t i, struct meta_txn *txn, struct quota_use *out, struct err *e)
{
    const struct quota *quota = &quotas->list[i];

    *out = (struct quota_use){.path = quota->path, .limit = quota->limit};
    pthread_mutex_lock(&quotas->lock);
    out->reserved = quota->reserved;
    pthread_mutex_unlock(&quotas->lock);
    return used_under(quota, txn, &out->used, e);
}

/* ---- uploads under way ---- */

/* Add to what is reserved of each quota over the repository, or take away. Call with the lock held. */
static void shift(struct quotas *quotas, struct str repository, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < quotas->n; i++)
        if (covers(&quotas->list[i], repository))
            quotas->list[i].reserved += to - from;
}

/* The first quota without room for `bytes` beside what others have reserved. Call with the lock held. */
static const struct quota *full_one(const struct quotas *quotas, const struct quota_hold *hold, struct str repository,
                                    uint64_t bytes, const uint64_t *used)
{
    for (size_t i = 0; i < quotas->n; i++) {
        const struct quota *quota = &quotas->list[i];
        uint64_t others = quota->reserved - hold->bytes;

        if (covers(quota, repository) &&
            (others > room_under(quota, used[i]) || bytes > room_under(quota, used[i]) - others))
            return quota;
    }
    return NULL;
}

int quota_reserve(struct quotas *quotas, struct quota_hold *hold, struct str repository, uint64_t bytes,
                  struct meta_txn *txn, struct err *e)
{
    const struct quota *full;
    uint64_t *used;
    uint64_t others = 0;
    int rc = 0;

    if (quotas == NULL)
        return 0;
    used = xcalloc(quotas->n, sizeof(*used));
    for (size_t i = 0; i < quotas->n && rc == 0; i++)
        if (covers(&quotas->list[i], repository))
            rc = used_under(&quotas->list[i], txn, &used[i], e);
    if (rc != 0)
        goto done;
    pthread_mutex_lock(&quotas->lock);
    full = full_one(quotas, hold, repository, bytes, used);
    if (full == NULL) {
        shift(quotas, repository, hold->bytes, bytes);
        *hold = (struct quota_hold){.quotas = quotas, .repository = repository, .bytes = bytes};
    } else {
        others = full->reserved - hold->bytes;
    }
    pthread_mutex_unlock(&quotas->lock);
    if (full != NULL)
        rc = refuse(full, used[full - quotas->list], others, bytes, e);
done:
    free(used);
    return rc;
}

void quota_release(struct quota_hold *hold)
{
    if (hold->quotas == NULL)
        return;
    pthread_mutex_lock(&hold->quotas->lock);
    shift(hold->quotas, hold->repository, hold->bytes, 0);
    pthread_mutex_unlock(&hold->quotas->lock);
    *hold = (struct quota_hold){0};
}

/* ---- changes ---- */

static int admit(const struct quotas *quotas, struct meta_txn *txn, struct str repository, uint64_t bytes,
                 struct err *e)
{
    uint64_t used;

    for (size_t i = 0; i < quotas->n; i++) {
        const struct quota *quota = &quotas->list[i];

        if (!covers(quota, repository))
            continue;
        if (used_under(quota, txn, &used, e) != 0)
            return -1;
        if (bytes > room_under(quota, used))
            return refuse(quota, used, 0, bytes, e);
    }
    return 0;
}

int quota_admit_blob(const struct quotas *quotas, struct meta_txn *txn, struct str repository, const struct digest *d,
                     uint64_t size, struct err *e)
{
    struct blob_info info;
    struct err absent;

    if (quotas == NULL || meta_blob_get(txn, repository, d, &info, &absent) == 0)
        return 0;
    if (absent.code == ERR_NOT_FOUND)
        return admit(quotas, txn, repository, size, e);
    return err_set(e, absent.code, "%s", absent.text);
}

int quota_admit_manifest(const struct quotas *quotas, struct meta_txn *txn, struct str repository,
                         const struct digest *d, uint64_t size, struct err *e)
{
    struct manifest_view view;
    struct err absent;

    if (quotas == NULL || meta_manifest_get(txn, repository, d, &view, &absent) == 0)
        return 0;
    if (absent.code == ERR_NOT_FOUND)
        return admit(quotas, txn, repository, size, e);
    return err_set(e, absent.code, "%s", absent.text);
}
