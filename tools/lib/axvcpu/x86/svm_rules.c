// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The states that VMRUN refuses (AMD APM vol. 2, 15.5.1, "Canonicalization and
 * Consistency Checks", and 15.20), as far as they come from registers and not from the
 * module.
 */
#include <stddef.h>

#include "explain.h"

#define CR0_NW		(1ull << 29)
#define CR0_CD		(1ull << 30)
#define EFER_LME	(1ull << 8)

static const char *check_long_mode(const struct axv_x86_sregs *s)
{
	__u16 cs = s->seg[AXV_X86_CS].attr;

	if (!(s->efer & EFER_LME) || !(s->cr0 & CR0_PG))
		return NULL;
	if (!(s->cr4 & CR4_PAE))
		return "EFER: LME with CR0.PG and without CR4.PAE";
	if (!(s->cr0 & CR0_PE))
		return "EFER: LME with CR0.PG and without CR0.PE";
	if ((cs & AXV_X86_ATTR_L) && (cs & AXV_X86_ATTR_DB))
		return "CS: L and D are 1, in long mode";
	return NULL;
}

/*
 * The module lets an exception with any vector through, but VMRUN refuses one that the
 * processor does not know.
 */
static const char *check_event(__u64 event)
{
	unsigned int vector = event & AXV_X86_EVENT_VECTOR;

	if (!(event & AXV_X86_EVENT_VALID) ||
	    (event & AXV_X86_EVENT_TYPE) != AXV_X86_EVENT_TYPE_EXCEPTION || vector < 20)
		return NULL;
	return "EVENTINJ: an exception that this processor may not know";
}

const char *axv_svm_broken_rule(const struct axv_x86_sregs *s, __u64 event,
				unsigned int phys_bits)
{
	const char *broken;

	if (!(s->cr0 & CR0_CD) && (s->cr0 & CR0_NW))
		return "CR0: NW without CD";
	if (s->cr0 >> 32)
		return "CR0: a bit of 63:32 is 1";
	if (phys_bits < 64 && s->cr3 >> phys_bits)
		return "CR3: a bit beyond the physical-address width is 1";
	broken = check_long_mode(s);
	return broken ? broken : check_event(event);
}
