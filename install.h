/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parts of trace are. */
#ifndef TRACE_INSTALL_H
#define TRACE_INSTALL_H

/*
 * "name" beside the program itself, which is how a build tree has it, else in dir, where it was
 * installed. To be freed; NULL when it is in neither.
 */
char *install_find(const char *name, const char *dir);

#endif
