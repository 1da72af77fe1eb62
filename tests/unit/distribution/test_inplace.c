#include "storage/distribution/inplace.h"
#include "tests/unit/distribution/old_fixture.h"

/* One directory for both trees. */
static void begin(struct old *old)
{
    old_begin(old);
    snprintf(old->root, sizeof(old->root), "%s", old->source);
    CHECK_INT(file_mkdirs(old->root, 0755, NULL), 0);
}

static enum inplace_state state_of(struct old *old)
{
    struct inplace found;

    if (inplace_look(old->root, &found, &old->err) != 0)
        test_fail(__FILE__, __LINE__, "%s", old->err.text);
    CHECK((found.state == INPLACE_DONE) == (strlen(found.when) == strlen("2026-11-22T10:15:30Z")));
    return found.state;
}

TEST(nothing, "a directory without an old tree, or with an empty one, holds nothing")
{
    struct old old;

    begin(&old);
    CHECK_INT(state_of(&old), INPLACE_NOTHING);
    CHECK_INT(file_mkdirs(old.tree, 0755, NULL), 0);
    CHECK_INT(state_of(&old), INPLACE_NOTHING);
    old_open_store(&old);
    old_close_store(&old);
    CHECK_INT(state_of(&old), INPLACE_NOTHING);
    snprintf(old.root, sizeof(old.root), "%s/none", old.base);
    CHECK_INT(state_of(&old), INPLACE_NOTHING);
}

TEST(wanted, "an old tree without images of ours is wanted, also when there are empty metadata")
{
    struct old old;

    begin(&old);
    old_image(&old, "a", "v", "config");
    CHECK_INT(state_of(&old), INPLACE_WANTED);
    old_open_store(&old);
    old_close_store(&old);
    CHECK_INT(state_of(&old), INPLACE_WANTED);
}

TEST(beside, "an old tree beside images of ours is left to the administrator")
{
    struct old old;

    begin(&old);
    old_open_store(&old);
    push_image(&old.world, "ours", 1, "v", "");
    old_close_store(&old);
    old_image(&old, "a", "v", "config");
    CHECK_INT(state_of(&old), INPLACE_BESIDE);
}

TEST(begun, "one that was begun is wanted until it has come to its end, and then done for good")
{
    struct old old;

    begin(&old);
    old_image(&old, "a", "v", "config");
    old_image(&old, "b", "v", "another");
    old_open_store(&old);
    old.stop_at = 5;
    CHECK_INT(take_over(&old), -1);
    old_close_store(&old);
    CHECK_INT(state_of(&old), INPLACE_WANTED);
    old.stop_at = UINT_MAX;
    old_open_store(&old);
    take_over_well(&old);
    old_close_store(&old);
    CHECK_INT(state_of(&old), INPLACE_DONE);
    old_image(&old, "c", "v", "later");
    CHECK_INT(state_of(&old), INPLACE_DONE);
    sbuf_free(&old.odd);
}

TEST(another_tree, "another tree that is taken over says nothing of the one that is there")
{
    struct old old;
    char root[sizeof(old.root)];

    old_begin(&old);
    old_image(&old, "a", "v", "config");
    memcpy(root, old.root, sizeof(root));
    old_open_store(&old);
    take_over_well(&old);
    old_end(&old);
    snprintf(old.tree, sizeof(old.tree), "%s/docker/registry/v2", root);
    old_image(&old, "b", "v", "config");
    CHECK_INT(state_of(&old), INPLACE_BESIDE);
}
