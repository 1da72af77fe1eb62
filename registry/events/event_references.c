/* The only part of an event that needs a look into a manifest. */
#include "registry/events/event_json.h"

#include <stdlib.h>

#include <jansson.h>

#include "storage/manifest_json.h"

/* Of a descriptor (OCI image-spec, descriptor.md); embedded data would make a notification as large as a blob. */
static const char *const members[] = {"mediaType", "digest", "size", "urls", "annotations", "platform", "artifactType"};

static void add(json_t *list, const json_t *descriptor)
{
    json_t *copy = json_object();

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *member = json_is_object(descriptor) ? json_member(descriptor, members[i]) : NULL;

        if (member != NULL)
            json_object_set(copy, members[i], member);
    }
    json_array_append_new(list, copy);
}

static void add_all(json_t *list, const json_t *descriptors)
{
    for (size_t i = 0; i < json_array_size(descriptors); i++)
        add(list, json_array_get(descriptors, i));
}

void event_references(struct str manifest, struct sbuf *out)
{
    json_t *document = json_document(manifest, NULL);
    json_t *list = json_array();
    const json_t *config = document == NULL ? NULL : json_member(document, "config");
    char *text;

    if (config != NULL)
        add(list, config);
    if (document != NULL) {
        add_all(list, json_member(document, "layers"));
        add_all(list, json_member(document, "manifests"));
    }
    text = json_array_size(list) > 0 ? json_dumps(list, JSON_COMPACT) : NULL;
    if (text != NULL)
        sbuf_str(out, str_of(text));
    free(text);
    json_decref(list);
    json_decref(document);
}
