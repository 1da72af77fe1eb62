/* Randomness from the kernel (getrandom(2)), fit for secrets. Aborts if the kernel has none. */
#ifndef BERTH_BASE_RND_H
#define BERTH_BASE_RND_H

#include <stddef.h>

void rnd_bytes(void *out, size_t n);
/* `digits` lower-case hexadecimal digits and a terminator. */
void rnd_hex(char *out, size_t digits);
/* `n` letters and digits without the ones that look alike (0 O 1 l I), and a terminator: 5.8 bits each. */
void rnd_password(char *out, size_t n);

#endif
