// SPDX-License-Identifier: Apache-2.0
/*
 * libdwfl opens a file and finds what belongs to it: .gnu_debugdata (a small symbol table, xz), the
 * debug file named by build-id or .gnu_debuglink beside the program, under /usr/lib/debug or in the
 * directories of --debuginfo; by debuginfod only when DEBUGINFOD_URLS asks for it.
 */
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "probes/probe.h"

struct debugfile {
	Dwfl_Callbacks cb;
	char *dirs; /* where libdwfl looks; NULL: its own idea */
	Dwfl *dwfl;
	Dwfl_Module *mod;
};

struct debugfile *debugfile_open(int fd, const char *path, const char *dirs)
{
	struct debugfile *d = calloc(1, sizeof(*d));

	/* "" is the program's own directory */
	if (!d || (dirs && *dirs && asprintf(&d->dirs, "%s::.debug:/usr/lib/debug", dirs) < 0))
		goto err_out;
	d->cb = (Dwfl_Callbacks){
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = d->dirs ? &d->dirs : NULL,
	};
	d->dwfl = dwfl_begin(&d->cb);
	if (!d->dwfl)
		goto err_out;
	dwfl_report_begin(d->dwfl);
	d->mod = dwfl_report_offline(d->dwfl, path, path, fd);
	if (!d->mod)
		goto err_out;
	fd = -1; /* the module's now */
	dwfl_report_end(d->dwfl, NULL, NULL);
	return d;
err_out:
	close(fd);
	debugfile_close(d);
	return NULL;
}

void debugfile_close(struct debugfile *d)
{
	if (!d)
		return;
	dwfl_end(d->dwfl); /* takes NULL */
	free(d->dirs);
	free(d);
}

struct Dwfl_Module *debugfile_module(struct debugfile *d)
{
	return d->mod;
}

int debug_next_die(void *die)
{
	Dwarf_Off at = dwarf_dieoffset(die);
	Dwarf_Die next;
	int rc = dwarf_siblingof(die, &next);

	if (!rc && dwarf_dieoffset(&next) <= at)
		return 1;
	if (!rc)
		*(Dwarf_Die *)die = next;
	return rc;
}
