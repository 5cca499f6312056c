/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel closes for us what is more than we have room for. */
#include "base/parcel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union parcel {			/* aligned as cmsg(3) wants it */
	char bytes[CMSG_SPACE(PARCEL_MAX * sizeof(int))];
	struct cmsghdr head;
};

static void pack(struct msghdr *message, union parcel *parcel, const int *fds, size_t count)
{
	if (count == 0)
		return;
	parcel->head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)),
					 .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&parcel->head), fds, count * sizeof(int));
	message->msg_control = parcel->bytes;
	message->msg_controllen = CMSG_SPACE(count * sizeof(int));
}

bool parcel_send(int to, const void *bytes, size_t len, const int *fds, size_t count)
{
	union parcel parcel = { .bytes = { 0 } };
	struct iovec text = { (void *)bytes, len };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };
	ssize_t n;

	assert(len > 0 && count <= PARCEL_MAX);
	pack(&message, &parcel, fds, count);
	while ((n = sendmsg(to, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
		;
	return n == (ssize_t)len;
}

ssize_t parcel_receive(int from, void *bytes, size_t size, int *fds, size_t *count)
{
	union parcel parcel;
	struct iovec text = { bytes, size };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1,
				  .msg_control = parcel.bytes, .msg_controllen = sizeof(parcel) };
	const struct cmsghdr *head;
	ssize_t n;

	*count = 0;
	while ((n = recvmsg(from, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return n;
	*count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(head), *count * sizeof(int));
	return n;
}
