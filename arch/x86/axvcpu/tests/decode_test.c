// SPDX-License-Identifier: GPL-2.0
/*
 * The decoder against a table of encodings.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <linux/axvcpu.h>

#include <axvcpu/kunit.h>

#include "../decode.h"

/**
 * struct encoding - one instruction and what has to come out
 * @bits:	16, 32 or 64
 * @hex:	its bytes
 * @text:	as describe() puts it; NULL: not decoded
 *
 * In @text, r and h with a number are registers, h the upper byte of its lower
 * half; the width follows, and s for a load that extends the sign.  Memory is
 * [segment:base+index*scale+displacement], behind the bytes of an address.
 */
struct encoding {
	unsigned int bits;
	const char *hex;
	const char *text;
};

static const struct encoding encodings[] = {
	/* Moves between registers and memory, 64 bit */
	{ 64, "8807", "store.1 r0.1 8[ds:r7]" },
	{ 64, "8827", "store.1 h0.1 8[ds:r7]" },
	{ 64, "883f", "store.1 h3.1 8[ds:r7]" },
	{ 64, "408837", "store.1 r6.1 8[ds:r7]" },
	{ 64, "408827", "store.1 r4.1 8[ds:r7]" },
	{ 64, "44880f", "store.1 r9.1 8[ds:r7]" },
	{ 64, "66890f", "store.2 r1.2 8[ds:r7]" },
	{ 64, "8917", "store.4 r2.4 8[ds:r7]" },
	{ 64, "48891f", "store.8 r3.8 8[ds:r7]" },
	{ 64, "4c893f", "store.8 r15.8 8[ds:r7]" },
	{ 64, "8a06", "load.1 r0.1 8[ds:r6]" },
	{ 64, "8a2e", "load.1 h1.1 8[ds:r6]" },
	{ 64, "8a36", "load.1 h2.1 8[ds:r6]" },
	{ 64, "408a3e", "load.1 r7.1 8[ds:r6]" },
	{ 64, "448a26", "load.1 r12.1 8[ds:r6]" },
	{ 64, "668b06", "load.2 r0.2 8[ds:r6]" },
	{ 64, "448b16", "load.4 r10.4 8[ds:r6]" },
	{ 64, "488b06", "load.8 r0.8 8[ds:r6]" },
	{ 64, "488b26", "load.8 r4.8 8[ds:r6]" },

	/* Addressing, 64 bit */
	{ 64, "8b00", "load.4 r0.4 8[ds:r0]" },
	{ 64, "8b0424", "load.4 r0.4 8[ss:r4]" },
	{ 64, "8b4500", "load.4 r0.4 8[ss:r5]" },
	{ 64, "8b45fc", "load.4 r0.4 8[ss:r5-0x4]" },
	{ 64, "418b0424", "load.4 r0.4 8[ds:r12]" },
	{ 64, "418b4500", "load.4 r0.4 8[ds:r13]" },
	{ 64, "438b44e500", "load.4 r0.4 8[ds:r13+r12*8]" },
	{ 64, "8b437f", "load.4 r0.4 8[ds:r3+0x7f]" },
	{ 64, "8b4380", "load.4 r0.4 8[ds:r3-0x80]" },
	{ 64, "8b8378563412", "load.4 r0.4 8[ds:r3+0x12345678]" },
	{ 64, "8b8388a9cbed", "load.4 r0.4 8[ds:r3-0x12345678]" },
	{ 64, "8b040b", "load.4 r0.4 8[ds:r3+r1*1]" },
	{ 64, "8b044b", "load.4 r0.4 8[ds:r3+r1*2]" },
	{ 64, "8b448c08", "load.4 r0.4 8[ss:r4+r1*4+0x8]" },
	{ 64, "428b84c500100000", "load.4 r0.4 8[ss:r5+r8*8+0x1000]" },
	{ 64, "438b44feff", "load.4 r0.4 8[ds:r14+r15*8-0x1]" },
	{ 64, "8b04ad10000000", "load.4 r0.4 8[ds:+r5*4+0x10]" },
	{ 64, "8b042500100000", "load.4 r0.4 8[ds:+0x1000]" },
	{ 64, "8b04250000e0fe", "load.4 r0.4 8[ds:-0x1200000]" },
	{ 64, "8b0534120000", "load.4 r0.4 8[ds:ip+0x1234]" },
	{ 64, "8b05ccedffff", "load.4 r0.4 8[ds:ip-0x1234]" },
	{ 64, "c6052000000007", "imm.1 8[ds:ip+0x20] =0x7" },
	{ 64, "678b0534120000", "load.4 r0.4 4[ds:ip+0x1234]" },
	{ 64, "678b07", "load.4 r0.4 4[ds:r7]" },
	{ 64, "678b0444", "load.4 r0.4 4[ss:r4+r0*2]" },
	{ 64, "674f8b449110", "load.8 r8.8 4[ds:r9+r10*4+0x10]" },

	/* REX.B does not turn 4 and 5 into plain registers; REX.X makes 12 of index 4 */
	{ 64, "418b0511223344", "load.4 r0.4 8[ds:ip+0x44332211]" },
	{ 64, "418b042511223344", "load.4 r0.4 8[ds:+0x44332211]" },
	{ 64, "428b0425a1000000", "load.4 r0.4 8[ds:+r12*1+0xa1]" },
	{ 64, "8b0461", "load.4 r0.4 8[ds:r1]" },
	{ 64, "8b0421", "load.4 r0.4 8[ds:r1]" },
	{ 64, "8b04a1", "load.4 r0.4 8[ds:r1]" },
	{ 64, "498b4424f8", "load.8 r0.8 8[ds:r12-0x8]" },

	/* Segment overrides */
	{ 64, "648b07", "load.4 r0.4 8[fs:r7]" },
	{ 64, "65488b042528000000", "load.8 r0.8 8[gs:+0x28]" },
	{ 64, "65894500", "store.4 r0.4 8[gs:r5]" },
	{ 64, "2e8b07", "load.4 r0.4 8[ds:r7]" },
	{ 64, "368b07", "load.4 r0.4 8[ds:r7]" },
	{ 64, "3e8b4500", "load.4 r0.4 8[ss:r5]" },
	{ 64, "268b07", "load.4 r0.4 8[ds:r7]" },
	{ 64, "642e8b07", "load.4 r0.4 8[fs:r7]" },
	{ 64, "64658b07", "load.4 r0.4 8[gs:r7]" },
	{ 64, "65648b07", "load.4 r0.4 8[fs:r7]" },
	{ 32, "2e8b07", "load.4 r0.4 4[cs:r7]" },
	{ 32, "368b07", "load.4 r0.4 4[ss:r7]" },
	{ 32, "3e8b4500", "load.4 r0.4 4[ds:r5]" },
	{ 32, "268b07", "load.4 r0.4 4[es:r7]" },
	{ 32, "642e8b07", "load.4 r0.4 4[cs:r7]" },
	{ 32, "2e648b07", "load.4 r0.4 4[fs:r7]" },
	{ 16, "268b07", "load.2 r0.2 2[es:r3]" },
	{ 16, "658b4600", "load.2 r0.2 2[gs:r5]" },

	/* MOV, immediate */
	{ 64, "c60780", "imm.1 8[ds:r7] =-0x80" },
	{ 64, "66c7073412", "imm.2 8[ds:r7] =0x1234" },
	{ 64, "c707ffffffff", "imm.4 8[ds:r7] =-0x1" },
	{ 64, "48c707feffffff", "imm.8 8[ds:r7] =-0x2" },
	{ 64, "4bc7848800010000ffffff7f", "imm.8 8[ds:r8+r9*4+0x100] =0x7fffffff" },
	{ 64, "c7051000000044332211", "imm.4 8[ds:ip+0x10] =0x11223344" },
	{ 32, "c60705", "imm.1 4[ds:r7] =0x5" },
	{ 32, "c705b000e0fe00000000", "imm.4 4[ds:-0x11fff50] =0x0" },
	{ 32, "66c700cdab", "imm.2 4[ds:r0] =-0x5433" },
	{ 16, "c60701", "imm.1 2[ds:r3] =0x1" },
	{ 16, "c746000080", "imm.2 2[ss:r5] =-0x8000" },
	{ 16, "66c70478563412", "imm.4 2[ds:r6] =0x12345678" },

	/* MOV, absolute offset */
	{ 64, "a08877665544332211", "load.1 r0.1 8[ds:+0x1122334455667788]" },
	{ 64, "a12000e0fe00000000", "load.4 r0.4 8[ds:+0xfee00020]" },
	{ 64, "48a100b05fffffffffff", "load.8 r0.8 8[ds:-0xa05000]" },
	{ 64, "a21000000000000000", "store.1 r0.1 8[ds:+0x10]" },
	{ 64, "66a31000000000000000", "store.2 r0.2 8[ds:+0x10]" },
	{ 64, "6448a31000000000000000", "store.8 r0.8 8[fs:+0x10]" },
	{ 64, "67a110000080", "load.4 r0.4 4[ds:+0x80000010]" },
	{ 64, "49a31000000000000000", "store.8 r0.8 8[ds:+0x10]" },
	{ 32, "a00000c0fe", "load.1 r0.1 4[ds:+0xfec00000]" },
	{ 32, "a12000e0fe", "load.4 r0.4 4[ds:+0xfee00020]" },
	{ 32, "26a32000e0fe", "store.4 r0.4 4[es:+0xfee00020]" },
	{ 32, "67a13412", "load.4 r0.4 2[ds:+0x1234]" },
	{ 32, "66a334120000", "store.2 r0.2 4[ds:+0x1234]" },
	{ 16, "a03412", "load.1 r0.1 2[ds:+0x1234]" },
	{ 16, "a33412", "store.2 r0.2 2[ds:+0x1234]" },
	{ 16, "66a1ffff", "load.4 r0.4 2[ds:+0xffff]" },
	{ 16, "67a278563412", "store.1 r0.1 4[ds:+0x12345678]" },

	/* MOVZX, MOVSX, MOVSXD */
	{ 64, "0fb607", "load.1 r0.4 8[ds:r7]" },
	{ 64, "660fb607", "load.1 r0.2 8[ds:r7]" },
	{ 64, "480fb607", "load.1 r0.8 8[ds:r7]" },
	{ 64, "0fb627", "load.1 r4.4 8[ds:r7]" },
	{ 64, "0fb707", "load.2 r0.4 8[ds:r7]" },
	{ 64, "4c0fb70f", "load.2 r9.8 8[ds:r7]" },
	{ 64, "0fbe07", "load.1 r0.4s 8[ds:r7]" },
	{ 64, "660fbe07", "load.1 r0.2s 8[ds:r7]" },
	{ 64, "480fbe2f", "load.1 r5.8s 8[ds:r7]" },
	{ 64, "0fbf07", "load.2 r0.4s 8[ds:r7]" },
	{ 64, "480fbf07", "load.2 r0.8s 8[ds:r7]" },
	{ 64, "660fb707", "load.2 r0.2 8[ds:r7]" },
	{ 64, "660fbf07", "load.2 r0.2s 8[ds:r7]" },
	{ 64, "486307", "load.4 r0.8s 8[ds:r7]" },
	{ 64, "4d631b", "load.4 r11.8s 8[ds:r11]" },
	{ 64, "6307", "load.4 r0.4s 8[ds:r7]" },
	{ 64, "664863c5", NULL },
	{ 64, "66486307", "load.4 r0.8s 8[ds:r7]" },
	{ 32, "0fb607", "load.1 r0.4 4[ds:r7]" },
	{ 32, "0fb77d08", "load.2 r7.4 4[ss:r5+0x8]" },
	{ 32, "660fbe0a", "load.1 r1.2s 4[ds:r2]" },
	{ 16, "660fb600", "load.1 r0.4 2[ds:r3+r6*1]" },
	{ 16, "0fbe05", "load.1 r0.2s 2[ds:r7]" },

	/* 32 bit */
	{ 32, "8908", "store.4 r1.4 4[ds:r0]" },
	{ 32, "8838", "store.1 h3.1 4[ds:r0]" },
	{ 32, "668928", "store.2 r5.2 4[ds:r0]" },
	{ 32, "8b442404", "load.4 r0.4 4[ss:r4+0x4]" },
	{ 32, "8b44b3f8", "load.4 r0.4 4[ds:r3+r6*4-0x8]" },
	{ 32, "8b0512345678", "load.4 r0.4 4[ds:+0x78563412]" },
	{ 32, "8b042512345678", "load.4 r0.4 4[ds:+0x78563412]" },
	{ 32, "678b00", "load.4 r0.4 2[ds:r3+r6*1]" },
	{ 32, "67668b4310", "load.2 r0.2 2[ss:r5+r7*1+0x10]" },

	/* 16 bit: all forms */
	{ 16, "8b00", "load.2 r0.2 2[ds:r3+r6*1]" },
	{ 16, "8b09", "load.2 r1.2 2[ds:r3+r7*1]" },
	{ 16, "8b12", "load.2 r2.2 2[ss:r5+r6*1]" },
	{ 16, "8b1b", "load.2 r3.2 2[ss:r5+r7*1]" },
	{ 16, "8b24", "load.2 r4.2 2[ds:r6]" },
	{ 16, "8b2d", "load.2 r5.2 2[ds:r7]" },
	{ 16, "8b363412", "load.2 r6.2 2[ds:+0x1234]" },
	{ 16, "8b36ffff", "load.2 r6.2 2[ds:-0x1]" },
	{ 16, "8b3f", "load.2 r7.2 2[ds:r3]" },
	{ 16, "8a4600", "load.1 r0.1 2[ss:r5]" },
	{ 16, "8a66ff", "load.1 h0.1 2[ss:r5-0x1]" },
	{ 16, "88487f", "store.1 r1.1 2[ds:r3+r6*1+0x7f]" },
	{ 16, "89833412", "store.2 r0.2 2[ss:r5+r7*1+0x1234]" },
	{ 16, "89870080", "store.2 r0.2 2[ds:r3-0x8000]" },
	{ 16, "668905", "store.4 r0.4 2[ds:r7]" },
	{ 16, "678a00", "load.1 r0.1 4[ds:r0]" },
	{ 16, "678b84cc78563412", "load.2 r0.2 4[ss:r4+r1*8+0x12345678]" },
	{ 16, "67668b4500", "load.4 r0.4 4[ss:r5]" },

	/* Strings */
	{ 64, "a4", "movs.1 8[ds]" },
	{ 64, "66a5", "movs.2 8[ds]" },
	{ 64, "a5", "movs.4 8[ds]" },
	{ 64, "48a5", "movs.8 8[ds]" },
	{ 64, "f3a4", "rep movs.1 8[ds]" },
	{ 64, "f348a5", "rep movs.8 8[ds]" },
	{ 64, "f2a4", "rep movs.1 8[ds]" },
	{ 64, "64f367a5", "rep movs.4 4[fs]" },
	{ 64, "2ea4", "movs.1 8[ds]" },
	{ 64, "aa", "stos.1 r0.1 8[es]" },
	{ 64, "f348ab", "rep stos.8 r0.8 8[es]" },
	{ 64, "66f3ab", "rep stos.2 r0.2 8[es]" },
	{ 64, "65aa", "stos.1 r0.1 8[es]" },
	{ 64, "ac", "lods.1 r0.1 8[ds]" },
	{ 64, "48ad", "lods.8 r0.8 8[ds]" },
	{ 64, "65ad", "lods.4 r0.4 8[gs]" },
	{ 64, "f3ac", "rep lods.1 r0.1 8[ds]" },
	{ 32, "a5", "movs.4 4[ds]" },
	{ 32, "f3a4", "rep movs.1 4[ds]" },
	{ 32, "67f3a4", "rep movs.1 2[ds]" },
	{ 32, "26a5", "movs.4 4[es]" },
	{ 32, "f3ab", "rep stos.4 r0.4 4[es]" },
	{ 32, "2eab", "stos.4 r0.4 4[es]" },
	{ 16, "a5", "movs.2 2[ds]" },
	{ 16, "66a5", "movs.4 2[ds]" },
	{ 16, "f3ab", "rep stos.2 r0.2 2[es]" },
	{ 16, "67f366ab", "rep stos.4 r0.4 4[es]" },
	{ 16, "2eac", "lods.1 r0.1 2[cs]" },

	/* Ports */
	{ 64, "e460", "in.1 r0.1 0x60" },
	{ 64, "e5ff", "in.4 r0.4 0xff" },
	{ 64, "66ed", "in.2 r0.2 dx" },
	{ 64, "ec", "in.1 r0.1 dx" },
	{ 64, "ed", "in.4 r0.4 dx" },
	{ 64, "48ed", "in.4 r0.4 dx" },
	{ 64, "e680", "out.1 r0.1 0x80" },
	{ 64, "e780", "out.4 r0.4 0x80" },
	{ 64, "ee", "out.1 r0.1 dx" },
	{ 64, "66ef", "out.2 r0.2 dx" },
	{ 64, "f3ee", "out.1 r0.1 dx" },
	{ 16, "ed", "in.2 r0.2 dx" },
	{ 16, "66ed", "in.4 r0.4 dx" },
	{ 16, "e471", "in.1 r0.1 0x71" },

	/* RDMSR */
	{ 64, "0f32", "rdmsr" },
	{ 32, "0f32", "rdmsr" },
	{ 16, "0f32", "rdmsr" },

	/* Prefixes: order, repetition, those without effect, REX where it counts */
	{ 64, "66660f1f00", NULL },
	{ 64, "66668907", "store.2 r0.2 8[ds:r7]" },
	{ 64, "666767668907", "store.2 r0.2 4[ds:r7]" },
	{ 64, "66488907", "store.8 r0.8 8[ds:r7]" },
	{ 64, "48668907", "store.2 r0.2 8[ds:r7]" },
	{ 64, "44648907", "store.4 r0.4 8[fs:r7]" },
	{ 64, "41488907", "store.8 r0.8 8[ds:r7]" },
	{ 64, "4f408907", "store.4 r0.4 8[ds:r7]" },
	{ 64, "408827", "store.1 r4.1 8[ds:r7]" },
	{ 64, "40668827", "store.1 h0.1 8[ds:r7]" },
	{ 64, "f38907", "store.4 r0.4 8[ds:r7]" },
	{ 64, "f2c60701", "imm.1 8[ds:r7] =0x1" },
	{ 64, "f30fb607", "load.1 r0.4 8[ds:r7]" },
	{ 32, "488907", NULL },
	{ 16, "408907", NULL },
	{ 32, "66678907", "store.2 r0.2 2[ds:r3]" },
	{ 64, "2e2e2e2e2e2e2e2e2e2e2e2e2e8907", "store.4 r0.4 8[ds:r7]" },
	{ 64, "2e2e2e2e2e2e2e2e2e2e2e2e2e2e8907", NULL },
	{ 64, "2e2e2e2e2e2e2e2e2ec70744332211", "imm.4 8[ds:r7] =0x11223344" },
	{ 64, "2e2e2e2e2e2e2e2e2e2ec70744332211", NULL },
	{ 64, "2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e", NULL },

	/* Not ours: locked, between registers, other opcodes */
	{ 64, "f08907", NULL },
	{ 64, "f0c60700", NULL },
	{ 64, "f0f3a4", NULL },
	{ 64, "f0ec", NULL },
	{ 64, "f00f32", NULL },
	{ 64, "89c8", NULL },
	{ 64, "88d8", NULL },
	{ 64, "0fb6c1", NULL },
	{ 64, "c6c001", NULL },
	{ 64, "c7c001000000", NULL },
	{ 64, "c60f01", NULL },
	{ 64, "c6f801", NULL },
	{ 64, "c7f800000000", NULL },
	{ 64, "c73f00000000", NULL },
	{ 32, "6307", NULL },
	{ 16, "6307", NULL },
	{ 64, "666307", NULL },
	{ 64, "8c07", NULL },
	{ 64, "8e07", NULL },
	{ 64, "8d07", NULL },
	{ 64, "8707", NULL },
	{ 64, "0107", NULL },
	{ 64, "800701", NULL },
	{ 64, "f707", NULL },
	{ 64, "a6", NULL },
	{ 64, "ae", NULL },
	{ 64, "50", NULL },
	{ 64, "6c", NULL },
	{ 32, "f36f", NULL },
	{ 64, "8f00", NULL },
	{ 64, "90", NULL },
	{ 64, "c3", NULL },
	{ 64, "cc", NULL },
	{ 64, "0f6f07", NULL },
	{ 64, "0fc307", NULL },
	{ 64, "0fae07", NULL },
	{ 64, "0f38f007", NULL },
	{ 64, "0f1f00", NULL },
	{ 64, "0f30", NULL },
	{ 64, "0fa2", NULL },
	{ 64, "c5f96f07", NULL },
	{ 32, "c507", NULL },
	{ 64, "62f17c481007", NULL },
	{ 64, "00", NULL },
};

/**
 * struct length - an instruction that is intercepted
 * @bits:	16, 32 or 64
 * @hex:	its bytes
 * @length:	bytes of the instruction, 0: not one of them
 */
struct length {
	unsigned int bits;
	const char *hex;
	unsigned int length;
};

static const struct length lengths[] = {
	/* Without an operand */
	{ 64, "0fa2", 2 },
	{ 64, "0f32", 2 },
	{ 64, "0f30", 2 },
	{ 64, "0f08", 2 },
	{ 64, "0f09", 2 },
	{ 64, "f4", 1 },
	{ 64, "cc", 1 },
	{ 16, "f4", 1 },

	/* Group 7 */
	{ 64, "0f01d9", 3 },
	{ 64, "0f01d1", 3 },
	{ 32, "0f01d9", 3 },

	/* With a number */
	{ 64, "cd80", 2 },
	{ 16, "cd10", 2 },

	/* Prefixes */
	{ 64, "660fa2", 3 },
	{ 64, "480fa2", 3 },
	{ 64, "2ef4", 2 },
	{ 64, "f30f01d9", 4 },
	{ 64, "4866670fa2", 5 },
	{ 64, "666666666666666666666666660fa2", 15 },
	{ 16, "ce", 1 },
	{ 32, "ce", 1 },

	/* Not these */
	{ 64, "0f22c0", 0 },
	{ 64, "0f0107", 0 },
	{ 64, "6c", 0 },
	{ 64, "ec", 0 },
	{ 64, "9c", 0 },
	{ 64, "66666666666666666666666666660fa2", 0 },
	{ 64, "ce", 0 },
	{ 64, "90", 0 },
	{ 64, "f290", 0 },
	{ 64, "f2", 0 },
	{ 64, "f00fa2", 0 },
	{ 64, "f0f4", 0 },
	{ 64, "f00f01d9", 0 },
	{ 64, "f00f0138", 0 },
	{ 64, "f0cc", 0 },
	{ 64, "f0ec", 0 },
	{ 64, "0f01f8", 0 },
	{ 64, "0f01ca", 0 },
	{ 64, "0f01ee", 0 },
	{ 64, "0f01ef", 0 },
	{ 64, "0f01c0", 0 },
	{ 64, "0f01ea", 0 },
	{ 64, "0f0128", 0 },
	{ 64, "0f0020", 0 },
	{ 64, "0f05", 0 },
	{ 64, "0f0b", 0 },
	{ 64, "0f24c0", 0 },
	{ 64, "0f34", 0 },
	{ 64, "0f388201", 0 },
	{ 64, "660f388001", 0 },
	{ 64, "0fae38", 0 },
	{ 64, "8907", 0 },
	{ 64, "c3", 0 },
	{ 64, "fa", 0 },
	{ 64, "fb", 0 },
};

static const char * const ops[] = {
	[AXV_X86_OP_LOAD] = "load",
	[AXV_X86_OP_STORE] = "store",
	[AXV_X86_OP_STORE_IMM] = "imm",
	[AXV_X86_OP_MOVS] = "movs",
	[AXV_X86_OP_STOS] = "stos",
	[AXV_X86_OP_LODS] = "lods",
	[AXV_X86_OP_IN] = "in",
	[AXV_X86_OP_OUT] = "out",
	[AXV_X86_OP_RDMSR] = "rdmsr",
};

static const char * const segs[] = { "es", "cs", "ss", "ds", "fs", "gs" };

#define TEXT_SIZE	80

static int put_number(char *text, int n, const char *plus, u64 value)
{
	bool negative = (s64)value < 0;

	return scnprintf(text + n, TEXT_SIZE - n, "%s0x%llx",
			 negative ? "-" : plus, negative ? -value : value);
}

static int put_memory(char *text, int n, const struct axv_x86_insn *insn)
{
	n += scnprintf(text + n, TEXT_SIZE - n, " %u[%s:", insn->addr_width,
		       segs[insn->seg]);
	if (insn->base == AXV_X86_RIP)
		n += scnprintf(text + n, TEXT_SIZE - n, "ip");
	else if (insn->base != AXV_X86_NO_REG)
		n += scnprintf(text + n, TEXT_SIZE - n, "r%u", insn->base);
	if (insn->index != AXV_X86_NO_REG)
		n += scnprintf(text + n, TEXT_SIZE - n, "+r%u*%u", insn->index,
			       1 << insn->scale);
	if (insn->disp)
		n += put_number(text, n, "+", insn->disp);
	return n + scnprintf(text + n, TEXT_SIZE - n, "]");
}

static void describe(char *text, const struct axv_x86_insn *insn)
{
	int n = scnprintf(text, TEXT_SIZE, "%s%s", insn->rep ? "rep " : "",
			  ops[insn->op]);

	if (insn->width)
		n += scnprintf(text + n, TEXT_SIZE - n, ".%u", insn->width);
	if (insn->reg != AXV_X86_NO_REG)
		n += scnprintf(text + n, TEXT_SIZE - n, " %s%u.%u%s",
			       insn->high ? "h" : "r", insn->reg,
			       insn->reg_width, insn->sign_extend ? "s" : "");
	switch (insn->op) {
	case AXV_X86_OP_LOAD:
	case AXV_X86_OP_STORE:
		put_memory(text, n, insn);
		break;
	case AXV_X86_OP_STORE_IMM:
		n = put_memory(text, n, insn);
		n += scnprintf(text + n, TEXT_SIZE - n, " =");
		put_number(text, n, "", insn->imm);
		break;
	case AXV_X86_OP_IN:
	case AXV_X86_OP_OUT:
		if (insn->port_imm)
			scnprintf(text + n, TEXT_SIZE - n, " 0x%llx",
				  insn->imm);
		else
			scnprintf(text + n, TEXT_SIZE - n, " dx");
		break;
	case AXV_X86_OP_RDMSR:
		break;
	default:
		scnprintf(text + n, TEXT_SIZE - n, " %u[%s]", insn->addr_width,
			  segs[insn->seg]);
	}
}

/* The bytes of an entry, with something else behind them. */
static unsigned int get_bytes(struct kunit *test, const char *hex, u8 *bytes,
			      u8 behind)
{
	unsigned int size = strlen(hex) / 2;

	memset(bytes, behind, 2 * AXV_X86_INSN_MAX);
	KUNIT_ASSERT_LE(test, size, 2 * AXV_X86_INSN_MAX);
	KUNIT_ASSERT_EQ(test, hex2bin(bytes, hex, size), 0);
	return size;
}

static void decode_test(struct kunit *test)
{
	u8 bytes[2 * AXV_X86_INSN_MAX];
	struct axv_x86_insn insn;
	char text[TEXT_SIZE];
	unsigned int i, size;
	bool ok;

	for (i = 0; i < ARRAY_SIZE(encodings); i++) {
		const struct encoding *e = &encodings[i];

		size = get_bytes(test, e->hex, bytes, 0x5a);
		ok = axv_x86_decode(&insn, bytes, sizeof(bytes), e->bits);
		KUNIT_EXPECT_EQ_MSG(test, ok, !!e->text, "%u-bit %s", e->bits,
				    e->hex);
		KUNIT_EXPECT_EQ(test, ok, insn.op != AXV_X86_OP_NONE);
		if (!ok || !e->text)
			continue;
		describe(text, &insn);
		KUNIT_EXPECT_STREQ(test, text, e->text);
		KUNIT_EXPECT_EQ_MSG(test, insn.len, size, "%u-bit %s", e->bits,
				    e->hex);
	}
}

/* No shorter part of an instruction is decoded; what follows it does not matter. */
static void truncated_test(struct kunit *test)
{
	u8 bytes[2 * AXV_X86_INSN_MAX];
	char text[TEXT_SIZE], other[TEXT_SIZE];
	struct axv_x86_insn insn;
	unsigned int i, n, size;

	for (i = 0; i < ARRAY_SIZE(encodings); i++) {
		const struct encoding *e = &encodings[i];

		if (!e->text)
			continue;
		size = get_bytes(test, e->hex, bytes, 0xff);
		for (n = 0; n < size; n++)
			KUNIT_EXPECT_FALSE_MSG(test,
					       axv_x86_decode(&insn, bytes, n,
							      e->bits),
					       "%u of %s", n, e->hex);
		KUNIT_EXPECT_TRUE(test, axv_x86_decode(&insn, bytes, size,
						       e->bits));
		describe(text, &insn);
		memset(bytes + size, 0, sizeof(bytes) - size);
		KUNIT_EXPECT_TRUE(test, axv_x86_decode(&insn, bytes,
						       sizeof(bytes),
						       e->bits));
		describe(other, &insn);
		KUNIT_EXPECT_STREQ(test, text, other);
	}
}

static void length_test(struct kunit *test)
{
	u8 bytes[2 * AXV_X86_INSN_MAX];
	unsigned int i, n, size;
	u32 opcode;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		const struct length *l = &lengths[i];

		size = get_bytes(test, l->hex, bytes, 0xff);
		KUNIT_EXPECT_EQ_MSG(test,
				    axv_x86_insn_length(bytes, sizeof(bytes),
							l->bits, &opcode),
				    l->length, "%u-bit %s", l->bits, l->hex);
		for (n = 0; n < size; n++)
			KUNIT_EXPECT_EQ_MSG(test,
					    axv_x86_insn_length(bytes, n,
								l->bits,
								&opcode),
					    0u, "%u of %s", n, l->hex);
	}
}

static void opcode_test(struct kunit *test)
{
	static const struct {
		const char *hex;
		u32 opcode;
	} cases[] = {
		{ "f4", 0xf4 }, { "66f4", 0xf4 }, { "cc", 0xcc },
		{ "f1", 0xf1 },
		{ "cdcc", 0xcd }, { "0fa2", 0x0fa2 }, { "480fa2", 0x0fa2 },
		{ "f30f09", 0x0f09 }, { "0f01d9", 0x0f01d9 },
		{ "f2670f01d1", 0x0f01d1 },
	};
	u8 bytes[2 * AXV_X86_INSN_MAX];
	unsigned int i, size;
	u32 opcode;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		size = get_bytes(test, cases[i].hex, bytes, 0xff);
		KUNIT_EXPECT_EQ(test, size,
				axv_x86_insn_length(bytes, size, 64, &opcode));
		KUNIT_EXPECT_EQ_MSG(test, opcode, cases[i].opcode, "%s",
				    cases[i].hex);
	}
}

/**
 * struct offset - where a memory operand is
 * @bits:	16, 32 or 64
 * @hex:	instruction
 * @offset:	in its segment
 */
struct offset {
	unsigned int bits;
	const char *hex;
	u64 offset;
};

/* Registers hold 0x1111111111111111 times one more than their number. */
static const struct offset offsets[] = {
	{ 64, "8b07", 0x8888888888888888 },
	{ 64, "678b07", 0x88888888 },
	{ 64, "8b448b10", 0xccccccccccccccdc },
	{ 64, "678b448b10", 0xcccccccc + 0x10 },
	{ 64, "8b4cf1f8", 0xddddddddddddddd2 },
	{ 64, "8b0500010000", 0x7ffffff006 + 0x100 },
	{ 64, "8b05f0ffffff", 0x7ffffff006 - 0x10 },
	{ 64, "678b0500010000", 0xfffff007 + 0x100 },
	{ 64, "c70500010000ffffffff", 0x7ffffff00a + 0x100 },
	{ 64, "a1000000000000ff80", 0x80ff000000000000 },
	{ 64, "8b0425000000ff", 0xffffffffff000000 },
	{ 32, "8b07", 0x88888888 },
	{ 32, "8b04fe", 0xbbbbbbb7 },
	{ 32, "8b05000000ff", 0xff000000 },
	{ 32, "678b00", 0x4444 + 0x7777 },
	{ 16, "8b01", 0x4444 + 0x8888 },
	{ 16, "8b81ff7f", (0x4444 + 0x8888 + 0x7fff) & 0xffff },
	{ 16, "678b03", 0x44444444 },
};

static void offset_test(struct kunit *test)
{
	u8 bytes[2 * AXV_X86_INSN_MAX];
	struct axv_x86_insn insn;
	u64 gpr[16];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gpr); i++)
		gpr[i] = 0x1111111111111111 * (i + 1);

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		const struct offset *o = &offsets[i];

		get_bytes(test, o->hex, bytes, 0);
		KUNIT_ASSERT_TRUE(test, axv_x86_decode(&insn, bytes,
						       sizeof(bytes),
						       o->bits));
		KUNIT_EXPECT_EQ_MSG(test,
				    axv_x86_operand_offset(&insn, gpr,
							   0x7ffffff000),
				    o->offset, "%u-bit %s", o->bits, o->hex);
	}
}

static struct kunit_case decode_cases[] = {
	KUNIT_CASE(decode_test),
	KUNIT_CASE(truncated_test),
	KUNIT_CASE(length_test),
	KUNIT_CASE(opcode_test),
	KUNIT_CASE(offset_test),
	{}
};

axv_test_suite("axvcpu-x86-decode", decode_cases);
