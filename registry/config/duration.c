#include "registry/config/duration.h"

#include <stdbool.h>

static const struct {
    struct str name;
    uint64_t nanoseconds;
} units[] = {
    {STR("ns"), 1},           {STR("us"), 1000},      {STR("\xc2\xb5s"), 1000}, /* µ, the micro sign */
    {STR("\xce\xbcs"), 1000},                                                   /* μ, the Greek letter */
    {STR("ms"), 1000000},     {STR("s"), 1000000000}, {STR("m"), 60000000000},  {STR("h"), 3600000000000},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The run of bytes at the front of `text` that are (or are not) part of a number. */
static struct str split(struct str *text, bool number)
{
    size_t n = 0;

    while (n < text->n && (is_digit(text->p[n]) || text->p[n] == '.') == number)
        n++;

    struct str head = {text->p, n};

    *text = str_from(*text, n);
    return head;
}

/* Add `number` of a unit to *total. A digit behind the point is worth a tenth of the one before it, and every unit is a
 * multiple of the power of ten it needs, so the sum is exact to the nanosecond. */
static bool add(struct str number, uint64_t unit, uint64_t *total)
{
    size_t point = str_find(number, '.');
    struct str whole = {number.p, point};
    struct str fraction = str_from(number, point + 1);
    uint64_t value = 0;

    if (whole.n + fraction.n == 0 || str_find(fraction, '.') != fraction.n)
        return false;
    if (whole.n > 0 && (!str_to_u64(whole, &value) || __builtin_mul_overflow(value, unit, &value)))
        return false;
    for (size_t i = 0; i < fraction.n; i++) {
        unit /= 10;
        if (__builtin_add_overflow(value, unit * (uint64_t)(fraction.p[i] - '0'), &value))
            return false;
    }
    return !__builtin_add_overflow(*total, value, total) && *total <= INT64_MAX;
}

static uint64_t unit_find(struct str name)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (str_eq(units[i].name, name))
            return units[i].nanoseconds;
    return 0;
}

int duration_parse(struct str text, uint64_t *nanoseconds, struct err *e)
{
    struct str rest = text;
    uint64_t total = 0;

    if (text.n > 0 && text.p[0] == '-')
        return err_set(e, ERR_INVALID, "a duration cannot be negative");
    if (rest.n > 0 && rest.p[0] == '+')
        rest = str_from(rest, 1);
    if (str_to_u64(rest, &total) && total <= INT64_MAX) {
        *nanoseconds = total;
        return 0;
    }
    total = 0;
    do {
        struct str number = split(&rest, true);
        uint64_t unit = unit_find(split(&rest, false));

        if (unit == 0 || !add(number, unit, &total))
            return err_set(e, ERR_INVALID, "not a duration such as 30s, 1h30m or 168h");
    } while (rest.n > 0);
    *nanoseconds = total;
    return 0;
}
