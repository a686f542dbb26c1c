/* SPDX-License-Identifier: Apache-2.0 */
/* hand OBJECT PROGRAM: attaches one program of hand.bpf.o as trace attaches its own, until told to end. */
#include <bpf/libbpf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct bpf_program *p;
	struct bpf_link *link = NULL;
	struct bpf_object *obj;
	sigset_t end;
	int sig;

	if (argc != 3) {
		fprintf(stderr, "usage: hand OBJECT PROGRAM\n");
		return 2;
	}
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	obj = bpf_object__open_file(argv[1], NULL);
	if (!obj)
		return 1;
	bpf_object__for_each_program(p, obj)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), argv[2]));
	p = bpf_object__find_program_by_name(obj, argv[2]);
	if (p && !bpf_object__load(obj))
		link = bpf_program__attach(p);
	if (!link) {
		bpf_object__close(obj);
		return 1;
	}
	sigwait(&end, &sig);
	bpf_link__destroy(link);
	bpf_object__close(obj);
	return 0;
}
