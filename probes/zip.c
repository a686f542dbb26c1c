// SPDX-License-Identifier: Apache-2.0
/*
 * Files in zip archives (APPNOTE 4.3), such as Android's packages: libraries that lie there uncompressed
 * and page aligned are mapped from the archive itself. Nothing about an archive is believed.
 */
#include <errno.h>
#include <string.h>

#include "probes/elf.h"

enum {
	END_SIGNATURE = 0x06054b50,
	END_SZ = 22,
	ENTRY_SIGNATURE = 0x02014b50,
	ENTRY_SZ = 46,
	LOCAL_SIGNATURE = 0x04034b50,
	LOCAL_SZ = 30,
	COMMENT_MAX = 65535,
};

static uint32_t u16_at(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32_at(const uint8_t *p)
{
	return u16_at(p) | u16_at(p + 2) << 16;
}

/* The record at the end, behind which only a comment stands. */
static const uint8_t *find_end(const uint8_t *zip, size_t sz)
{
	size_t first = sz > END_SZ + COMMENT_MAX ? sz - END_SZ - COMMENT_MAX : 0;

	if (sz < END_SZ)
		return NULL;
	for (size_t at = sz - END_SZ + 1; at-- > first;)
		if (u32_at(zip + at) == END_SIGNATURE)
			return zip + at;
	return NULL;
}

/* The data stand behind the local header, whose own lengths may differ from the directory's. */
static int locate(const uint8_t *zip, size_t sz, const uint8_t *entry, uint64_t *off,
		  uint64_t *size)
{
	uint64_t local = u32_at(entry + 42), from;

	if (u16_at(entry + 10)) /* a method of compression */
		return -EOPNOTSUPP;
	if (sz < LOCAL_SZ || local > sz - LOCAL_SZ || u32_at(zip + local) != LOCAL_SIGNATURE)
		return -EINVAL;
	from = local + LOCAL_SZ + u16_at(zip + local + 26) + u16_at(zip + local + 28);
	*size = u32_at(entry + 24);
	if (from > sz || *size > sz - from)
		return -EINVAL;
	*off = from;
	return 0;
}

int zip_find(const uint8_t *zip, size_t sz, const char *name, uint64_t *off, uint64_t *size)
{
	const uint8_t *end = find_end(zip, sz);
	size_t at, len = strlen(name), step;

	if (!end)
		return -EINVAL;
	at = u32_at(end + 16);
	for (uint32_t left = u16_at(end + 10); left; left--, at += step) {
		const uint8_t *e = zip + at;

		if (at > sz || sz - at < ENTRY_SZ || u32_at(e) != ENTRY_SIGNATURE)
			return -EINVAL;
		step = ENTRY_SZ + u16_at(e + 28) + u16_at(e + 30) + u16_at(e + 32);
		if (step > sz - at)
			return -EINVAL;
		if (u16_at(e + 28) == len && !memcmp(e + ENTRY_SZ, name, len))
			return locate(zip, sz, e, off, size);
	}
	return -ENOENT;
}
