// SPDX-License-Identifier: Apache-2.0
/*
 * Calling conventions at a function's first instruction: of x86_64 (System V psABI 3.2.3) and of
 * arm64 (AAPCS64 6.8.2). A program sees the general registers and memory; what is passed in floating
 * point registers is out of reach, yet it has to be counted, as more of it goes to the stack.
 */
#include <dwarf.h>
#include <string.h>

#include "probes/debug.h"
#include "probes/regs.h"

#if defined(__aarch64__)
enum { IS_ARM64 = 1, FLOAT_REGS = 8, STACK_FIRST = 0 };
#else
enum { IS_ARM64 = 0, FLOAT_REGS = 8, STACK_FIRST = 8 /* the return address is there */ };
#endif

static const char *const int_regs[] = REGS_ARGS;
enum { INT_REGS = sizeof(int_regs) / sizeof(*int_regs) };
enum { MEMBER_DEPTH_MAX = 16, WORD = 8, TWO_WORDS = 16, FLOATS_MAX = 4 * 16 };

enum class { CLASS_NONE, CLASS_FLOAT, CLASS_INT, CLASS_MEMORY };

/* What a type is made of: the class of each of its first two words. */
struct shape {
	uint64_t size;
	uint32_t align;
	enum class word[2];
	bool by_reference; /* C++: it has a copy constructor or a destructor of its own */
	uint32_t float_cnt, float_sz; /* arm64: floating point members and the size of one */
};

static void merge(struct shape *s, uint64_t off, uint64_t size, enum class class)
{
	for (uint64_t at = off / WORD; at < 2 && at * WORD < off + size; at++)
		if (class > s->word[at])
			s->word[at] = class;
}

static void classify(struct shape *s, Dwarf_Die *type, uint64_t off, unsigned depth);

static void base(struct shape *s, Dwarf_Die *bare, uint64_t off, uint64_t size)
{
	Dwarf_Attribute attr;
	Dwarf_Word enc = 0;
	bool is_float, is_complex;

	if (dwarf_attr(bare, DW_AT_encoding, &attr))
		dwarf_formudata(&attr, &enc);
	is_complex = enc == DW_ATE_complex_float;
	is_float = enc == DW_ATE_float || is_complex || enc == DW_ATE_decimal_float;
	/* long double is the x87's on x86_64 */
	if (is_float && !IS_ARM64 && enc != DW_ATE_decimal_float && size >= (is_complex ? 32 : 16))
		merge(s, 0, 1, CLASS_MEMORY);
	merge(s, off, size, is_float ? CLASS_FLOAT : CLASS_INT);
	if (is_complex)
		size /= 2;
	if (is_float) {
		s->float_cnt += 1 + is_complex;
		s->float_sz = (uint32_t)size;
	}
	if (size > s->align)
		s->align = (uint32_t)(size > TWO_WORDS ? TWO_WORDS : size);
}

static void members(struct shape *s, Dwarf_Die *bare, uint64_t off, unsigned depth)
{
	Dwarf_Die die, type;

	for (int rc = dwarf_child(bare, &die); !rc; rc = debug_next_die(&die)) {
		int tag = dwarf_tag(&die);
		Dwarf_Attribute attr;
		Dwarf_Word at = 0, bits = 0;

		if (tag != DW_TAG_member && tag != DW_TAG_inheritance)
			continue;
		if (dwarf_attr(&die, DW_AT_external, &attr) || !debug_type_of(&die, &type))
			continue; /* a static member */
		if (dwarf_attr(&die, DW_AT_data_member_location, &attr))
			dwarf_formudata(&attr, &at);
		else if (dwarf_attr(&die, DW_AT_data_bit_offset, &attr) &&
			 !dwarf_formudata(&attr, &bits))
			at = bits / 8;
		classify(s, &type, off + at, depth + 1);
	}
}

static void elements(struct shape *s, Dwarf_Die *bare, uint64_t off, uint64_t size, unsigned depth)
{
	uint64_t step, end = off + (size > FLOATS_MAX ? FLOATS_MAX : size);
	Dwarf_Die elem;

	if (!debug_type_of(bare, &elem))
		return;
	step = debug_size(&elem);
	for (uint64_t at = off; step && at < end; at += step)
		classify(s, &elem, at, depth + 1);
}

/* "vec" of a constructor, "vec<int>" of its class. */
static bool is_constructor(const char *name, const char *class)
{
	size_t len = class ? strcspn(class, "<") : 0;

	return len && strlen(name) == len && !strncmp(name, class, len);
}

/* One parameter besides "this", a reference to the class. */
static bool copies(Dwarf_Die *fn, Dwarf_Die *class)
{
	Dwarf_Die param, type, to;
	unsigned cnt = 0;
	bool same = false;

	for (int rc = dwarf_child(fn, &param); !rc; rc = debug_next_die(&param)) {
		if (dwarf_tag(&param) != DW_TAG_formal_parameter || cnt++ == 0 ||
		    !debug_type_of(&param, &type))
			continue;
		same = (dwarf_tag(&type) == DW_TAG_reference_type ||
			dwarf_tag(&type) == DW_TAG_rvalue_reference_type) &&
		       debug_type_of(&type, &to) && debug_bare_type(&to, &to) &&
		       to.addr == class->addr;
	}
	return cnt == 2 && same;
}

/*
 * Itanium C++ ABI 3.1.2.3: what is copied or destroyed by code of its own is passed by reference.
 * Compilers may say so; where they do not (gcc), that code is looked for. Of members and bases it
 * counts too.
 */
static bool is_by_reference(Dwarf_Die *class)
{
	const char *name = dwarf_diename(class), *fn;
	Dwarf_Attribute attr;
	Dwarf_Word how = 0;
	Dwarf_Die die;

	if (dwarf_attr(class, DW_AT_calling_convention, &attr) && !dwarf_formudata(&attr, &how))
		return how == DW_CC_pass_by_reference;
	if (dwarf_hasattr(class, DW_AT_containing_type))
		return true; /* it has virtual functions */
	for (int rc = dwarf_child(class, &die); !rc; rc = debug_next_die(&die)) {
		if (dwarf_tag(&die) != DW_TAG_subprogram || dwarf_hasattr(&die, DW_AT_artificial) ||
		    dwarf_hasattr(&die, DW_AT_defaulted) || dwarf_hasattr(&die, DW_AT_deleted))
			continue;
		fn = dwarf_diename(&die);
		if (fn && (*fn == '~' || (is_constructor(fn, name) && copies(&die, class))))
			return true;
	}
	return false;
}

static void classify(struct shape *s, Dwarf_Die *type, uint64_t off, unsigned depth)
{
	Dwarf_Attribute attr;
	Dwarf_Die bare;
	uint64_t size;

	if (depth > MEMBER_DEPTH_MAX || !debug_bare_type(type, &bare))
		return;
	size = debug_size(&bare);
	switch (dwarf_tag(&bare)) {
	case DW_TAG_base_type: base(s, &bare, off, size); break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		s->by_reference |= is_by_reference(&bare);
		members(s, &bare, off, depth);
		break;
	case DW_TAG_array_type:
		if (dwarf_attr(&bare, DW_AT_GNU_vector, &attr)) {
			merge(s, off, size, CLASS_FLOAT);
			s->float_cnt++;
			s->float_sz = (uint32_t)size;
		} else {
			elements(s, &bare, off, size, depth);
		}
		break;
	default: /* pointers, references, enums */
		merge(s, off, size, CLASS_INT);
		if (size > s->align && size <= WORD)
			s->align = (uint32_t)size;
	}
}

static struct shape shape_of(Dwarf_Die *type)
{
	struct shape s = { .size = debug_size(type), .align = 1 };
	Dwarf_Attribute attr;
	Dwarf_Word align;
	Dwarf_Die bare;

	classify(&s, type, 0, 0);
	if (debug_bare_type(type, &bare) && dwarf_attr(&bare, DW_AT_alignment, &attr) &&
	    !dwarf_formudata(&attr, &align) && align > s.align)
		s.align = align > TWO_WORDS ? TWO_WORDS : (uint32_t)align;
	/* up to four numbers of one kind and nothing else are as many registers there */
	if (IS_ARM64 && s.float_cnt && s.float_cnt <= 4 && s.size == s.float_cnt * s.float_sz &&
	    s.word[0] == CLASS_FLOAT)
		return s;
	if (s.size > TWO_WORDS)
		s.word[0] = CLASS_MEMORY;
	else if (IS_ARM64) /* mixed ones go to general registers */
		s.word[0] = s.word[1] = CLASS_INT;
	return s;
}

static int16_t reg_of(const char *name)
{
	return (int16_t)probe_reg_find(name);
}

static void in_memory(struct probe_field *f, const char *reg, int32_t disp)
{
	f->loc = LOC_USER;
	f->reg[0] = reg_of(reg);
	f->disp = disp;
}

static void on_stack(struct abi *a, const struct shape *s, struct probe_field *f)
{
	int32_t first = STACK_FIRST;

	if (s->align > WORD)
		a->stack = ((a->stack - first + 15) & ~15) + first;
	in_memory(f, "sp", a->stack);
	a->stack += (int32_t)((s->size + WORD - 1) & ~(uint64_t)(WORD - 1));
}

void abi_begin(struct abi *a, bool indirect)
{
	*a = (struct abi){ .ints = indirect && !IS_ARM64, .stack = STACK_FIRST };
}

/* A copy of the caller's: its address is the argument. */
static void by_address(struct abi *a, struct probe_field *f)
{
	if (a->ints < INT_REGS) {
		in_memory(f, int_regs[a->ints++], 0);
		return;
	}
	f->loc = LOC_LOST; /* the address itself is on the stack */
	a->stack += WORD;
}

void abi_place(struct abi *a, Dwarf_Die *type, struct probe_field *f)
{
	struct shape s = shape_of(type);
	uint32_t words = s.size > WORD ? 2 : 1, ints = 0, floats = 0;

	if (s.by_reference || (IS_ARM64 && s.word[0] == CLASS_MEMORY))
		return by_address(a, f);
	f->loc = LOC_NOWHERE;
	if (s.word[0] == CLASS_NONE && s.word[1] == CLASS_NONE)
		return; /* empty: nothing is passed */
	if (s.word[0] == CLASS_MEMORY)
		return on_stack(a, &s, f);
	for (uint32_t i = 0; i < words; i++) {
		ints += s.word[i] == CLASS_INT;
		floats += s.word[i] == CLASS_FLOAT;
	}
	if (IS_ARM64 && floats)
		floats = s.float_cnt;
	if (IS_ARM64 && ints == 2 && s.align > WORD)
		a->ints += a->ints % 2;
	if (a->ints + ints > INT_REGS || a->floats + floats > FLOAT_REGS) {
		if (IS_ARM64 && ints) /* no later one comes before it */
			a->ints = INT_REGS;
		if (IS_ARM64 && floats)
			a->floats = FLOAT_REGS;
		return on_stack(a, &s, f);
	}
	f->loc = floats ? LOC_NOWHERE : LOC_REGS;
	for (uint32_t i = 0; i < ints && !floats; i++)
		f->reg[i] = reg_of(int_regs[a->ints + i]);
	a->ints += ints;
	a->floats += floats;
}

bool abi_result_indirect(Dwarf_Die *type)
{
	struct shape s = shape_of(type);

	return s.by_reference || (s.word[0] == CLASS_MEMORY && s.size > TWO_WORDS);
}

void abi_result(Dwarf_Die *type, struct probe_field *f)
{
	struct shape s = shape_of(type);

	f->loc = LOC_NOWHERE;
	if (abi_result_indirect(type)) {
		if (IS_ARM64)
			f->loc = LOC_LOST; /* it is no longer in x8 */
		else
			in_memory(f, REGS_RETVAL, 0);
		return;
	}
	if (s.word[0] != CLASS_INT || (s.size > WORD && s.word[1] != CLASS_INT))
		return;
	f->loc = LOC_REGS;
	f->reg[0] = reg_of(REGS_RETVAL);
	f->reg[1] = reg_of(IS_ARM64 ? "r1" : "dx");
}
