/* SPDX-License-Identifier: Apache-2.0 */
/* Captures: what skboutput() writes, readable by tcpdump and its like. */
#ifndef TRACE_PCAP_H
#define TRACE_PCAP_H

#include <stddef.h>
#include <stdint.h>

struct pcap;

/*
 * Appends a packet to the capture of that name in the list, which it begins when it is new. wall_ns:
 * since 1970; len: its whole length, of which cnt bytes are there. 0 or a negative errno.
 */
int pcap_put(struct pcap **list, const char *path, uint64_t wall_ns, const void *bytes,
	     uint32_t cnt, uint32_t len);
/* Writes what is still in memory. 0, or the first failure and the capture's name. */
int pcap_flush(struct pcap *list, const char **path);
void pcap_free(struct pcap *list);

#endif
