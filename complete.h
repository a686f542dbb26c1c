/* SPDX-License-Identifier: Apache-2.0 */
/* What a shell offers when TAB is pressed: `trace --complete WORD...`. */
#ifndef TRACE_COMPLETE_H
#define TRACE_COMPLETE_H

#include "options.h"

/* Tells the options that the script of o->file or o->program asks for with getopt(): "--name", or "--name=". */
typedef void (*script_options_fn)(struct options *o, options_fn fn, void *arg);

/*
 * The words after "trace", the last of them as far as it is typed. Prints a line for each way to go on: the word when
 * completed, a tab, the part of it to show, a tab, what it is. Exit status 3: file names are wanted here (too).
 */
int complete(int word_cnt, char **words, script_options_fn script_options);

#endif
