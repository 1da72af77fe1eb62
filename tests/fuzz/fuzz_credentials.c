/* Values of the Authorization header. Input: the value. What is taken apart as Basic is written again and must say the
 * same; a pass is what fuzz_bearer.c tries. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <openssl/evp.h>

#include "auth/htpasswd.h"
#include "registry/basic_credentials.h"

static void check_again(struct str name, struct str password)
{
    size_t n = name.n + 1 + password.n;
    char *plain = xmalloc(n), *header = xmalloc(6 + (n + 2) / 3 * 4 + 1), *room;
    struct str again_name, again_password;
    size_t length;

    memcpy(plain, name.p, name.n);
    plain[name.n] = ':';
    if (password.n > 0)
        memcpy(plain + name.n + 1, password.p, password.n);
    memcpy(header, "Basic ", sizeof("Basic "));
    length = 6 + (size_t)EVP_EncodeBlock((unsigned char *)header + 6, (const unsigned char *)plain, (int)n);
    room = xmalloc(length);
    HOLDS(basic_credentials((struct str){header, length}, room, &again_name, &again_password));
    HOLDS(str_eq(name, again_name) && str_eq(password, again_password));
    free(room);
    free(header);
    free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str name, password;
    char *room = xcalloc(1, size + 1);

    if (basic_credentials(fuzz_text(data, size), room, &name, &password)) {
        HOLDS(name.n > 0 && name.n <= HTPASSWD_NAME_MAX && str_find(name, ':') == name.n);
        HOLDS(name.p == room && password.p + password.n <= room + size);
        check_again(name, password);
    } else {
        for (size_t i = 0; i < size; i++)
            HOLDS(room[i] == '\0');
    }
    free(room);
    return 0;
}
