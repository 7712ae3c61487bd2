// SPDX-License-Identifier: GPL-2.0
/*
 * The root of PCI: configuration space (PCI Local Bus Specification 3.0, chapter 6) of
 * the devices of bus 0, ECAM (PCI Express Base Specification, 7.2.2), and BARs, which
 * the guest sizes, moves and switches on.
 *
 * Registers from 256 on are zero: no device has extended capabilities.
 */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "pci.h"

/*
 * The host bridge.  These ids are of a bridge for virtual machines, from which no driver
 * expects registers of its own.
 */
#define BRIDGE_VENDOR	0x1b36		/* Red Hat */
#define BRIDGE_DEVICE	0x0008
#define BRIDGE_CLASS	0x06000000	/* host bridge, revision 0 */

#define DEVFN_FUNCTION	7
#define ECAM_REGISTER	0xfff

u32 pci_get(const struct pci_function *f, unsigned int reg, unsigned int width)
{
	u32 value = 0;

	while (width--)
		value = value << 8 | f->config[reg + width];
	return value;
}

void pci_put(struct pci_function *f, unsigned int reg, unsigned int width, u32 value)
{
	for (; width--; value >>= 8)
		f->config[reg++] = value;
}

bool pci_master(const struct pci_function *f)
{
	return pci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

static void put_writable(struct pci_function *f, unsigned int reg, unsigned int width,
			 u32 bits)
{
	for (; width--; bits >>= 8)
		f->writable[reg++] = bits;
}

/* ---- BARs --------------------------------------------------------------- */

static unsigned int bar_register(unsigned int nr)
{
	return PCI_BASE_ADDRESS_0 + 4 * nr;
}

static struct bus *bar_bus(const struct pci *pci, const struct pci_bar *bar)
{
	return bar->port ? pci->ports : pci->memory;
}

/* Whether the guest has switched a BAR on, and has placed it inside the window; @at: where. */
static bool wanted(const struct pci *pci, const struct pci_function *f, unsigned int nr,
		   u64 *at)
{
	const struct pci_bar *bar = &f->bars[nr];
	const struct pci_window *window = &pci->window[bar->port];
	u32 command = bar->port ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

	*at = pci_get(f, bar_register(nr), 4) & ~(bar->size - 1);
	return bar->size && (pci_get(f, PCI_COMMAND, 2) & command) &&
	       *at >= window->first && *at - window->first < window->size &&
	       bar->size <= window->size - (*at - window->first);
}

static void tell(const struct pci_function *f, unsigned int nr)
{
	const struct pci_bar *bar = &f->bars[nr];

	if (f->ops && f->ops->moved)
		f->ops->moved(f->dev, nr, bar->there, bar->at);
}

static void unmap_bars(const struct pci *pci, struct pci_function *f)
{
	unsigned int nr;
	u64 at;

	for (nr = 0; nr < PCI_BARS; nr++) {
		struct pci_bar *bar = &f->bars[nr];

		if (!bar->there || (wanted(pci, f, nr, &at) && at == bar->at))
			continue;
		bus_unmap(bar_bus(pci, bar), bar->at);
		bar->there = false;
		tell(f, nr);
	}
}

/* A BAR whose addresses are taken is not mapped until they are free. */
static void map_bars(const struct pci *pci, struct pci_function *f)
{
	unsigned int nr;
	u64 at;

	for (nr = 0; nr < PCI_BARS; nr++) {
		struct pci_bar *bar = &f->bars[nr];
		struct bus_range range;

		if (bar->there || !wanted(pci, f, nr, &at))
			continue;
		range = (struct bus_range){ at, bar->size, bar->ops, f->dev, f->name };
		if (bus_map(bar_bus(pci, bar), &range))
			continue;
		bar->at = at;
		bar->there = true;
		tell(f, nr);
	}
}

static void move_bars(struct pci *pci, struct pci_function *f)
{
	unsigned int i;

	unmap_bars(pci, f);
	for (i = 0; i < PCI_DEVICES; i++)
		if (pci->functions[i])
			map_bars(pci, pci->functions[i]);
}

/* ---- configuration space ------------------------------------------------ */

static struct pci_function *find(const struct pci *pci, unsigned int devfn)
{
	return devfn & DEVFN_FUNCTION || devfn >> 3 >= PCI_DEVICES ?
	       NULL : pci->functions[devfn >> 3];
}

static u32 ones(unsigned int width)
{
	return ~0u >> (32 - 8 * width);
}

u32 pci_config_read(struct pci *pci, unsigned int devfn, unsigned int reg,
		    unsigned int width)
{
	struct pci_function *f = find(pci, devfn);

	if (!f)
		return ones(width);
	if (reg >= PCI_CONFIG || width > PCI_CONFIG - reg)
		return 0;
	if (f->ops && f->ops->reads && reg >= PCI_STD_HEADER_SIZEOF)
		f->ops->reads(f->dev, reg, width);
	return pci_get(f, reg, width);
}

void pci_config_write(struct pci *pci, unsigned int devfn, unsigned int reg,
		      unsigned int width, u32 value)
{
	struct pci_function *f = find(pci, devfn);
	unsigned int i;

	if (!f || reg >= PCI_CONFIG || width > PCI_CONFIG - reg)
		return;
	for (i = 0; i < width; i++, value >>= 8) {
		u8 bits = f->writable[reg + i];

		f->config[reg + i] = (f->config[reg + i] & ~bits) | (value & bits);
	}
	if (reg < PCI_STD_HEADER_SIZEOF)
		move_bars(pci, f);
	if (f->ops && f->ops->written)
		f->ops->written(f->dev, reg, width);
}

static u32 ecam_read(void *dev, u32 offset, unsigned int width)
{
	return pci_config_read(dev, offset >> 12, offset & ECAM_REGISTER, width);
}

static void ecam_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	pci_config_write(dev, offset >> 12, offset & ECAM_REGISTER, width, value);
}

static const struct bus_ops ecam_ops = {
	.read = ecam_read,
	.write = ecam_write,
	.widths = 1 | 2 | 4,
};

/* ---- making ------------------------------------------------------------- */

void pci_function_init(struct pci_function *f, const struct pci_id *id,
		       const struct pci_function_ops *ops, void *dev, const char *name)
{
	memset(f, 0, sizeof(*f));
	f->ops = ops;
	f->dev = dev;
	f->name = name;
	f->end = PCI_STD_HEADER_SIZEOF;
	pci_put(f, PCI_VENDOR_ID, 2, id->vendor);
	pci_put(f, PCI_DEVICE_ID, 2, id->device);
	pci_put(f, PCI_CLASS_REVISION, 4, id->class);
	if (id->subsystem) {
		pci_put(f, PCI_SUBSYSTEM_VENDOR_ID, 2, id->vendor);
		pci_put(f, PCI_SUBSYSTEM_ID, 2, id->subsystem);
	}
}

void pci_set_bar(struct pci_function *f, unsigned int nr, bool port, u32 size,
		 const struct bus_ops *ops)
{
	f->bars[nr] = (struct pci_bar){ .ops = ops, .size = size, .port = port };
	pci_put(f, bar_register(nr), 4, port ? PCI_BASE_ADDRESS_SPACE_IO :
					       PCI_BASE_ADDRESS_SPACE_MEMORY);
	put_writable(f, bar_register(nr), 4, ~(size - 1));
	put_writable(f, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
					PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
}

unsigned int pci_add_capability(struct pci_function *f, u8 id, const void *body,
				unsigned int size)
{
	unsigned int at = f->end;

	f->config[f->last ? f->last + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST] = at;
	f->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	f->config[at + PCI_CAP_LIST_ID] = id;
	memcpy(&f->config[at + PCI_CAP_FLAGS], body, size);
	f->last = at;
	f->end = ALIGN_UP(at + PCI_CAP_FLAGS + size, 4);
	return at;
}

void pci_set_window(struct pci *pci, bool port, u64 first, u64 size)
{
	pci->window[port] = (struct pci_window){ first, size };
	pci->next[port] = first;
}

/* Choose the address of a BAR until the guest moves it. */
static int place_bar(struct pci *pci, struct pci_function *f, unsigned int nr)
{
	const struct pci_bar *bar = &f->bars[nr];
	const struct pci_window *window = &pci->window[bar->port];
	u64 at = ALIGN_UP(pci->next[bar->port], (u64)bar->size);

	if (at + bar->size > window->first + window->size)
		return -ENOSPC;
	pci->next[bar->port] = at + bar->size;
	pci_put(f, bar_register(nr), 4, pci_get(f, bar_register(nr), 4) | at);
	return 0;
}

int pci_add(struct pci *pci, struct pci_function *f)
{
	unsigned int i, nr;
	int err = 0;

	for (i = 0; i < PCI_DEVICES && pci->functions[i]; i++)
		;
	if (i == PCI_DEVICES)
		return -ENOSPC;
	for (nr = 0; !err && nr < PCI_BARS; nr++)
		if (f->bars[nr].size)
			err = place_bar(pci, f, nr);
	if (!err)
		pci->functions[i] = f;
	return err;
}

int pci_init(struct pci *pci, struct bus *memory, struct bus *ports, u64 ecam)
{
	static const struct pci_id bridge = {
		.vendor = BRIDGE_VENDOR, .device = BRIDGE_DEVICE, .class = BRIDGE_CLASS,
	};
	const struct bus_range range = {
		ecam, PCI_ECAM_SIZE, &ecam_ops, pci, "PCI configuration",
	};

	memset(pci, 0, sizeof(*pci));
	pci->memory = memory;
	pci->ports = ports;
	pci_function_init(&pci->bridge, &bridge, NULL, NULL, "PCI host bridge");
	pci->functions[0] = &pci->bridge;
	return ecam ? bus_add(memory, &range) : 0;
}
