#include "storage/sweep_gate.h"

#include <pthread.h>
#include <stdlib.h>

#include "registry/base/str.h"

struct sweep_gate {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t left;
    unsigned holds;
    const void *alone; /* or NULL */
    bool stepping;
};

struct sweep_gate *sweep_gate_new(void)
{
    struct sweep_gate *gate = xcalloc(1, sizeof(*gate));

    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->left, NULL);
    return gate;
}

void sweep_gate_free(struct sweep_gate **gate)
{
    if (*gate == NULL)
        return;
    pthread_cond_destroy(&(*gate)->left);
    pthread_mutex_destroy(&(*gate)->lock);
    free(*gate);
    *gate = NULL;
}

static void wait_for_step(struct sweep_gate *gate)
{
    while (gate->stepping)
        pthread_cond_wait(&gate->left, &gate->lock);
}

void sweep_gate_hold(struct sweep_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->holds++;
    wait_for_step(gate);
    pthread_mutex_unlock(&gate->lock);
}

void sweep_gate_release(struct sweep_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->holds--;
    pthread_mutex_unlock(&gate->lock);
}

int sweep_gate_take(struct sweep_gate *gate, const void *owner, struct err *e)
{
    int rc = 0;

    pthread_mutex_lock(&gate->lock);
    if (gate->alone != NULL)
        rc = err_set(e, ERR_BUSY, "another sweep was asked for and is under way; try again when it is done");
    else
        gate->alone = owner;
    wait_for_step(gate);
    pthread_mutex_unlock(&gate->lock);
    return rc;
}

void sweep_gate_give_back(struct sweep_gate *gate, const void *owner)
{
    pthread_mutex_lock(&gate->lock);
    if (gate->alone == owner)
        gate->alone = NULL;
    pthread_mutex_unlock(&gate->lock);
}

int sweep_gate_enter(struct sweep_gate *gate, const void *owner, struct err *e)
{
    int rc = 0;

    pthread_mutex_lock(&gate->lock);
    wait_for_step(gate);
    if (gate->holds > 0)
        rc = err_set(e, ERR_BUSY, "nothing is swept while a backup is taken; try again when it is done");
    else if (gate->alone != NULL && gate->alone != owner)
        rc = err_set(e, ERR_BUSY, "another sweep was asked for and is under way");
    else
        gate->stepping = true;
    pthread_mutex_unlock(&gate->lock);
    return rc;
}

void sweep_gate_leave(struct sweep_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->stepping = false;
    pthread_cond_broadcast(&gate->left);
    pthread_mutex_unlock(&gate->lock);
}
