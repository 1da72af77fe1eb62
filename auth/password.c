#include "auth/password.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libraries: this is the one file that knows them */
#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>

/* base */
#include "registry/base/rnd.h"

enum {
    BCRYPT_LENGTH = 60,  /* "$2y$10$", 22 characters of salt, 31 of digest */
    BCRYPT_SETTING = 29, /* what of it goes into the computation */
    BCRYPT_COST_MIN = 4,
    BCRYPT_COST_MAX = 20,
    BCRYPT_COST = 10,

    ARGON2_KIB_MAX = 1 << 20,
    ARGON2_PASSES_MAX = 100,
    ARGON2_LANES_MAX = 64,
    ARGON2_SALT_MIN = 8,
    ARGON2_SALT_ROOM = 48,
    ARGON2_DIGEST_MIN = 16,
    ARGON2_DIGEST_ROOM = 64,
    ARGON2_KIB = 19456, /* this and the next two: the first choice of OWASP's password storage guide */
    ARGON2_PASSES = 2,
    ARGON2_LANES = 1,
    ARGON2_SALT = 16,
    ARGON2_DIGEST = 32,
};

/* A hash taken apart. */
struct hash {
    enum password_scheme scheme;

    /* bcrypt */
    char text[BCRYPT_LENGTH]; /* not terminated */
    unsigned cost;

    /* argon2id */
    uint32_t kib, passes, lanes;
    uint8_t salt[ARGON2_SALT_ROOM];
    uint32_t salt_length;
    uint8_t digest[ARGON2_DIGEST_ROOM];
    uint32_t digest_length;
};

static atomic_uint_fast64_t hashes_computed;

static const struct refused {
    const char *prefix;
    const char *name;
} refused_schemes[] = {
    {"$apr1$", "MD5 (apr1)"},
    {"$1$", "MD5 crypt"},
    {"{SHA}", "SHA-1"},
    {"{SSHA}", "salted SHA-1"},
    {"$5$", "SHA-256 crypt"},
    {"$6$", "SHA-512 crypt"},
    {"$2x$", "bcrypt with the 2011 sign extension bug"},
    {"$argon2i$", "argon2i"},
    {"$argon2d$", "argon2d"},
    {"$7$", "scrypt"},
    {"$y$", "yescrypt"},
};

bool password_possible(struct str password)
{
    return password.n <= PASSWORD_MAX && str_find(password, '\0') == password.n;
}

static bool is_crypt_alphabet(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= '.' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            return false;
    }
    return true;
}

static int parse_bcrypt(struct str text, struct hash *h, struct err *e)
{
    uint64_t cost;

    if (text.n != BCRYPT_LENGTH || text.p[6] != '$' || !is_crypt_alphabet(str_from(text, 7)))
        return err_set(e, ERR_INVALID, "malformed bcrypt hash (an intact one has %d characters, this one has %zu)",
                       BCRYPT_LENGTH, text.n);
    if (!str_to_u64((struct str){text.p + 4, 2}, &cost) || cost < BCRYPT_COST_MIN || cost > BCRYPT_COST_MAX)
        return err_set(e, ERR_INVALID, "bcrypt cost is not within %d to %d", BCRYPT_COST_MIN, BCRYPT_COST_MAX);
    h->scheme = PASSWORD_BCRYPT;
    memcpy(h->text, text.p, BCRYPT_LENGTH);
    h->cost = (unsigned)cost;
    return 0;
}

/* Base64 without padding (RFC 4648 §3.2), unused bits zero. Returns the number of bytes, -1 when malformed or over
 * `room`. */
static int base64_decode(struct str text, uint8_t *out, size_t room)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        const char *at = memchr(alphabet, text.p[i], sizeof(alphabet) - 1);

        if (at == NULL)
            return -1;
        bits = bits << 6 | (uint32_t)(at - alphabet);
        held += 6;
        if (held < 8)
            continue;
        if (n == room)
            return -1;
        held -= 8;
        out[n++] = (uint8_t)(bits >> held);
        bits &= (1U << held) - 1;
    }
    return held < 6 && bits == 0 ? (int)n : -1;
}

/* Cut the text up to `end`, or all of it, off the front of `rest`. */
static struct str cut(struct str *rest, char end)
{
    struct str part = {rest->p, str_find(*rest, end)};

    *rest = str_from(*rest, part.n + 1);
    return part;
}

/* A parameter like "m=65536", at most `max`. */
static bool cut_parameter(struct str *rest, struct str key, char end, uint64_t max, uint32_t *out)
{
    struct str part = cut(rest, end);
    uint64_t value;

    if (!str_starts(part, key) || !str_to_u64(str_from(part, key.n), &value) || value == 0 || value > max)
        return false;
    *out = (uint32_t)value;
    return true;
}

static int parse_argon2id(struct str text, struct hash *h, struct err *e)
{
    struct str rest = str_from(text, STR("$argon2id$").n);
    int salt, digest;

    h->scheme = PASSWORD_ARGON2ID;
    if (!str_eq(cut(&rest, '$'), STR("v=19")))
        return err_set(e, ERR_INVALID, "argon2id hash is not of version 19");
    if (!cut_parameter(&rest, STR("m="), ',', ARGON2_KIB_MAX, &h->kib) ||
        !cut_parameter(&rest, STR("t="), ',', ARGON2_PASSES_MAX, &h->passes) ||
        !cut_parameter(&rest, STR("p="), '$', ARGON2_LANES_MAX, &h->lanes) || h->kib < 8 * h->lanes)
        return err_set(e, ERR_INVALID, "argon2id parameters are not m=8*p..%d,t=1..%d,p=1..%d", ARGON2_KIB_MAX,
                       ARGON2_PASSES_MAX, ARGON2_LANES_MAX);
    salt = base64_decode(cut(&rest, '$'), h->salt, sizeof(h->salt));
    digest = base64_decode(rest, h->digest, sizeof(h->digest));
    if (salt < ARGON2_SALT_MIN || digest < ARGON2_DIGEST_MIN)
        return err_set(e, ERR_INVALID,
                       "malformed argon2id hash (salt of %d to %d bytes, digest of %d to %d, in base64)",
                       ARGON2_SALT_MIN, ARGON2_SALT_ROOM, ARGON2_DIGEST_MIN, ARGON2_DIGEST_ROOM);
    h->salt_length = (uint32_t)salt;
    h->digest_length = (uint32_t)digest;
    return 0;
}

static const struct accepted {
    struct str prefix;
    int (*parse)(struct str text, struct hash *h, struct err *e);
} accepted_schemes[] = {
    {{"$2y$", 4}, parse_bcrypt},
    {{"$2b$", 4}, parse_bcrypt},
    {{"$2a$", 4}, parse_bcrypt},
    {{"$argon2id$", 10}, parse_argon2id},
};

static int parse(struct str text, struct hash *h, struct err *e)
{
    if (text.p == NULL)
        text = STR("");
    for (size_t i = 0; i < sizeof(accepted_schemes) / sizeof(accepted_schemes[0]); i++)
        if (str_starts(text, accepted_schemes[i].prefix))
            return text.n < PASSWORD_HASH_MAX ? accepted_schemes[i].parse(text, h, e)
                                              : err_set(e, ERR_INVALID, "hash of %zu characters", text.n);
    for (size_t i = 0; i < sizeof(refused_schemes) / sizeof(refused_schemes[0]); i++)
        if (str_starts(text, str_of(refused_schemes[i].prefix)))
            return err_set(e, ERR_UNSUPPORTED, "%s hashes are not accepted", refused_schemes[i].name);
    if ((text.n == 13 && is_crypt_alphabet(text)) || (text.n == 20 && text.p[0] == '_'))
        return err_set(e, ERR_UNSUPPORTED, "DES crypt hashes are not accepted");
    return err_set(e, ERR_UNSUPPORTED, "plain text and unknown hashes are not accepted");
}

int password_check(struct str hash, struct err *e)
{
    struct hash h;

    return parse(hash, &h, e);
}

static int verify_bcrypt(const struct hash *h, struct str password, bool *matches, struct err *e)
{
    struct crypt_data *data = xcalloc(1, sizeof(*data));
    char phrase[PASSWORD_BCRYPT_MAX + 1] = {0};
    char setting[BCRYPT_SETTING + 1] = {0};
    const char *made;
    bool done;

    if (password.n > 0)
        memcpy(phrase, password.p, password.n < PASSWORD_BCRYPT_MAX ? password.n : PASSWORD_BCRYPT_MAX);
    /* "$2a$" makes libxcrypt alter the result for passwords that a 2011 bug of other programs would confuse; those who
     * write "$2a$" today mean the plain algorithm, which is "$2b$". */
    memcpy(setting, h->text, BCRYPT_SETTING);
    setting[2] = 'b';
    made = crypt_r(phrase, setting, data);
    done = made != NULL && strlen(made) == BCRYPT_LENGTH;
    if (done) /* only the digest: the last character of a salt has spare bits that libxcrypt rewrites */
        *matches = CRYPTO_memcmp(made + BCRYPT_SETTING, h->text + BCRYPT_SETTING, BCRYPT_LENGTH - BCRYPT_SETTING) == 0;
    explicit_bzero(phrase, sizeof(phrase));
    explicit_bzero(data, sizeof(*data));
    free(data);
    return done ? 0 : err_set(e, ERR_IO, "libcrypt cannot compute bcrypt");
}

static int verify_argon2id(const struct hash *h, struct str password, bool *matches, struct err *e)
{
    uint8_t phrase[PASSWORD_MAX];
    uint8_t salt[ARGON2_SALT_ROOM];
    uint8_t digest[ARGON2_DIGEST_ROOM];
    argon2_context context = {
        .out = digest,
        .outlen = h->digest_length,
        .pwd = phrase,
        .pwdlen = (uint32_t)password.n,
        .salt = salt,
        .saltlen = h->salt_length,
        .t_cost = h->passes,
        .m_cost = h->kib,
        .lanes = h->lanes,
        .threads = 1, /* the result is the same, and the size of the worker pool stays what bounds the cores in use */
        .version = ARGON2_VERSION_13,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    int rc;

    if (password.n > 0)
        memcpy(phrase, password.p, password.n);
    memcpy(salt, h->salt, sizeof(salt));
    rc = argon2id_ctx(&context);
    if (rc == ARGON2_OK)
        *matches = CRYPTO_memcmp(digest, h->digest, h->digest_length) == 0;
    explicit_bzero(phrase, sizeof(phrase));
    explicit_bzero(digest, sizeof(digest));
    return rc == ARGON2_OK ? 0 : err_set(e, ERR_IO, "argon2id over %u KiB: %s", h->kib, argon2_error_message(rc));
}

int password_verify(struct str hash, struct str password, bool *matches, struct err *e)
{
    struct hash h = {0};

    *matches = false;
    if (parse(hash, &h, e) != 0)
        return -1;
    if (!password_possible(password))
        return 0;
    atomic_fetch_add_explicit(&hashes_computed, 1, memory_order_relaxed);
    return h.scheme == PASSWORD_BCRYPT ? verify_bcrypt(&h, password, matches, e)
                                       : verify_argon2id(&h, password, matches, e);
}

uint64_t password_hashes_computed(void)
{
    return atomic_load_explicit(&hashes_computed, memory_order_relaxed);
}

static int hash_bcrypt(unsigned cost, struct str password, char *out, struct err *e)
{
    struct crypt_data *data;
    char phrase[PASSWORD_BCRYPT_MAX + 1] = {0};
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    char salt[16];
    const char *made;
    int rc = -1;

    if (password.n > PASSWORD_BCRYPT_MAX)
        return err_set(e, ERR_INVALID,
                       "bcrypt looks at %d bytes only and this password has %zu: shorten it or use argon2id",
                       PASSWORD_BCRYPT_MAX, password.n);
    data = xcalloc(1, sizeof(*data));
    memcpy(phrase, password.p, password.n);
    rnd_bytes(salt, sizeof(salt));
    made = crypt_gensalt_rn("$2y$", cost, salt, sizeof(salt), setting, sizeof(setting));
    made = made == NULL ? NULL : crypt_r(phrase, setting, data);
    if (made != NULL && strlen(made) == BCRYPT_LENGTH) {
        memcpy(out, made, BCRYPT_LENGTH + 1);
        rc = 0;
    }
    explicit_bzero(phrase, sizeof(phrase));
    explicit_bzero(data, sizeof(*data));
    free(data);
    return rc == 0 ? 0 : err_set(e, ERR_IO, "libcrypt cannot compute bcrypt");
}

static int hash_argon2id(const struct password_recipe *recipe, struct str password, char *out, struct err *e)
{
    uint8_t salt[ARGON2_SALT];
    int rc;

    rnd_bytes(salt, sizeof(salt));
    rc = argon2id_hash_encoded(recipe->cost, recipe->kib, recipe->lanes, password.p, password.n, salt, sizeof(salt),
                               ARGON2_DIGEST, out, PASSWORD_HASH_MAX);
    return rc == ARGON2_OK ? 0 : err_set(e, ERR_IO, "argon2id over %u KiB: %s", recipe->kib, argon2_error_message(rc));
}

static unsigned otherwise(unsigned chosen, unsigned by_default)
{
    return chosen == 0 ? by_default : chosen;
}

/* The recipe with its defaults in place. */
static struct password_recipe complete(const struct password_recipe *recipe)
{
    if (recipe->scheme == PASSWORD_BCRYPT)
        return (struct password_recipe){PASSWORD_BCRYPT, otherwise(recipe->cost, BCRYPT_COST), 0, 0};
    return (struct password_recipe){PASSWORD_ARGON2ID, otherwise(recipe->cost, ARGON2_PASSES),
                                    otherwise(recipe->kib, ARGON2_KIB), otherwise(recipe->lanes, ARGON2_LANES)};
}

int password_recipe_check(const struct password_recipe *recipe, struct err *e)
{
    struct password_recipe r = complete(recipe);

    if (r.scheme == PASSWORD_BCRYPT) {
        if (recipe->kib != 0 || recipe->lanes != 0)
            return err_set(e, ERR_INVALID, "bcrypt has no choice of memory or lanes; argon2id has");
        if (r.cost < BCRYPT_COST_MIN || r.cost > BCRYPT_COST_MAX)
            return err_set(e, ERR_INVALID, "the cost of bcrypt is %d to %d", BCRYPT_COST_MIN, BCRYPT_COST_MAX);
        return 0;
    }
    if (r.cost > ARGON2_PASSES_MAX)
        return err_set(e, ERR_INVALID, "the cost of argon2id is 1 to %d passes", ARGON2_PASSES_MAX);
    if (r.lanes > ARGON2_LANES_MAX)
        return err_set(e, ERR_INVALID, "argon2id takes 1 to %d lanes", ARGON2_LANES_MAX);
    if (r.kib < 8 * r.lanes || r.kib > ARGON2_KIB_MAX)
        return err_set(e, ERR_INVALID, "argon2id takes 8 KiB for each lane to %d MiB of memory", ARGON2_KIB_MAX / 1024);
    return 0;
}

int password_make(const struct password_recipe *recipe, struct str password, char out[PASSWORD_HASH_MAX], struct err *e)
{
    struct password_recipe r = complete(recipe);

    if (password.n == 0)
        return err_set(e, ERR_INVALID, "the password is empty");
    if (!password_possible(password))
        return err_set(e, ERR_INVALID, "the password has a NUL byte in it or is longer than %d bytes", PASSWORD_MAX);
    if (password_recipe_check(recipe, e) != 0)
        return -1;
    return r.scheme == PASSWORD_BCRYPT ? hash_bcrypt(r.cost, password, out, e) : hash_argon2id(&r, password, out, e);
}

int password_hash(enum password_scheme scheme, unsigned cost, struct str password, char out[PASSWORD_HASH_MAX],
                  struct err *e)
{
    return password_make(&(struct password_recipe){.scheme = scheme, .cost = cost}, password, out, e);
}

int password_recipe_of(struct str hash, struct password_recipe *recipe, struct err *e)
{
    struct hash h = {0};

    if (parse(hash, &h, e) != 0)
        return -1;
    *recipe = h.scheme == PASSWORD_BCRYPT ? (struct password_recipe){PASSWORD_BCRYPT, h.cost, 0, 0}
                                          : (struct password_recipe){PASSWORD_ARGON2ID, h.passes, h.kib, h.lanes};
    return 0;
}
