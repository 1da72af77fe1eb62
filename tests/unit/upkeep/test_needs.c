#include "storage/upkeep/needs.h"

#include "tests/unit/upkeep/sweep_fixture.h"

static const char *who(struct yard *y, unsigned number, size_t limit)
{
    static struct sbuf text;
    struct digest d = blob_digest(number);

    text.n = 0;
    CHECK_INT(needs_text(y->world.reader, &d, limit, &text, &y->world.err), 0);
    return sbuf_text(&text);
}

TEST(needs, "who needs a blob is told by repository and tag, through indexes, and by digest where there is no tag")
{
    struct digest image, index;
    char wanted[400], image_text[DIGEST_TEXT_MAX];
    struct sbuf bytes;
    uint64_t size;
    struct yard y;

    yard_open(&y);
    push(&y, "c", 9);
    CHECK_TEXT(who(&y, 9, 10), "c");
    CHECK_TEXT(who(&y, 8, 10), "nobody");
    push_image(&y.world, "a", 1, "one", "");
    push_image(&y.world, "a", 1, "two", "");
    CHECK_TEXT(who(&y, 1, 10), "a:one, a:two");
    CHECK_TEXT(who(&y, 2, 1), "a:one, and others");
    image = push_image(&y.world, "b", 1, NULL, ",\"annotations\":{\"x\":\"y\\u0041\"}");
    bytes = image_of(blob_digest(1), (struct digest[]){blob_digest(2)}, 1, ",\"annotations\":{\"x\":\"y\\u0041\"}");
    size = bytes.n;
    sbuf_free(&bytes);
    bytes = index_of(&image, &size, 1, "");
    CHECK_INT(manifest_put(&y.world, "b", text_of(&bytes), "all", false, &index), 0);
    digest_format(&image, image_text);
    snprintf(wanted, sizeof(wanted), "a:one, a:two, b@%s, b:all", image_text);
    CHECK_TEXT(who(&y, 1, 10), wanted);
    sbuf_free(&bytes);
    yard_close(&y);
}
