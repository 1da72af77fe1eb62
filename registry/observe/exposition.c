#include "registry/observe/exposition.h"

#include <inttypes.h>

void expose_head(struct sbuf *out, const char *name, const char *type, const char *help)
{
    sbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Everything in front of the value. */
static void begin_sample(struct sbuf *out, const char *name, const char *suffix, const char *labels)
{
    sbuf_str(out, str_of(name));
    sbuf_str(out, str_of(suffix));
    if (labels[0] != '\0') {
        sbuf_put(out, "{", 1);
        sbuf_str(out, str_of(labels));
        sbuf_put(out, "}", 1);
    }
    sbuf_put(out, " ", 1);
}

static uint64_t power_of_ten(unsigned digits)
{
    uint64_t power = 1;

    while (digits-- > 0)
        power *= 10;
    return power;
}

static void put_decimal(struct sbuf *out, uint64_t value, unsigned digits)
{
    uint64_t unit = power_of_ten(digits);

    sbuf_u64(out, value / unit);
    if (digits > 0)
        sbuf_printf(out, ".%0*" PRIu64, (int)digits, value % unit);
}

/* A bound is part of a name: 1, 2.5, 0.0001, the shortest way to write it. */
static void put_bound(struct sbuf *out, uint64_t value, unsigned digits)
{
    put_decimal(out, value, digits);
    if (digits == 0)
        return;
    while (out->p[out->n - 1] == '0')
        out->n--;
    if (out->p[out->n - 1] == '.')
        out->n--;
}

void expose_number(struct sbuf *out, const char *name, const char *labels, int64_t value)
{
    begin_sample(out, name, "", labels);
    sbuf_printf(out, "%" PRId64 "\n", value);
}

void expose_decimal(struct sbuf *out, const char *name, const char *labels, uint64_t value, unsigned digits)
{
    begin_sample(out, name, "", labels);
    put_decimal(out, value, digits);
    sbuf_put(out, "\n", 1);
}

/* `count` values of all that came were not over the bound number `i`. */
static void put_bucket(struct sbuf *out, const char *name, const char *labels, const struct scale *scale, size_t i,
                       uint64_t count)
{
    sbuf_printf(out, "%s_bucket{%s%sle=\"", name, labels, labels[0] == '\0' ? "" : ",");
    if (i < scale->n)
        put_bound(out, scale->bounds[i], scale->digits);
    else
        sbuf_str(out, STR("+Inf"));
    sbuf_printf(out, "\"} %" PRIu64 "\n", count);
}

void expose_histogram(struct sbuf *out, const char *name, const char *labels, const struct scale *scale,
                      const struct bucket_counts *counts)
{
    uint64_t so_far = 0;

    for (size_t i = 0; i <= scale->n; i++) {
        so_far += counts->counts[i];
        put_bucket(out, name, labels, scale, i, so_far);
    }
    begin_sample(out, name, "_sum", labels);
    put_decimal(out, counts->sum, scale->digits);
    sbuf_put(out, "\n", 1);
    begin_sample(out, name, "_count", labels);
    sbuf_printf(out, "%" PRIu64 "\n", counts->total);
}

static void put_value(struct sbuf *out, struct str value)
{
    while (value.n > 0) {
        size_t n = str_utf8_length(value);

        if (n == 0)
            sbuf_str(out, STR("\xef\xbf\xbd"));
        else if (value.p[0] == '\n')
            sbuf_str(out, STR("\\n"));
        else if (value.p[0] == '"' || value.p[0] == '\\')
            sbuf_printf(out, "\\%c", value.p[0]);
        else
            sbuf_put(out, value.p, n);
        value = str_from(value, n == 0 ? 1 : n);
    }
}

void expose_label(struct sbuf *labels, const char *key, struct str value)
{
    sbuf_printf(labels, "%s%s=\"", labels->n == 0 ? "" : ",", key);
    put_value(labels, value);
    sbuf_put(labels, "\"", 1);
}
