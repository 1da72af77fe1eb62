#include "registry/events/event_filter.h"

#include "registry/events/event_retry.h"
#include "tests/unit/test.h"

TEST(wants, "an endpoint hears of everything but the actions and media types that it ignores")
{
    char octets[] = "application/octet-stream", index[] = "a/index";
    char *types[] = {octets, index};
    struct config_endpoint endpoint = {0};

    for (int action = 0; action < ACTIONS; action++)
        CHECK(event_filter_wants(&endpoint, (enum event_action)action, STR("application/octet-stream")));
    endpoint.ignored_types = (struct config_list){types, 2};
    endpoint.ignored[ACTION_PULL] = true;
    CHECK(!event_filter_wants(&endpoint, ACTION_PUSH, STR("application/octet-stream")));
    CHECK(!event_filter_wants(&endpoint, ACTION_PUSH, STR("a/index")));
    CHECK(event_filter_wants(&endpoint, ACTION_PUSH, STR("a/indexes")));
    CHECK(event_filter_wants(&endpoint, ACTION_DELETE, STR("")));
    CHECK(!event_filter_wants(&endpoint, ACTION_PULL, STR("a/b")));
}

static const struct {
    uint64_t failures, threshold, backoff, wanted;
} pauses[] = {
    {1, 10, 1000, 0},          {9, 10, 1000, 0},      {10, 10, 1000, 1000},
    {11, 10, 1000, 2000},      {12, 10, 1000, 4000},  {15, 10, 1000, 32000},
    {16, 10, 1000, 60000},     {17, 10, 1000, 60000}, {1000000, 10, 1, 60000},
    {UINT64_MAX, 1, 1, 60000}, {1, 1, 100, 100},      {10, 10, 90000, 90000},
    {99, 10, 90000, 90000},    {5, 5, 60000, 60000},  {6, 5, UINT64_MAX, UINT64_MAX},
};

TEST(pauses_grow, "below the threshold it is tried at once, then after pauses that double up to a minute")
{
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++)
        CHECK_INT(event_retry_pause_ms(pauses[i].failures, pauses[i].threshold, pauses[i].backoff), pauses[i].wanted);
}
