/* Mistakes about addresses, ports and who reaches them, and about the machine, are found. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "tests/unit/doctor/doctor_fixture.h"
#include "tools/doctor/ports.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define PLAIN "version: 0.1\nstorage: {filesystem: {rootdirectory: data}}\n"
#define TLS   "tls: {certificate: tls/server.crt, key: tls/server.key}"
/* A socket of inode 777 that listens on port 5999 (0x176f) of 127.0.0.1. */
#define TAKEN                                                                                                          \
    "mkdir -p proc/net; printf '%s\\n' '  sl  local_address' '   0: 0100007F:176F 00000000:0000 0A 00000000:00000000 " \
    "00:00000000 00000000     0        0 777 1 0 100 0 0 10 0' >proc/net/tcp; "
#define BY(name) "mkdir -p proc/4242/fd; ln -s 'socket:[777]' proc/4242/fd/3; echo " name " >proc/4242/comm; "
/* Process 4242 has the data directory. */
#define SERVED                                                                                                       \
    "echo 4242 >data/berth.lock; echo \"1: FLOCK  ADVISORY  WRITE 4242 08:01:$(stat -c %i data/berth.lock) 0 EOF\" " \
    ">proc/locks; "

TEST(exposure, "a door that is open to everybody is found")
{
    static const struct mistake mistakes[] = {
        {.more = PLAIN "http: {addr: ':5999', " TLS "}\n",
         .found = "warning  exposure: whoever reaches :5999 may push and delete",
         .remedy = "auth.htpasswd.path"},
        {.more = PLAIN "http: {addr: '0.0.0.0:5999'}\nauth: {htpasswd: {path: htpasswd}}\n",
         .found = "warning  exposure: 0.0.0.0:5999 speaks plain HTTP",
         .remedy = "berth-ca init --dir /etc/berth/ca"},
        {.more = PLAIN "http: {addr: '127.0.0.1:5999', debug: {addr: ':5998'}}\n",
         .found = "warning  exposure: http.debug.addr :5998 tells metrics to whoever asks",
         .remedy = "127.0.0.1:5001"},
    };

    check_mistakes(mistakes, COUNT(mistakes));
}

TEST(addresses, "addresses that cannot be listened on are found, and by whom a port is taken")
{
    static const struct mistake mistakes[] = {
        {.plant = TAKEN BY("nginx"),
         .found = "error    addresses: http.addr :5999: process 4242 (nginx) listens there",
         .remedy = "stop process 4242, or choose another port"},
        {.plant = TAKEN,
         .found = "error    addresses: http.addr :5999: another program listens there",
         .remedy = "ss -tlnp"},
        {.plant = TAKEN BY("nginx"),
         .more = PLAIN "http: {addr: '127.0.0.1:5999'}\n",
         .found = "error    addresses: http.addr 127.0.0.1:5999: process 4242 (nginx) listens there",
         .remedy = "stop process 4242"},
        {.more = PLAIN "http: {addr: '203.0.113.77:5999', " TLS "}\n",
         .host = "registry.test",
         .found = "error    addresses: http.addr 203.0.113.77:5999: this machine has no such address",
         .remedy = "ip address"},
        {.more = PLAIN "http: {addr: none/berth.sock, net: unix}\n",
         .found = "error    addresses: http.addr none/berth.sock: user us may not make a socket in none (No such file",
         .remedy = "install -d -m 0755"},
        {.more = PLAIN "http: {addr: '127.0.0.1:5999', debug: {addr: '127.0.0.1:5999'}}\n",
         .found = "error    addresses: http.debug.addr is http.addr once more: 127.0.0.1:5999",
         .remedy = "choose another port"},
        {.more = PLAIN "http: {addr: '127.0.0.1:5999', acme: {addr: '127.0.0.1:5998', webroot: none}}\n",
         .found = "error    acme: http.acme.webroot none is not there",
         .remedy = "install -d -m 0755 none"},
        {.plant = "touch none",
         .more = PLAIN "http: {addr: '127.0.0.1:5999', acme: {addr: '127.0.0.1:5998', webroot: none}}\n",
         .found = "error    acme: http.acme.webroot none is not a directory",
         .remedy = "certbot --webroot -w"},
        {.variable = "REGISTRY_HTTP_HOST=http://registry.test:5999",
         .found = "error    http.host: http.host says http, but TLS is spoken",
         .remedy = "https://registry.test:5999"},
    };

    check_mistakes(mistakes, COUNT(mistakes));
}

TEST(running, "the server that runs here may have its ports, and so may systemd for it")
{
    static const struct mistake cases[] = {{.plant = TAKEN BY("berth") SERVED}, {.plant = TAKEN BY("systemd")}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sbuf out;
        int errors;

        begin_case();
        plant(&cases[i]);
        out = examine(&cases[i], NULL, &errors);
        if (strstr(out.p, "\nno findings\n") == NULL)
            test_fail(__FILE__, __LINE__, "%s", out.p);
        CHECK((strstr(out.p, "a server runs on this data directory: process 4242\n") != NULL) == (i == 0));
        sbuf_free(&out);
    }
}

TEST(machine, "a clock that is behind, one that nobody sets, and too few descriptors are found")
{
    struct mistake mistakes[] = {
        {.plant = "touch data/berth.lock",
         .days = -1,
         .host = "registry.test",
         .found = "error    clock: the clock is behind: ",
         .remedy = "timedatectl set-ntp true"},
        {.plant = SERVED
         "mkdir proc/4242; printf 'Max open files            256       256      files\\n' >proc/4242/limits",
         .found = "warning  descriptors: a process may open 256 files only",
         .remedy = "LimitNOFILE=65536"},
        {.plant = SERVED
         "mkdir proc/4242; printf 'Max open files            5000      5000     files\\n' >proc/4242/limits",
         .variable = "REGISTRY_HTTP_LIMITS_CONNECTIONS=5000",
         .found = "warning  descriptors: http.limits.connections 5000 needs 10128 descriptors, and there are 5000",
         .remedy = "LimitNOFILE=65536"},
    };
    struct mistake unset = {.found = "warning  clock: the clock is not synchronised",
                            .remedy = "timedatectl set-ntp true"};

    check_mistakes(mistakes, COUNT(mistakes));
    begin_case();
    paper_synchronised = false;
    check_found(&unset, NULL);
}

TEST(ports, "who listens is read as the kernel writes it, for both families")
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(5999), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {
        .sin_family = AF_INET, .sin_port = htons(5999), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct port_holder holder;

    begin_case();
    run_shell(
        "mkdir proc/net; echo '   0: 00000000000000000000000001000000:176F 00000000000000000000000000000000:0000 0A "
        "00000000:00000000 00:00000000 00000000 0 0 99 1 0 100 0 0 10 0' >proc/net/tcp6; echo '   1: "
        "0100007F:176F 0200007F:1000 01 00000000:00000000 00:00000000 00000000 0 0 98 1 0' >proc/net/tcp");
    CHECK(port_is_taken("proc", (struct sockaddr *)&six, &holder));
    CHECK_TEXT(holder.name, "another program");
    CHECK(!port_is_taken("proc", (struct sockaddr *)&four, &holder)); /* connected, not listening */
    six.sin6_addr = (struct in6_addr)IN6ADDR_ANY_INIT;
    CHECK(port_is_taken("proc", (struct sockaddr *)&six, &holder));
    six.sin6_port = htons(6000);
    CHECK(!port_is_taken("proc", (struct sockaddr *)&six, &holder));
}

TEST(advice, "the lines for clients fit what is served")
{
    static const struct {
        struct mistake set_up;
        const char *line;
    } cases[] = {
        {{.host = "registry.test"}, "\nOn each host that uses it as registry.test:5999:\n"},
        {{.host = "registry.test"}, "install -D -m 0644 ca.crt /etc/docker/certs.d/registry.test:5999/ca.crt\n"},
        {{.host = "registry.test"}, "  copy tls/ca.crt there as ca.crt, then\n"},
        {{.host = "registry.test"}, "berth-trust install registry.test:5999 --ca tls/ca.crt USER@HOST...\n"},
        {{.host = "registry.test"}, "  docker login registry.test:5999\n"},
        {{.host = "[2001:db8::5]:5999"}, "/etc/containers/certs.d/[2001:db8::5]:5999/ca.crt\n"},
        {{.variable = "REGISTRY_HTTP_ADDR=:443", .host = "registry.test"},
         "/etc/docker/certs.d/registry.test/ca.crt\n"},
        {{.variable = "REGISTRY_HTTP_HOST=https://registry.test:8443"}, "docker login registry.test:8443\n"},
        {{.more = PLAIN "http: {addr: '127.0.0.1:5999'}\n", .host = "registry.test"},
         "{\"insecure-registries\": [\"registry.test:5999\"]} in /etc/docker/daemon.json"},
        {{.more = PLAIN "http: {addr: '127.0.0.1:5999'}\n", .host = "registry.test"}, "never for production\n"},
        {{.more = PLAIN "http: {addr: '127.0.0.1:5999', host: 'https://registry.test'}\n"},
         "what the proxy in front of it needs"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sbuf out;
        int errors;

        begin_case();
        plant(&cases[i].set_up);
        out = examine(&cases[i].set_up, NULL, &errors);
        if (strstr(out.p, cases[i].line) == NULL)
            test_fail(__FILE__, __LINE__, "no line \"%s\" in\n%s", cases[i].line, out.p);
        sbuf_free(&out);
    }
}

TEST(json, "programs get one object with all of it")
{
    char *environment[] = {NULL};
    const struct doctor_user us = {"us", geteuid(), getegid()};
    struct doctor_request request = {.config = "c.yml",
                                     .environment = environment,
                                     .user = &us,
                                     .json = true,
                                     .world = {.proc = "proc",
                                               .look_at_disk = look_at_paper,
                                               .clock_is_synchronised = ask_paper,
                                               .measure_sync = measure_paper}};
    struct sbuf out = {0};
    struct err e;

    begin_case();
    run_shell("chmod o+r htpasswd");
    CHECK_INT(doctor_run(&request, &out, &e), 1);
    CHECK(strncmp(sbuf_text(&out),
                  "{\"findings\":[{\"check\":\"users\",\"severity\":\"error\",\"text\":\"everybody on this machine "
                  "may read htpasswd, and guess its passwords in peace\",\"remedy\":\"chmod o-rwx "
                  "htpasswd\"}],\"checked\":[\"configuration\",",
                  150) == 0);
    CHECK(strstr(out.p, "\"errors\":1,\"warnings\":0,\"server\":0,\"clients\":[\"On each host") != NULL);
    sbuf_free(&out);
    request.hosts = (const char *const[]){"not a host"};
    request.host_count = 1;
    CHECK_INT(doctor_run(&request, &out, &e), -1);
    CHECK(strncmp(e.text, "--host: ", 8) == 0);
}
