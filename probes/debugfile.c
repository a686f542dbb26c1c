// SPDX-License-Identifier: Apache-2.0
/*
 * libdwfl opens a file and finds what belongs to it: .gnu_debugdata (a small symbol table, xz), the
 * debug file named by build-id or .gnu_debuglink beside the program, under /usr/lib/debug or in the
 * directories of --debuginfo; by debuginfod only when DEBUGINFOD_URLS asks for it.
 */
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/probe.h"

struct debugfile {
	Dwfl_Callbacks cb;
	char *dirs; /* where libdwfl looks; NULL: its own idea */
	Dwfl *dwfl;
	Dwfl_Module *mod;
};

/*
 * What libdwfl is to look through. To it a relative directory is one beside the program, where it looks
 * for no build-id: those of --debuginfo are made absolute. "" is the program's own directory.
 */
static char *search_path(const char *dirs)
{
	char *cwd = getcwd(NULL, 0), *path = NULL, *grown;
	int rc = cwd ? asprintf(&path, "%s", "") : -1;

	for (size_t len; rc >= 0 && *dirs; dirs += len + (dirs[len] == ':')) {
		len = strcspn(dirs, ":");
		if (!len)
			continue;
		rc = asprintf(&grown, "%s%s%s%.*s:", path, *dirs == '/' ? "" : cwd,
			      *dirs == '/' ? "" : "/", (int)len, dirs);
		free(path);
		path = rc < 0 ? NULL : grown;
	}
	rc = rc < 0 ? rc : asprintf(&grown, "%s:.debug:/usr/lib/debug", path);
	free(path);
	free(cwd);
	return rc < 0 ? NULL : grown;
}

struct debugfile *debugfile_open(int fd, const char *path, const char *dirs)
{
	struct debugfile *d = calloc(1, sizeof(*d));

	if (d && dirs && *dirs)
		d->dirs = search_path(dirs);
	if (!d || (dirs && *dirs && !d->dirs))
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
