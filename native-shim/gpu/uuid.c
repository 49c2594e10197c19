#include "gpu/uuid.h"

#include <stdio.h>
#include <string.h>

static int nibble(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

static bool is_group_end(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

bool uuid_parse(const char *text, struct cuda_uuid *uuid)
{
    if (strncmp(text, "GPU-", 4) != 0 && strncmp(text, "MIG-", 4) != 0) {
        return false;
    }
    const char *at = text + 4;
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        if (is_group_end(i) && *at++ != '-') {
            return false;
        }
        int high = nibble(at[0]);
        int low = high < 0 ? -1 : nibble(at[1]);
        if (low < 0) {
            return false;
        }
        uuid->bytes[i] = (unsigned char)(high << 4 | low);
        at += 2;
    }
    return *at == '\0';
}

void uuid_print(const struct cuda_uuid *uuid, char *text)
{
    char *at = text + sprintf(text, "GPU-");
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        if (is_group_end(i)) {
            *at++ = '-';
        }
        at += sprintf(at, "%02x", uuid->bytes[i]);
    }
}
