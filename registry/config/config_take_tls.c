/* Client certificates: http.tls.client* and access.certificates. */
#include <string.h>

#include "registry/config/config_take.h"

struct word {
    const char *text;
    int value;
};

/* Finds the node's text among `words`, which end with a NULL text; -1 with "…; write <choices>" when it is not there.
 */
static int choose(const struct word *words, const struct config_node *node, const char *kind, const char *choices,
                  struct err *e)
{
    for (; words->text != NULL; words++)
        if (strcmp(words->text, node->text) == 0)
            return words->value;
    return config_node_fail(node, e, "\"%.80s\" is no %s; write %s", node->text, kind, choices);
}

static const struct word client_auths[] = {{"request-client-cert", CONFIG_CLIENT_AUTH_REQUEST},
                                           {"require-any-client-cert", CONFIG_CLIENT_AUTH_REQUIRE_ANY},
                                           {"verify-client-cert-if-given", CONFIG_CLIENT_AUTH_VERIFY_IF_GIVEN},
                                           {"require-and-verify-client-cert", CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY},
                                           {NULL, 0}};

static const struct word policies[] = {{"connection", CONFIG_CERTIFICATE_CONNECTION},
                                       {"either", CONFIG_CERTIFICATE_EITHER},
                                       {"both", CONFIG_CERTIFICATE_BOTH},
                                       {NULL, 0}};

/* The word of a value; NULL when none means it. */
static const char *word_of(const struct word *words, int value)
{
    while (words->text != NULL && words->value != value)
        words++;
    return words->text;
}

int take_client_auth(struct config *config, const struct config_key *key, const struct config_node *node, struct err *e)
{
    int value = choose(client_auths, node, "way to treat client certificates",
                       "require-and-verify-client-cert, verify-client-cert-if-given, require-any-client-cert or "
                       "request-client-cert",
                       e);

    (void)key;
    if (value < 0)
        return -1;
    config->client_auth = (enum config_client_auth)value;
    return 0;
}

const char *client_auth_in_force(const struct config *config)
{
    return word_of(client_auths, (int)config->client_auth);
}

int take_certificate_name(struct config *config, const struct config_key *key, const struct config_node *node,
                          struct err *e)
{
    static const struct word words[] = {{"cn", CONFIG_CERTIFICATE_CN},
                                        {"dns", CONFIG_CERTIFICATE_DNS},
                                        {"email", CONFIG_CERTIFICATE_EMAIL},
                                        {"uri", CONFIG_CERTIFICATE_URI},
                                        {NULL, 0}};
    int value = choose(words, node, "name of a certificate", "cn, dns, email or uri", e);

    (void)key;
    if (value < 0)
        return -1;
    config->certificate_name = (enum config_certificate_name)value;
    return 0;
}

int take_certificate_policy(struct config *config, const struct config_key *key, const struct config_node *node,
                            struct err *e)
{
    int value = choose(policies, node, "policy", "connection, either or both", e);

    (void)key;
    if (value < 0)
        return -1;
    config->certificate_policy = (enum config_certificate_policy)value;
    return 0;
}

/* Written where nothing is verified it would be an error. */
const char *policy_in_force(const struct config *config)
{
    return config_verifies(config->client_auth) ? word_of(policies, (int)config->certificate_policy) : NULL;
}

/* ---- together ---- */

static const struct config_node *first_of(const struct config_node *root, const char *const *paths, size_t n)
{
    const struct config_node *node = NULL;

    for (size_t i = 0; i < n && node == NULL; i++)
        node = config_node_find(root, paths[i]);
    return node;
}

/* What would let everybody in, or nobody, other than the author meant. */
static int check_tls_clients(const struct config *config, const struct config_node *root, struct err *e)
{
    static const char *const paths[] = {"http.tls.clientcas", "http.tls.clientauth", "http.tls.clientcrls"};
    const struct config_node *any = first_of(root, paths, 3);
    const struct config_node *lists = config_node_find(root, "http.tls.clientcrls");

    if (config->client_auth != CONFIG_CLIENT_AUTH_NONE && config->tls_certificate == NULL)
        return config_node_fail(any, e,
                                "client certificates need TLS, and plain HTTP would let everybody in; set "
                                "http.tls.certificate and http.tls.key");
    if (config_verifies(config->client_auth) && config->client_cas.n == 0)
        return config_node_fail(any, e,
                                "nothing to verify certificates against; set http.tls.clientcas to the files of the "
                                "authorities that clients are certified by");
    if (config->client_crls.n > 0 && !config_verifies(config->client_auth))
        return config_node_fail(lists, e,
                                "only read when certificates are verified; set http.tls.clientcas, and a clientauth "
                                "that verifies");
    return 0;
}

static int check_identity(const struct config *config, const struct config_node *root, struct err *e)
{
    const struct config_node *policy = config_node_find(root, "access.certificates.policy");

    if (policy != NULL && !config_verifies(config->client_auth))
        return config_node_fail(policy, e,
                                "no certificate is verified, so none names a user; set http.tls.clientcas, and a "
                                "clientauth that verifies, or remove the policy");
    if (config->certificate_policy == CONFIG_CERTIFICATE_BOTH && config->auth != CONFIG_AUTH_HTPASSWD)
        return config_node_fail(policy, e,
                                "both wants a password besides the certificate, and there are none; set "
                                "auth.htpasswd, or write either");
    if (config->certificate_policy == CONFIG_CERTIFICATE_BOTH && config->certificate_name == CONFIG_CERTIFICATE_URI)
        return config_node_fail(policy, e,
                                "a URI has a colon, and no user of auth.htpasswd has: nobody could log in; let "
                                "access.certificates.name be cn, dns or email, or write either");
    return 0;
}

int config_settle_certificates(struct config *config, const struct config_node *root, struct err *e)
{
    if (config->client_cas.n > 0 && config_node_find(root, "http.tls.clientauth") == NULL)
        config->client_auth = CONFIG_CLIENT_AUTH_REQUIRE_AND_VERIFY;
    if (config_node_find(root, "access.certificates.policy") == NULL)
        config->certificate_policy = config->auth == CONFIG_AUTH_HTPASSWD ? CONFIG_CERTIFICATE_CONNECTION
                                                                          : CONFIG_CERTIFICATE_EITHER;
    if (check_tls_clients(config, root, e) != 0 || check_identity(config, root, e) != 0)
        return -1;
    if (config->client_auth != CONFIG_CLIENT_AUTH_NONE && !config_verifies(config->client_auth))
        log_warn("http.tls.clientauth: certificates are asked for and not verified: anybody can make one, and none "
                 "names a user");
    return 0;
}
