/* SPDX-License-Identifier: Apache-2.0 */
/*
 * USDT probes for the tests' programs, written as <sys/sdt.h> would: their notes by hand, so that every
 * form of argument is there whatever the compiler likes.
 */
#ifndef TRACE_TESTS_USDT_H
#define TRACE_TESTS_USDT_H

#define USDT(provider, name, semaphore, args, ...)                                                 \
	__asm__ volatile(                                                                          \
		"990: nop\n"                                                                       \
		".pushsection .note.stapsdt, \"\", \"note\"\n"                                     \
		".balign 4\n"                                                                      \
		".4byte 992f-991f, 994f-993f, 3\n"                                                 \
		"991: .asciz \"stapsdt\"\n"                                                        \
		"992: .balign 4\n"                                                                 \
		"993: .8byte 990b, _.stapsdt.base, " semaphore "\n"                                \
		".asciz \"" provider "\"\n"                                                        \
		".asciz \"" name "\"\n"                                                            \
		".asciz \"" args "\"\n"                                                            \
		"994: .balign 4\n"                                                                 \
		".popsection\n"                                                                    \
		".ifndef _.stapsdt.base\n"                                                         \
		".pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n"        \
		".weak _.stapsdt.base\n"                                                           \
		".hidden _.stapsdt.base\n"                                                         \
		"_.stapsdt.base: .space 1\n"                                                       \
		".size _.stapsdt.base, 1\n"                                                        \
		".popsection\n"                                                                    \
		".endif\n" ::__VA_ARGS__)

#endif
