// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Tests of what the real CPU cannot show in a user program: device accesses and their
 * pieces, segments, exceptions, 16-bit code, fetching, single steps.
 */
#include <errno.h>
#include <string.h>

#include "lib.h"
#include "tests/tap.h"
#include "world.h"

#define DEV		WORLD_DEVICE
#define RIGHTS		(PTE_P | PTE_W | PTE_U)

/* Execute the instruction with the bytes @... on a CPU that is prepared. */
#define STEP(e, ...) ({							\
	static const unsigned char bytes_[] = { __VA_ARGS__ };		\
	world_code(e, bytes_, sizeof(bytes_));				\
	axv_emul_step(e);						\
})

static struct axv_emul e;

static __u64 *gpr(unsigned int n)
{
	return &e.gprs.gpr[n];
}

static bool logged(unsigned int n, bool write, __u64 gpa, unsigned int width)
{
	return n < world_accesses && world_log[n].write == write &&
	       world_log[n].gpa == gpa && world_log[n].width == width;
}

/* Did the step raise this exception?  @error_code: -1: none */
static bool raised(int ret, unsigned int vector, int error_code)
{
	int pushed = e.exception.has_error_code ? (int)e.exception.error_code : -1;

	if (ret == AXV_EMUL_EXCEPTION && e.exception.vector == vector &&
	    pushed == error_code)
		return true;
	tap_note("returned %d, vector %u, error code %#x", ret, e.exception.vector,
		 e.exception.error_code);
	return false;
}

/* Prepare the CPU for 64-bit code, with a device at linear DEV and identity-mapped RAM. */
static void long_mode(void)
{
	unsigned int i;

	world_init(&e, WORLD_LONG4);
	for (i = 0; i < WORLD_RAM; i += 0x1000)
		world_map(&e, i, 1, i | RIGHTS);
	for (i = 0; i < 4; i++)
		world_map(&e, DEV + i * 0x1000, 1, (DEV + i * 0x1000) | RIGHTS);
	*gpr(AXV_X86_RSP) = 0x100000;
	*gpr(AXV_X86_RDI) = DEV + 0x10;
	*gpr(AXV_X86_RSI) = 0x90000;
}

static void test_pieces(void)
{
	long_mode();
	*gpr(AXV_X86_RAX) = 0x11;
	tap(!STEP(&e, 0x01, 0x07) && world_accesses == 2 &&	/* add [rdi], eax */
	    logged(0, false, DEV + 0x10, 4) && logged(1, true, DEV + 0x10, 4) &&
	    world_log[1].data == 0x13121121,
	    "read, modify, write is one read and one write");

	long_mode();
	*gpr(AXV_X86_RDI) = DEV + 0x13;
	tap(!STEP(&e, 0x48, 0x8b, 0x07) && world_accesses == 1 &&	/* mov rax, [rdi] */
	    logged(0, false, DEV + 0x13, 8),
	    "an unaligned access inside a page is one access");

	long_mode();
	*gpr(AXV_X86_RDI) = DEV + 0xffd;
	tap(!STEP(&e, 0x48, 0x8b, 0x07) &&
	    world_accesses == 4 && logged(0, false, DEV + 0xffd, 1) &&
	    logged(1, false, DEV + 0xffe, 2) && logged(2, false, DEV + 0x1000, 4) &&
	    logged(3, false, DEV + 0x1004, 1) &&
	    *gpr(AXV_X86_RAX) == 0x0403020100fffefdull,
	    "an access across pages comes in aligned pieces");

	long_mode();
	*gpr(AXV_X86_RDI) = DEV + 0xfff;
	*gpr(AXV_X86_RAX) = 0x8877665544332211ull;
	tap(!STEP(&e, 0x48, 0x89, 0x07) && world_accesses == 4 &&	/* mov [rdi], rax */
	    logged(0, true, DEV + 0xfff, 1) && world_log[0].data == 0x11 &&
	    logged(1, true, DEV + 0x1000, 4) && world_log[1].data == 0x55443322 &&
	    logged(2, true, DEV + 0x1004, 2) && world_log[2].data == 0x7766 &&
	    logged(3, true, DEV + 0x1006, 1) && world_log[3].data == 0x88,
	    "a write across pages comes in pieces, lowest address first");

	long_mode();
	world_map(&e, DEV + 0x1000, 1, 0x95000 | RIGHTS);
	world_poke(0x95000, 0xaabb, 2);
	*gpr(AXV_X86_RDI) = DEV + 0xffe;
	tap(!STEP(&e, 0x8b, 0x07) && world_accesses == 1 &&	/* mov eax, [rdi] */
	    logged(0, false, DEV + 0xffe, 2) && *gpr(AXV_X86_RAX) == 0xaabbfffe,
	    "a read of half a device, half RAM");

	long_mode();
	tap(!STEP(&e, 0x0f, 0x10, 0x07) && world_accesses == 2 &&	/* movups xmm0, [rdi] */
	    logged(0, false, DEV + 0x10, 8) && logged(1, false, DEV + 0x18, 8) &&
	    world_xsave[512] == 2 && world_xsave[160 + 15] == 0x1f,
	    "16 bytes are two accesses");

	long_mode();
	*gpr(AXV_X86_RSI) = DEV + 0x800;
	tap(!STEP(&e, 0x48, 0xa5) && world_accesses == 2 &&	/* movsq */
	    logged(0, false, DEV + 0x800, 8) && logged(1, true, DEV + 0x10, 8) &&
	    world_log[1].data == 0x0706050403020100ull &&
	    *gpr(AXV_X86_RSI) == DEV + 0x808 && *gpr(AXV_X86_RDI) == DEV + 0x18,
	    "a string move from device to device");

	long_mode();
	*gpr(AXV_X86_RDI) = WORLD_ROM + 4;
	world_poke(WORLD_ROM + 4, 0x40, 4);
	*gpr(AXV_X86_RAX) = 2;
	tap(!STEP(&e, 0x01, 0x07) && world_accesses == 1 &&
	    logged(0, true, WORLD_ROM + 4, 4) && world_log[0].data == 0x42 &&
	    world_peek(WORLD_ROM + 4, 4) == 0x40,
	    "read-only memory is read as memory and written as a device");
	tap(!STEP(&e, 0xc6, 0x07, 0x99) && world_accesses == 2 &&	/* mov byte [rdi], 0x99 */
	    logged(1, true, WORLD_ROM + 4, 1) && world_peek(WORLD_ROM + 4, 4) == 0x40,
	    "a plain write to read-only memory is a device's");

	long_mode();
	world_poke(WORLD_CODE + 0x1006, 0x600df00d, 4);
	tap(!STEP(&e, 0x8b, 0x05, 0x00, 0x10, 0x00, 0x00) &&	/* mov eax, [rip+0x1000] */
	    *gpr(AXV_X86_RAX) == 0x600df00d && !world_accesses,
	    "relative to the instruction pointer");

	long_mode();
	e.sregs.seg[AXV_X86_GS].base = DEV;
	e.sregs.seg[AXV_X86_ES].base = 0x1234000;	/* does not count */
	*gpr(AXV_X86_RDI) = 0x20;
	tap(!STEP(&e, 0x65, 0x8a, 0x07) && logged(0, false, DEV + 0x20, 1),
	    "the base of GS counts in 64-bit code");
}

/*
 * RDI points to RAM whose page has its accessed and dirty bits, so that another CPU
 * changes only the data.
 */
static void contended(unsigned int times)
{
	__u64 gpa;

	long_mode();
	*gpr(AXV_X86_RDI) = 0x90000;
	axv_emul_walk(&e, 0x90000, AXV_ACCESS_WRITE, 0, &gpa);
	world_contention = times;
}

static void test_atomic(void)
{
	contended(2);
	*gpr(AXV_X86_RAX) = 1;
	tap(!STEP(&e, 0xf0, 0x01, 0x07) && world_peek(0x90000, 4) == 33 &&
	    !world_contention && *gpr(AXV_X86_RAX) == 1,
	    "a locked add in RAM loses nothing to another CPU");
	contended(2);
	*gpr(AXV_X86_RAX) = 1;
	tap(!STEP(&e, 0xf0, 0x0f, 0xc1, 0x07) && world_peek(0x90000, 4) == 33 &&
	    *gpr(AXV_X86_RAX) == 32, "xadd gives what was there last");
	contended(1);
	*gpr(AXV_X86_RAX) = 5;
	tap(!STEP(&e, 0x87, 0x07) && world_peek(0x90000, 4) == 5 &&
	    *gpr(AXV_X86_RAX) == 16, "xchg gives what was there last");
}

static void test_order(void)
{
	int ret;

	long_mode();
	*gpr(AXV_X86_RSP) = 0x40000000;	/* not mapped */
	ret = STEP(&e, 0xff, 0x37);	/* push [rdi] */
	tap(raised(ret, VECTOR_PF, 2) && !world_accesses &&
	    e.exception.address == 0x3ffffff8 && *gpr(AXV_X86_RSP) == 0x40000000,
	    "a push that faults on the stack has not read the device");

	long_mode();
	world_map(&e, DEV, 1, DEV | PTE_P | PTE_U);
	ret = STEP(&e, 0x01, 0x07);
	tap(raised(ret, VECTOR_PF, 3) && !world_accesses,
	    "an add that may not write has not read");

	long_mode();
	*gpr(AXV_X86_RDI) = 0x40000000;
	*gpr(AXV_X86_RSI) = DEV;
	ret = STEP(&e, 0xa4);		/* movsb */
	tap(raised(ret, VECTOR_PF, 2) && !world_accesses,
	    "a string move that may not write has not read");

	long_mode();
	world_map(&e, DEV + 0x1000, 1, 0);
	*gpr(AXV_X86_RDI) = DEV + 0xffe;
	ret = STEP(&e, 0x89, 0x07);	/* mov [rdi], eax */
	tap(raised(ret, VECTOR_PF, 2) && !world_accesses &&
	    e.exception.address == DEV + 0x1000,
	    "a fault on the second page names it, and nothing was written");

	long_mode();
	world_device_error = -EIO;
	*gpr(AXV_X86_RAX) = 7;
	e.gprs.rflags |= FLAG_CF;
	ret = STEP(&e, 0x48, 0x8b, 0x07);
	tap(ret == -EIO && *gpr(AXV_X86_RAX) == 7 && e.gprs.rip == WORLD_CODE,
	    "an error of the device leaves the registers alone");

	long_mode();
	*gpr(AXV_X86_RSP) = DEV + 0x100;
	ret = STEP(&e, 0x8f, 0x04, 0x24);	/* pop [rsp] */
	tap(!ret && logged(0, false, DEV + 0x100, 8) && logged(1, true, DEV + 0x108, 8) &&
	    *gpr(AXV_X86_RSP) == DEV + 0x108,
	    "pop to an address in RSP uses RSP as it is after");

	long_mode();
	*gpr(AXV_X86_RDI) = 0x40000000;
	ret = STEP(&e, 0x8f, 0x07);	/* pop [rdi] */
	tap(raised(ret, VECTOR_PF, 2) && *gpr(AXV_X86_RSP) == 0x100000,
	    "a pop that faults on its destination has not moved RSP");
}

static void test_segments(void)
{
	struct axv_x86_segment *ds = &e.sregs.seg[AXV_X86_DS];

	world_init(&e, WORLD_PROT32);
	ds->limit = 0xfff;
	*gpr(AXV_X86_RDI) = 0xffd;
	tap(raised(STEP(&e, 0x8b, 0x07), VECTOR_GP, 0), "beyond the limit: #GP(0)");
	*gpr(AXV_X86_RDI) = 0xffc;
	tap(!STEP(&e, 0x8b, 0x07), "up to the limit");

	world_init(&e, WORLD_PROT32);
	e.sregs.seg[AXV_X86_SS].limit = 0xfff;
	*gpr(AXV_X86_RBP) = 0x1000;
	tap(raised(STEP(&e, 0x8b, 0x45, 0x00), VECTOR_SS, 0),	/* mov eax, [ebp] */
	    "beyond the stack's limit: #SS(0)");

	world_init(&e, WORLD_PROT32);
	ds->limit = 0xfff;
	ds->attr = 0xc97;	/* expands down */
	*gpr(AXV_X86_RDI) = 0xfff;
	tap(raised(STEP(&e, 0x8b, 0x07), VECTOR_GP, 0), "expand-down: below it is #GP(0)");
	*gpr(AXV_X86_RDI) = 0x1000;
	tap(!STEP(&e, 0x8b, 0x07), "expand-down: above it is memory");
	ds->attr = 0x897;	/* 16-bit: ends at 64 KiB */
	*gpr(AXV_X86_RDI) = 0xfffe;
	tap(raised(STEP(&e, 0x8b, 0x07), VECTOR_GP, 0), "expand-down: 16-bit ends at 64 KiB");

	world_init(&e, WORLD_PROT32);
	ds->attr = 0xc91;
	*gpr(AXV_X86_RDI) = DEV;
	tap(raised(STEP(&e, 0x89, 0x07), VECTOR_GP, 0) && !world_accesses,
	    "a write to a read-only segment: #GP(0)");
	tap(!STEP(&e, 0x8b, 0x07), "a read of a read-only segment");
	ds->attr = 0xc99;
	tap(raised(STEP(&e, 0x8b, 0x07), VECTOR_GP, 0), "a read, execute-only: #GP(0)");
	ds->attr = 0xc9b;
	tap(!STEP(&e, 0x8b, 0x07), "a read of a readable code segment");
	tap(raised(STEP(&e, 0x89, 0x07), VECTOR_GP, 0), "a write to a code segment: #GP(0)");
	ds->attr = 0;
	tap(raised(STEP(&e, 0x8b, 0x07), VECTOR_GP, 0), "a null segment: #GP(0)");

	world_init(&e, WORLD_PROT32);
	ds->base = 0xd0000000;
	*gpr(AXV_X86_RDI) = 0x30000010;
	world_poke(0x10, 0x600df00d, 4);
	tap(!STEP(&e, 0x8b, 0x07) && !world_accesses &&
	    *gpr(AXV_X86_RAX) == 0x600df00d, "linear addresses wrap at 4 GiB");
	*gpr(AXV_X86_RDI) = 0x2ffffffe;
	world_poke(0, 0x1234, 2);
	tap(!STEP(&e, 0x8b, 0x07) && logged(0, false, 0xfffffffe, 2) &&
	    *gpr(AXV_X86_RAX) == 0x1234fffe, "an access across 4 GiB wraps");

	long_mode();
	*gpr(AXV_X86_RDI) = 0x800000000000ull;
	tap(raised(STEP(&e, 0x8b, 0x07), VECTOR_GP, 0), "not canonical: #GP(0)");
	*gpr(AXV_X86_RDI) = 0x7ffffffffffeull;
	tap(raised(STEP(&e, 0x8b, 0x07), VECTOR_GP, 0), "its end not canonical: #GP(0)");
	*gpr(AXV_X86_RSP) = 0x800000000000ull;
	tap(raised(STEP(&e, 0x8b, 0x04, 0x24), VECTOR_SS, 0), "not canonical, stack: #SS(0)");
	e.sregs.cr4 |= CR4_LA57;
	*gpr(AXV_X86_RDI) = 0x0100000000000000ull;
	tap(raised(STEP(&e, 0x8b, 0x07), VECTOR_GP, 0), "not canonical in 57 bits: #GP(0)");

	long_mode();
	world_set_cpl(&e, 3);
	e.sregs.cr0 |= CR0_AM;
	e.gprs.rflags |= FLAG_AC;
	*gpr(AXV_X86_RDI) = DEV + 2;
	tap(raised(STEP(&e, 0x8b, 0x07), VECTOR_AC, 0), "alignment check: #AC(0)");
	*gpr(AXV_X86_RDI) = DEV + 4;
	tap(!STEP(&e, 0x8b, 0x07), "alignment check: aligned");
	world_set_cpl(&e, 0);
	*gpr(AXV_X86_RDI) = DEV + 2;
	tap(!STEP(&e, 0x8b, 0x07), "alignment check: not in the kernel");
}

static void test_16bit(void)
{
	world_init(&e, WORLD_REAL);
	e.sregs.seg[AXV_X86_DS].base = 0xa0000;
	*gpr(AXV_X86_RBX) = 0x11111000;
	*gpr(AXV_X86_RSI) = 0x22220234;
	world_poke(0xa1234, 0x00ff, 2);
	*gpr(AXV_X86_RAX) = 0x33330001;
	tap(!STEP(&e, 0x01, 0x00) && world_peek(0xa1234, 2) == 0x100 &&	/* add [bx+si], ax */
	    (e.gprs.rflags & FLAG_AF), "real mode: add [bx+si], ax");

	*gpr(AXV_X86_RBX) = 0xffff;
	*gpr(AXV_X86_RSI) = 0x1235;
	tap(!STEP(&e, 0xff, 0x00) && world_peek(0xa1234, 2) == 0x101,	/* inc word [bx+si] */
	    "real mode: the offset wraps at 64 KiB");
	*gpr(AXV_X86_RSI) = 0;
	tap(raised(STEP(&e, 0xff, 0x00), VECTOR_GP, -1),
	    "real mode: a word at ffff: #GP without an error code");
	*gpr(AXV_X86_RBP) = 0xffff;
	tap(raised(STEP(&e, 0xff, 0x46, 0x00), VECTOR_SS, -1),	/* inc word [bp] */
	    "real mode: on the stack: #SS without an error code");

	world_init(&e, WORLD_REAL);
	e.sregs.seg[AXV_X86_ES].base = 0xb0000;
	*gpr(AXV_X86_RSI) = 0x100;
	*gpr(AXV_X86_RDI) = 0xffff0200;
	*gpr(AXV_X86_RCX) = 0xffff0003;
	world_poke(0x100, 0x060504030201, 6);
	tap(!STEP(&e, 0xf3, 0xa5) && world_peek(0xb0200, 6) == 0x060504030201 &&
	    *gpr(AXV_X86_RCX) == 0xffff0000 && *gpr(AXV_X86_RDI) == 0xffff0206,
	    "real mode: rep movsw counts in CX, SI and DI");

	world_init(&e, WORLD_REAL);
	e.sregs.seg[AXV_X86_SS].base = 0x50000;
	*gpr(AXV_X86_RSP) = 0x12340000;
	world_poke(0x300, 0xbeef, 2);
	tap(!STEP(&e, 0xff, 0x36, 0x00, 0x03) &&	/* push word [0x300] */
	    world_peek(0x5fffe, 2) == 0xbeef && *gpr(AXV_X86_RSP) == 0x1234fffe,
	    "real mode: the stack pointer wraps at 64 KiB");
	tap(!STEP(&e, 0x66, 0xff, 0x36, 0x00, 0x03) &&	/* push dword [0x300] */
	    *gpr(AXV_X86_RSP) == 0x1234fffa, "real mode: push of 32 bits");

	world_init(&e, WORLD_PROT16);
	e.sregs.seg[AXV_X86_SS].base = DEV;
	*gpr(AXV_X86_RSP) = 0x12340004;
	*gpr(AXV_X86_RCX) = 0xaaaa5555;
	tap(!STEP(&e, 0x60) && world_accesses == 8 &&	/* pusha */
	    logged(0, true, DEV + 2, 2) && logged(1, true, DEV, 2) &&
	    logged(2, true, DEV + 0xfffe, 2) && logged(4, true, DEV + 0xfffa, 2) &&
	    world_log[1].data == 0x5555 && world_log[4].data == 4 &&
	    *gpr(AXV_X86_RSP) == 0x1234fff4,
	    "pusha: the stack pointer wraps at 64 KiB between two registers");
	world_accesses = 0;
	tap(!STEP(&e, 0x61) && world_accesses == 7 &&	/* popa */
	    logged(0, false, DEV + 0xfff4, 2) && logged(3, false, DEV + 0xfffc, 2) &&
	    *gpr(AXV_X86_RSP) == 0x12340004 && *gpr(AXV_X86_RDI) == 0xf5f4 &&
	    *gpr(AXV_X86_RCX) == 0xaaaa0100,
	    "popa: the stack pointer wraps, too, and the slot of SP is not read");

	world_init(&e, WORLD_REAL);
	e.sregs.seg[AXV_X86_DS].limit = 0xffffffff;
	*gpr(AXV_X86_RDI) = DEV;
	tap(!STEP(&e, 0x67, 0x66, 0x09, 0x07) && logged(0, false, DEV, 4),	/* or [edi], eax */
	    "real mode with big segments: 32-bit address and operand");

	world_init(&e, WORLD_REAL);
	world_poke(0x300, 0x5678, 2);
	tap(!STEP(&e, 0xff, 0x26, 0x00, 0x03) && e.gprs.rip == 0x5678,	/* jmp [0x300] */
	    "real mode: jmp through memory");

	world_init(&e, WORLD_PROT16);
	*gpr(AXV_X86_RBX) = 0x400;
	world_poke(0x400, 0x8000, 2);
	tap(!STEP(&e, 0xf7, 0x1f) && world_peek(0x400, 2) == 0x8000 &&	/* neg word [bx] */
	    (e.gprs.rflags & (FLAG_OF | FLAG_CF | FLAG_SF)) == (FLAG_OF | FLAG_CF | FLAG_SF),
	    "16-bit protected mode");
	tap(!STEP(&e, 0x66, 0xf7, 0x1f) && world_peek(0x400, 4) == 0xffff8000,
	    "16-bit protected mode: 32-bit operand");

	world_init(&e, WORLD_LONG4);
	e.sregs.seg[AXV_X86_CS].attr = 0xc9b;
	world_map(&e, 0x40000000, 1, 0x90000 | RIGHTS);
	*gpr(AXV_X86_RDI) = 0xffffffff40000000ull;
	tap(!STEP(&e, 0xff, 0x07) && world_peek(0x90000, 4) == 1,	/* inc dword [edi] */
	    "compatibility mode: 32-bit addresses through four levels");
	e.sregs.seg[AXV_X86_CS].attr = 0x89b;
	*gpr(AXV_X86_RBX) = 0x8;
	world_map(&e, 0, 1, 0x91000 | RIGHTS);
	tap(!STEP(&e, 0xff, 0x07) && world_peek(0x91008, 2) == 1,	/* inc word [bx] */
	    "compatibility mode: 16-bit code");
}

static void test_strings(void)
{
	int ret;

	long_mode();
	*gpr(AXV_X86_RCX) = 1500;
	*gpr(AXV_X86_RDI) = 0x90000;
	*gpr(AXV_X86_RAX) = 0x5a;
	ret = STEP(&e, 0xf3, 0xaa);	/* rep stosb */
	tap(!ret && *gpr(AXV_X86_RCX) == 476 && *gpr(AXV_X86_RDI) == 0x90400 &&
	    e.gprs.rip == WORLD_CODE, "a long string stops in between, on the instruction");
	ret = STEP(&e, 0xf3, 0xaa);
	tap(!ret && !*gpr(AXV_X86_RCX) && *gpr(AXV_X86_RDI) == 0x905dc &&
	    e.gprs.rip == WORLD_CODE + 2 && world_peek(0x905db, 1) == 0x5a &&
	    !world_peek(0x905dc, 1), "the next step finishes the long string");

	long_mode();
	world_map(&e, DEV + 0x1000, 1, 0);
	*gpr(AXV_X86_RCX) = 8;
	*gpr(AXV_X86_RDI) = DEV + 0xff0;
	ret = STEP(&e, 0xf3, 0xab);	/* rep stosd */
	tap(raised(ret, VECTOR_PF, 2) && e.exception.address == DEV + 0x1000 &&
	    *gpr(AXV_X86_RCX) == 4 && *gpr(AXV_X86_RDI) == DEV + 0x1000 &&
	    world_accesses == 4 && e.gprs.rip == WORLD_CODE,
	    "a fault at an element keeps the elements before it");

	long_mode();
	e.gprs.rflags |= FLAG_TF;
	*gpr(AXV_X86_RCX) = 3;
	ret = STEP(&e, 0xf3, 0xaa);
	tap(!ret && e.trap && *gpr(AXV_X86_RCX) == 2 && e.gprs.rip == WORLD_CODE,
	    "a single step is one element");

	long_mode();
	*gpr(AXV_X86_RCX) = 2;
	tap(!STEP(&e, 0xf2, 0xaa) && !*gpr(AXV_X86_RCX) && world_accesses == 2,
	    "REPNE repeats stos, too");
	long_mode();
	tap(!STEP(&e, 0xf3, 0xaa) && e.gprs.rip == WORLD_CODE + 2 && !world_accesses,
	    "a count of zero does nothing");
}

/* Execute INS or OUTS with a length of two bytes, of which the exit tells all. */
static int string(bool in, unsigned int width, bool rep)
{
	const struct axv_exit_io_string told = {
		.port = 0x1f0, .width = width, .in = in, .rep = rep, .addr_width = 8,
		.seg = in ? AXV_X86_ES : AXV_X86_DS,
	};

	e.gprs.rip = WORLD_CODE;
	return axv_emul_io_string(&e, &told, 2);
}

/* Execute INS or OUTS with another size of addresses, and another segment. */
static int string_by(unsigned int addr_width, unsigned int seg, bool in, unsigned int width)
{
	const struct axv_exit_io_string told = {
		.port = 0x1f0, .width = width, .in = in, .rep = 1, .addr_width = addr_width,
		.seg = seg,
	};

	e.gprs.rip = WORLD_CODE;
	return axv_emul_io_string(&e, &told, 2);
}

static void test_ports(void)
{
	int ret;

	long_mode();
	*gpr(AXV_X86_RCX) = 2;
	ret = string(true, 4, true);
	tap(!ret && world_accesses == 4 && logged(0, false, 0x1f0, 4) &&
	    logged(1, true, DEV + 0x10, 4) && world_log[1].data == 0x11111111 &&
	    logged(2, false, 0x1f0, 4) && logged(3, true, DEV + 0x14, 4) &&
	    !*gpr(AXV_X86_RCX) && *gpr(AXV_X86_RDI) == DEV + 0x18 &&
	    *gpr(AXV_X86_RSI) == 0x90000 && e.gprs.rip == WORLD_CODE + 2,
	    "rep insd to a device: one after the other");

	long_mode();
	*gpr(AXV_X86_RSI) = DEV + 0x20;
	e.gprs.rflags |= FLAG_DF;
	ret = string(false, 2, false);
	tap(!ret && world_accesses == 2 && logged(0, false, DEV + 0x20, 2) &&
	    logged(1, true, 0x1f0, 2) && world_log[1].data == 0x2120 &&
	    *gpr(AXV_X86_RSI) == DEV + 0x1e, "outsw from a device, backwards");

	long_mode();
	world_map(&e, DEV, 1, DEV | PTE_P | PTE_U);
	ret = string(true, 1, false);
	tap(raised(ret, VECTOR_PF, 3) && !world_accesses,
	    "an insb that may not write has not read the port");

	long_mode();
	*gpr(AXV_X86_RCX) = 3;
	*gpr(AXV_X86_RDI) = WORLD_ROM - 2;
	ret = string(true, 1, true);
	tap(!ret && world_accesses == 3 && logged(0, false, 0x1f0, 2) &&
	    logged(1, false, 0x1f0, 1) && logged(2, true, WORLD_ROM, 1) &&
	    world_peek(WORLD_ROM - 2, 2) == 0x1111, "read-only memory is a device's");

	long_mode();
	world_port_error = -EIO;
	*gpr(AXV_X86_RCX) = 3;
	*gpr(AXV_X86_RDI) = 0x90000;
	world_poke(0x90000, 0, 4);
	tap(string(true, 1, true) == -EIO && *gpr(AXV_X86_RCX) == 3 && !world_peek(0x90000, 4) &&
	    *gpr(AXV_X86_RDI) == 0x90000 && e.gprs.rip == WORLD_CODE,
	    "an error of the port: nothing is done");
}

static void test_port_batches(void)
{
	int ret;

	long_mode();
	*gpr(AXV_X86_RDI) = 0x90ff0;
	*gpr(AXV_X86_RCX) = 0x1800;
	memset(world_ram + 0x90000, 0xee, 0x3000);
	ret = string(true, 2, true);
	tap(!ret && world_accesses == 2 && logged(0, false, 0x1f0, 0x10) &&
	    logged(1, false, 0x1f0, 0x7f0) && *gpr(AXV_X86_RCX) == 0x1800 - 0x400 &&
	    *gpr(AXV_X86_RDI) == 0x917f0 && world_peek(0x90fee, 4) == 0x1111eeee &&
	    world_peek(0x917ee, 4) == 0xeeee1111,
	    "the elements of a page in one call, and not too many of them");
	tap(e.gprs.rip == WORLD_CODE && (e.gprs.rflags & FLAG_RF) && !e.trap,
	    "the instruction goes on, with RF set");
	*gpr(AXV_X86_RCX) = 1;
	ret = string(true, 2, true);
	tap(!ret && e.gprs.rip == WORLD_CODE + 2 && !(e.gprs.rflags & FLAG_RF),
	    "its end clears RF");

	long_mode();
	*gpr(AXV_X86_RSI) = 0x90ffc;
	*gpr(AXV_X86_RCX) = 3;
	world_poke(0x90ffc, 0x12345678, 4);
	world_poke(0x91000, 0x9abcdef0, 4);
	ret = string(false, 4, true);
	tap(!ret && world_accesses == 2 && logged(0, true, 0x1f0, 4) &&
	    world_log[0].data == 0x12345678 && logged(1, true, 0x1f0, 8) &&
	    world_log[1].data == 0x9abcdef0 && *gpr(AXV_X86_RSI) == 0x91008,
	    "outsd, from two pages");

	long_mode();
	*gpr(AXV_X86_RDI) = 0x90004;
	*gpr(AXV_X86_RCX) = ~0ull;
	e.gprs.rflags |= FLAG_DF;
	ret = string(true, 4, true);
	tap(!ret && world_accesses == 64 * 16 && logged(3, false, 0x1f0, 4) &&
	    *gpr(AXV_X86_RCX) == ~0ull - 1024 && *gpr(AXV_X86_RDI) == 0x90004 - 4096,
	    "backwards one by one; any count ends");

	long_mode();
	*gpr(AXV_X86_RDI) = 0x90ffc;
	*gpr(AXV_X86_RCX) = 3;
	world_map(&e, 0x91000, 1, 0);
	ret = string(true, 4, true);
	tap(raised(ret, VECTOR_PF, 2) && e.exception.address == 0x91000 && world_accesses == 1 &&
	    *gpr(AXV_X86_RCX) == 2 && *gpr(AXV_X86_RDI) == 0x91000 &&
	    e.gprs.rip == WORLD_CODE, "a page fault at the second element: the first is done");

	long_mode();
	world_map(&e, 0x91000, 1, DEV | RIGHTS);
	*gpr(AXV_X86_RDI) = 0x90ffa;
	*gpr(AXV_X86_RCX) = 2;
	world_poke(0x90ffa, 0, 6);
	ret = string(true, 4, true);
	tap(!ret && world_accesses == 3 && logged(0, false, 0x1f0, 4) &&
	    logged(1, false, 0x1f0, 4) && logged(2, true, DEV, 2) &&
	    world_peek(0x90ffa, 6) == 0x111111111111ull && *gpr(AXV_X86_RDI) == 0x91002,
	    "an element half in RAM, half at a device");

	long_mode();
	*gpr(AXV_X86_RDI) = 0x90000;
	*gpr(AXV_X86_RCX) = 3;
	e.gprs.rflags |= FLAG_TF;
	ret = string(true, 1, true);
	tap(!ret && e.trap && *gpr(AXV_X86_RCX) == 2 && e.gprs.rip == WORLD_CODE,
	    "a single step is one element");
	*gpr(AXV_X86_RCX) = 0;
	ret = string(true, 1, true);
	tap(!ret && e.trap && world_accesses == 1 && e.gprs.rip == WORLD_CODE + 2,
	    "a count of zero does nothing");

	long_mode();
	world_set_cpl(&e, 3);
	e.sregs.cr0 |= CR0_AM;
	e.gprs.rflags |= FLAG_AC;
	*gpr(AXV_X86_RDI) = 0x90004;
	*gpr(AXV_X86_RCX) = 2;
	ret = string(true, 4, true);
	tap(!ret && *gpr(AXV_X86_RDI) == 0x9000c, "each element is aligned, though both are not");
	*gpr(AXV_X86_RDI) = 0x90002;
	*gpr(AXV_X86_RCX) = 2;
	world_accesses = 0;
	ret = string(true, 4, true);
	tap(raised(ret, VECTOR_AC, 0) && !world_accesses, "an element that is not aligned");
}

static void test_port_addresses(void)
{
	int ret;

	world_init(&e, WORLD_PROT32);
	e.sregs.seg[AXV_X86_ES].base = 0x90800;
	*gpr(AXV_X86_RDI) = 0x1234fffe;
	*gpr(AXV_X86_RCX) = 0x56780002;
	ret = string_by(2, AXV_X86_ES, true, 2);
	tap(!ret && logged(0, false, 0x1f0, 2) && logged(1, false, 0x1f0, 2) &&
	    *gpr(AXV_X86_RDI) == 0x12340002 && *gpr(AXV_X86_RCX) == 0x56780000 &&
	    world_peek(0xa07fe, 2) == 0x1111 && world_peek(0x90800, 2) == 0x1111,
	    "16-bit addresses wrap, within a page too");

	world_init(&e, WORLD_PROT32);
	e.sregs.seg[AXV_X86_ES].limit = 0x90003;
	*gpr(AXV_X86_RDI) = 0x90000;
	*gpr(AXV_X86_RCX) = 8;
	ret = string_by(4, AXV_X86_ES, true, 1);
	tap(raised(ret, VECTOR_GP, 0) && *gpr(AXV_X86_RCX) == 4 && *gpr(AXV_X86_RDI) == 0x90004,
	    "a segment that ends in the page: as many elements as it has");

	world_init(&e, WORLD_PROT32);
	*gpr(AXV_X86_RDI) = 0xfffffffe;
	*gpr(AXV_X86_RCX) = 2;
	ret = string_by(4, AXV_X86_ES, true, 4);
	tap(raised(ret, VECTOR_GP, 0) && !world_accesses, "an element across the end of 4 GiB");

	long_mode();
	*gpr(AXV_X86_RDI) = 0xff00000000090000ull;
	*gpr(AXV_X86_RCX) = 0xff00000000000001ull;
	ret = string_by(4, AXV_X86_ES, true, 1);
	tap(!ret && world_accesses == 1 && *gpr(AXV_X86_RDI) == 0x90001 && !*gpr(AXV_X86_RCX),
	    "32-bit addresses in 64-bit code");
	*gpr(AXV_X86_RDI) = 0x00007fffffffffffull;
	*gpr(AXV_X86_RCX) = 1;
	world_accesses = 0;
	ret = string(true, 2, true);
	tap(raised(ret, VECTOR_GP, 0) && !world_accesses, "across the canonical border");

	long_mode();
	e.sregs.seg[AXV_X86_FS].base = 0x91000;
	*gpr(AXV_X86_RSI) = 0x10;
	*gpr(AXV_X86_RCX) = 2;
	world_poke(0x91010, 0xb1b0, 2);
	ret = string_by(8, AXV_X86_FS, false, 1);
	tap(!ret && logged(0, true, 0x1f0, 2) && world_log[0].data == 0xb0 &&
	    *gpr(AXV_X86_RSI) == 0x12, "outsb from another segment");
}

/*
 * What the hardware does not tell is taken from the code, if that has the instruction
 * that exited.
 */
static int untold(unsigned int addr_width, const void *code, unsigned int size)
{
	const struct axv_exit_io_string told = {
		.port = 0x1f0, .width = 2, .rep = 1, .addr_width = addr_width,
		.seg = AXV_IO_STRING_UNTOLD,
	};

	long_mode();
	e.sregs.seg[AXV_X86_FS].base = 0x1000;
	*gpr(AXV_X86_RCX) = 1;
	world_poke(0x91000, 0x4321, 2);
	memset(world_ram + WORLD_CODE, 0x90, 16);
	memcpy(world_ram + WORLD_CODE, code, size);
	e.gprs.rip = WORLD_CODE;
	return axv_emul_io_string(&e, &told, 4);
}

static void test_port_untold(void)
{
	static const struct {
		const char *code;
		const char *what;
	} others[] = {
		{ "\x64\xf3\x66\x6d", "INS" },
		{ "\x64\xf3\xf3\x6f", "four bytes" },
		{ "\x64\x66\x66\x6f", "not repeated" },
		{ "\xf3\x66\x6f\x90", "another length" },
		{ "\x64\xf3\x66\xa5", "MOVS" },
		{ "\x67\xf3\x66\x6f", "another address size" },
		{ "\xff\xff\xff\xff", "no instruction" },
	};
	unsigned int i;

	tap(!untold(AXV_IO_STRING_UNTOLD, "\x64\xf3\x66\x6f", 4) && logged(0, true, 0x1f0, 2) &&
	    world_log[0].data == 0x4321 && e.gprs.rip == WORLD_CODE + 4 && !*gpr(AXV_X86_RCX),
	    "the segment and the size of addresses by the code");
	*gpr(AXV_X86_RCX) = 1;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		tap(untold(8, others[i].code, 4) == AXV_EMUL_CHANGED && !world_accesses &&
		    e.gprs.rip == WORLD_CODE && *gpr(AXV_X86_RCX) == 1,
		    "the code is another by now: %s", others[i].what);
	long_mode();
	tap(STEP(&e, 0x6c) == AXV_EMUL_CHANGED && !world_accesses,
	    "INS in place of an instruction that touched a device");
}

static int msw(bool load, const void *code)
{
	memcpy(world_ram + WORLD_CODE, code, 4);
	e.gprs.rip = WORLD_CODE;
	return axv_emul_msw(&e, load);
}

static void test_msw(void)
{
	int ret;

	world_init(&e, WORLD_PROT32);
	*gpr(AXV_X86_RDI) = 0x90000;
	e.sregs.cr0 = 0x60000015;
	world_poke(0x90000, 0xfffa, 2);
	world_poke(0x90002, 0x7777, 2);
	tap(!msw(true, "\x0f\x01\x77\x00") && e.sregs.cr0 == 0x6000001b &&
	    e.gprs.rip == WORLD_CODE + 4, "lmsw sets four bits, and does not clear PE");
	tap(!msw(false, "\x0f\x01\x27\x90") && world_peek(0x90000, 4) == 0x7777001b &&
	    e.gprs.rip == WORLD_CODE + 3, "smsw stores two bytes");
	tap(msw(true, "\x0f\x01\x27\x90") == AXV_EMUL_CHANGED &&
	    msw(false, "\x0f\x01\x77\x00") == AXV_EMUL_CHANGED &&
	    msw(true, "\x0f\x01\xf7\x90") == AXV_EMUL_CHANGED &&
	    msw(true, "\x0f\x22\xc0\x90") == AXV_EMUL_CHANGED && e.sregs.cr0 == 0x6000001b,
	    "another instruction, and a register operand: nothing is done");

	long_mode();
	world_map(&e, DEV, 1, 0);
	ret = msw(true, "\x0f\x01\x77\x00");
	tap(raised(ret, VECTOR_PF, 0) && e.gprs.rip == WORLD_CODE, "lmsw of what is not mapped");
	ret = msw(false, "\x0f\x01\x67\x00");
	tap(raised(ret, VECTOR_PF, 2), "smsw to what is not mapped");
}

static void test_flags_register(void)
{
	long_mode();
	e.gprs.rflags |= FLAG_TF | FLAG_RF;
	tap(!STEP(&e, 0x8b, 0x07) && e.trap && !(e.gprs.rflags & FLAG_RF) &&
	    (e.gprs.rflags & FLAG_TF), "single step is told; RF is cleared");
	long_mode();
	e.gprs.rflags |= FLAG_RF;
	*gpr(AXV_X86_RDI) = 0x40000000;
	tap(STEP(&e, 0x8b, 0x07) == AXV_EMUL_EXCEPTION && (e.gprs.rflags & FLAG_RF) && !e.trap,
	    "an exception keeps RF and is no step");
}

static void test_vector_faults(void)
{
	long_mode();
	e.sregs.cr0 |= CR0_TS;
	tap(raised(STEP(&e, 0x0f, 0x10, 0x07), VECTOR_NM, -1), "CR0.TS: #NM");
	e.sregs.cr0 ^= CR0_TS | CR0_EM;
	tap(raised(STEP(&e, 0x0f, 0x10, 0x07), VECTOR_UD, -1), "CR0.EM: #UD");
	e.sregs.cr0 &= ~CR0_EM;
	e.sregs.cr4 &= ~CR4_OSFXSR;
	tap(raised(STEP(&e, 0x0f, 0x10, 0x07), VECTOR_UD, -1), "no CR4.OSFXSR: #UD");
	tap(!STEP(&e, 0x0f, 0x6f, 0x07), "MMX needs no CR4.OSFXSR");
	e.xsave_ymm = 576;
	tap(raised(STEP(&e, 0xc5, 0xfe, 0x6f, 0x07), VECTOR_UD, -1),
	    "vmovdqu, no CR4.OSXSAVE: #UD");

	/* A load with a VEX prefix clears the register's bytes above its own. */
	long_mode();
	e.sregs.cr4 |= CR4_OSXSAVE;
	e.xsave_ymm = 576;
	e.xsave_zmm = 1152;
	world_xsave[512] = 0x46;
	memset(world_xsave + 576, 0xcc, 256);
	memset(world_xsave + 1152, 0xcc, 512);
	tap(!STEP(&e, 0xc5, 0xfa, 0x6f, 0x4f, 0x00) &&	/* vmovdqu xmm1, [rdi] */
	    world_xsave[176] == 0x10 && !world_xsave[592] && !world_xsave[607] &&
	    !world_xsave[1184] && !world_xsave[1215] && world_xsave[591] == 0xcc &&
	    world_xsave[608] == 0xcc && world_xsave[1183] == 0xcc &&
	    world_xsave[1216] == 0xcc, "vmovdqu clears the rest of its register only");

	long_mode();
	*gpr(AXV_X86_RDI) = DEV + 8;
	tap(raised(STEP(&e, 0x0f, 0x28, 0x07), VECTOR_GP, 0) && !world_accesses,
	    "movaps, not aligned: #GP(0)");
	tap(raised(STEP(&e, 0x48, 0x0f, 0xc7, 0x0f), VECTOR_GP, 0) && !world_accesses,
	    "cmpxchg16b, not aligned: #GP(0)");

	long_mode();	/* an XSAVE block with both components in their initial state */
	memset(world_xsave + 160, 0xcc, 256);
	tap(!STEP(&e, 0x66, 0x0f, 0x6e, 0x0f) && world_xsave[512] == 2 &&	/* movd */
	    world_xsave[160] == 0 && world_xsave[176] == 0x10 && world_xsave[180] == 0,
	    "registers in their initial state are zero");
}

static void test_branches(void)
{
	long_mode();
	world_poke(0x90000, 0x800000000000ull, 8);
	*gpr(AXV_X86_RDI) = 0x90000;
	tap(raised(STEP(&e, 0xff, 0x17), VECTOR_GP, 0) && *gpr(AXV_X86_RSP) == 0x100000 &&
	    !world_peek(0xffff8, 8), "call to an address that is not canonical: #GP(0)");
	long_mode();
	*gpr(AXV_X86_RSP) = DEV + 0x100;
	tap(!STEP(&e, 0xe8, 0x00, 0x01, 0x00, 0x00) && e.gprs.rip == WORLD_CODE + 0x105 &&
	    logged(0, true, DEV + 0xf8, 8) && world_log[0].data == WORLD_CODE + 5,
	    "a relative call with its stack in a device");
	world_init(&e, WORLD_PROT32);
	e.sregs.seg[AXV_X86_CS].limit = 0xfffff;
	*gpr(AXV_X86_RDI) = 0x90000;
	world_poke(0x90000, 0x100000, 4);
	tap(raised(STEP(&e, 0xff, 0x27), VECTOR_GP, 0), "jmp beyond the code segment: #GP(0)");
}

/* Bytes of the instruction come from the exit, from memory, or both. */
static void test_fetch(void)
{
	static const unsigned char add[] = { 0x81, 0x07, 0x78, 0x56, 0x34, 0x12 };
	unsigned int have;
	int ret;

	for (have = 0; have < sizeof(add); have++) {
		long_mode();
		*gpr(AXV_X86_RDI) = 0x90000;
		memcpy(world_ram + 0xa0ffd, add, sizeof(add));	/* across two pages */
		memcpy(e.insn, add, have);
		e.insn_bytes = have;
		e.gprs.rip = 0xa0ffd;
		ret = axv_emul_step(&e);
		tap(!ret && world_peek(0x90000, 4) == 0x12345678 && e.gprs.rip == 0xa1003,
		    "%u bytes known, the rest fetched", have);
	}

	long_mode();
	memcpy(world_ram + 0xa0ffd, add, sizeof(add));
	world_map(&e, 0xa1000, 1, 0xa1000 | RIGHTS | PTE_NX);
	e.gprs.rip = 0xa0ffd;
	ret = axv_emul_step(&e);
	tap(raised(ret, VECTOR_PF, 0x11) && e.exception.address == 0xa1000,
	    "fetching from a no-execute page: #PF");

	long_mode();
	e.gprs.rip = DEV;
	tap(axv_emul_step(&e) == -EOPNOTSUPP && strstr(axv_error(), "0xd0000000"),
	    "code in a device is an error that names its address");

	world_init(&e, WORLD_REAL);
	e.sregs.seg[AXV_X86_CS].base = 0x30000;
	e.gprs.rip = 0x100;
	world_poke(0x30100, 0x06ff, 2);	/* inc word [0x500] */
	world_poke(0x30102, 0x0500, 2);
	tap(!axv_emul_step(&e) && world_peek(0x500, 2) == 1, "fetching adds the base of CS");
}

static void test_unsupported(void)
{
	char text[128];

	long_mode();
	*gpr(AXV_X86_RAX) = 0x55;
	tap(STEP(&e, 0xd9, 0x07) == -EOPNOTSUPP && strstr(axv_error(), "fld") &&
	    strstr(axv_error(), "[rdi]") && !world_accesses && *gpr(AXV_X86_RAX) == 0x55,
	    "fld: the error has the instruction's text");
	tap(STEP(&e, 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x07) == -EOPNOTSUPP &&
	    strstr(axv_error(), "vmovdqu64"), "vmovdqu64 without AVX-512: the error has its text");
	e.sregs.cr4 |= CR4_OSXSAVE;
	e.xsave_ymm = 576;
	e.xsave_zmm = 1152;
	e.xsave_hi16 = 1664;
	tap(!STEP(&e, 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x07) && world_accesses == 8,
	    "vmovdqu64 with AVX-512: eight accesses of a device");
	world_accesses = 0;
	tap(STEP(&e, 0x62, 0xf1, 0xfe, 0x49, 0x6f, 0x07) == -EOPNOTSUPP && !world_accesses,
	    "vmovdqu64 with a mask: not supported");
	*gpr(AXV_X86_RAX) = 0x55;
	tap(STEP(&e, 0xff, 0x1f) == -EOPNOTSUPP && strstr(axv_error(), "call"), "far call");
	tap(STEP(&e, 0xff, 0x2f) == -EOPNOTSUPP && strstr(axv_error(), "jmp"), "far jmp");
	tap(STEP(&e, 0x0f, 0xb2, 0x07) == -EOPNOTSUPP && strstr(axv_error(), "lss"), "lss");
	tap(STEP(&e, 0x0f, 0xb4, 0x07) == -EOPNOTSUPP && strstr(axv_error(), "lfs"), "lfs");
	tap(STEP(&e, 0x0f, 0xb5, 0x07) == -EOPNOTSUPP && strstr(axv_error(), "lgs"), "lgs");
	tap(STEP(&e, 0xdd, 0x1f) == -EOPNOTSUPP && strstr(axv_error(), "fstp"), "fstp");
	tap(STEP(&e, 0x0f, 0xae, 0x07) == -EOPNOTSUPP && strstr(axv_error(), "fxsave"), "fxsave");
	tap(STEP(&e, 0x0f, 0xae, 0x0f) == -EOPNOTSUPP && strstr(axv_error(), "fxrstor"),
	    "fxrstor");
	tap(!world_accesses && *gpr(AXV_X86_RAX) == 0x55 && *gpr(AXV_X86_RDI) != 0 &&
	    !e.sregs.seg[AXV_X86_FS].selector, "refused instructions have changed nothing");
	tap(STEP(&e, 0x8e, 0x1f) == -EOPNOTSUPP && strstr(axv_error(), "ds"), "mov ds");
	tap(STEP(&e, 0x66, 0x0f, 0xfe, 0x07) == -EOPNOTSUPP && strstr(axv_error(), "paddd"),
	    "paddd");
	tap(STEP(&e, 0x06) == -EOPNOTSUPP && strstr(axv_error(), "06"), "no instruction at all");
	world_code(&e, "\xf0\x01\x07", 3);
	tap(axv_emul_text(&e, text, sizeof(text)) == 3 &&
	    !strcmp(text, "lock add [rdi], eax"), "text of an instruction: %s", text);
	e.insn_bytes = 0;
	e.gprs.rip = 0x40000000;
	tap(axv_emul_text(&e, text, sizeof(text)) == -EFAULT, "text of code that cannot be read");

	/* Otherwise a program of the guest could end the VM. */
	long_mode();
	world_set_cpl(&e, 3);
	tap(raised(STEP(&e, 0xd9, 0x07), VECTOR_UD, -1) && !world_accesses,
	    "fld in user mode: #UD");
	tap(raised(STEP(&e, 0x06), VECTOR_UD, -1), "no instruction, in user mode: #UD");
	e.insn_bytes = 0;
	e.gprs.rip = DEV;
	tap(raised(axv_emul_step(&e), VECTOR_UD, -1), "code in a device, in user mode: #UD");
}

int main(void)
{
	test_pieces();
	test_atomic();
	test_order();
	test_segments();
	test_16bit();
	test_strings();
	test_ports();
	test_port_batches();
	test_port_addresses();
	test_port_untold();
	test_msw();
	test_flags_register();
	test_vector_faults();
	test_branches();
	test_fetch();
	test_unsupported();
	return tap_done();
}
