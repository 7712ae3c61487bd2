// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID: what the host can honour, and how a VMM's table is bounded by it.
 *
 * Default deny: a feature reaches the guest only if it is named here, the
 * host's processor has it and its kernel did not turn it off.
 */
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <asm/page.h>
#include <asm/fpu/types.h>
#include <asm/processor.h>

#include "cpuid.h"
#include "cpuid_host.h"
#include "host.h"
#include "x86.h"

#define NO_WORD		(-1)

/**
 * struct feature_word - features in one register of one leaf
 * @leaf:	EAX of the question
 * @subleaf:	ECX of the question
 * @reg:	an &enum axv_x86_answer_reg
 * @word:	word of the kernel's feature bits for this register, in which the kernel
 *		has cleared what it does not want; NO_WORD: there is none
 * @allow:	features a guest may have, if the host has them
 * @soft:	features a guest may have even if the host does not have them: nothing
 *		depends on them, the module emulates them (TSC_ADJUST, MCE, MCA), or the
 *		VMM does (APIC, X2APIC, TSC_DEADLINE_TIMER), by MMIO and by MSRs that its
 *		policy names
 */
struct feature_word {
	u32 leaf;
	u32 subleaf;
	u8 reg;
	s8 word;
	u32 allow;
	u32 soft;
};

static const struct feature_word feature_words[] = {
	{ 1, 0, EDX, CPUID_1_EDX,
	  F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) |
	  F(CX8) | F(SEP) | F(MTRR) | F(PGE) | F(CMOV) | F(PAT) | F(PSE36) |
	  F(CLFLUSH) | F(MMX) | F(FXSR) | F(XMM) | F(XMM2) | F(SELFSNOOP),
	  F(HT) | F(MCE) | F(MCA) | F(APIC) },
	{ 1, 0, ECX, CPUID_1_ECX,
	  F(XMM3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) | F(PCID) |
	  F(XMM4_1) | F(XMM4_2) | F(MOVBE) | F(POPCNT) | F(AES) | F(XSAVE) |
	  F(AVX) | F(F16C) | F(RDRAND),
	  F(HYPERVISOR) | F(X2APIC) | F(TSC_DEADLINE_TIMER) },
	{ 7, 0, EBX, CPUID_7_0_EBX,
	  F(FSGSBASE) | F(BMI1) | F(AVX2) | F(FDP_EXCPTN_ONLY) | F(SMEP) |
	  F(BMI2) | F(ERMS) | F(INVPCID) | F(ZERO_FCS_FDS) | F(AVX512F) |
	  F(AVX512DQ) | F(RDSEED) | F(ADX) | F(SMAP) | F(AVX512IFMA) |
	  F(CLFLUSHOPT) | F(CLWB) | F(AVX512CD) | F(SHA_NI) | F(AVX512BW) |
	  F(AVX512VL),
	  F(TSC_ADJUST) },
	/* A guest may use LA57 whatever the host's own paging is. */
	{ 7, 0, ECX, NO_WORD, F(LA57) },
	{ 7, 0, ECX, CPUID_7_ECX,
	  F(AVX512VBMI) | F(UMIP) | F(PKU) | F(AVX512_VBMI2) | F(GFNI) |
	  F(VAES) | F(VPCLMULQDQ) | F(AVX512_VNNI) | F(AVX512_BITALG) |
	  F(AVX512_VPOPCNTDQ) | F(RDPID) | F(CLDEMOTE) | F(MOVDIRI) |
	  F(MOVDIR64B) },
	{ 7, 0, EDX, CPUID_7_EDX,
	  F(FSRM) | F(AVX512_VP2INTERSECT) | F(MD_CLEAR) | F(SERIALIZE) |
	  F(AVX512_FP16) | F(SPEC_CTRL) | F(INTEL_STIBP) |
	  F(ARCH_CAPABILITIES) | F(SPEC_CTRL_SSBD) },
	{ 7, 1, EAX, CPUID_7_1_EAX, F(AVX_VNNI) | F(AVX512_BF16) },
	{ 0xd, 1, EAX, CPUID_D_1_EAX, F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1) },
	{ 0x80000001, 0, EDX, CPUID_8000_0001_EDX,
	  F(SYSCALL) | F(NX) | F(MMXEXT) | F(FXSR_OPT) | F(GBPAGES) |
	  F(RDTSCP) | F(LM) | F(3DNOWEXT) | F(3DNOW) },
	/* The low half repeats leaf 1 where AMD has it (AMD APM vol. 3, E.4). */
	{ 0x80000001, 0, EDX, CPUID_1_EDX,
	  F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) |
	  F(CX8) | F(MTRR) | F(PGE) | F(CMOV) | F(PAT) | F(PSE36) | F(MMX) |
	  F(FXSR),
	  F(MCE) | F(MCA) | F(APIC) },
	{ 0x80000001, 0, ECX, CPUID_8000_0001_ECX,
	  F(LAHF_LM) | F(CR8_LEGACY) | F(ABM) | F(SSE4A) | F(MISALIGNSSE) |
	  F(3DNOWPREFETCH) | F(XOP) | F(FMA4) | F(TBM) | F(TOPOEXT),
	  F(CMP_LEGACY) },
	/* ARAT: the APIC's timer is emulated and never stops. */
	{ 6, 0, EAX, NO_WORD, 0, F(ARAT) },
	/* Invariant TSC; the kernel keeps it in a word of its own. */
	{ 0x80000007, 0, EDX, NO_WORD, BIT(8) },
	{ 0x80000008, 0, EBX, CPUID_8000_0008_EBX,
	  F(CLZERO) | F(XSAVEERPTR) | F(WBNOINVD) | F(AMD_IBPB) | F(AMD_IBRS) |
	  F(AMD_STIBP) | F(AMD_STIBP_ALWAYS_ON) | F(AMD_SSBD) |
	  F(AMD_SSB_NO) },
	/* BTC_NO, IBPB_RET: facts about the processor, not switches. */
	{ 0x80000008, 0, EBX, NO_WORD, BIT(29) | BIT(30) },
	/*
	 * NO_NESTED_DATA_BP, LFENCE_RDTSC, VERW_CLEAR, NULL_SEL_CLR_BASE,
	 * AUTOIBRS, NO_SMM_CTL_MSR, IBPB_BRTYPE, SRSO_NO, SRSO_USER_KERNEL_NO;
	 * their names differ between kernels.
	 */
	{ 0x80000021, 0, EAX, NO_WORD,
	  BIT(0) | BIT(2) | BIT(5) | BIT(6) | BIT(8) | BIT(9) | BIT(28) |
	  BIT(29) | BIT(30) },
	/* TSA_SQ_NO, TSA_L1_NO. */
	{ 0x80000021, 0, ECX, NO_WORD, BIT(1) | BIT(2) },
};

#define AVX_7_EBX	(F(AVX2) | AVX512_7_EBX)
#define AVX512_7_EBX	(F(AVX512F) | F(AVX512DQ) | F(AVX512IFMA) |	\
			 F(AVX512CD) | F(AVX512BW) | F(AVX512VL))
#define AVX_7_ECX	(F(VAES) | F(VPCLMULQDQ) | AVX512_7_ECX)
#define AVX512_7_ECX	(F(AVX512VBMI) | F(AVX512_VBMI2) | F(AVX512_VNNI) | \
			 F(AVX512_BITALG) | F(AVX512_VPOPCNTDQ))
#define AVX512_7_EDX	(F(AVX512_VP2INTERSECT) | F(AVX512_FP16))

/*
 * Leaves of facts that promise nothing: vendor, caches, topology, names,
 * frequencies.  Features in them are in feature_words.
 */
static const struct {
	u32 first;
	u32 last;
	u32 regs;	/* bit n: of &enum axv_x86_answer_reg n the VMM's value is taken */
} informational[] = {
	{ 0x0, 0x0, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
	{ 0x1, 0x1, BIT(EAX) | BIT(EBX) },
	{ 0x2, 0x2, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
	{ 0x4, 0x4, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
	{ 0x7, 0x7, BIT(EAX) },
	{ 0xb, 0xb, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
	{ 0x15, 0x16, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
	{ 0x1f, 0x1f, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
	{ 0x40000000, 0x4fffffff, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
	{ 0x80000000, 0x80000000, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
	{ 0x80000001, 0x80000001, BIT(EAX) | BIT(EBX) },
	{ 0x80000002, 0x80000006, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
	{ 0x80000008, 0x80000008, BIT(EAX) | BIT(ECX) },
	{ 0x80000019, 0x8000001a, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
	{ 0x8000001d, 0x8000001e, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
	{ 0x80000026, 0x80000026, BIT(EAX) | BIT(EBX) | BIT(ECX) | BIT(EDX) },
};

/* The most the host can honour; written once, at module load. */
static struct axv_x86_cpuid supported[AXV_CPUID_MAX];
static u32 nr_supported;

static void host_cpuid(struct axv_x86_cpuid *e)
{
	cpuid_count(e->leaf, e->subleaf, &e->eax, &e->ebx, &e->ecx, &e->edx);
}

/* Drop features for which the state or MSR that they need is not switched. */
static void drop_unusable(struct axv_x86_cpuid *e)
{
	u64 xcr0 = axv_x86_host.xcr0;
	bool avx = xcr0 & XFEATURE_MASK_YMM;
	bool avx512 = xcr0 & XFEATURE_MASK_AVX512;

	switch (e->leaf) {
	case 1:
		if (!xcr0)
			e->ecx &= ~F(XSAVE);
		if (!avx)
			e->ecx &= ~(F(AVX) | F(FMA) | F(F16C));
		break;
	case 7:
		if (e->subleaf) {
			e->eax &= avx ? ~0u : ~F(AVX_VNNI);
			e->eax &= avx512 ? ~0u : ~F(AVX512_BF16);
			break;
		}
		if (!avx) {
			e->ebx &= ~AVX_7_EBX;
			e->ecx &= ~AVX_7_ECX;
		}
		if (!avx512) {
			e->ebx &= ~AVX512_7_EBX;
			e->ecx &= ~AVX512_7_ECX;
			e->edx &= ~AVX512_7_EDX;
		}
		if (!(xcr0 & XFEATURE_MASK_PKRU))
			e->ecx &= ~F(PKU);
		if (!axv_x86_host.tsc_aux)
			e->ecx &= ~F(RDPID);
		if (!axv_x86_host.invpcid)
			e->ebx &= ~F(INVPCID);
		if (!boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) ||
		    !boot_cpu_has(X86_FEATURE_IBPB))
			e->edx &= ~(F(SPEC_CTRL) | F(INTEL_STIBP) |
				    F(SPEC_CTRL_SSBD));
		break;
	case 0x80000001:
		if (!avx)
			e->ecx &= ~(F(XOP) | F(FMA4));
		if (!axv_x86_host.tsc_aux)
			e->edx &= ~F(RDTSCP);
		break;
	case 0x80000008:
		if (!boot_cpu_has(X86_FEATURE_IBPB))
			e->ebx &= ~F(AMD_IBPB);
		if (!boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
			e->ebx &= ~(F(AMD_IBRS) | F(AMD_STIBP) |
				    F(AMD_STIBP_ALWAYS_ON) | F(AMD_SSBD));
		break;
	}
}

/* Find the features of one leaf that the host can honour; other registers are zero. */
static void host_features(u32 leaf, u32 subleaf, struct axv_x86_cpuid *out)
{
	struct axv_x86_cpuid raw = { .leaf = leaf, .subleaf = subleaf };
	unsigned int i;

	*out = raw;
	host_cpuid(&raw);
	for (i = 0; i < ARRAY_SIZE(feature_words); i++) {
		const struct feature_word *w = &feature_words[i];
		u32 bits;

		if (w->leaf != leaf || w->subleaf != subleaf)
			continue;
		bits = *axv_x86_entry_reg(&raw, w->reg) & w->allow;
		if (w->word != NO_WORD)
			bits &= boot_cpu_data.x86_capability[w->word];
		*axv_x86_entry_reg(out, w->reg) |= bits;
	}
	drop_unusable(out);
}

/* Leaf 0xd: the layout is the processor's; the components are those that a guest may use. */
static void xsave_leaf(u32 subleaf, struct axv_x86_cpuid *out)
{
	u64 xcr0 = axv_x86_host.xcr0;

	if (!xcr0)
		return;
	if (!subleaf) {
		out->eax = xcr0;
		out->edx = xcr0 >> 32;
		out->ebx = axv_x86_fpu_size(XFEATURE_MASK_FPSSE);
		out->ecx = axv_x86_host.fpu_size;
	} else if (subleaf > 1 && subleaf < 63 && (xcr0 & BIT_ULL(subleaf))) {
		host_cpuid(out);
		/* Bit 0 clear: XCR0 has the component.  Bit 1: it is aligned when compacted. */
		out->ecx &= BIT(1);
		out->edx = 0;
	}
}

/* Widths of addresses in leaf 0x80000008, not above the host's. */
static u32 address_sizes(u32 asked, u32 host)
{
	u32 phys = min(asked & 0xff, axv_x86_host.phys_bits);
	u32 linear = min((asked >> 8) & 0xff, (host >> 8) & 0xff);

	return phys | linear << 8;
}

/**
 * axv_x86_cpuid_bound() - bound one entry by what the module can honour
 * @e:		entry from the VMM, of a well-formed table
 */
void axv_x86_cpuid_bound(struct axv_x86_cpuid *e)
{
	u32 subleaf = e->flags & AXV_X86_CPUID_SUBLEAF ? e->subleaf : 0;
	struct axv_x86_cpuid *host, limit = { .leaf = e->leaf,
					      .subleaf = subleaf };
	u32 keep = 0, soft[4] = {};
	unsigned int i;

	host = axv_x86_cpuid_find(supported, nr_supported, e->leaf, subleaf);
	for (i = 0; i < ARRAY_SIZE(informational); i++) {
		if (e->leaf >= informational[i].first &&
		    e->leaf <= informational[i].last)
			keep = informational[i].regs;
	}
	for (i = 0; i < ARRAY_SIZE(feature_words); i++) {
		const struct feature_word *w = &feature_words[i];

		if (w->leaf == e->leaf && w->subleaf == subleaf)
			soft[w->reg] |= w->soft;
	}
	if (host)
		limit = *host;
	/* Leaf 7 is informational in subleaf 0 only. */
	if (e->leaf == 7 && subleaf)
		keep = 0;

	for (i = EAX; i <= EDX; i++) {
		if (!(keep & BIT(i)))
			*axv_x86_entry_reg(e, i) &= *axv_x86_entry_reg(&limit, i) | soft[i];
	}

	switch (e->leaf) {
	case 7:
		if (!subleaf)
			e->eax = min(e->eax, limit.eax);
		break;
	case 0xd:
		/* Sizes and offsets are not bit masks, so they cannot be ANDed. */
		if (subleaf != 1) {
			u32 low = e->eax, high = e->edx;

			e->eax = limit.eax;
			e->ebx = limit.ebx;
			e->ecx = limit.ecx;
			e->edx = limit.edx;
			if (!subleaf) {
				e->eax &= low;
				e->edx &= high;
			}
		}
		break;
	case 0x80000008:
		e->eax = address_sizes(e->eax, limit.eax);
		break;
	}
}

/*
 * The host's own table.
 */

static struct axv_x86_cpuid *add(u32 leaf, u32 subleaf, u32 flags)
{
	struct axv_x86_cpuid *e = &supported[nr_supported];

	if (WARN_ON_ONCE(nr_supported == ARRAY_SIZE(supported)))
		return e - 1;
	host_features(leaf, subleaf, e);
	e->flags = flags;
	nr_supported++;
	return e;
}

/* Add a leaf of facts, as the host has it. */
static void add_fact(u32 leaf)
{
	host_cpuid(add(leaf, 0, 0));
}

static void add_basic(u32 max)
{
	struct axv_x86_cpuid raw = { .leaf = 1 }, *e;
	u32 i;

	add_fact(0);
	supported[0].eax = min(max, 0xdu);

	host_cpuid(&raw);
	e = add(1, 0, 0);
	e->eax = raw.eax;
	/* The size of CLFLUSH; one processor, APIC id 0. */
	e->ebx = (raw.ebx & 0xff00) | BIT(16);
	e->ecx |= F(HYPERVISOR);
	e->edx |= F(MCE) | F(MCA);

	if (max >= 7) {
		u32 subleaves = cpuid_eax(7);

		e = add(7, 0, AXV_X86_CPUID_SUBLEAF);
		e->eax = min(subleaves, 1u);
		e->ebx |= F(TSC_ADJUST);
		if (subleaves)
			add(7, 1, AXV_X86_CPUID_SUBLEAF);
	}
	if (max < 0xd || !axv_x86_host.xcr0)
		return;
	for (i = 0; i < 63; i++) {
		if (i > 1 && !(axv_x86_host.xcr0 & BIT_ULL(i)))
			continue;
		/*
		 * Subleaves 0 and 1 do not stand for components: every area has
		 * components 0 and 1.
		 */
		xsave_leaf(i, add(0xd, i, AXV_X86_CPUID_SUBLEAF));
	}
}

static void add_extended(u32 max)
{
	struct axv_x86_cpuid raw, *e;
	u32 leaf, i;

	if (max < 0x80000000)
		return;
	add_fact(0x80000000);
	supported[nr_supported - 1].eax = min(max, 0x80000021u);

	for (leaf = 0x80000001; leaf <= min(max, 0x80000021u); leaf++) {
		raw = (struct axv_x86_cpuid){ .leaf = leaf };
		host_cpuid(&raw);
		switch (leaf) {
		case 0x80000001:
			e = add(leaf, 0, 0);
			e->eax = raw.eax;
			e->ebx = raw.ebx;
			break;
		case 0x80000002 ... 0x80000006:
		case 0x80000019 ... 0x8000001a:
			add_fact(leaf);
			break;
		case 0x80000008:
			e = add(leaf, 0, 0);
			e->eax = address_sizes(raw.eax, raw.eax);
			break;
		case 0x8000001d:
			/* Caches.  Bits 14 to 25 clear: no other processor shares them. */
			for (i = 0; i < 8 && (raw.eax & 0x1f); i++) {
				e = add(leaf, i, AXV_X86_CPUID_SUBLEAF);
				host_cpuid(e);
				e->eax &= ~GENMASK(25, 14);
				raw.subleaf = i + 1;
				host_cpuid(&raw);
			}
			break;
		case 0x80000007:
		case 0x80000021:
			add(leaf, 0, 0);
			break;
		}
	}
}

/**
 * axv_x86_host_table_init() - find out what the host can honour
 *
 * &axv_x86_host.xcr0, @phys_bits, @fpu_size and @tsc_aux are set already.
 *
 * Context: module load.
 */
void axv_x86_host_table_init(void)
{
	nr_supported = 0;
	add_basic(cpuid_eax(0));
	add_extended(cpuid_eax(0x80000000));
}

/**
 * axv_x86_host_table() - the table of the most that the host can honour
 * @count:	out: length of the table
 */
struct axv_x86_cpuid *axv_x86_host_table(u32 *count)
{
	*count = nr_supported;
	return supported;
}

/**
 * axv_x86_supported_cpuid() - copy the table of the most that the host can honour
 * @entries:	room for *@count entries
 * @count:	in: room; out: how many there are
 *
 * Return: 0, or -E2BIG if they do not fit.
 */
int axv_x86_supported_cpuid(struct axv_x86_cpuid *entries, u32 *count)
{
	u32 room = *count;

	*count = nr_supported;
	if (nr_supported > room)
		return -E2BIG;
	memcpy(entries, supported, nr_supported * sizeof(*entries));
	return 0;
}
