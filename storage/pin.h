/*
 * Pins: which blobs somebody is putting on disk just now, and which one the sweeper is about to take away.
 *
 * A blob is a file and a record, and no step changes both. Without pins the sweeper could remove the record, a push of
 * the same digest adopt a new file and commit a new record, and the sweeper then unlink the new file. So:
 *
 *   a push      pin_hold()   adopt the file, commit the record                         pin_drop()
 *   the sweeper pin_claim()  look again and commit the removal, unlink the file        pin_drop()
 *
 * Any number of pushes hold a digest at a time. A claim is exclusive and never waits: what is held is left to another
 * time. A push waits for a claim to end, which takes the sweeper a commit and a few unlinks.
 *
 * Memory: pins are their callers' own, one per push under way and one per blob of a step of the sweeper; the table only
 * links them.
 *
 * Thread: any. pin_hold() may wait: workers only, and never the metadata writer's, which the sweeper waits for. A pin is
 * used by one thread at a time. Locks: one per shard, held for a walk along a short list and never while another lock is
 * taken; so pin_drop() may run on a loop.
 */
#ifndef BERTH_STORAGE_PIN_H
#define BERTH_STORAGE_PIN_H

#include <stdbool.h>

#include "storage/digest.h"

struct pins;

/* Zeros: holds nothing. */
struct pin {
    struct digest digest;
    bool claims;
    bool linked; /* holds or claims `digest` */
    struct pin *next;
};

struct pins *pins_new(void);
/* All pins are dropped. */
void pins_free(struct pins **pins);

/* Waits until nobody claims `d`. The pin stays where it is until it is dropped. */
void pin_hold(struct pins *pins, struct pin *pin, const struct digest *d);
/* False when anybody holds or claims `d`: then the pin holds nothing. */
bool pin_claim(struct pins *pins, struct pin *pin, const struct digest *d);
/* Does nothing for a pin that holds nothing. */
void pin_drop(struct pins *pins, struct pin *pin);

#endif
