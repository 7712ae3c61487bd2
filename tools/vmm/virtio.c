// SPDX-License-Identifier: GPL-2.0
/*
 * virtio over PCI (Virtual I/O Device specification 1.2, section 4.1).
 *
 * A device has two BARs: registers, in memory, and notifications.  Where there are I/O ports,
 * notifications are ports: the processor decodes a write of a port, but not one of memory.
 */
#include <string.h>

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "virtio.h"

#define VENDOR		0x1af4
#define DEVICE(type)	(0x1040 + (type))
#define SUBSYSTEM	0x0040
#define REVISION	1

enum { REGISTERS = 0, NOTIFY = 2 };	/* BARs */

/* Each structure has a page of its own, but the pending bits are in the page of the table. */
#define COMMON		0x0000
#define ISR		0x1000
#define DEVICE_CONFIG	0x2000
#define TABLE		0x3000
#define PBA		0x800		/* offset in the page of the table */
#define REGISTERS_SIZE	0x4000
#define PAGE_OF(offset)	((offset) & ~0xfffu)

#define NOTIFY_STEP	4		/* from one queue's address to the next one's */
#define NOTIFY_SIZE	(NOTIFY_STEP * VIRTIO_QUEUES)

/* The status bits that the driver may set. */
#define STATUS_DRIVER	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |	\
			 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK | \
			 VIRTIO_CONFIG_S_FAILED)

_Static_assert(VIRTIO_QUEUES < MSIX_VECTORS, "a vector for each queue, and one more");
_Static_assert(MSIX_TABLE_SIZE <= PBA, "the table ends before the pending bits");

/* ---- the status --------------------------------------------------------- */

static void reset(struct virtio *v)
{
	unsigned int i;

	v->accepted = 0;
	v->feature_select = 0;
	v->accepted_select = 0;
	v->status = 0;
	v->started = false;
	v->stopping = false;
	v->resetting = false;
	v->isr = 0;
	v->config_vector = VIRTIO_MSI_NO_VECTOR;
	v->queue_select = 0;
	for (i = 0; i < VIRTIO_QUEUES; i++)
		v->queues[i] = (struct virtio_queue){
			.size = VIRTIO_QUEUE_SIZE,
			.vector = VIRTIO_MSI_NO_VECTOR,
		};
}

void virtio_stopped(struct virtio *v)
{
	if (!v->stopping)
		return;
	v->started = false;
	v->stopping = false;
	if (v->resetting)
		reset(v);
}

void virtio_config_changed(struct virtio *v)
{
	v->generation++;
	if (!(v->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	v->isr |= VIRTIO_PCI_ISR_CONFIG;
	msix_fire(&v->msix, v->config_vector);
}

void virtio_broken(struct virtio *v)
{
	if (!v->status || (v->status & VIRTIO_CONFIG_S_NEEDS_RESET))
		return;
	v->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	v->isr |= VIRTIO_PCI_ISR_CONFIG;
	msix_fire(&v->msix, v->config_vector);
}

void virtio_dead(struct virtio *v)
{
	v->dead = true;
	virtio_broken(v);
}

static void stop(struct virtio *v)
{
	if (v->stopping)
		return;
	v->stopping = true;
	v->ops->stop(v->dev);
}

/*
 * Begin a reset.  Until the back end has stopped, the driver still reads the old status, so it
 * waits.
 */
static void start_reset(struct virtio *v)
{
	if (!v->started) {
		reset(v);
		return;
	}
	v->resetting = true;
	stop(v);
}

/*
 * Start or stop a device when the guest changes Bus Master Enable.  A device that is no bus
 * master must not access memory (PCI 3.0, 6.2.2), where its queues are: it starts when it becomes
 * a bus master.  When it stops being a bus master, it needs a reset, as its position in its
 * queues is lost.  The back end is only told to stop here: its requests access memory until that
 * reset ends, even after the guest's write has cleared Bus Master Enable.
 */
static void follow_master(struct virtio *v)
{
	if (!pci_master(&v->f)) {
		if (!v->started || v->stopping)
			return;
		virtio_broken(v);
		v->status &= ~VIRTIO_CONFIG_S_DRIVER_OK;
		stop(v);
	} else if ((v->status & VIRTIO_CONFIG_S_DRIVER_OK) && !v->started) {
		v->started = true;
		v->ops->start(v->dev);
	}
}

/*
 * Whether the device accepts the driver's features.  A device that is dead accepts none:
 * otherwise the driver would go on, and wait for ever for its first request.
 */
static bool features_ok(const struct virtio *v)
{
	return !v->dead && !(v->accepted & ~v->features) &&
	       (v->accepted & 1ull << VIRTIO_F_VERSION_1);
}

/* The driver adds bits; only a reset takes them away. */
static void write_status(struct virtio *v, u8 value)
{
	u8 added = value & STATUS_DRIVER & ~v->status;

	if (!value) {
		start_reset(v);
		return;
	}
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) && !features_ok(v))
		added &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!((v->status | added) & VIRTIO_CONFIG_S_FEATURES_OK) ||
	    (v->status & VIRTIO_CONFIG_S_NEEDS_RESET))
		added &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	v->status |= added;
	if (added & VIRTIO_CONFIG_S_DRIVER_OK)
		follow_master(v);
}

/* ---- common configuration ----------------------------------------------- */

static u32 half(u64 value, u32 select)
{
	return select > 1 ? 0 : value >> 32 * select;
}

static void set_half(u64 *value, u32 select, u32 to)
{
	if (select == 0)
		*value = (*value & ~0xffffffffull) | to;
	else if (select == 1)
		*value = (*value & 0xffffffffull) | (u64)to << 32;
}

/* The queue that the registers show; NULL: there is no such queue. */
static struct virtio_queue *selected(struct virtio *v)
{
	return v->queue_select < v->nr_queues ? &v->queues[v->queue_select] : NULL;
}

static u32 read_common(struct virtio *v, u32 offset, unsigned int width)
{
	static const struct virtio_queue none;
	const struct virtio_queue *q = selected(v) ?: &none;
	const struct virtio_pci_common_cfg common = {
		.device_feature_select = v->feature_select,
		.device_feature = half(v->features, v->feature_select),
		.guest_feature_select = v->accepted_select,
		.guest_feature = half(v->accepted, v->accepted_select),
		.msix_config = v->config_vector,
		.num_queues = v->nr_queues,
		.device_status = v->status,
		.config_generation = v->generation,
		.queue_select = v->queue_select,
		.queue_size = q->size,
		.queue_msix_vector = selected(v) ? q->vector : VIRTIO_MSI_NO_VECTOR,
		.queue_enable = q->enabled,
		.queue_notify_off = selected(v) ? v->queue_select : 0,
		.queue_desc_lo = q->descriptors,
		.queue_desc_hi = q->descriptors >> 32,
		.queue_avail_lo = q->available,
		.queue_avail_hi = q->available >> 32,
		.queue_used_lo = q->used,
		.queue_used_hi = q->used >> 32,
	};
	u32 value = 0;

	if (offset + width <= sizeof(common))
		memcpy(&value, (const u8 *)&common + offset, width);
	return value;
}

static u16 valid_vector(const struct virtio *v, u32 vector)
{
	return vector < v->msix.nr ? vector : VIRTIO_MSI_NO_VECTOR;
}

static void set_vector(struct virtio *v, struct virtio_queue *q, u32 value)
{
	u16 vector = valid_vector(v, value);

	if (q->vector == vector)
		return;
	q->vector = vector;
	if (v->started && !v->stopping && q->enabled)
		v->ops->vector(v->dev, q - v->queues);
}

/* A register is only written by a write of the register's own width. */
#define FIELD(offset, width)	((offset) << 3 | (width))

/* Once a queue is enabled, or the device has started, only the queue's vector can change. */
static void write_queue(struct virtio *v, struct virtio_queue *q, unsigned int field,
			u32 value)
{
	if (field == FIELD(VIRTIO_PCI_COMMON_Q_MSIX, 2)) {
		set_vector(v, q, value);
		return;
	}
	if (q->enabled || v->started)
		return;
	switch (field) {
	case FIELD(VIRTIO_PCI_COMMON_Q_SIZE, 2):
		if (value && value <= VIRTIO_QUEUE_SIZE && !(value & (value - 1)))
			q->size = value;
		break;
	case FIELD(VIRTIO_PCI_COMMON_Q_ENABLE, 2):
		q->enabled = value == 1;
		break;
	case FIELD(VIRTIO_PCI_COMMON_Q_DESCLO, 4):
		set_half(&q->descriptors, 0, value);
		break;
	case FIELD(VIRTIO_PCI_COMMON_Q_DESCHI, 4):
		set_half(&q->descriptors, 1, value);
		break;
	case FIELD(VIRTIO_PCI_COMMON_Q_AVAILLO, 4):
		set_half(&q->available, 0, value);
		break;
	case FIELD(VIRTIO_PCI_COMMON_Q_AVAILHI, 4):
		set_half(&q->available, 1, value);
		break;
	case FIELD(VIRTIO_PCI_COMMON_Q_USEDLO, 4):
		set_half(&q->used, 0, value);
		break;
	case FIELD(VIRTIO_PCI_COMMON_Q_USEDHI, 4):
		set_half(&q->used, 1, value);
		break;
	}
}

static void write_common(struct virtio *v, u32 offset, unsigned int width, u32 value)
{
	unsigned int field = FIELD(offset, width);

	/* Writes during a reset are lost: the end of the reset would undo them. */
	if (v->resetting)
		return;
	switch (field) {
	case FIELD(VIRTIO_PCI_COMMON_DFSELECT, 4):
		v->feature_select = value;
		break;
	case FIELD(VIRTIO_PCI_COMMON_GFSELECT, 4):
		v->accepted_select = value;
		break;
	case FIELD(VIRTIO_PCI_COMMON_GF, 4):
		if (!(v->status & VIRTIO_CONFIG_S_FEATURES_OK))
			set_half(&v->accepted, v->accepted_select, value);
		break;
	case FIELD(VIRTIO_PCI_COMMON_MSIX, 2):
		v->config_vector = valid_vector(v, value);
		break;
	case FIELD(VIRTIO_PCI_COMMON_STATUS, 1):
		write_status(v, value);
		break;
	case FIELD(VIRTIO_PCI_COMMON_Q_SELECT, 2):
		v->queue_select = value;
		break;
	default:
		if (selected(v))
			write_queue(v, selected(v), field, value);
		break;
	}
}

/* ---- the BARs ----------------------------------------------------------- */

static u32 read_isr(struct virtio *v, u32 offset)
{
	u32 isr = v->isr;

	if (offset)
		return 0;
	v->isr = 0;
	return isr;
}

static u32 read_config(const struct virtio *v, u32 offset, unsigned int width)
{
	u32 value = 0;

	if (offset + width <= VIRTIO_CONFIG)
		memcpy(&value, v->config + offset, width);
	return value;
}

static u32 registers_read(void *dev, u32 offset, unsigned int width)
{
	struct virtio *v = dev;
	u32 in = offset - PAGE_OF(offset);

	switch (PAGE_OF(offset)) {
	case COMMON:
		return read_common(v, in, width);
	case ISR:
		return read_isr(v, in);
	case DEVICE_CONFIG:
		return read_config(v, in, width);
	default:
		return in < PBA ? msix_read_table(&v->msix, in) :
		       in < PBA + MSIX_PBA_SIZE ? msix_read_pba(&v->msix, in - PBA) : 0;
	}
}

static void registers_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct virtio *v = dev;

	if (PAGE_OF(offset) == COMMON)
		write_common(v, offset - COMMON, width, value);
	else if (PAGE_OF(offset) == DEVICE_CONFIG && v->ops->config)
		v->ops->config(v->dev, offset - DEVICE_CONFIG, width, value);
	else if (PAGE_OF(offset) == TABLE)
		msix_write_table(&v->msix, offset - TABLE, width, value);
}

static const struct bus_ops registers_ops = {
	.read = registers_read,
	.write = registers_write,
	.widths = 1 | 2 | 4,
};

static u32 notify_read(void *dev, u32 offset, unsigned int width)
{
	(void)dev;
	(void)offset;
	(void)width;
	return 0;
}

/* A notification that no doorbell has taken, such as by OUTS. */
static void notify_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct virtio *v = dev;
	unsigned int queue = offset / NOTIFY_STEP;

	(void)width;
	(void)value;
	if (offset % NOTIFY_STEP == 0 && queue < v->nr_queues)
		v->ops->notify(v->dev, queue);
}

static const struct bus_ops notify_ops = {
	.read = notify_read,
	.write = notify_write,
	.widths = 1 | 2 | 4,
};

/* ---- configuration space ------------------------------------------------ */

#define WINDOW_BAR	4
#define WINDOW_OFFSET	8
#define WINDOW_LENGTH	12
#define WINDOW_DATA	16

/*
 * Get the access that the window's registers describe.  Returns the BAR, or NULL if they
 * describe no valid access.
 */
static const struct pci_bar *window_access(const struct virtio *v, u32 *offset, u32 *length)
{
	unsigned int nr = v->f.config[v->window + WINDOW_BAR];
	const struct pci_bar *bar;

	*offset = pci_get(&v->f, v->window + WINDOW_OFFSET, 4);
	*length = pci_get(&v->f, v->window + WINDOW_LENGTH, 4);
	if (nr >= PCI_BARS || (*length != 1 && *length != 2 && *length != 4))
		return NULL;
	bar = &v->f.bars[nr];
	return bar->size && *offset % *length == 0 && *offset < bar->size ? bar : NULL;
}

/* Whether an access of configuration space touches the window's data. */
static bool in_window(const struct virtio *v, unsigned int reg, unsigned int width)
{
	unsigned int data = v->window + WINDOW_DATA;

	return reg < data + 4 && reg + width > data;
}

static void config_reads(void *dev, unsigned int reg, unsigned int width)
{
	struct virtio *v = dev;
	const struct pci_bar *bar;
	u32 offset, length;

	if (!in_window(v, reg, width))
		return;
	bar = window_access(v, &offset, &length);
	if (bar)
		pci_put(&v->f, v->window + WINDOW_DATA, length,
			bar->ops->read(v, offset, length));
}

static void config_written(void *dev, unsigned int reg, unsigned int width)
{
	struct virtio *v = dev;
	const struct pci_bar *bar;
	u32 offset, length;

	msix_written(&v->msix, reg, width);
	follow_master(v);
	if (!in_window(v, reg, width))
		return;
	bar = window_access(v, &offset, &length);
	if (bar)
		bar->ops->write(v, offset, length,
				pci_get(&v->f, v->window + WINDOW_DATA, length));
}

static void bar_moved(void *dev, unsigned int nr, bool there, u64 at)
{
	struct virtio *v = dev;
	unsigned int i;

	for (i = 0; nr == NOTIFY && i < v->nr_queues; i++)
		v->ops->bell(v->dev, i, there, v->port, at + NOTIFY_STEP * i);
}

static const struct pci_function_ops function_ops = {
	.reads = config_reads,
	.written = config_written,
	.moved = bar_moved,
};

/* ---- making ------------------------------------------------------------- */

/* Add the capability, @size bytes, that says where a structure is.  Returns its offset. */
static unsigned int add_structure(struct virtio *v, u8 type, unsigned int size,
				  unsigned int bar, u32 offset, u32 length)
{
	u8 body[sizeof(struct virtio_pci_notify_cap)] = { 0 };
	unsigned int at;

	at = pci_add_capability(&v->f, PCI_CAP_ID_VNDR, body, size - PCI_CAP_FLAGS);
	v->f.config[at + VIRTIO_PCI_CAP_LEN] = size;
	v->f.config[at + VIRTIO_PCI_CAP_CFG_TYPE] = type;
	v->f.config[at + VIRTIO_PCI_CAP_BAR] = bar;
	pci_put(&v->f, at + VIRTIO_PCI_CAP_OFFSET, 4, offset);
	pci_put(&v->f, at + VIRTIO_PCI_CAP_LENGTH, 4, length);
	return at;
}

static void add_capabilities(struct virtio *v, const struct virtio_id *id)
{
	const unsigned int size = sizeof(struct virtio_pci_cap);
	unsigned int at;

	add_structure(v, VIRTIO_PCI_CAP_COMMON_CFG, size, REGISTERS, COMMON,
		      sizeof(struct virtio_pci_common_cfg));
	add_structure(v, VIRTIO_PCI_CAP_ISR_CFG, size, REGISTERS, ISR, 1);
	if (id->config_size)
		add_structure(v, VIRTIO_PCI_CAP_DEVICE_CFG, size, REGISTERS, DEVICE_CONFIG,
			      id->config_size);
	at = add_structure(v, VIRTIO_PCI_CAP_NOTIFY_CFG, sizeof(struct virtio_pci_notify_cap),
			   NOTIFY, 0, NOTIFY_STEP * id->queues);
	pci_put(&v->f, at + VIRTIO_PCI_NOTIFY_CAP_MULT, 4, NOTIFY_STEP);
	v->window = add_structure(v, VIRTIO_PCI_CAP_PCI_CFG, sizeof(struct virtio_pci_cfg_cap),
				  0, 0, 0);
	v->f.writable[v->window + WINDOW_BAR] = 0xff;
	memset(&v->f.writable[v->window + WINDOW_OFFSET], 0xff,
	       WINDOW_DATA + 4 - WINDOW_OFFSET);
}

u32 virtio_gsi(const struct virtio *v, unsigned int queue)
{
	u16 vector = v->queues[queue].vector;

	return vector == VIRTIO_MSI_NO_VECTOR ? VIRTIO_NO_GSI : v->msix.gsi + vector;
}

int virtio_init(struct virtio *v, struct pci *pci, const struct virtio_id *id,
		const struct msi_ops *msi, u32 gsi, const struct virtio_ops *ops, void *dev,
		const char *name)
{
	const struct pci_id pci_id = {
		.vendor = VENDOR,
		.device = DEVICE(id->type),
		.subsystem = SUBSYSTEM,
		.class = id->class | REVISION,
	};

	memset(v, 0, sizeof(*v));
	v->ops = ops;
	v->dev = dev;
	v->port = pci->ports;
	v->features = id->features;
	v->nr_queues = id->queues;
	memcpy(v->config, id->config, id->config_size);
	reset(v);

	pci_function_init(&v->f, &pci_id, &function_ops, v, name);
	pci_set_bar(&v->f, REGISTERS, false, REGISTERS_SIZE, &registers_ops);
	pci_set_bar(&v->f, NOTIFY, v->port, v->port ? NOTIFY_SIZE : KIB(4), &notify_ops);
	msix_init(&v->msix, &v->f, msi, gsi, id->queues + 1, REGISTERS, TABLE, TABLE + PBA);
	add_capabilities(v, id);
	return pci_add(pci, &v->f);
}
