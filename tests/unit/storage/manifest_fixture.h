/* Parsing manifests that are made of one descriptor, called by their JSON. */
#ifndef BERTH_TEST_MANIFEST_FIXTURE_H
#define BERTH_TEST_MANIFEST_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "storage/manifest.h"
#include "tests/unit/test.h"

#define OCI_TYPE    "application/vnd.oci.image.manifest.v1+json"
#define OCI_LIST    "application/vnd.oci.image.index.v1+json"
#define DOCKER_TYPE "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define HEX         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DIGEST      "\"digest\":\"sha256:" HEX "\""
#define DESCRIPTOR  "{\"mediaType\":\"a/b\"," DIGEST ",\"size\":7}"
#define IMAGE(more) "{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"layers\":[" DESCRIPTOR "]" more "}"
#define INDEX(more) "{\"schemaVersion\":2,\"manifests\":[" DESCRIPTOR "]" more "}"
#define LAYER(text) "{\"schemaVersion\":2,\"config\":" DESCRIPTOR ",\"layers\":[" text "]}"
#define SIZE(text)  LAYER("{\"mediaType\":\"a/b\"," DIGEST ",\"size\":" text "}")

static struct err err;

static inline int parse(const char *bytes, const char *content_type, struct manifest *out)
{
    err = (struct err){0};
    return manifest_parse(str_of(bytes), str_of(content_type), out, &err);
}

#endif
