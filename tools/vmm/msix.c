// SPDX-License-Identifier: GPL-2.0
/* MSI-X (PCI Local Bus Specification 3.0, section 6.8.2). */
#include <string.h>

#include <linux/pci_regs.h>

#include "msix.h"

enum { ADDRESS, ADDRESS_HIGH, DATA, CONTROL };	/* words of an entry */

static bool masked(const struct msix *m, unsigned int vector)
{
	return m->masked || (m->table[vector][CONTROL] & PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

static void set_route(const struct msix *m, unsigned int vector)
{
	const u32 *entry = m->table[vector];
	const struct msi_message message = {
		.address = (u64)entry[ADDRESS_HIGH] << 32 | entry[ADDRESS],
		.data = entry[DATA],
	};

	m->ops->set(m->ops->arg, m->gsi + vector, &message, masked(m, vector));
}

static void switch_off(const struct msix *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		m->ops->remove(m->ops->arg, m->gsi + i);
}

/*
 * Set whether all vectors are masked.  Only the routes of vectors whose mask changes are set:
 * that of a vector that stays unmasked is up to date, and that of a vector that stays masked
 * will be set when it is unmasked.
 */
static void set_all(struct msix *m, bool now)
{
	bool was[MSIX_VECTORS];
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		was[i] = masked(m, i);
	m->masked = now;
	for (i = 0; i < m->nr; i++)
		if (!m->enabled || was[i] != masked(m, i))
			set_route(m, i);
}

/* Whether an access of configuration space touches the two bytes at @at. */
static bool touches(unsigned int reg, unsigned int width, unsigned int at)
{
	return reg < at + 2 && reg + width > at;
}

/*
 * A message is a write of memory, which a device that is no bus master must not do (PCI 3.0,
 * 6.2.2).  So all vectors of such a device are masked.
 */
void msix_written(struct msix *m, unsigned int reg, unsigned int width)
{
	unsigned int at = m->capability + PCI_MSIX_FLAGS;
	u32 flags = pci_get(m->f, at, 2);
	bool enabled = flags & PCI_MSIX_FLAGS_ENABLE;

	if (!touches(reg, width, at) && !touches(reg, width, PCI_COMMAND))
		return;
	if (enabled)
		set_all(m, (flags & PCI_MSIX_FLAGS_MASKALL) || !pci_master(m->f));
	else if (m->enabled)
		switch_off(m);
	m->enabled = enabled;
}

u32 msix_read_table(const struct msix *m, u32 offset)
{
	unsigned int vector = offset / MSIX_ENTRY_SIZE;

	if (vector >= m->nr)
		return 0;
	return m->table[vector][offset / 4 % 4] >> 8 * (offset % 4);
}

void msix_write_table(struct msix *m, u32 offset, unsigned int width, u32 value)
{
	unsigned int vector = offset / MSIX_ENTRY_SIZE, word = offset / 4 % 4;
	bool was;

	if (vector >= m->nr || width != 4 || offset % 4)
		return;
	was = masked(m, vector);
	if (word == CONTROL)
		value &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
	if (m->table[vector][word] == value)
		return;
	m->table[vector][word] = value;
	if (m->enabled && !(was && masked(m, vector)))
		set_route(m, vector);
}

u32 msix_read_pba(const struct msix *m, u32 offset)
{
	u32 bits = 0;
	unsigned int i;

	for (i = offset / 4 * 32; m->enabled && i < m->nr && i < offset / 4 * 32 + 32; i++)
		if (masked(m, i) && m->ops->pending(m->ops->arg, m->gsi + i))
			bits |= BIT(i % 32);
	return bits >> 8 * (offset % 4);
}

void msix_fire(const struct msix *m, unsigned int vector)
{
	if (m->enabled && vector < m->nr)
		m->ops->fire(m->ops->arg, m->gsi + vector);
}

void msix_init(struct msix *m, struct pci_function *f, const struct msi_ops *ops, u32 gsi,
	       unsigned int nr, unsigned int bar, u32 table, u32 pba)
{
	u8 body[PCI_CAP_MSIX_SIZEOF - PCI_CAP_FLAGS];
	unsigned int i;

	memset(m, 0, sizeof(*m));
	m->f = f;
	m->ops = ops;
	m->gsi = gsi;
	m->nr = nr;
	for (i = 0; i < nr; i++)
		m->table[i][CONTROL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;

	memset(body, 0, sizeof(body));
	m->capability = pci_add_capability(f, PCI_CAP_ID_MSIX, body, sizeof(body));
	pci_put(f, m->capability + PCI_MSIX_FLAGS, 2, nr - 1);
	pci_put(f, m->capability + PCI_MSIX_TABLE, 4, table | bar);
	pci_put(f, m->capability + PCI_MSIX_PBA, 4, pba | bar);
	/* The two upper bits of the flags. */
	f->writable[m->capability + PCI_MSIX_FLAGS + 1] =
		(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
}
