// File descriptors over a unix socket. (cmsg(3): macros throughout)
#pragma once
#include <string.h>
#include <sys/socket.h>

/// Largest number of descriptors in one message.
#define HOMEROOM_MAX_DESCRIPTORS 8

/// Sends one byte with `count` descriptors. 0 on success.
static inline int homeroom_send_descriptors(int socket, const int *descriptors, int count) {
    char byte = 0;
    struct iovec data = {&byte, 1};
    union { char bytes[CMSG_SPACE(sizeof(int) * HOMEROOM_MAX_DESCRIPTORS)]; struct cmsghdr aligned; } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {0};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * (size_t)count);
    return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/// Receives `count` descriptors, closed on exec; 1 on success, 0 at the end, -1 for anything else. `flags` are recvmsg's:
/// MSG_DONTWAIT does not wait for them.
static inline int homeroom_receive_descriptors(int socket, int *descriptors, int count, int flags) {
    char byte = 0;
    struct iovec data = {&byte, 1};
    union { char bytes[CMSG_SPACE(sizeof(int) * HOMEROOM_MAX_DESCRIPTORS)]; struct cmsghdr aligned; } control;
    struct msghdr message = {0};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    ssize_t received = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    if (received == 0) return 0;
    struct cmsghdr *header = received == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header == NULL || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int) * (size_t)count))
        return -1;
    memcpy(descriptors, CMSG_DATA(header), sizeof(int) * (size_t)count);
    return 1;
}
