/* SPDX-License-Identifier: Apache-2.0 */
/* What a shell offers when TAB is pressed: `trace --complete WORD...`. */
#ifndef TRACE_COMPLETE_H
#define TRACE_COMPLETE_H

/*
 * The words after "trace", the last of them as far as it is typed. Prints a line for each way to go on: the word when
 * completed, a tab, the part of it to show, a tab, what it is. Exit status 3: file names are wanted here (too).
 */
int complete(int word_cnt, char **words);

#endif
