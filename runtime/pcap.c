// SPDX-License-Identifier: Apache-2.0
/* The classic capture format, with times in nanoseconds; its head tells in which byte order it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/pcap.h"

enum { LINKTYPE_ETHERNET = 1, SNAPLEN = 262144 };

struct pcap {
	struct pcap *next;
	FILE *file;
	char path[];
};

struct pcap_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy; /* both always 0 */
	uint32_t snaplen, linktype;
};

struct pcap_packet {
	uint32_t s, ns, cnt, len;
};

static int begin(struct pcap **list, const char *path, struct pcap **out)
{
	static const struct pcap_head head = { 0xa1b23c4d, 2, 4, 0, 0, SNAPLEN, LINKTYPE_ETHERNET };
	struct pcap *p = calloc(1, sizeof(*p) + strlen(path) + 1);

	if (!p)
		return -ENOMEM;
	strcpy(p->path, path);
	p->file = fopen(path, "we");
	if (!p->file) {
		free(p);
		return -errno;
	}
	p->next = *list;
	*list = p;
	*out = p;
	return fwrite(&head, sizeof(head), 1, p->file) == 1 ? 0 : -errno;
}

int pcap_put(struct pcap **list, const char *path, uint64_t wall_ns, const void *bytes,
	     uint32_t cnt, uint32_t len)
{
	const struct pcap_packet head = { (uint32_t)(wall_ns / 1000000000),
					  (uint32_t)(wall_ns % 1000000000), cnt, len };
	struct pcap *p = *list;
	int rc;

	while (p && strcmp(p->path, path))
		p = p->next;
	if (!p) {
		rc = begin(list, path, &p);
		if (rc)
			return rc;
	}
	if (fwrite(&head, sizeof(head), 1, p->file) != 1 || fwrite(bytes, 1, cnt, p->file) != cnt)
		return -errno;
	return 0;
}

int pcap_flush(struct pcap *list, const char **path)
{
	for (struct pcap *p = list; p; p = p->next) {
		if (!fflush(p->file))
			continue;
		*path = p->path;
		return -errno;
	}
	return 0;
}

void pcap_free(struct pcap *list)
{
	struct pcap *next;

	for (struct pcap *p = list; p; p = next) {
		next = p->next;
		fclose(p->file);
		free(p);
	}
}
