/* SPDX-License-Identifier: Apache-2.0 */
/* hand OBJECT PROGRAM...: attaches programs of hand.bpf.o as trace attaches its own, until told to end. */
#include <bpf/libbpf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PROGS_MAX = 8 };

static bool is_named(const struct bpf_program *p, char **names)
{
	while (*names && strcmp(bpf_program__name(p), *names))
		names++;
	return *names;
}

/* How many of those with these names are attached now. */
static int attach(struct bpf_object *obj, char **names, struct bpf_link **links)
{
	struct bpf_program *p;
	int cnt = 0;

	bpf_object__for_each_program(p, obj) bpf_program__set_autoload(p, is_named(p, names));
	if (bpf_object__load(obj))
		return 0;
	bpf_object__for_each_program(p, obj)
	{
		if (is_named(p, names) && (links[cnt] = bpf_program__attach(p)))
			cnt++;
	}
	return cnt;
}

int main(int argc, char **argv)
{
	struct bpf_link *links[PROGS_MAX];
	struct bpf_object *obj;
	sigset_t end;
	int sig, cnt;

	if (argc < 3 || argc - 2 > PROGS_MAX) {
		fprintf(stderr, "usage: hand OBJECT PROGRAM...\n");
		return 2;
	}
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	obj = bpf_object__open_file(argv[1], NULL);
	if (!obj)
		return 1;
	cnt = attach(obj, argv + 2, links);
	if (cnt == argc - 2)
		sigwait(&end, &sig);
	for (int i = 0; i < cnt; i++)
		bpf_link__destroy(links[i]);
	bpf_object__close(obj);
	return cnt == argc - 2 ? 0 : 1;
}
