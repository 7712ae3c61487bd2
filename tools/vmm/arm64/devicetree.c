// SPDX-License-Identifier: GPL-2.0
/*
 * The device tree (Devicetree Specification 0.4; the bindings are those of the
 * kernel, Documentation/devicetree/bindings).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <libfdt.h>

#include "devicetree.h"
#include "gic.h"
#include "gicv2m.h"
#include "log.h"
#include "map.h"
#include "pci.h"
#include "pl011.h"
#include "pl031.h"
#include "pl061.h"

/* Handles that nodes refer to. */
#define PHANDLE_GIC	1
#define PHANDLE_CLOCK	2
#define PHANDLE_GPIO	3
#define PHANDLE_V2M	4

/* Cells of an interrupt (arm,gic-v3). */
#define IRQ_SPI		0
#define IRQ_PPI		1
#define IRQ_HIGH	4

/* First cell of a PCI address: memory of 32 bits (IEEE 1275, PCI bus binding, 2.2.1.1). */
#define PCI_MEMORY32	0x02000000

#define UART_CLOCK_HZ	24000000
#define KEY_CODE_POWER	116	/* Linux input event code */
#define SEED_BYTES	64

/**
 * struct tree - a device tree under construction
 * @fdt:	the buffer
 * @err:	first error of libfdt
 */
struct tree {
	void *fdt;
	int err;
};

static void note(struct tree *t, int err)
{
	if (!t->err)
		t->err = err;
}

static void begin(struct tree *t, const char *name)
{
	note(t, fdt_begin_node(t->fdt, name));
}

/* Begin a node whose name is followed by an address. */
static void begin_at(struct tree *t, const char *name, u64 addr)
{
	char full[64];

	snprintf(full, sizeof(full), "%s@%llx", name, addr);
	begin(t, full);
}

static void end(struct tree *t)
{
	note(t, fdt_end_node(t->fdt));
}

static void bytes(struct tree *t, const char *name, const void *data, unsigned int size)
{
	note(t, fdt_property(t->fdt, name, data, size));
}

static void flag(struct tree *t, const char *name)
{
	bytes(t, name, NULL, 0);
}

static void string(struct tree *t, const char *name, const char *text)
{
	bytes(t, name, text, strlen(text) + 1);
}

static void cell(struct tree *t, const char *name, u32 value)
{
	note(t, fdt_property_u32(t->fdt, name, value));
}

static void wide(struct tree *t, const char *name, u64 value)
{
	note(t, fdt_property_u64(t->fdt, name, value));
}

static void reg(struct tree *t, u64 addr, u64 size)
{
	const fdt64_t range[] = { cpu_to_fdt64(addr), cpu_to_fdt64(size) };

	bytes(t, "reg", range, sizeof(range));
}

static void cells(struct tree *t, const char *name, const u32 *values, unsigned int n)
{
	fdt32_t out[16];
	unsigned int i;

	for (i = 0; i < n; i++)
		out[i] = cpu_to_fdt32(values[i]);
	bytes(t, name, out, n * sizeof(out[0]));
}

#define CELLS(t, name, ...)						\
	do {								\
		const u32 values_[] = { __VA_ARGS__ };			\
									\
		cells(t, name, values_, ARRAY_SIZE(values_));		\
	} while (0)

static void chosen(struct tree *t, const struct devicetree_config *config)
{
	u8 seed[SEED_BYTES];

	begin(t, "chosen");
	if (config->append)
		string(t, "bootargs", config->append);
	string(t, "stdout-path", "/pl011@9000000");
	if (config->initrd_size) {
		wide(t, "linux,initrd-start", config->initrd);
		wide(t, "linux,initrd-end", config->initrd + config->initrd_size);
	}
	/* Without a seed the guest has to collect randomness itself, which takes long. */
	if (getrandom(seed, sizeof(seed), 0) == sizeof(seed)) {
		bytes(t, "rng-seed", seed, sizeof(seed) - 8);
		bytes(t, "kaslr-seed", seed + sizeof(seed) - 8, 8);
	}
	end(t);
}

static void cpus(struct tree *t, const struct devicetree_config *config)
{
	unsigned int i;

	begin(t, "cpus");
	cell(t, "#address-cells", 1);
	cell(t, "#size-cells", 0);
	for (i = 0; i < config->nr_cpus; i++) {
		begin_at(t, "cpu", config->mpidrs[i]);
		string(t, "device_type", "cpu");
		string(t, "compatible", "arm,armv8");
		string(t, "enable-method", "psci");
		cell(t, "reg", config->mpidrs[i]);
		end(t);
	}
	end(t);
}

static void psci(struct tree *t)
{
	static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

	begin(t, "psci");
	bytes(t, "compatible", compatible, sizeof(compatible));
	string(t, "method", "hvc");
	end(t);
}

/* Add the GICv2m frame.  A register of the frame tells its SPIs, so the node need not. */
static void v2m(struct tree *t)
{
	begin_at(t, "v2m", MAP_GICV2M);
	string(t, "compatible", "arm,gic-v2m-frame");
	flag(t, "msi-controller");
	reg(t, MAP_GICV2M, GICV2M_SIZE);
	cell(t, "phandle", PHANDLE_V2M);
	end(t);
}

static void gic(struct tree *t, const struct devicetree_config *config)
{
	const fdt64_t ranges[] = {
		cpu_to_fdt64(MAP_GICD), cpu_to_fdt64(GICD_SIZE),
		cpu_to_fdt64(MAP_GICR),
		cpu_to_fdt64((u64)config->nr_cpus * GICR_SIZE),
	};

	begin_at(t, "intc", MAP_GICD);
	string(t, "compatible", "arm,gic-v3");
	flag(t, "interrupt-controller");
	cell(t, "#interrupt-cells", 3);
	cell(t, "#redistributor-regions", 1);
	bytes(t, "reg", ranges, sizeof(ranges));
	cell(t, "phandle", PHANDLE_GIC);
	cell(t, "#address-cells", 2);
	cell(t, "#size-cells", 2);
	flag(t, "ranges");
	v2m(t);
	end(t);
}

static void timer(struct tree *t)
{
	begin(t, "timer");
	string(t, "compatible", "arm,armv8-timer");
	/* The guest has only the virtual timer, which goes on while a CPU sleeps. */
	flag(t, "always-on");
	CELLS(t, "interrupts",
	      IRQ_PPI, GIC_PPI_SECURE_TIMER - GIC_SGIS, IRQ_HIGH,
	      IRQ_PPI, GIC_PPI_PHYS_TIMER - GIC_SGIS, IRQ_HIGH,
	      IRQ_PPI, GIC_PPI_VIRT_TIMER - GIC_SGIS, IRQ_HIGH,
	      IRQ_PPI, GIC_PPI_HYP_TIMER - GIC_SGIS, IRQ_HIGH);
	end(t);
}

static void apb_clock(struct tree *t)
{
	begin(t, "apb-pclk");
	string(t, "compatible", "fixed-clock");
	cell(t, "#clock-cells", 0);
	cell(t, "clock-frequency", UART_CLOCK_HZ);
	string(t, "clock-output-names", "clk24mhz");
	cell(t, "phandle", PHANDLE_CLOCK);
	end(t);
}

static void uart(struct tree *t)
{
	static const char compatible[] = "arm,pl011\0arm,primecell";
	static const char names[] = "uartclk\0apb_pclk";

	begin_at(t, "pl011", MAP_UART);
	bytes(t, "compatible", compatible, sizeof(compatible));
	reg(t, MAP_UART, PL011_SIZE);
	CELLS(t, "interrupts", IRQ_SPI, MAP_UART_SPI, IRQ_HIGH);
	CELLS(t, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
	bytes(t, "clock-names", names, sizeof(names));
	end(t);
}

static void rtc(struct tree *t)
{
	static const char compatible[] = "arm,pl031\0arm,primecell";

	begin_at(t, "pl031", MAP_RTC);
	bytes(t, "compatible", compatible, sizeof(compatible));
	reg(t, MAP_RTC, PL031_SIZE);
	CELLS(t, "interrupts", IRQ_SPI, MAP_RTC_SPI, IRQ_HIGH);
	CELLS(t, "clocks", PHANDLE_CLOCK);
	string(t, "clock-names", "apb_pclk");
	end(t);
}

static void gpio(struct tree *t)
{
	static const char compatible[] = "arm,pl061\0arm,primecell";

	begin_at(t, "pl061", MAP_GPIO);
	bytes(t, "compatible", compatible, sizeof(compatible));
	reg(t, MAP_GPIO, PL061_SIZE);
	CELLS(t, "interrupts", IRQ_SPI, MAP_GPIO_SPI, IRQ_HIGH);
	flag(t, "gpio-controller");
	cell(t, "#gpio-cells", 2);
	CELLS(t, "clocks", PHANDLE_CLOCK);
	string(t, "clock-names", "apb_pclk");
	cell(t, "phandle", PHANDLE_GPIO);
	end(t);
}

static void power_button(struct tree *t)
{
	begin(t, "gpio-keys");
	string(t, "compatible", "gpio-keys");
	begin(t, "poweroff");
	string(t, "label", "power button");
	cell(t, "linux,code", KEY_CODE_POWER);
	CELLS(t, "gpios", PHANDLE_GPIO, MAP_POWER_BUTTON, 0);
	end(t);
	end(t);
}

/* A bus of PCI whose devices have no interrupt lines, only messages. */
static void pci(struct tree *t)
{
	begin_at(t, "pcie", MAP_ECAM);
	string(t, "compatible", "pci-host-ecam-generic");
	string(t, "device_type", "pci");
	cell(t, "#address-cells", 3);
	cell(t, "#size-cells", 2);
	CELLS(t, "bus-range", 0, 0);
	reg(t, MAP_ECAM, PCI_ECAM_SIZE);
	CELLS(t, "ranges", PCI_MEMORY32, 0, MAP_PCI_MEMORY, 0, MAP_PCI_MEMORY, 0, MAP_PCI_SIZE);
	/*
	 * All requester ids, which have 16 bits, lead to the frame; the frame does not look at
	 * the id.
	 */
	CELLS(t, "msi-map", 0, PHANDLE_V2M, 0, 0x10000);
	flag(t, "dma-coherent");
	end(t);
}

static void memory(struct tree *t, u64 size)
{
	begin_at(t, "memory", MAP_RAM);
	string(t, "device_type", "memory");
	reg(t, MAP_RAM, size);
	end(t);
}

int devicetree_build(const struct devicetree_config *config, void *buf, unsigned int size)
{
	struct tree t = { .fdt = buf };

	note(&t, fdt_create(buf, size));
	note(&t, fdt_finish_reservemap(buf));
	begin(&t, "");
	cell(&t, "#address-cells", 2);
	cell(&t, "#size-cells", 2);
	string(&t, "compatible", "linux,dummy-virt");
	string(&t, "model", "axvmm");
	cell(&t, "interrupt-parent", PHANDLE_GIC);
	chosen(&t, config);
	memory(&t, config->memory);
	cpus(&t, config);
	psci(&t);
	gic(&t, config);
	timer(&t);
	apb_clock(&t);
	uart(&t);
	rtc(&t);
	gpio(&t);
	power_button(&t);
	pci(&t);
	end(&t);
	note(&t, fdt_finish(buf));
	if (!t.err)
		return 0;
	if (t.err == -FDT_ERR_NOSPACE)
		log_error("--append: the command line is too long");
	else
		log_error("internal error: device tree: %s", fdt_strerror(t.err));
	return -EINVAL;
}
