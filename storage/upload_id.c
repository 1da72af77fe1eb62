#include "storage/upload_id.h"

#include <stdio.h>
#include <string.h>

#include "registry/base/rnd.h"

bool upload_id_valid(struct str id)
{
    static const char pattern[] = "hhhhhhhh-hhhh-4hhh-vhhh-hhhhhhhhhhhh";

    if (id.n != UPLOAD_ID_LENGTH)
        return false;
    for (size_t i = 0; i < UPLOAD_ID_LENGTH; i++) {
        const char literal[] = {pattern[i], '\0'};
        const char *allowed = pattern[i] == 'h' ? "0123456789abcdef" : pattern[i] == 'v' ? "89ab" : literal;

        if (id.p[i] == '\0' || strchr(allowed, id.p[i]) == NULL)
            return false;
    }
    return true;
}

void upload_id_make(char out[UPLOAD_ID_LENGTH + 1])
{
    static const size_t starts[] = {0, 9, 14, 19, 24}; /* of the groups between the dashes */
    static const size_t sizes[] = {4, 2, 2, 2, 6};     /* bytes each stands for */
    uint8_t random[16];
    const uint8_t *r = random;

    rnd_bytes(random, sizeof(random));
    random[6] = (random[6] & 0x0f) | 0x40;
    random[8] = (random[8] & 0x3f) | 0x80;
    memset(out, '-', UPLOAD_ID_LENGTH);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        hex_encode(r, sizes[i], out + starts[i]);
        r += sizes[i];
    }
    out[UPLOAD_ID_LENGTH] = '\0';
}

bool upload_id_of_file(const char *file, char id[UPLOAD_ID_LENGTH + 1])
{
    struct str name = str_of(file);
    struct str rest = str_from(name, UPLOAD_ID_LENGTH);

    if (name.n < UPLOAD_ID_LENGTH || !upload_id_valid((struct str){file, UPLOAD_ID_LENGTH}))
        return false;
    memcpy(id, file, UPLOAD_ID_LENGTH);
    id[UPLOAD_ID_LENGTH] = '\0';
    return rest.n == 0 || str_eq(rest, STR(".state"));
}
