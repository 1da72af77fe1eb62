#include "registry/basic_credentials.h"

#include <string.h>

#include <openssl/evp.h>

#include "auth/htpasswd.h"

/* Decode into `room`. Returns the bytes, 0 when it is no base64. */
static size_t decode(struct str encoded, char *room)
{
    int length = EVP_DecodeBlock((unsigned char *)room, (const unsigned char *)encoded.p, (int)encoded.n);
    size_t n = length < 0 ? 0 : (size_t)length;

    n -= n > 0 && encoded.p[encoded.n - 1] == '=';
    n -= n > 0 && encoded.p[encoded.n - 2] == '=';
    return n;
}

bool basic_credentials(struct str header, char *room, struct str *name, struct str *password)
{
    static const struct str scheme = STR("Basic ");
    struct str encoded = str_trim(str_from(header, scheme.n));
    struct str decoded = {room, 0};
    size_t colon;

    if (header.n < scheme.n || !str_eq_nocase((struct str){header.p, scheme.n}, scheme) || encoded.n == 0 ||
        encoded.n % 4 != 0 || encoded.n > CREDENTIALS_MAX)
        return false;
    decoded.n = decode(encoded, room);
    colon = str_find(decoded, ':');
    if (colon == 0 || colon == decoded.n || colon > HTPASSWD_NAME_MAX) {
        explicit_bzero(room, header.n);
        return false;
    }
    *name = (struct str){room, colon};
    *password = str_from(decoded, colon + 1);
    return true;
}
