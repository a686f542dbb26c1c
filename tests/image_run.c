// SPDX-License-Identifier: Apache-2.0
/*
 * Runs an image from a file with the runtime half alone: no compiler is linked, which is the point.
 *   image_run [-q] [-v] [-f text|json] [-o FILE] [-c CMD] [-p PID] [--no-feature LIST] FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/run.h"

static int usage(void)
{
	fprintf(stderr, "usage: image_run [-q] [-v] [-f text|json] [-o FILE] [-c CMD] [-p PID] "
			"[--no-feature LIST] FILE\n");
	return 1;
}

static int parse(int argc, char **argv, struct run_options *opt)
{
	static const struct option longs[] = {
		{ "no-feature", required_argument, NULL, 'F' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "qvf:o:c:p:d:", longs, NULL)) != -1) {
		switch (c) {
		case 'q': opt->quiet = true; break;
		case 'v': opt->verbose = true; break;
		case 'f': opt->format = strcmp(optarg, "json") ? RUN_TEXT : RUN_JSON; break;
		case 'o': opt->output = optarg; break;
		case 'c': opt->child_cmd = optarg; break;
		case 'p': opt->pid = atoi(optarg); break;
		case 'd':
			opt->debug |=
				strcmp(optarg, "verifier") ? RUN_DEBUG_LIBBPF : RUN_DEBUG_VERIFIER;
			break;
		case 'n': opt->dry_run = true; break;
		case 'F': opt->no_features = optarg; break;
		default: return -EINVAL;
		}
	}
	return optind + 1 == argc ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct run_options opt = { 0 };
	struct image img;
	struct stat st;
	char err[256];
	void *elf;
	int fd, rc;

	if (parse(argc, argv, &opt))
		return usage();
	fd = open(argv[optind], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		perror(argv[optind]);
		return 1;
	}
	elf = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (elf == MAP_FAILED) {
		perror(argv[optind]);
		return 1;
	}
	if (image_read(&img, elf, (size_t)st.st_size, err, sizeof(err))) {
		fprintf(stderr, "ERROR: %s: %s\n", argv[optind], err);
		return 1;
	}
	rc = run_image(&img, &opt);
	munmap(elf, (size_t)st.st_size);
	close(fd);
	return rc < 0 ? 1 : rc;
}
