// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Every opcode, with its memory in devices: what is not supported is #UD for a program
 * of the guest and an error for the guest's kernel, before anything is accessed; what is
 * supported does the same for both.  Otherwise a program could end the VM.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib.h"
#include "tests/tap.h"
#include "world.h"

#define DEV		WORLD_DEVICE
#define DEV_PAGES	4
#define RIGHTS		(PTE_P | PTE_W | PTE_U)
#define IMMEDIATE	0x11	/* what follows the ModRM byte */
#define FLAGS_IOPL	0x3000	/* a program may use ports */

/**
 * struct sweep - all encodings in one mode
 * @text:	the mode
 * @start:	the CPU before each instruction, at privilege level 0
 * @finished:	encodings that were executed
 * @raised:	encodings with an exception other than for being unsupported
 * @refused:	encodings that are not supported
 * @wrong:	encodings that broke a rule
 */
struct sweep {
	const char *text;
	struct axv_emul start;
	unsigned int finished;
	unsigned int raised;
	unsigned int refused;
	unsigned int wrong;
};

static void init(struct sweep *s, enum world_mode mode)
{
	struct axv_emul *e = &s->start;
	unsigned int i;

	world_init(e, mode);
	if (e->sregs.cr0 & CR0_PG) {
		world_map(e, WORLD_CODE, 1, WORLD_CODE | RIGHTS);
		for (i = 0; i < DEV_PAGES; i++)
			world_map(e, DEV + i * 0x1000, 1, (DEV + i * 0x1000) | RIGHTS);
	}
	/* 16 bits do not reach that far. */
	for (i = 0; i < AXV_X86_SEGS && mode == WORLD_PROT16; i++)
		e->sregs.seg[i].base = i == AXV_X86_CS ? 0 : DEV;
	e->sregs.cr4 |= CR4_OSXSAVE;
	e->gprs.rflags |= FLAGS_IOPL;
	e->xsave_ymm = 576;
	e->xsave_zmm = 1152;
	e->xsave_hi16 = 1664;
	/* Each general register is an address in a device; CX also counts. */
	for (i = 0; i < 16; i++)
		e->gprs.gpr[i] = DEV + 0x800 + 0x40 * i;
	e->gprs.gpr[AXV_X86_RCX] = 2;
	e->gprs.gpr[AXV_X86_RBX] = DEV + 0x1000;
	e->gprs.gpr[AXV_X86_RSP] = DEV + 0x2000;
}

/* Execute an encoding at one privilege level; devices answer the same each time. */
static int step(const struct sweep *s, struct axv_emul *e, const unsigned char *bytes,
		unsigned int cpl)
{
	*e = s->start;
	world_set_cpl(e, cpl);
	memcpy(e->insn, bytes, INSN_LENGTH_MAX);
	e->insn_bytes = INSN_LENGTH_MAX;
	e->gprs.rip = WORLD_CODE;
	memset(world_xsave, 0, sizeof(world_xsave));
	world_accesses = 0;
	return axv_emul_step(e);
}

static bool unchanged(const struct sweep *s, const struct axv_emul *e)
{
	return !memcmp(s->start.gprs.gpr, e->gprs.gpr, sizeof(e->gprs.gpr)) &&
	       e->gprs.rip == WORLD_CODE && e->gprs.rflags == s->start.gprs.rflags;
}

static bool is_ud(int ret, const struct axv_emul *e)
{
	return ret == AXV_EMUL_EXCEPTION && e->exception.vector == VECTOR_UD &&
	       !e->exception.has_error_code;
}

/* Do the rules hold for one encoding? */
static bool holds(struct sweep *s, const unsigned char *bytes)
{
	struct axv_emul kernel, user;
	unsigned int accesses;
	int ret;

	ret = step(s, &kernel, bytes, 0);
	accesses = world_accesses;
	if (ret == -EOPNOTSUPP) {
		s->refused++;
		if (accesses || !unchanged(s, &kernel) || !axv_error()[0])
			return false;
		ret = step(s, &user, bytes, 3);
		return is_ud(ret, &user) && !world_accesses && unchanged(s, &user);
	}
	/* INS and OUTS have an exit of their own, so they are left to the processor. */
	if (ret == AXV_EMUL_CHANGED)
		return !accesses && unchanged(s, &kernel) && step(s, &user, bytes, 3) == ret &&
		       !world_accesses && unchanged(s, &user);
	if (ret)
		s->raised++;
	else
		s->finished++;
	return (!ret || ret == AXV_EMUL_EXCEPTION) && step(s, &user, bytes, 3) == ret &&
	       world_accesses == accesses &&
	       (!ret || user.exception.vector == kernel.exception.vector) &&
	       !memcmp(&user.gprs, &kernel.gprs, sizeof(user.gprs));
}

static void one(struct sweep *s, const unsigned char *opcode, unsigned int length)
{
	unsigned char bytes[INSN_LENGTH_MAX];
	char text[3 * INSN_LENGTH_MAX + 1] = "";
	unsigned int i;

	memset(bytes, IMMEDIATE, sizeof(bytes));
	memcpy(bytes, opcode, length);
	if (holds(s, bytes) || s->wrong++ >= 10)
		return;
	for (i = 0; i < length; i++)
		sprintf(text + 3 * i, " %02x", bytes[i]);
	tap_note("%s:%s", s->text, text);
}

/* Try memory at (DI), with each number in the other field of ModRM. */
static void all_modrm(struct sweep *s, unsigned char *p, unsigned int length, bool di16)
{
	unsigned int reg;

	for (reg = 0; reg < 8; reg++) {
		p[length] = reg << 3 | (di16 ? 5 : 7);
		one(s, p, length + 1);
	}
}

static void legacy(struct sweep *s, bool di16)
{
	static const unsigned char prefixes[][2] = {
		{ 0 }, { 1, 0x66 }, { 1, 0xf3 }, { 1, 0xf2 }, { 1, 0xf0 }, { 1, 0x48 }, { 1, 0x67 },
	};
	static const unsigned char maps[][3] = {
		{ 0 }, { 1, 0x0f }, { 2, 0x0f, 0x38 }, { 2, 0x0f, 0x3a },
	};
	unsigned char bytes[INSN_LENGTH_MAX];
	unsigned int p, m, opcode, length;

	for (p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++) {
		for (m = 0; m < sizeof(maps) / sizeof(maps[0]); m++) {
			memcpy(bytes, prefixes[p] + 1, prefixes[p][0]);
			length = prefixes[p][0];
			memcpy(bytes + length, maps[m] + 1, maps[m][0]);
			length += maps[m][0];
			for (opcode = 0; opcode < 256; opcode++) {
				bytes[length] = opcode;
				all_modrm(s, bytes, length + 1, di16 != (bytes[0] == 0x67));
			}
		}
	}
}

/* Try VEX and XOP: each map, and then each W, vector length and implied prefix. */
static void three_bytes(struct sweep *s, unsigned char escape, unsigned int first,
			unsigned int last, bool di16)
{
	unsigned int map, w, opcode;

	for (map = first; map <= last; map++) {
		for (w = 0; w < 16; w++) {
			for (opcode = 0; opcode < 256; opcode++) {
				unsigned char bytes[INSN_LENGTH_MAX] = {
					escape, 0xe0 | map, (w & 8) << 4 | 0x78 | (w & 7), opcode,
				};

				all_modrm(s, bytes, 4, di16);
			}
		}
	}
}

static void evex(struct sweep *s, bool di16)
{
	unsigned int map, w, length, opcode;

	for (map = 1; map <= 6; map++) {
		for (w = 0; w < 8; w++) {
			for (length = 0; length < 3; length++) {
				for (opcode = 0; opcode < 256; opcode++) {
					unsigned char bytes[INSN_LENGTH_MAX] = {
						0x62, 0xf0 | map, (w & 4) << 5 | 0x7c | (w & 3),
						length << 5 | 8, opcode, di16 ? 5 : 7,
					};

					one(s, bytes, 6);
				}
			}
		}
	}
}

static void sweep(enum world_mode mode, const char *text)
{
	struct sweep s = { .text = text };
	bool di16 = mode == WORLD_PROT16;

	init(&s, mode);
	legacy(&s, di16);
	three_bytes(&s, 0xc4, 1, 3, di16);
	three_bytes(&s, 0x8f, 8, 10, di16);
	evex(&s, di16);
	tap(!s.wrong && s.finished && s.refused,
	    "%s: %u encodings finished, %u raise exceptions, %u refused", text, s.finished,
	    s.raised, s.refused);
}

int main(void)
{
	sweep(WORLD_LONG4, "64-bit code");
	sweep(WORLD_PAE, "32-bit code");
	sweep(WORLD_PROT16, "16-bit code");
	return tap_done();
}
