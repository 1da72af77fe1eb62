#include "tests/unit/meta/meta_fixture.h"

#include "registry/base/clock.h"

TEST(put_get, "a blob that was put is seen in its repository, with size, lease and no references")
{
    struct world w;
    struct blob_info info;

    world_open(&w);
    CHECK_INT(blob_put(&w, "library/app", blob_digest(1), 4711, NOW), 0);
    CHECK_INT(blob_get(&w, "library/app", blob_digest(1), &info), 0);
    CHECK_INT(info.size, 4711);
    CHECK_INT(info.references, 0);
    CHECK_INT(info.last_needed, NOW);
    world_close(&w);
}

TEST(sha512, "a sha512 digest is a blob of its own")
{
    struct world w;
    struct blob_info info;
    struct digest d;

    world_open(&w);
    digest_of(DIGEST_SHA512, "x", 1, &d);
    CHECK_INT(blob_put(&w, "app", d, 1, NOW), 0);
    CHECK_INT(blob_get(&w, "app", d, &info), 0);
    digest_of(DIGEST_SHA256, "x", 1, &d);
    CHECK_INT(blob_get(&w, "app", d, &info), -1);
    world_close(&w);
}

TEST(membership, "a blob of another repository is not found, and the error says nothing of where it is")
{
    struct world w;
    struct blob_info info;

    world_open(&w);
    CHECK_INT(blob_put(&w, "mine", blob_digest(1), 1, NOW), 0);
    CHECK_INT(blob_put(&w, "yours", blob_digest(2), 1, NOW), 0);
    CHECK_INT(blob_get(&w, "yours", blob_digest(1), &info), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    CHECK_TEXT(w.err.text, "yours: this repository holds no blob "
                           "sha256:67abdd721024f0ff4e0b3f4c2fc13bc5bad42d0b7851d456d88d203d15aaa450");
    CHECK_INT(blob_get(&w, "unknown", blob_digest(1), &info), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    world_close(&w);
}

TEST(put_again, "putting a blob again renews its lease and counts it once")
{
    struct world w;
    struct blob_info info;

    world_open(&w);
    CHECK_INT(blob_put(&w, "app", blob_digest(1), 1, NOW), 0);
    CHECK_INT(blob_put(&w, "app", blob_digest(1), 1, NOW + 60), 0);
    CHECK_INT(blob_get(&w, "app", blob_digest(1), &info), 0);
    CHECK_INT(info.last_needed, NOW + 60);
    CHECK_INT(table_entries(look(&w), KV_HOLDERS), 1);
    meta_done(w.reader);
    world_close(&w);
}

TEST(lease_never_shrinks, "a lease never ends earlier because a clock went back")
{
    struct world w;
    struct blob_info info;

    world_open(&w);
    CHECK_INT(blob_put(&w, "app", blob_digest(1), 1, NOW), 0);
    CHECK_INT(blob_touch(&w, "app", blob_digest(1), NOW - 500), 0);
    CHECK_INT(blob_get(&w, "app", blob_digest(1), &info), 0);
    CHECK_INT(info.last_needed, NOW);
    CHECK_INT(blob_touch(&w, "app", blob_digest(1), NOW + 5), 0);
    CHECK_INT(blob_get(&w, "app", blob_digest(1), &info), 0);
    CHECK_INT(info.last_needed, NOW + 5);
    world_close(&w);
}

TEST(touch_unknown, "touching a blob that is not there is an error")
{
    struct world w;

    world_open(&w);
    CHECK_INT(blob_touch(&w, "app", blob_digest(1), NOW), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    CHECK_TEXT(w.err.text, "app: this repository holds no blob "
                           "sha256:67abdd721024f0ff4e0b3f4c2fc13bc5bad42d0b7851d456d88d203d15aaa450");
    world_close(&w);
}

TEST(mount, "a mount makes a holder, once, and only from a repository that is one")
{
    struct world w;
    struct blob_info info;

    world_open(&w);
    CHECK_INT(blob_put(&w, "from", blob_digest(1), 9, NOW - 1), 0);
    CHECK_INT(blob_mount(&w, "to", "elsewhere", blob_digest(1)), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    CHECK_INT(blob_get(&w, "to", blob_digest(1), &info), -1);
    CHECK_INT(blob_mount(&w, "to", "from", blob_digest(1)), 0);
    CHECK_INT(blob_mount(&w, "to", "from", blob_digest(1)), 0);
    CHECK_INT(blob_mount(&w, "from", "from", blob_digest(1)), 0);
    CHECK_INT(blob_get(&w, "to", blob_digest(1), &info), 0);
    CHECK_INT(info.size, 9);
    CHECK_INT(info.last_needed, NOW);
    CHECK_INT(table_entries(look(&w), KV_HOLDERS), 2);
    meta_done(w.reader);
    world_close(&w);
}

TEST(delete_one, "deleting a blob from one repository leaves it to the others")
{
    struct world w;
    struct blob_info info;

    world_open(&w);
    CHECK_INT(blob_put(&w, "a", blob_digest(1), 9, NOW), 0);
    CHECK_INT(blob_mount(&w, "b", "a", blob_digest(1)), 0);
    CHECK_INT(blob_delete(&w, "a", blob_digest(1)), 0);
    CHECK_INT(blob_get(&w, "a", blob_digest(1), &info), -1);
    CHECK_INT(blob_get(&w, "b", blob_digest(1), &info), 0);
    CHECK_INT(blob_delete(&w, "a", blob_digest(1)), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    world_close(&w);
}

TEST(name_bounds, "a repository name that no table can hold is refused, not cut")
{
    struct world w;
    char name[REPO_RECORD_SIZE + 300];

    world_open(&w);
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    CHECK_INT(blob_put(&w, name, blob_digest(1), 1, NOW), -1);
    CHECK_INT(w.err.code, ERR_INVALID);
    CHECK_TEXT(w.err.text, "a repository name has 1 to 255 bytes, this one has 327");
    CHECK_INT(blob_put(&w, "", blob_digest(1), 1, NOW), -1);
    CHECK_TEXT(w.err.text, "a repository name has 1 to 255 bytes, this one has 0");
    CHECK_INT(blob_delete(&w, "", blob_digest(1)), -1);
    CHECK_INT(w.err.code, ERR_NOT_FOUND);
    name[255] = '\0';
    CHECK_INT(blob_put(&w, name, blob_digest(1), 1, NOW), 0);
    world_close(&w);
}

static bool add_and_stop_at_b(struct str name, void *arg)
{
    names_add(name, arg);
    return str_eq(name, STR("b"));
}

TEST(holders, "the holders of a blob are visited until the visitor is content")
{
    struct world w;
    struct names names = {0};
    struct digest d = blob_digest(1);
    struct digest other = blob_digest(2);

    world_open(&w);
    for (const char *const *name = (const char *const[]){"a", "b", "c", NULL}; *name != NULL; name++)
        CHECK_INT(blob_put(&w, *name, d, 9, NOW), 0);
    CHECK(meta_blob_holders(look(&w), &d, add_and_stop_at_b, &names));
    meta_done(w.reader);
    CHECK_TEXT(names.text, "a b");
    CHECK(!meta_blob_holders(look(&w), &other, add_and_stop_at_b, &names));
    meta_done(w.reader);
    CHECK_INT(blob_delete(&w, "b", d), 0);
    names = (struct names){0};
    CHECK(!meta_blob_holders(look(&w), &d, add_and_stop_at_b, &names));
    meta_done(w.reader);
    CHECK_TEXT(names.text, "a c");
    world_close(&w);
}

TEST(references_follow_manifests, "references count manifests over all repositories and fall when they go")
{
    struct world w;
    struct digest a;
    struct digest b;

    world_open(&w);
    a = push_image(&w, "one", 1, NULL, "");
    b = push_image(&w, "two", 1, NULL, "");
    CHECK_INT(references(&w, "one", blob_digest(1)), 2);
    CHECK_INT(manifest_delete(&w, "one", a), 0);
    CHECK_INT(references(&w, "one", blob_digest(2)), 1);
    CHECK_INT(manifest_delete(&w, "two", b), 0);
    CHECK_INT(references(&w, "one", blob_digest(2)), 0);
    world_close(&w);
}

TEST(lease_after_last_reference, "a blob's lease begins anew when its last reference goes")
{
    struct world w;
    struct blob_info info;
    struct digest d;
    uint64_t before = clock_wall_s();

    world_open(&w);
    d = push_image(&w, "app", 1, NULL, "");
    CHECK_INT(blob_get(&w, "app", blob_digest(1), &info), 0);
    CHECK_INT(info.last_needed, NOW);
    CHECK_INT(manifest_delete(&w, "app", d), 0);
    CHECK_INT(blob_get(&w, "app", blob_digest(1), &info), 0);
    CHECK(info.last_needed >= before);
    world_close(&w);
}

TEST(late_blob, "a blob that comes after the manifest that names it is born with that reference")
{
    struct world w;
    struct digest layer = blob_digest(2);
    struct sbuf bytes = image_of(blob_digest(1), &layer, 1, "");
    struct digest d;

    world_open(&w);
    CHECK_INT(manifest_put(&w, "app", text_of(&bytes), NULL, true, &d), 0);
    CHECK_INT(blob_put(&w, "other", layer, LAYER_SIZE, NOW), 0);
    CHECK_INT(references(&w, "other", layer), 0);
    CHECK_INT(blob_put(&w, "app", layer, LAYER_SIZE, NOW), 0);
    CHECK_INT(references(&w, "app", layer), 1);
    CHECK_INT(blob_delete(&w, "app", layer), 0);
    CHECK_INT(references(&w, "other", layer), 0);
    CHECK_INT(blob_mount(&w, "app", "other", layer), 0);
    CHECK_INT(references(&w, "app", layer), 1);
    CHECK_INT(manifest_delete(&w, "app", d), 0);
    CHECK_INT(references(&w, "app", layer), 0);
    sbuf_free(&bytes);
    world_close(&w);
}
