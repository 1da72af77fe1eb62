#include "auth/access.h"

/* base */
#include "registry/base/quote.h"

static const char *const names[ACCESS_ACTION_COUNT] = {
    [ACCESS_PULL] = "pull",
    [ACCESS_PUSH] = "push",
    [ACCESS_DELETE] = "delete",
    [ACCESS_OVERWRITE] = "overwrite",
};

/* Words of other registries and what they are called here. */
static const struct {
    struct str word;
    enum access_action meant;
} slips[] = {
    {STR("read"), ACCESS_PULL},   {STR("download"), ACCESS_PULL},    {STR("write"), ACCESS_PUSH},
    {STR("upload"), ACCESS_PUSH}, {STR("create"), ACCESS_PUSH},      {STR("remove"), ACCESS_DELETE},
    {STR("del"), ACCESS_DELETE},  {STR("update"), ACCESS_OVERWRITE},
};

const char *access_action_name(enum access_action action)
{
    return names[action];
}

static const char *find_slip(struct str text)
{
    for (size_t i = 0; i < ACCESS_ACTION_COUNT; i++)
        if (str_eq_nocase(text, str_of(names[i])))
            return names[i];
    for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++)
        if (str_eq_nocase(text, slips[i].word))
            return names[slips[i].meant];
    return NULL;
}

int access_action_parse(struct str text, enum access_action *out, struct err *e)
{
    const char *meant;
    char quoted[QUOTE_MAX];

    for (size_t i = 0; i < ACCESS_ACTION_COUNT; i++)
        if (str_eq(text, str_of(names[i]))) {
            *out = (enum access_action)i;
            return 0;
        }
    meant = find_slip(text);
    if (meant != NULL)
        return err_set(e, ERR_INVALID, "there is no action %s; write \"%s\"", quote(text, quoted), meant);
    return err_set(e, ERR_INVALID,
                   "there is no action %s; write pull, push, delete or overwrite, or no actions at all for every one",
                   quote(text, quoted));
}
