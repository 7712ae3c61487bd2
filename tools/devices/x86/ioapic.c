// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The I/O APIC of a PC (Intel 82093AA data sheet, order number 290566), with version 0x11:
 * it has no EOI register; local APICs tell it which interrupts end.
 *
 * There are two differences from the data sheet.  A wire here is active or inactive, not high
 * or low: an entry's polarity can be written and read, but has no effect.  And bits 55:49 of
 * an entry are bits 14:8 of the destination, which KVM_FEATURE_MSI_EXT_DEST_ID tells the
 * guest.
 */
#include <string.h>

#include "ioapic.h"

/* Addresses of the two registers that the bus shows. */
#define SELECT		0x00
#define WINDOW		0x10
#define ADDRESSES	0x20

/* Registers behind the window. */
#define REG_ID		0x00
#define REG_VERSION	0x01
#define REG_ARBITRATION	0x02
#define REG_TABLE	0x10	/* two for each entry, the low half first */

#define ID_KEPT		0x0f000000
#define VERSION		0x11
#define VERSION_LAST(n)	((n) << 16)

/* Bits of an entry of the redirection table. */
#define VECTOR		0x000000ffull
#define MODE		0x00000700ull
#define MODE_FIXED	0x00000000
#define MODE_LOWEST	0x00000100
#define MODE_NMI	0x00000400
#define MODE_INIT	0x00000500
#define LOGICAL		0x00000800ull
#define REMOTE_IRR	0x00004000ull
#define LEVEL		0x00008000ull
#define MASKED		0x00010000ull
/*
 * Bits that the guest can write.  Delivery status (bit 12) and remote IRR are read-only; the
 * former is always 0, as no delivery has to wait.
 */
#define LOW_KEPT	0x0001afffull
#define HIGH_KEPT	0xfffe000000000000ull

/* An interrupt message (Intel SDM vol. 3A, 11.11). */
#define MSI_ADDRESS	0xfee00000ull
#define MSI_LOGICAL	0x00000004ull
#define MSI_ASSERT	0x00004000
#define MSI_LEVEL	0x00008000

/* Other delivery modes than these two are edge triggered, whatever the entry says. */
static bool level_triggered(u64 entry)
{
	return (entry & LEVEL) &&
	       ((entry & MODE) == MODE_FIXED || (entry & MODE) == MODE_LOWEST);
}

/* Whether a message can have this delivery mode: not SMI, ExtINT or a reserved one. */
static bool deliverable(u64 entry)
{
	switch (entry & MODE) {
	case MODE_FIXED:
	case MODE_LOWEST:
	case MODE_NMI:
	case MODE_INIT:
		return true;
	default:
		return false;
	}
}

/* Send the message that an entry describes.  Returns whether a local APIC has taken it. */
static bool send(struct ioapic *io, u64 entry)
{
	u64 id = entry >> 56 | (entry >> 49 & 0x7f) << 8;
	u64 address = MSI_ADDRESS | (id & 0xff) << 12 | id >> 8 << 40;
	u32 data = (entry & (VECTOR | MODE)) | MSI_ASSERT;

	if (!deliverable(entry))
		return false;
	if (entry & LOGICAL)
		address |= MSI_LOGICAL;
	if (level_triggered(entry))
		data |= MSI_LEVEL;
	return io->send(io->arg, address, data);
}

/* Send a level-triggered interrupt if the wire is active and the last interrupt has ended. */
static void look(struct ioapic *io, unsigned int pin)
{
	u64 *entry = &io->entries[pin];

	if (!level_triggered(*entry) || (*entry & (MASKED | REMOTE_IRR)) ||
	    !(io->lines & BIT(pin)))
		return;
	if (send(io, *entry))
		*entry |= REMOTE_IRR;
}

static void set_line(struct ioapic *io, unsigned int pin, bool level)
{
	bool rises = level && !(io->lines & BIT(pin));
	u64 entry = io->entries[pin];

	io->lines = level ? io->lines | BIT(pin) : io->lines & ~BIT(pin);
	/* An edge that comes while the input is masked is lost. */
	if (level_triggered(entry))
		look(io, pin);
	else if (rises && !(entry & MASKED))
		send(io, entry);
}

void ioapic_eoi(struct ioapic *io, u8 vector)
{
	unsigned int pin;

	pthread_mutex_lock(&io->lock);
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		u64 *entry = &io->entries[pin];

		if (!(*entry & REMOTE_IRR) || (*entry & VECTOR) != vector)
			continue;
		*entry &= ~REMOTE_IRR;
		look(io, pin);
	}
	pthread_mutex_unlock(&io->lock);
}

u32 ioapic_in_service(struct ioapic *io, u8 vector)
{
	unsigned int pin;
	u32 pins = 0;

	pthread_mutex_lock(&io->lock);
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if (io->entries[pin] & REMOTE_IRR && (io->entries[pin] & VECTOR) == vector)
			pins |= BIT(pin);
	}
	pthread_mutex_unlock(&io->lock);
	return pins;
}

/* ---- the state ---------------------------------------------------------- */

/* Has an active input's edge been sent?  Then it is not to be sent again. */
static bool sent_as_edge(u64 entry)
{
	return !level_triggered(entry) && !(entry & MASKED);
}

void ioapic_save(struct ioapic *io, struct ioapic_state *state)
{
	unsigned int pin;

	pthread_mutex_lock(&io->lock);
	state->select = io->select;
	state->id = io->id;
	state->lines = io->lines;
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		state->entries[pin] = io->entries[pin];
		if (sent_as_edge(io->entries[pin]))
			state->lines &= ~BIT(pin);
	}
	pthread_mutex_unlock(&io->lock);
}

void ioapic_restore(struct ioapic *io, const struct ioapic_state *state)
{
	unsigned int pin;

	pthread_mutex_lock(&io->lock);
	io->select = state->select;
	io->id = state->id & ID_KEPT;
	io->lines = 0;
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		io->entries[pin] = state->entries[pin] & (LOW_KEPT | REMOTE_IRR | HIGH_KEPT);
		if (!level_triggered(io->entries[pin]))
			io->entries[pin] &= ~REMOTE_IRR;
		if (state->lines & BIT(pin))
			set_line(io, pin, true);
	}
	pthread_mutex_unlock(&io->lock);
}

/* ---- registers ---------------------------------------------------------- */

static u32 read_register(const struct ioapic *io, u8 reg)
{
	unsigned int half = reg - REG_TABLE;

	switch (reg) {
	case REG_ID:
	case REG_ARBITRATION:	/* the arbitration id is loaded from the id */
		return io->id;
	case REG_VERSION:
		return VERSION | VERSION_LAST(IOAPIC_PINS - 1);
	}
	if (reg < REG_TABLE || half >= 2 * IOAPIC_PINS)
		return 0;
	return io->entries[half / 2] >> (half & 1 ? 32 : 0);
}

static void write_entry(struct ioapic *io, unsigned int pin, bool high, u32 value)
{
	u64 *entry = &io->entries[pin];

	if (high)
		*entry = (*entry & ~HIGH_KEPT) | ((u64)value << 32 & HIGH_KEPT);
	else
		*entry = (*entry & ~LOW_KEPT) | (value & LOW_KEPT);
	/* Without an EOI register, software ends an interrupt by writing "edge" for a moment. */
	if (!(*entry & LEVEL))
		*entry &= ~REMOTE_IRR;
	look(io, pin);
}

static void write_register(struct ioapic *io, u8 reg, u32 value)
{
	unsigned int half = reg - REG_TABLE;

	if (reg == REG_ID)
		io->id = value & ID_KEPT;
	else if (reg >= REG_TABLE && half < 2 * IOAPIC_PINS)
		write_entry(io, half / 2, half & 1, value);
}

static u32 ioapic_read(void *dev, u32 offset, unsigned int width)
{
	struct ioapic *io = dev;
	u32 value = 0;

	(void)width;
	pthread_mutex_lock(&io->lock);
	if (offset == SELECT)
		value = io->select;
	else if (offset == WINDOW)
		value = read_register(io, io->select);
	pthread_mutex_unlock(&io->lock);
	return value;
}

static void ioapic_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct ioapic *io = dev;

	(void)width;
	pthread_mutex_lock(&io->lock);
	if (offset == SELECT)
		io->select = value;
	else if (offset == WINDOW)
		write_register(io, io->select, value);
	pthread_mutex_unlock(&io->lock);
}

/* ---- wires -------------------------------------------------------------- */

static void ioapic_set(void *chip, unsigned int pin, bool level)
{
	struct ioapic *io = chip;

	pthread_mutex_lock(&io->lock);
	set_line(io, pin, level);
	pthread_mutex_unlock(&io->lock);
}

static void ioapic_pulse(void *chip, unsigned int pin)
{
	struct ioapic *io = chip;

	pthread_mutex_lock(&io->lock);
	set_line(io, pin, true);
	set_line(io, pin, false);
	pthread_mutex_unlock(&io->lock);
}

struct irq_line ioapic_line(struct ioapic *io, unsigned int pin)
{
	return (struct irq_line){
		.set = ioapic_set, .pulse = ioapic_pulse, .chip = io, .pin = pin,
	};
}

/*
 * Both registers are to be accessed by 4 bytes (82093AA, 3.1), but UEFI firmware (EDK2) selects a
 * register by a write of one byte.  A narrow write has zeros above it.
 */
static const struct bus_ops ioapic_ops = {
	.read = ioapic_read,
	.write = ioapic_write,
	.widths = 1 | 2 | 4,
};

int ioapic_init(struct ioapic *io, struct bus *bus, u64 address,
		bool (*send_message)(void *arg, u64 address, u32 data), void *arg)
{
	const struct bus_range range = {
		address, ADDRESSES, &ioapic_ops, io, "I/O APIC",
	};
	unsigned int pin;

	memset(io, 0, sizeof(*io));
	pthread_mutex_init(&io->lock, NULL);
	io->send = send_message;
	io->arg = arg;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		io->entries[pin] = MASKED;
	return bus_add(bus, &range);
}
