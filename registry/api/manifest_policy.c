#include "registry/api/manifest_policy.h"

#include <regex.h>
#include <string.h>

static bool matches_any(const struct config_list *patterns, const char *text)
{
    bool found = false;

    for (size_t i = 0; i < patterns->n && !found; i++) {
        regex_t compiled;

        /* The configuration reader has compiled each once: a failure here is memory, and then nothing matches. */
        if (regcomp(&compiled, patterns->items[i], REG_EXTENDED | REG_NOSUB) != 0)
            continue;
        found = regexec(&compiled, text, 0, NULL, 0) == 0;
        regfree(&compiled);
    }
    return found;
}

/* With a list set, distribution's rule: denied ones never, and with an allow list only its own. */
static bool url_allowed(const struct config *config, const char *url)
{
    if (matches_any(&config->urls_deny, url))
        return false;
    return config->urls_allow.n == 0 || matches_any(&config->urls_allow, url);
}

static bool wanted_platform(const struct config *config, const struct reference *child)
{
    for (size_t i = 0; i < config->platform_count; i++) {
        const struct config_platform *p = &config->platforms[i];

        if (strcmp(p->os, child->os) == 0 && strcmp(p->architecture, child->architecture) == 0 &&
            (p->variant == NULL || strcmp(p->variant, child->variant) == 0))
            return true;
    }
    return false;
}

/* validation.manifests.indexes.platforms: children for platforms that nobody here asked for may be absent. */
static void excuse_children(const struct config *config, struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->reference_count; i++) {
        struct reference *r = &manifest->references[i];

        if (r->kind == REFERENCE_CHILD && config->index_platforms != CONFIG_PLATFORMS_ALL &&
            !wanted_platform(config, r))
            r->optional = true;
    }
}

int manifest_policy_apply(const struct config *config, struct manifest *manifest, struct err *e)
{
    bool listed = config->urls_allow.n > 0 || config->urls_deny.n > 0;

    excuse_children(config, manifest);
    if (config->validation_disabled)
        return 0;
    if (!listed && manifest->urls_misplaced)
        return err_set(e, ERR_INVALID,
                       "a layer of an ordinary media type points elsewhere; "
                       "validation.manifests.urls.allow can permit that");
    for (size_t i = 0; i < manifest->url_count && listed; i++)
        if (!url_allowed(config, manifest->urls[i]))
            return err_set(e, ERR_INVALID,
                           "a layer points to %s, which validation.manifests.urls does not allow on this registry",
                           manifest->urls[i]);
    return 0;
}
