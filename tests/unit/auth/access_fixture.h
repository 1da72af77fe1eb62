/* Rules, callers and answers in few words, for tests of access rules. */
#ifndef BERTH_ACCESS_FIXTURE_H
#define BERTH_ACCESS_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "auth/access.h"
#include "tests/unit/test.h"

enum { WORDS_MAX = 8 };

/* One rule; lists are words with blanks between them. */
struct written_rule {
    const char *repositories, *subjects, *actions, *networks;
    bool deny;
};

static inline struct access_list words(const char *text, struct str *items)
{
    size_t n = 0;

    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, " ");

        if (n == WORDS_MAX)
            abort();
        items[n++] = (struct str){text, length};
        text += length + (text[length] == ' ');
    }
    return (struct access_list){items, n};
}

/* Adds the rule as one from access.yml:LINE. */
static inline int add_rule(struct access *access, const struct written_rule *written, const char *origin, struct err *e)
{
    struct str repositories[WORDS_MAX], subjects[WORDS_MAX], actions[WORDS_MAX], networks[WORDS_MAX];

    return access_add_rule(access,
                           &(struct access_rule){
                               .repositories = words(written->repositories, repositories),
                               .subjects = words(written->subjects, subjects),
                               .actions = words(written->actions, actions),
                               .networks = words(written->networks, networks),
                               .deny = written->deny,
                               .origin = str_of(origin),
                           },
                           e);
}

/* "" or NULL is what the caller does not have. */
static inline struct access_caller caller(const char *user, const char *certificate, const char *address)
{
    struct access_caller out = {.user = str_of(user), .certificate = str_of(certificate)};

    if (address != NULL && *address != '\0' && !network_address_parse(str_of(address), &out.address))
        test_fail(__FILE__, __LINE__, "%s is not an address", address);
    return out;
}

#endif
