#include "registry/config/size.h"

static const struct {
    struct str name;
    uint64_t bytes;
} units[] = {
    {STR(""), 1},
    {STR("B"), 1},
    {STR("KiB"), UINT64_C(1) << 10},
    {STR("MiB"), UINT64_C(1) << 20},
    {STR("GiB"), UINT64_C(1) << 30},
    {STR("TiB"), UINT64_C(1) << 40},
    {STR("KB"), 1000},
    {STR("MB"), 1000000},
    {STR("GB"), 1000000000},
    {STR("TB"), 1000000000000},
};

int size_parse(struct str text, uint64_t *bytes, struct err *e)
{
    size_t digits = 0;
    uint64_t number;

    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!str_eq(str_from(text, digits), units[i].name) || !str_to_u64((struct str){text.p, digits}, &number))
            continue;
        if (number > (uint64_t)INT64_MAX / units[i].bytes)
            return err_set(e, ERR_INVALID, "more bytes than a file can have");
        *bytes = number * units[i].bytes;
        return 0;
    }
    return err_set(e, ERR_INVALID, "not a size such as 64MiB, 1GiB or a number of bytes");
}
