/* Who may log in, and what he may do then. */
#include "tools/doctor/checks.h"

/* auth */
#include "auth/access.h"
#include "auth/htpasswd.h"
#include "auth/password.h"

/* base */
#include "registry/base/file.h"

/* config */
#include "registry/config/config_access.h"

enum {
    FAULTS_SHOWN = 10,
    BCRYPT_LOW = 8,
    BCRYPT_HIGH = 14,
    ARGON2_KIB_HIGH = 256 * 1024,
    ARGON2_PASSES_HIGH = 20,
};

/* What stands in the user file, as far as it concerns more than one line. */
struct census {
    size_t users, faults, cheap, dear;
    struct sbuf first_cheap, first_dear; /* names */
};

static void note_cost(struct census *census, struct str name, struct str hash)
{
    struct password_recipe recipe;
    bool bcrypt;

    if (password_recipe_of(hash, &recipe, NULL) != 0)
        return;
    bcrypt = recipe.scheme == PASSWORD_BCRYPT;
    if (bcrypt && recipe.cost < BCRYPT_LOW && census->cheap++ == 0)
        sbuf_str(&census->first_cheap, name);
    if ((bcrypt ? recipe.cost > BCRYPT_HIGH : recipe.kib > ARGON2_KIB_HIGH || recipe.cost > ARGON2_PASSES_HIGH) &&
        census->dear++ == 0)
        sbuf_str(&census->first_dear, name);
}

static void look_at_line(struct patient *p, struct census *census, struct str line, unsigned number)
{
    const char *path = p->config->htpasswd_path;
    struct str trimmed = str_trim(line), name, hash;
    struct err e;

    if (trimmed.n == 0 || trimmed.p[0] == '#' || trimmed.p[0] == '\r')
        return;
    census->users++;
    if (!htpasswd_split(line, &name, &hash)) {
        if (census->faults++ < FAULTS_SHOWN) {
            complain(p, SEVERITY_ERROR, "%s:%u: no colon in the line; it should read NAME:HASH", path, number);
            advise(p, "remove the line, or make it anew: berth-user add NAME --file %s", word(path));
        }
    } else if (htpasswd_check_name(name, &e) != 0) {
        if (census->faults++ < FAULTS_SHOWN) {
            complain(p, SEVERITY_ERROR, "%s:%u: %s", path, number, e.text);
            advise(p, "remove the line");
        }
    } else if (password_check(hash, &e) != 0) {
        if (census->faults++ < FAULTS_SHOWN) {
            complain(p, SEVERITY_ERROR, "%s:%u: user %.*s: %s", path, number, (int)name.n, name.p, e.text);
            advise(p, "berth-user passwd %.*s --file %s", (int)name.n, name.p, word(path));
        }
    } else {
        note_cost(census, name, hash);
    }
}

static void tell_census(struct patient *p, struct census *census)
{
    const char *path = p->config->htpasswd_path;

    if (census->users == 0) {
        complain(p, SEVERITY_WARNING, "%s holds no user: nobody can log in", path);
        advise(p, "berth-user add NAME --file %s", word(path));
    }
    if (census->faults > FAULTS_SHOWN) {
        complain(p, SEVERITY_ERROR, "%s: %zu more lines like these", path, census->faults - FAULTS_SHOWN);
        advise(p, "correct those above first");
    }
    if (census->cheap > 0) {
        complain(p, SEVERITY_WARNING,
                 "%s: the passwords of %zu users, %s first, are hashed with so low a bcrypt cost that a stolen file is "
                 "guessed quickly",
                 path, census->cheap, sbuf_text(&census->first_cheap));
        advise(p, "berth-user passwd %s --file %s, or htpasswd -B -C 10", sbuf_text(&census->first_cheap), word(path));
    }
    if (census->dear > 0) {
        complain(p, SEVERITY_WARNING,
                 "%s: the passwords of %zu users, %s first, cost seconds or gigabytes to check: their logins wait, and "
                 "others with them",
                 path, census->dear, sbuf_text(&census->first_dear));
        advise(p, "berth-user passwd %s --file %s", sbuf_text(&census->first_dear), word(path));
    }
}

static void look_at_users(struct patient *p, struct str text)
{
    struct census census = {.users = 0};
    struct htpasswd *table;
    unsigned number = 1;
    struct err e;

    for (struct str rest = text; rest.n > 0; number++) {
        struct str line = {rest.p, str_find(rest, '\n')};

        look_at_line(p, &census, line, number);
        rest = str_from(rest, line.n + 1);
    }
    /* What is wrong between lines: one user twice. */
    table = census.faults > 0 ? NULL : htpasswd_parse(p->config->htpasswd_path, text, &e);
    if (census.faults == 0 && table == NULL)
        complain_of(p, SEVERITY_ERROR, e.text, "remove one of the lines");
    htpasswd_free(&table);
    tell_census(p, &census);
    sbuf_free(&census.first_cheap);
    sbuf_free(&census.first_dear);
}

static int read_users(const struct patient *p, struct sbuf *text, struct err *e)
{
    return file_read_regular(p->config->htpasswd_path, HTPASSWD_FILE_MAX, text, e);
}

void check_users(struct patient *p)
{
    const char *path = p->config->htpasswd_path;
    struct sbuf text = {0};
    struct stat st;
    struct err e;

    if (stat(path, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
        complain(p, SEVERITY_ERROR, "everybody on this machine may read %s, and guess its passwords in peace", path);
        advise(p, "chmod o-rwx %s", word(path));
    }
    check_readable(p, path);
    if (read_users(p, &text, &e) == 0) {
        look_at_users(p, (struct str){text.p, text.n});
    } else if (e.code == ERR_NOT_FOUND) {
        complain(p, SEVERITY_WARNING,
                 "%s is not there: the server will make it with one user, docker, and log his password", path);
        advise(p, "berth-user add NAME --file %s", word(path));
    } else {
        complain(p, SEVERITY_ERROR, "auth.htpasswd.path: %s", e.text);
        advise(p, "make it a file that %s may read", p->user.name);
    }
    sbuf_wipe(&text);
}

/* ---- rules ---- */

struct strangers {
    struct patient *patient;
    const struct htpasswd *users;
};

static void look_for_user(void *context, struct str origin, struct str user)
{
    struct strangers *s = context;

    if (user.n == 0 || htpasswd_find(s->users, user) != NULL)
        return;
    complain(s->patient, SEVERITY_WARNING, "%.*s: there is no user %.*s in %s", (int)origin.n, origin.p, (int)user.n,
             user.p, s->patient->config->htpasswd_path);
    advise(s->patient, "correct the name, or add him: berth-user add %.*s --file %s", (int)user.n, user.p,
           word(s->patient->config->htpasswd_path));
}

/* Where certificates name users, no file has them all. */
static void look_for_users(struct patient *p, const struct access *access)
{
    struct strangers s = {.patient = p};
    struct sbuf text = {0};
    struct htpasswd *users = NULL;

    if (p->config->auth == CONFIG_AUTH_HTPASSWD && p->config->client_cas.n == 0 && read_users(p, &text, NULL) == 0)
        users = htpasswd_parse("", (struct str){text.p, text.n}, NULL);
    s.users = users;
    if (users != NULL)
        access_each_user(access, look_for_user, &s);
    htpasswd_free(&users);
    sbuf_wipe(&text);
}

static void look_at_rules(struct patient *p, const struct access *access)
{
    static const enum access_action dangerous[] = {ACCESS_PUSH, ACCESS_DELETE, ACCESS_OVERWRITE};
    const struct access_caller nobody = {.user = STR("")};

    for (size_t i = 0; i < sizeof(dangerous) / sizeof(dangerous[0]); i++) {
        if (!access_possible(access, &nobody, dangerous[i]))
            continue;
        complain(p, SEVERITY_WARNING, "the access rules let anybody %s without a login",
                 access_action_name(dangerous[i]));
        advise(p, "write actions: [pull] for anonymous; berth access explain - %s REPOSITORY --all names the rule",
               access_action_name(dangerous[i]));
        break;
    }
    look_for_users(p, access);
}

static struct access *read_rules_file(struct patient *p)
{
    const char *path = p->config->access_file;
    struct access *access = NULL;
    struct sbuf text = {0};
    struct err e;

    check_readable(p, path);
    if (file_read_regular(path, CONFIG_ACCESS_FILE_MAX, &text, &e) != 0) {
        complain(p, SEVERITY_ERROR, "access.file: %s", e.text);
        advise(p, "write rules there, or remove access.file: %s", word(path));
    } else if (config_access_of_file(path, (struct str){text.p, text.n}, &access, &e) != 0) {
        complain_of(p, SEVERITY_ERROR, e.text, "berth access check --rules FILE tries it again");
    }
    sbuf_free(&text);
    return access;
}

void check_rules(struct patient *p)
{
    struct access *read = p->config->access_file == NULL ? NULL : read_rules_file(p);
    const struct access *access = read != NULL ? read : p->config->access;

    if (access != NULL)
        look_at_rules(p, access);
    access_free(&read);
}
