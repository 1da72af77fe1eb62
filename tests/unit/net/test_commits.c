/* Changes of the metadata from a loop: commit_submit(). */
#include "tests/unit/net/loop_fixture.h"

#include <pthread.h>

struct writing {
    struct commit commit;
    const char *repository;
    pthread_t applied_on, done_on;
    int done;
};

static int apply(struct meta_txn *txn, struct meta_change *change, struct err *e)
{
    struct writing *writing = H2O_STRUCT_FROM_MEMBER(struct writing, commit.change, change);
    struct digest d;

    writing->applied_on = pthread_self();
    digest_of(DIGEST_SHA256, "hello", 5, &d);
    if (writing->repository == NULL)
        return err_set(e, ERR_DENIED, "not this one");
    return meta_blob_put(txn, str_of(writing->repository), &d, 5, 1, e);
}

static void writing_done(struct job *job)
{
    struct writing *writing = H2O_STRUCT_FROM_MEMBER(struct writing, commit.job, job);

    writing->done++;
    writing->done_on = pthread_self();
}

static void submit_writing(struct world *w, struct writing *writing)
{
    writing->commit.change.apply = apply;
    writing->commit.job.done = writing_done;
    writing->commit.job.loop = &w->loop;
    commit_submit(w->store.meta, &writing->commit);
}

TEST(commits, "a change is applied on the writer, and done on the loop when it can be read")
{
    struct writing good = {.repository = "app"}, bad = {0};
    struct blob_info info = {0};
    struct err e = {0};
    struct digest d;
    struct world w;

    digest_of(DIGEST_SHA256, "hello", 5, &d);
    open_world(&w, 1, 1);
    submit_writing(&w, &good);
    submit_writing(&w, &bad);
    CHECK_INT(w.loop.jobs, 2);
    CHECK(all_home(&w));
    CHECK(good.done == 1 && bad.done == 1);
    CHECK(!pthread_equal(good.applied_on, pthread_self()) && pthread_equal(good.done_on, pthread_self()));
    CHECK_INT(good.commit.change.rc, 0);
    CHECK_INT(bad.commit.change.rc, -1);
    CHECK_INT(bad.commit.change.err.code, ERR_DENIED);
    CHECK_TEXT(bad.commit.change.err.text, "not this one");
    CHECK_INT(meta_blob_get(meta_read(w.loop.reader, &e), STR("app"), &d, &info, &e), 0);
    CHECK_INT(info.size, 5);
    meta_done(w.loop.reader);
    close_world(&w);
}
