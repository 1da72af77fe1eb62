/* The checks of `berth doctor`, one file per family. Each adds what it finds to the patient. */
#ifndef BERTH_TOOLS_DOCTOR_CHECKS_H
#define BERTH_TOOLS_DOCTOR_CHECKS_H

#include "tools/doctor/patient.h"

typedef void check_run(struct patient *p);

/* check_config.c */
check_run check_configuration; /* loads it */
check_run check_configuration_file;

/* check_data.c; the directory exists for all but the first */
check_run check_data_directory;
check_run check_file_system;
check_run check_space;
check_run check_sync;

/* check_certificate.c */
check_run check_certificate;
check_run check_names;
check_run check_chain;

/* check_clients.c */
check_run check_authorities;
check_run check_revocation;

/* check_users.c */
check_run check_users;
check_run check_rules;

/* check_network.c */
check_run check_exposure;
check_run check_addresses;
check_run check_host;
check_run check_acme;

/* check_machine.c */
check_run check_clock;
check_run check_descriptors;

/* Who has the data directory open, and who serves, before any check of them runs (check_data.c). */
void find_server(struct patient *p);

#endif
