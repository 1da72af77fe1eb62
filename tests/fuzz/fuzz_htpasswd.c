/* User files. Every user that a table was made from must be found in it, with a name that may be one. */
#include "tests/fuzz/fuzz.h"

#include "auth/htpasswd.h"

static void check_line(const struct htpasswd *table, struct str line)
{
    const struct htpasswd_entry *entry;
    struct str name, hash;

    if (!htpasswd_split(line, &name, &hash))
        return;
    HOLDS(htpasswd_check_name(name, NULL) == 0);
    entry = htpasswd_find(table, name);
    HOLDS(entry != NULL && entry->line > 0);
    HOLDS(str_eq(entry->name, name) && str_eq(entry->hash, hash));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_text(data, size);
    struct err e = {0};
    struct htpasswd *table = htpasswd_parse("users", text, &e);

    if (table == NULL) {
        HOLDS(e.code != ERR_NONE && str_starts(str_of(e.text), STR("users")));
        return 0;
    }
    while (text.n > 0)
        check_line(table, fuzz_field(&text, '\n'));
    htpasswd_free(&table);
    HOLDS(table == NULL);
    return 0;
}
