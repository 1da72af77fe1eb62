/* Good set-ups are left in peace; mistakes in the configuration, the data directory, the users and the rules are found. */
#include "tests/unit/doctor/doctor_fixture.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

TEST(good, "the doctor has no findings in good set-ups, and says what it checked")
{
    static const struct mistake cases[] = {
        {.plant = NULL},
        {.host = "registry.test:5999"},
        {.plant = "mkdir data/blobs; echo 99999 >data/berth.lock"},
        {.more = "access: {preset: anonymous-pull}\n"},
        {.more = "access: {rules: [{subjects: [alice]}, {subjects: [anonymous], actions: [pull]}]}\n"},
        {.plant = "printf 'rules:\\n  - {subjects: [alice]}\\n' >rules.yml", .more = "access: {file: rules.yml}\n"},
        {.more = "version: 0.1\nstorage: {filesystem: {rootdirectory: data}}\nhttp: {addr: '127.0.0.1:5999'}\n"},
        {.more = "version: 0.1\nstorage: {filesystem: {rootdirectory: data}}\nhttp: {addr: berth.sock, net: unix}\n"},
        {.more =
             "version: 0.1\nstorage: {filesystem: {rootdirectory: data}}\nauth: {htpasswd: {path: htpasswd}}\nhttp: "
             "{addr: ':5999', debug: {addr: '127.0.0.1:5998'}, host: 'https://localhost', tls: {certificate: "
             "tls/server.crt, key: tls/server.key, clientcas: [tls/ca.crt], clientcrls: [tls/crl.pem]}}\n"},
        {.plant = "printf 'bob:$2y$12$V1nMWN8Pk1VYGYdiOUBhaudyEfqm6sZ0T0.QBk5WbRzuqKS0XmY4G\\n# c\\n\\n' >>htpasswd"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sbuf out;
        int errors;

        begin_case();
        plant(&cases[i]);
        out = examine(&cases[i], NULL, &errors);
        CHECK_INT(errors, 0);
        if (strncmp(out.p, "checked: configuration, ", 24) != 0 || strstr(out.p, "\nno findings\n") == NULL)
            test_fail(__FILE__, __LINE__, "case %zu: %s", i, out.p);
        sbuf_free(&out);
    }
}

TEST(configuration, "mistakes in the configuration and around its file are found")
{
    static const struct mistake mistakes[] = {
        {.more = "version: [0.1\n",
         .found = "error    configuration: c.yml:2: not YAML: ",
         .remedy = "check indentation"},
        {.more = "htp: {}\n",
         .found = "error    configuration: c.yml:5: htp: unknown key",
         .remedy = "did you mean http?"},
        {.more = "redis: {addr: x}\n",
         .found = "error    configuration: c.yml:5: redis: Berth needs no redis",
         .remedy = "remove the section"},
        {.plant = "rm c.yml",
         .found = "error    configuration: c.yml: No such file or directory",
         .remedy = "check the path"},
        {.variable = "REGISTRY_HTTP_ADR=:1",
         .found = "warning  configuration: REGISTRY_HTTP_ADR: unknown variable, ignored",
         .remedy = "did you mean REGISTRY_HTTP_ADDR?"},
        {.variable = "REGISTRY_AUTH_HTPASWD_PATH=/x",
         .found = "error    configuration: REGISTRY_AUTH_HTPASWD_PATH: unknown variable",
         .remedy = "did you mean REGISTRY_AUTH_HTPASSWD_PATH?"},
        {.plant = "chmod o+w c.yml",
         .found = "error    configuration file: everybody on this machine may change c.yml",
         .remedy = "chmod o-w c.yml"},
        {.plant = "chmod o+w .",
         .found = "error    configuration file: everybody on this machine may replace c.yml",
         .remedy = "chmod o-w ."},
    };

    check_mistakes(mistakes, COUNT(mistakes));
}

TEST(data, "a data directory that is missing, foreign, open or not whole is found")
{
    static const struct mistake mistakes[] = {
        {.plant = "rmdir data",
         .found = "warning  data directory: data is not there: the server will begin with an empty one",
         .remedy = "install -d -m 0700"},
        {.plant = "rmdir data; touch data",
         .found = "error    data directory: data, the data directory, is not a directory",
         .remedy = "set storage.filesystem.rootdirectory to a directory"},
        {.plant = "chmod o+w data",
         .found = "error    data directory: everybody on this machine may change what is in data",
         .remedy = "chmod o-w data"},
        {.plant = "touch data/restore.unfinished",
         .found = "error    data directory: a restore into data was interrupted",
         .remedy = "berth restore BACKUP --to data"},
        {.plant = "mkdir -p data/docker/registry/v2/repositories",
         .found = "warning  data directory: data holds images of registry:2",
         .remedy = "berth import data --config c.yml --dry-run"},
    };

    check_mistakes(mistakes, COUNT(mistakes));
}

/* Who cannot read what is ours: another user, or without root we ourselves. */
TEST(rights, "what the user who serves may not use is found, with the directory that keeps him out")
{
    static const struct mistake mistakes[] = {
        {.plant = "chmod 0 htpasswd",
         .found = "error    users: user nobody, who serves, may not read htpasswd",
         .remedy = "chgrp "},
        {.plant = "chmod 0 tls/server.key",
         .found = "error    certificate: user nobody, who serves, may not read tls/server.key",
         .remedy = "chgrp "},
        {.plant = "chmod 0500 data",
         .found = "error    data directory: user nobody, who serves, may not write data",
         .remedy = "ch"},
        {.plant = "rmdir data; chmod 0500 .",
         .found = "error    data directory: data is not there, and user nobody may not make it",
         .remedy = "install -d -m 0700 -o "},
        {.plant = "chmod 0 rules.yml",
         .more = "access: {file: rules.yml}\n",
         .found = "error    access rules: user nobody, who serves, may not read rules.yml",
         .remedy = "chgrp "},
    };
    const bool root = geteuid() == 0;
    const struct doctor_user nobody = {"nobody", root ? 65534 : geteuid(), root ? 65534 : getegid()};

    for (size_t i = 0; i < COUNT(mistakes); i++) {
        begin_case();
        write_file("rules.yml", "rules:\n  - {subjects: [alice]}\n");
        plant(&mistakes[i]);
        check_found(&mistakes[i], &nobody);
        CHECK_INT(geteuid(), root ? 0 : nobody.uid);
        chmod(".", 0700);
    }
}

TEST(owner, "a data directory of somebody else is found")
{
    struct mistake m = {.found = "warning  data directory: data belongs to user 12345, not to us who serves",
                        .remedy = "chown -R"};

    if (geteuid() != 0)
        return; /* nobody else can give it away */
    begin_case();
    CHECK_INT(chown("data", 12345, 12345), 0);
    check_found(&m, NULL);
}

TEST(disk, "a disk that is full, slow, remote or in memory is found")
{
    static const struct {
        struct statfs disk;
        uint64_t sync_us;
        struct mistake mistake;
    } cases[] = {
        {{.f_type = NFS_SUPER_MAGIC, .f_bsize = 1, .f_blocks = 1000, .f_bavail = 900},
         0,
         {.found = "error    file system: data is on a file system of the network (NFS)", .remedy = "on a local disk"}},
        {{.f_type = (__typeof__(paper_disk.f_type))0x65735546, .f_bsize = 1, .f_blocks = 1000, .f_bavail = 900},
         0,
         {.found = "error    file system: data is on a file system of the network (FUSE)",
          .remedy = "on a local disk"}},
        {{.f_type = TMPFS_MAGIC, .f_bsize = 1 << 20, .f_blocks = 1000, .f_bavail = 900},
         0,
         {.found = "warning  file system: data is in memory (tmpfs)", .remedy = "on a disk"}},
        {{.f_bsize = 4096, .f_blocks = 1000000, .f_bavail = 1000},
         0,
         {.found = "error    space: the disk of data has 3.9 MiB left, less than the reserve of 64.0 MiB: every push "
                   "is refused",
          .remedy = "berth gc"}},
        {{.f_bsize = 4096, .f_blocks = 10000000, .f_bavail = 400000},
         0,
         {.found = "warning  space: the disk of data is nearly full: 1.5 GiB left, less than 5 %",
          .remedy = "berth du"}},
        {{.f_bsize = 4096, .f_blocks = 1000000, .f_bavail = 900000, .f_files = 1000, .f_ffree = 40},
         0,
         {.found = "warning  space: the file system of data has room for 40 more files only", .remedy = "df -i data"}},
        {{.f_bsize = 4096, .f_blocks = 1000000, .f_bavail = 900000},
         45000,
         {.found = "warning  disk speed: the disk of data takes 45 ms to save 4 KiB", .remedy = "SSD"}},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        begin_case();
        paper_disk = cases[i].disk;
        paper_sync_us = cases[i].sync_us;
        check_found(&cases[i].mistake, NULL);
    }
}

TEST(users, "mistakes in the user file are found, each line and each weak scheme by name, and no hash is shown")
{
    static const struct mistake mistakes[] = {
        {.plant = "rm htpasswd",
         .found = "warning  users: htpasswd is not there: the server will make it with one user, docker",
         .remedy = "berth-user add NAME --file htpasswd"},
        {.plant = "chmod o+r htpasswd",
         .found = "error    users: everybody on this machine may read htpasswd",
         .remedy = "chmod o-rwx htpasswd"},
        {.plant = "echo bob >>htpasswd",
         .found = "error    users: htpasswd:2: no colon in the line",
         .remedy = "remove the line"},
        {.plant = "echo 'bob:$apr1$SECRETHASH$abc' >>htpasswd",
         .found = "error    users: htpasswd:2: user bob: ",
         .remedy = "berth-user passwd bob --file htpasswd"},
        {.plant = "echo 'bob:{SHA}SECRETHASHSECRETHASHSECRETH=' >>htpasswd",
         .found = "error    users: htpasswd:2: user bob: ",
         .remedy = "berth-user passwd bob"},
        {.plant = "echo 'bob:SECRETHASHabc' >>htpasswd",
         .found = "error    users: htpasswd:2: user bob: ",
         .remedy = "berth-user passwd bob"},
        {.plant = "echo 'bob:SECRETHASH plain text' >>htpasswd",
         .found = "error    users: htpasswd:2: user bob: ",
         .remedy = "berth-user passwd bob"},
        {.plant = "cat htpasswd htpasswd >h; cat h >htpasswd",
         .found = "error    users: htpasswd:2: user alice is on line 1 already",
         .remedy = "remove one of the two lines"},
        {.plant = ": >htpasswd",
         .found = "warning  users: htpasswd holds no user: nobody can log in",
         .remedy = "berth-user add NAME --file htpasswd"},
        {.plant = "sed -i 's/y$10/y$05/' htpasswd",
         .found =
             "warning  users: htpasswd: the passwords of 1 users, alice first, are hashed with so low a bcrypt cost",
         .remedy = "berth-user passwd alice --file htpasswd"},
        {.plant = "sed -i 's/y$10/y$18/' htpasswd",
         .found = "warning  users: htpasswd: the passwords of 1 users, alice first, cost seconds",
         .remedy = "berth-user passwd alice --file htpasswd"},
    };

    check_mistakes(mistakes, COUNT(mistakes));
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        struct sbuf out;
        int errors;

        begin_case();
        plant(&mistakes[i]);
        out = examine(&mistakes[i], NULL, &errors);
        CHECK(strstr(out.p, "SECRETHASH") == NULL && strstr(out.p, "V1nMWN8") == NULL);
        sbuf_free(&out);
    }
}

TEST(schemes, "a weak scheme is called by its name")
{
    static const struct {
        const char *hash, *name;
    } cases[] = {{"$apr1$a$b", "MD5 (apr1)"}, {"$1$a$b", "MD5 crypt"}, {"{SHA}a=", "SHA-1"}, {"abcdefghijklm", "DES"}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct mistake m = {.plant = NULL};
        struct sbuf line = {0}, out;
        int errors;

        begin_case();
        sbuf_printf(&line, "bob:%s\n", cases[i].hash);
        write_file("htpasswd", sbuf_text(&line));
        out = examine(&m, NULL, &errors);
        CHECK_INT(errors, 1);
        if (strstr(out.p, cases[i].name) == NULL)
            test_fail(__FILE__, __LINE__, "%s is not named in\n%s", cases[i].name, out.p);
        sbuf_free(&out);
        sbuf_free(&line);
    }
}

TEST(rules, "rules that are missing, malformed, about nobody or open to anybody are found")
{
    static const struct mistake mistakes[] = {
        {.more = "access: {file: none.yml}\n",
         .found = "error    access rules: access.file: none.yml: No such file",
         .remedy = "remove access.file: none.yml"},
        {.plant = "echo 'rules: [{subject: [a]}]' >rules.yml",
         .more = "access: {file: rules.yml}\n",
         .found = "error    access rules: rules.yml:1: rules[0].subject: unknown key",
         .remedy = "did you mean"},
        {.more = "access: {rules: [{subjects: [alice]}, {subjects: [carol]}]}\n",
         .found = "warning  access rules: c.yml:5: there is no user carol in htpasswd",
         .remedy = "berth-user add carol --file htpasswd"},
        {.more = "access: {groups: {team: [dave]}, rules: [{subjects: ['@team']}]}\n",
         .found = "warning  access rules: team: there is no user dave in htpasswd",
         .remedy = "berth-user add dave"},
        {.more = "access: {rules: [{subjects: [anonymous], repositories: [open/**]}]}\n",
         .found = "warning  access rules: the access rules let anybody push without a login",
         .remedy = "write actions: [pull] for anonymous"},
    };

    check_mistakes(mistakes, COUNT(mistakes));
}
