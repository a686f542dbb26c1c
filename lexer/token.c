/* SPDX-License-Identifier: Apache-2.0 */
#include "lexer.h"

static const struct {
	const char *words;
	enum token_after after;
} tokens[] = {
#define TOKEN(name, words, after) [T_##name] = { words, AFTER_##after },
#include "tokens.def"
#undef TOKEN
};

const char *token_words(enum token_kind kind)
{
	return tokens[kind].words;
}

enum token_after token_after(enum token_kind kind)
{
	return tokens[kind].after;
}
