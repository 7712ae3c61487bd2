// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI tables (ACPI specification 6.4, section 5.2): RSDP, XSDT, FADT, FACS,
 * DSDT, MADT and MCFG (PCI Firmware Specification 3.2, section 4.1.2).
 *
 * Without local APICs there is no MADT: interrupts go through the 8259 pair.  Nor do the
 * tables have PCI then: axvmm's PCI devices interrupt by messages (MSI-X) only, which need
 * a local APIC.
 * The DSDT has \_S5 (the value that switches the machine off), the pvpanic device, and
 * the root of PCI.  Other devices are at the addresses that every PC has.
 */
#include <string.h>

#include "acpi.h"
#include "ioapic.h"
#include "map.h"
#include "pci.h"
#include "pm.h"
#include "pvpanic.h"
#include "reset.h"
#include "rtc.h"

#define OEM_ID		"AXVCPU"
#define OEM_TABLE_ID	"AXVMM   "
#define CREATOR		0x4d565841	/* "AXVM" */

#define SPACE_IO	1

struct rsdp {
	char signature[8];
	u8 checksum;		/* of the first 20 bytes */
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __attribute__((packed));

struct header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	u32 oem_revision;
	u32 creator_id;
	u32 creator_revision;
} __attribute__((packed));

struct address {
	u8 space;
	u8 bits;
	u8 bit_offset;
	u8 access_size;		/* 1: byte, 2: word, 3: doubleword */
	u64 address;
} __attribute__((packed));

struct fadt {
	struct header header;
	u32 facs;
	u32 dsdt;
	u8 reserved1;
	u8 pm_profile;
	u16 sci;
	u32 smi_command;
	u8 acpi_enable;
	u8 acpi_disable;
	u8 s4bios_request;
	u8 pstate_control;
	u32 pm1a_event;
	u32 pm1b_event;
	u32 pm1a_control;
	u32 pm1b_control;
	u32 pm2_control;
	u32 pm_timer;
	u32 gpe0;
	u32 gpe1;
	u8 pm1_event_length;
	u8 pm1_control_length;
	u8 pm2_control_length;
	u8 pm_timer_length;
	u8 gpe0_length;
	u8 gpe1_length;
	u8 gpe1_base;
	u8 cst_control;
	u16 c2_latency;
	u16 c3_latency;
	u16 flush_size;
	u16 flush_stride;
	u8 duty_offset;
	u8 duty_width;
	u8 day_alarm;
	u8 month_alarm;
	u8 century;
	u16 boot_architecture;
	u8 reserved2;
	u32 flags;
	struct address reset_register;
	u8 reset_value;
	u16 arm_boot_architecture;
	u8 minor_version;
	u64 x_facs;
	u64 x_dsdt;
	struct address x_pm1a_event;
	struct address x_pm1b_event;
	struct address x_pm1a_control;
	struct address x_pm1b_control;
	struct address x_pm2_control;
	struct address x_pm_timer;
	struct address x_gpe0;
	struct address x_gpe1;
	struct address sleep_control;
	struct address sleep_status;
	u64 hypervisor_vendor;
} __attribute__((packed));

struct facs {
	char signature[4];
	u32 length;
	u32 hardware_signature;
	u32 waking_vector;
	u32 global_lock;
	u32 flags;
	u64 x_waking_vector;
	u8 version;
	u8 reserved[31];
} __attribute__((packed));

/* Followed in memory by entries, each of which begins with its type and its length. */
struct madt {
	struct header header;
	u32 lapic;
	u32 flags;
} __attribute__((packed));

struct madt_lapic {
	u8 type;
	u8 length;
	u8 uid;
	u8 id;
	u32 flags;
} __attribute__((packed));

struct madt_x2apic {
	u8 type;
	u8 length;
	u16 reserved;
	u32 id;
	u32 flags;
	u32 uid;
} __attribute__((packed));

struct madt_ioapic {
	u8 type;
	u8 length;
	u8 id;
	u8 reserved;
	u32 address;
	u32 first_gsi;
} __attribute__((packed));

struct madt_override {
	u8 type;
	u8 length;
	u8 bus;
	u8 irq;
	u32 gsi;
	u16 flags;
} __attribute__((packed));

struct madt_lapic_nmi {
	u8 type;
	u8 length;
	u8 uid;
	u16 flags;
	u8 lint;
} __attribute__((packed));

struct madt_x2apic_nmi {
	u8 type;
	u8 length;
	u16 flags;
	u32 uid;
	u8 lint;
	u8 reserved[3];
} __attribute__((packed));

struct mcfg {
	struct header header;
	u8 reserved1[8];
	u64 ecam;
	u16 segment;
	u8 first_bus;
	u8 last_bus;
	u8 reserved2[4];
} __attribute__((packed));

_Static_assert(sizeof(struct rsdp) == 36, "RSDP");
_Static_assert(sizeof(struct header) == 36, "table header");
_Static_assert(sizeof(struct fadt) == 276, "FADT");
_Static_assert(sizeof(struct facs) == 64, "FACS");
_Static_assert(sizeof(struct madt) == 44, "MADT");
_Static_assert(sizeof(struct mcfg) == 60, "MCFG");

#define FADT_REVISION	6
#define FADT_MINOR	4

/* Boot architecture flags.  Bits 1 and 5 are 0: no keyboard controller, but a CMOS clock. */
#define BOOT_LEGACY_DEVICES	BIT(0)
#define BOOT_NO_VGA		BIT(2)
#define BOOT_NO_MSI		BIT(3)
#define BOOT_NO_ASPM		BIT(4)

/* FADT flags: the fixed hardware has a power button, but no sleep button and no RTC wake-up. */
#define FLAG_WBINVD		BIT(0)
#define FLAG_C1			BIT(2)
#define FLAG_NO_SLEEP_BUTTON	BIT(5)
#define FLAG_NO_FIXED_RTC	BIT(6)
#define FLAG_RESET_REGISTER	BIT(10)

/* Latencies in microseconds that mean: there is no C2, or no C3. */
#define NO_C2		101
#define NO_C3		1001

#define MADT_REVISION	5
#define MADT_PCAT	BIT(0)		/* there is an 8259 pair, too */

/* Types of entries. */
#define MADT_LAPIC	0
#define MADT_IOAPIC	1
#define MADT_OVERRIDE	2
#define MADT_LAPIC_NMI	4
#define MADT_X2APIC	9
#define MADT_X2APIC_NMI	10

#define LAPIC_ADDRESS	0xfee00000
#define LAPIC_ENABLED	BIT(0)
#define LAPIC_IDS	255		/* MADT_LAPIC has ids below; others need MADT_X2APIC */
#define NMI_LINT	1

#define PIT_IRQ		0
#define ACTIVE_HIGH	0x1
#define EDGE		0x4
#define LEVEL		0xc

/* AML (section 20.2): Name (_S5, Package () { 5, 5, 0, 0 }) */
static const u8 s5[] = {
	0x08,			/* NameOp */
	'_', 'S', '5', '_',
	0x12,			/* PackageOp */
	0x08,			/* PkgLength, counted from this byte */
	0x04,			/* NumElements */
	0x0a, PM_S5_TYPE,	/* BytePrefix: SLP_TYP of PM1a control */
	0x0a, PM_S5_TYPE,	/* of PM1b control */
	0x00,			/* ZeroOp: reserved */
	0x00,
};

/*
 * Scope (\_SB) {
 *	Device (PEVT) {
 *		Name (_HID, "QEMU0001")
 *		Name (_STA, 0x0f)
 *		Name (_CRS, ResourceTemplate () { IO (Decode16, 0x505, 0x505, 1, 1) })
 *	}
 * }
 */
static const u8 pvpanic[] = {
	0x10, 54,		/* ScopeOp, PkgLength, counted from this byte */
	'\\', '_', 'S', 'B', '_',
	0x5b, 0x82, 46,		/* DeviceOp, PkgLength */
	'P', 'E', 'V', 'T',
	0x08, '_', 'H', 'I', 'D',
	0x0d, 'Q', 'E', 'M', 'U', '0', '0', '0', '1', 0,
	0x08, '_', 'S', 'T', 'A',
	0x0a, 0x0f,		/* present, enabled, shown, works */
	0x08, '_', 'C', 'R', 'S',
	0x11, 13, 0x0a, 10,	/* BufferOp, PkgLength, size */
	0x47, 0x01,		/* I/O ports, 16 bits decoded */
	PVPANIC_PORT & 0xff, PVPANIC_PORT >> 8,
	PVPANIC_PORT & 0xff, PVPANIC_PORT >> 8,
	1, 1,			/* alignment, length */
	0x79, 0,		/* end; no checksum */
};

/* The PkgLength of the scope extends to the end of the array. */
_Static_assert(sizeof(pvpanic) == 1 + 54, "scope");

/* Resources of the DSDT (section 6.4). */
struct word_range {
	u8 tag;
	u16 length;
	u8 type;
	u8 flags;
	u8 type_flags;
	u16 granularity;
	u16 first;
	u16 last;
	u16 offset;
	u16 count;
} __attribute__((packed));

struct dword_range {
	u8 tag;
	u16 length;
	u8 type;
	u8 flags;
	u8 type_flags;
	u32 granularity;
	u32 first;
	u32 last;
	u32 offset;
	u32 count;
} __attribute__((packed));

struct fixed_memory {
	u8 tag;
	u16 length;
	u8 writable;
	u32 first;
	u32 count;
} __attribute__((packed));

#define TAG_FIXED_MEMORY 0x86
#define TAG_DWORD_RANGE	0x87
#define TAG_WORD_RANGE	0x88
#define TAGGED		3		/* bytes of a descriptor that @length does not count */

#define RANGE_MEMORY	0
#define RANGE_IO	1
#define RANGE_BUS	2
#define RANGE_FIXED	0x0c		/* minimum and maximum are fixed */
#define RANGE_ENTIRE	3		/* type flags of I/O: ISA ports and others */
#define RANGE_WRITABLE	1		/* type flags of memory: writable, not cached */

/*
 * Scope (\_SB) {
 *	Device (PCI0) {
 *		Name (_HID, EisaId ("PNP0A08"))
 *		Name (_CID, EisaId ("PNP0A03"))
 *		Name (_BBN, 0)
 *		Name (_CRS, ResourceTemplate () {
 *			WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
 *				       0, 0, 0, 0, 1)
 *			IO (Decode16, 0xcf8, 0xcf8, 1, 8)
 *			WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
 *				0, ports, last port, 0, number of ports)
 *			DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
 *				     NonCacheable, ReadWrite,
 *				     0, memory, last address, 0, size)
 *		})
 *	}
 *	Device (MRES) {
 *		Name (_HID, EisaId ("PNP0C02"))
 *		Name (_CRS, ResourceTemplate () {
 *			Memory32Fixed (ReadWrite, ECAM, size of ECAM)
 *		})
 *	}
 * }
 */
static const struct pci_root {
	u8 root[52];
	struct word_range buses;
	u8 config_ports[8];
	struct word_range ports;
	struct dword_range memory;
	u8 root_end[2];
	u8 board[26];
	struct fixed_memory ecam;
	u8 board_end[2];
} __attribute__((packed)) pci_root = {
	.root = {
		0x10, 0x4f, 0x09,	/* ScopeOp, PkgLength of two bytes: 159 */
		'\\', '_', 'S', 'B', '_',
		0x5b, 0x82, 0x4e, 0x06,	/* DeviceOp, PkgLength: 110 */
		'P', 'C', 'I', '0',
		0x08, '_', 'H', 'I', 'D',
		0x0c, 0x41, 0xd0, 0x0a, 0x08,
		0x08, '_', 'C', 'I', 'D',
		0x0c, 0x41, 0xd0, 0x0a, 0x03,
		0x08, '_', 'B', 'B', 'N', 0x00,
		0x08, '_', 'C', 'R', 'S',
		0x11, 0x48, 0x04,	/* BufferOp, PkgLength: 72 */
		0x0a, 68,		/* size */
	},
	.buses = {
		.tag = TAG_WORD_RANGE, .length = sizeof(struct word_range) - TAGGED,
		.type = RANGE_BUS, .flags = RANGE_FIXED, .count = 1,
	},
	.config_ports = {
		0x47, 0x01,		/* I/O ports, 16 bits decoded */
		0xf8, 0x0c, 0xf8, 0x0c,
		1, 8,			/* alignment, length */
	},
	.ports = {
		.tag = TAG_WORD_RANGE, .length = sizeof(struct word_range) - TAGGED,
		.type = RANGE_IO, .flags = RANGE_FIXED, .type_flags = RANGE_ENTIRE,
		.first = MAP_PCI_PORTS, .last = MAP_PCI_PORTS + MAP_PCI_PORTS_SIZE - 1,
		.count = MAP_PCI_PORTS_SIZE,
	},
	.memory = {
		.tag = TAG_DWORD_RANGE, .length = sizeof(struct dword_range) - TAGGED,
		.type = RANGE_MEMORY, .flags = RANGE_FIXED, .type_flags = RANGE_WRITABLE,
		.first = MAP_PCI_MEMORY, .last = MAP_PCI_MEMORY + MAP_PCI_SIZE - 1,
		.count = MAP_PCI_SIZE,
	},
	.root_end = { 0x79, 0 },	/* no checksum */
	.board = {
		0x5b, 0x82, 38,		/* DeviceOp, PkgLength */
		'M', 'R', 'E', 'S',
		0x08, '_', 'H', 'I', 'D',
		0x0c, 0x41, 0xd0, 0x0c, 0x02,
		0x08, '_', 'C', 'R', 'S',
		0x11, 17, 0x0a, 14,	/* BufferOp, PkgLength, size */
	},
	.ecam = {
		.tag = TAG_FIXED_MEMORY, .length = sizeof(struct fixed_memory) - TAGGED,
		.writable = 1, .first = MAP_ECAM, .count = PCI_ECAM_SIZE,
	},
	.board_end = { 0x79, 0 },
};

_Static_assert(sizeof(pci_root) == 1 + 159, "scope");

/* Without PCI the table ends before @pci. */
struct dsdt {
	struct header header;
	u8 s5[sizeof(s5)];
	u8 pvpanic[sizeof(pvpanic)];
	struct pci_root pci;
} __attribute__((packed));

/* Without local APICs the table ends before @madt. */
struct xsdt {
	struct header header;
	u64 fadt;
	u64 madt;
	u64 mcfg;
} __attribute__((packed));

/* Bytes of all entries of the MADT, at most. */
#define MADT_SPACE								\
	(LAPIC_IDS * sizeof(struct madt_lapic) +				\
	 (ACPI_APICS_MAX - LAPIC_IDS) * sizeof(struct madt_x2apic) +		\
	 sizeof(struct madt_ioapic) + 2 * sizeof(struct madt_override) +	\
	 sizeof(struct madt_lapic_nmi) + sizeof(struct madt_x2apic_nmi))

/* All tables, as they lie in guest memory. */
struct tables {
	struct rsdp rsdp;
	struct facs facs __attribute__((aligned(64)));
	struct xsdt xsdt __attribute__((aligned(16)));
	struct fadt fadt __attribute__((aligned(16)));
	struct dsdt dsdt __attribute__((aligned(16)));
	struct mcfg mcfg __attribute__((aligned(16)));
	struct madt madt __attribute__((aligned(16)));
	u8 madt_entries[MADT_SPACE];
};

_Static_assert(sizeof(struct tables) <= ACPI_SIZE, "ACPI_SIZE");
_Static_assert(offsetof(struct tables, madt_entries) ==
	       offsetof(struct tables, madt) + sizeof(struct madt), "MADT's entries");

/* The value of a checksum byte that makes the sum of all bytes zero. */
static u8 checksum(const void *data, size_t size)
{
	const u8 *bytes = data;
	u8 sum = 0;

	while (size--)
		sum += *bytes++;
	return -sum;
}

static void finish(struct header *h, const char *signature, u8 revision,
		   size_t size)
{
	memcpy(h->signature, signature, sizeof(h->signature));
	h->length = size;
	h->revision = revision;
	memcpy(h->oem_id, OEM_ID, sizeof(h->oem_id));
	memcpy(h->oem_table_id, OEM_TABLE_ID, sizeof(h->oem_table_id));
	h->oem_revision = 1;
	h->creator_id = CREATOR;
	h->creator_revision = 1;
	h->checksum = checksum(h, size);
}

static struct address io(u16 port, unsigned int bytes)
{
	return (struct address){
		.space = SPACE_IO,
		.bits = 8 * bytes,
		.access_size = bytes == 4 ? 3 : bytes,
		.address = port,
	};
}

static void build_fadt(struct fadt *fadt, u32 facs, u32 dsdt, bool messages)
{
	fadt->facs = facs;
	fadt->dsdt = dsdt;
	fadt->x_dsdt = dsdt;
	fadt->sci = PM_SCI_PIN;

	fadt->pm1a_event = PM1_EVENT_PORT;
	fadt->pm1_event_length = 4;
	fadt->x_pm1a_event = io(PM1_EVENT_PORT, 4);
	fadt->x_pm1a_event.access_size = 2;	/* two registers of 16 bits */
	fadt->pm1a_control = PM1_CONTROL_PORT;
	fadt->pm1_control_length = 2;
	fadt->x_pm1a_control = io(PM1_CONTROL_PORT, 2);
	fadt->pm_timer = PM_TIMER_PORT;
	fadt->pm_timer_length = 4;
	fadt->x_pm_timer = io(PM_TIMER_PORT, 4);

	fadt->c2_latency = NO_C2;
	fadt->c3_latency = NO_C3;
	fadt->century = RTC_CENTURY;
	fadt->boot_architecture = BOOT_LEGACY_DEVICES | BOOT_NO_VGA |
				  BOOT_NO_ASPM;
	if (!messages)
		fadt->boot_architecture |= BOOT_NO_MSI;
	fadt->flags = FLAG_WBINVD | FLAG_C1 | FLAG_NO_SLEEP_BUTTON |
		      FLAG_NO_FIXED_RTC | FLAG_RESET_REGISTER;
	fadt->reset_register = io(RESET_PORT, 1);
	fadt->reset_value = RESET_VALUE;
	fadt->minor_version = FADT_MINOR;
	memcpy(&fadt->hypervisor_vendor, "AXVCPU\0", 8);
	finish(&fadt->header, "FACP", FADT_REVISION, sizeof(*fadt));
}

/* Add an entry to the MADT, behind the others. */
static void add(u8 **end, const void *entry, size_t size)
{
	memcpy(*end, entry, size);
	*end += size;
}

#define ADD(end, ...)	add(end, &(__VA_ARGS__), sizeof(__VA_ARGS__))

/* Add an entry for each CPU; as ACPI processor it has its APIC id as its UID. */
static void add_lapics(u8 **end, unsigned int apics)
{
	unsigned int id;

	for (id = 0; id < apics && id < LAPIC_IDS; id++)
		ADD(end, (struct madt_lapic){
			.type = MADT_LAPIC, .length = sizeof(struct madt_lapic),
			.uid = id, .id = id, .flags = LAPIC_ENABLED,
		});
	for (; id < apics; id++)
		ADD(end, (struct madt_x2apic){
			.type = MADT_X2APIC, .length = sizeof(struct madt_x2apic),
			.uid = id, .id = id, .flags = LAPIC_ENABLED,
		});
}

/*
 * Add entries for wires: IRQs whose input of the I/O APIC, or whose trigger mode, is not what
 * ISA has, and the NMI.
 */
static void add_wires(u8 **end, unsigned int apics)
{
	ADD(end, (struct madt_override){
		.type = MADT_OVERRIDE, .length = sizeof(struct madt_override),
		.irq = PIT_IRQ, .gsi = IOAPIC_PIT_PIN, .flags = ACTIVE_HIGH | EDGE,
	});
	ADD(end, (struct madt_override){
		.type = MADT_OVERRIDE, .length = sizeof(struct madt_override),
		.irq = PM_SCI_PIN, .gsi = PM_SCI_PIN, .flags = ACTIVE_HIGH | LEVEL,
	});
	ADD(end, (struct madt_lapic_nmi){
		.type = MADT_LAPIC_NMI, .length = sizeof(struct madt_lapic_nmi),
		.uid = 0xff, .flags = ACTIVE_HIGH | EDGE, .lint = NMI_LINT,
	});
	if (apics > LAPIC_IDS)
		ADD(end, (struct madt_x2apic_nmi){
			.type = MADT_X2APIC_NMI, .length = sizeof(struct madt_x2apic_nmi),
			.uid = ~0u, .flags = ACTIVE_HIGH | EDGE, .lint = NMI_LINT,
		});
}

static void build_madt(struct tables *t, unsigned int apics)
{
	u8 *end = t->madt_entries;

	t->madt.lapic = LAPIC_ADDRESS;
	t->madt.flags = MADT_PCAT;
	add_lapics(&end, apics);
	ADD(&end, (struct madt_ioapic){
		.type = MADT_IOAPIC, .length = sizeof(struct madt_ioapic),
		.address = IOAPIC_ADDRESS,
	});
	add_wires(&end, apics);
	finish(&t->madt.header, "APIC", MADT_REVISION, end - (u8 *)&t->madt);
}

void acpi_build(void *memory, u32 gpa, unsigned int apics)
{
	struct tables *t = memory;
	size_t xsdt_size = sizeof(t->xsdt), dsdt_size = sizeof(t->dsdt);

	memset(t, 0, sizeof(*t));

	memcpy(t->facs.signature, "FACS", 4);
	t->facs.length = sizeof(t->facs);
	t->facs.version = 2;

	memcpy(t->dsdt.s5, s5, sizeof(s5));
	memcpy(t->dsdt.pvpanic, pvpanic, sizeof(pvpanic));
	if (apics)
		t->dsdt.pci = pci_root;
	else
		dsdt_size = offsetof(struct dsdt, pci);
	finish(&t->dsdt.header, "DSDT", 2, dsdt_size);

	build_fadt(&t->fadt, gpa + offsetof(struct tables, facs),
		   gpa + offsetof(struct tables, dsdt), apics);

	t->xsdt.fadt = gpa + offsetof(struct tables, fadt);
	if (apics) {
		build_madt(t, apics);
		t->xsdt.madt = gpa + offsetof(struct tables, madt);
		t->mcfg.ecam = MAP_ECAM;
		finish(&t->mcfg.header, "MCFG", 1, sizeof(t->mcfg));
		t->xsdt.mcfg = gpa + offsetof(struct tables, mcfg);
	} else {
		xsdt_size = offsetof(struct xsdt, madt);
	}
	finish(&t->xsdt.header, "XSDT", 1, xsdt_size);

	memcpy(t->rsdp.signature, "RSD PTR ", 8);
	memcpy(t->rsdp.oem_id, OEM_ID, 6);
	t->rsdp.revision = 2;
	t->rsdp.length = sizeof(t->rsdp);
	t->rsdp.xsdt = gpa + offsetof(struct tables, xsdt);
	t->rsdp.checksum = checksum(&t->rsdp, 20);
	t->rsdp.extended_checksum = checksum(&t->rsdp, sizeof(t->rsdp));
}
