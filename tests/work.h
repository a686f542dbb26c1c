/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of work share. */
#ifndef TRACE_TESTS_WORK_H
#define TRACE_TESTS_WORK_H

void fail(const char *what); /* prints errno and ends */
long check(long rc, const char *what); /* the same when rc is negative */
void sleep_ms(long ms);

/* tasks: n are the numbers behind their names */
void do_connections(const long *n);
void do_connections6(const long *n);
void do_refused(const long *n);
void do_datagrams(const long *n);
void do_strange(const long *n);
void do_unanswered(const long *n);
void do_names(const long *n);

#endif
