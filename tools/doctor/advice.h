/* The lines for the hosts that are to use the registry. */
#ifndef BERTH_TOOLS_DOCTOR_ADVICE_H
#define BERTH_TOOLS_DOCTOR_ADVICE_H

#include "tools/doctor/patient.h"

/* Is it a name or an address by which only this machine's own programs come? */
bool advice_is_local(const char *host);

/* Append what to do on each Docker, containerd and Podman host, with what clients call this registry: --host, else
 * http.host, else the best name of this machine that the certificate covers. Needs a configuration. */
void advice_put(const struct patient *p, struct sbuf *out);

#endif
