// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * LMSW and SMSW with their operand in memory (AMD APM vol. 3).
 */
#include "exec.h"

#define MSW_BITS	0xfull		/* what LMSW loads: PE, MP, EM, TS */

int axv_emul_msw(struct axv_emul *e, bool load)
{
	struct axv_exec x = { .e = e };
	__u64 value;
	int ret;

	e->insn_bytes = 0;
	if (axv_exec_decode(&x) || !axv_is_mem(&x, 0) ||
	    x.insn.mnemonic != (load ? ZYDIS_MNEMONIC_LMSW : ZYDIS_MNEMONIC_SMSW))
		return AXV_EMUL_CHANGED;
	if (load && axv_emul_cpl(e))
		return axv_raise(e, VECTOR_GP, 0);
	if (load) {
		ret = axv_op_get(&x, 0, AXV_ACCESS_READ, &value);
		if (ret)
			return ret;
		/* LMSW can set PE, but not clear it. */
		value |= e->sregs.cr0 & CR0_PE;
		e->sregs.cr0 = (e->sregs.cr0 & ~MSW_BITS) | (value & MSW_BITS);
	} else {
		ret = axv_op_prepare(&x, 0, AXV_ACCESS_WRITE);
		if (!ret)
			ret = axv_op_write(&x, 0, e->sregs.cr0);
		if (ret)
			return ret;
	}
	axv_emul_end(e, x.insn.length);
	return AXV_EMUL_DONE;
}
