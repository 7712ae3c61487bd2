// SPDX-License-Identifier: GPL-2.0
/*
 * The real-time clock of a PC (Motorola MC146818A data sheet) and its CMOS
 * memory.
 *
 * The time is not stored but computed from the host's; a guest that sets it
 * changes @offset.  Flags of register C are updated when the guest accesses the clock
 * or when an interrupt for them is due, so an idle clock costs nothing.
 */
#include <string.h>
#include <time.h>

#include "rtc.h"

#define RTC_PORT	0x70
#define INDEX_MASK	0x7f	/* bit 7 masks NMIs */

/* Registers. */
#define SECONDS		0x00
#define SECONDS_ALARM	0x01
#define MINUTES		0x02
#define MINUTES_ALARM	0x03
#define HOURS		0x04
#define HOURS_ALARM	0x05
#define DAY_OF_WEEK	0x06
#define DAY_OF_MONTH	0x07
#define MONTH		0x08
#define YEAR		0x09
#define REG_A		0x0a
#define REG_B		0x0b
#define REG_C		0x0c
#define REG_D		0x0d
#define BASE_LOW	0x15	/* KiB below 640 */
#define EXT_LOW		0x17	/* KiB above 1 MiB, at most 63 MiB */
#define EXT2_LOW	0x30	/* the same value as EXT_LOW */
#define MEM16_LOW	0x34	/* 64 KiB units from 16 MiB to 4 GiB */
#define MEM4G_LOW	0x5b	/* 64 KiB units above 4 GiB, three bytes */

#define A_UIP		0x80
#define A_RATE		0x0f
#define A_DIVIDER	0x70
#define A_DEFAULT	0x26	/* 1024 Hz, as firmware leaves it */

#define B_SET		0x80
#define B_PIE		0x40
#define B_AIE		0x20
#define B_UIE		0x10
#define B_BINARY	0x04
#define B_24H		0x02

#define C_IRQF		0x80
#define C_PF		0x40
#define C_AF		0x20
#define C_UF		0x10

#define D_VALID		0x80

#define ALARM_ANY	0xc0	/* both bits set: any value matches */
#define HOUR_PM		0x80

/* UIP is set for this long before a second begins: the registers are being updated. */
#define UPDATE_TIME	244000	/* nanoseconds */

#define CRYSTAL_HZ	32768

/* The years 0 to 9999, which the registers can show, in seconds since 1970. */
#define FIRST_SECOND	-62167219200ll
#define LAST_SECOND	253402300799ll

#define DAY		86400	/* seconds; any alarm is due at least once a day */

/* Limit a time to the years that the registers can show. */
static s64 plausible(s64 second)
{
	if (second < FIRST_SECOND)
		return FIRST_SECOND;
	return second > LAST_SECOND ? LAST_SECOND : second;
}

/* The second the clock shows. */
static s64 now(const struct rtc *rtc)
{
	struct tm tm = rtc->frozen;

	if (rtc->cmos[REG_B] & B_SET)
		return timegm(&tm);
	return (s64)(clock_wall() / NSEC_PER_SEC) + rtc->offset;
}

static struct tm shown(const struct rtc *rtc)
{
	time_t t = now(rtc);
	struct tm tm = rtc->frozen;

	if (!(rtc->cmos[REG_B] & B_SET))
		gmtime_r(&t, &tm);
	return tm;
}

/* ---- registers of the time ---------------------------------------------- */

static u8 encode(const struct rtc *rtc, unsigned int n)
{
	return rtc->cmos[REG_B] & B_BINARY ? n : n / 10 % 10 << 4 | n % 10;
}

static unsigned int decode(const struct rtc *rtc, u8 v)
{
	return rtc->cmos[REG_B] & B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static u8 encode_hour(const struct rtc *rtc, unsigned int hour)
{
	if (rtc->cmos[REG_B] & B_24H)
		return encode(rtc, hour);
	return encode(rtc, hour % 12 ? hour % 12 : 12) |
	       (hour >= 12 ? HOUR_PM : 0);
}

static unsigned int decode_hour(const struct rtc *rtc, u8 v)
{
	if (rtc->cmos[REG_B] & B_24H)
		return decode(rtc, v);
	return decode(rtc, v & ~HOUR_PM) % 12 + (v & HOUR_PM ? 12 : 0);
}

/* Whether @reg is computed from the time; if so, stores its value. */
static bool read_time(const struct rtc *rtc, u8 reg, u8 *value)
{
	struct tm tm = shown(rtc);

	switch (reg) {
	case SECONDS:
		*value = encode(rtc, tm.tm_sec);
		return true;
	case MINUTES:
		*value = encode(rtc, tm.tm_min);
		return true;
	case HOURS:
		*value = encode_hour(rtc, tm.tm_hour);
		return true;
	case DAY_OF_WEEK:
		*value = encode(rtc, tm.tm_wday + 1);
		return true;
	case DAY_OF_MONTH:
		*value = encode(rtc, tm.tm_mday);
		return true;
	case MONTH:
		*value = encode(rtc, tm.tm_mon + 1);
		return true;
	case YEAR:
		*value = encode(rtc, (tm.tm_year + 1900) % 100);
		return true;
	case RTC_CENTURY:
		*value = encode(rtc, (tm.tm_year + 1900) / 100);
		return true;
	}
	return false;
}

/* Whether @reg is computed from the time; if so, sets the time accordingly. */
static bool write_time(struct rtc *rtc, u8 reg, u8 value)
{
	unsigned int n = decode(rtc, value);
	struct tm tm = shown(rtc);
	int year = tm.tm_year + 1900;

	switch (reg) {
	case SECONDS:
		tm.tm_sec = n;
		break;
	case MINUTES:
		tm.tm_min = n;
		break;
	case HOURS:
		tm.tm_hour = decode_hour(rtc, value);
		break;
	case DAY_OF_WEEK:	/* computed from the date */
		break;
	case DAY_OF_MONTH:
		tm.tm_mday = n;
		break;
	case MONTH:
		tm.tm_mon = (int)n - 1;
		break;
	case YEAR:
		tm.tm_year = year / 100 * 100 + (int)n - 1900;
		break;
	case RTC_CENTURY:
		tm.tm_year = (int)n * 100 + year % 100 - 1900;
		break;
	default:
		return false;
	}

	if (rtc->cmos[REG_B] & B_SET) {
		rtc->frozen = tm;
	} else {
		rtc->offset += plausible(timegm(&tm)) - now(rtc);
		rtc->second = now(rtc);
	}
	return true;
}

/* ---- flags and interrupts ----------------------------------------------- */

/* Nanoseconds between two periodic interrupts; 0: there are none. */
static u64 period(const struct rtc *rtc)
{
	unsigned int rate = rtc->cmos[REG_A] & A_RATE;

	if (!rate)
		return 0;
	/* Rates 1 and 2 are the same as 8 and 9 (MC146818A, table 5). */
	if (rate <= 2)
		rate += 7;
	return NSEC_PER_SEC / (CRYSTAL_HZ >> (rate - 1));
}

static bool alarm_matches(const struct rtc *rtc, s64 second)
{
	const u8 *cmos = rtc->cmos;
	time_t t = second;
	struct tm tm;

	gmtime_r(&t, &tm);
	return (cmos[SECONDS_ALARM] >= ALARM_ANY ||
		cmos[SECONDS_ALARM] == encode(rtc, tm.tm_sec)) &&
	       (cmos[MINUTES_ALARM] >= ALARM_ANY ||
		cmos[MINUTES_ALARM] == encode(rtc, tm.tm_min)) &&
	       (cmos[HOURS_ALARM] >= ALARM_ANY ||
		cmos[HOURS_ALARM] == encode_hour(rtc, tm.tm_hour));
}

/* Set the flags of register C for what has happened until now, and drive the line. */
static void note(struct rtc *rtc)
{
	u8 *c = &rtc->cmos[REG_C];
	s64 second = now(rtc);
	u64 length = period(rtc), periods;

	if (!(rtc->cmos[REG_B] & B_SET) && second != rtc->second) {
		*c |= C_UF;
		/*
		 * Compare the alarm with every second that has passed, also while the host slept.
		 * After the host's clock was set back, no second is compared again.
		 */
		if (second < rtc->second)
			rtc->second = second - 1;
		else if (second - rtc->second > DAY)
			rtc->second = second - DAY;
		while (rtc->second != second)
			if (alarm_matches(rtc, ++rtc->second))
				*c |= C_AF;
	}

	if (length) {
		periods = (clock_now() - rtc->period_start) / length;
		if (periods != rtc->periods)
			*c |= C_PF;
		rtc->periods = periods;
	}

	/* Each enable bit of register B has the same position as its flag of register C. */
	if (*c & rtc->cmos[REG_B] & (C_PF | C_AF | C_UF))
		*c |= C_IRQF;
	else
		*c &= ~C_IRQF;
	irq_set(&rtc->irq, *c & C_IRQF);
}

/* Set the timer for the next event that may interrupt. */
static void schedule(struct rtc *rtc)
{
	u8 enabled = rtc->cmos[REG_B];
	u64 length = period(rtc), next = 0;

	if ((enabled & (B_AIE | B_UIE)) && !(enabled & B_SET))
		next = clock_now() + NSEC_PER_SEC - clock_wall() % NSEC_PER_SEC;

	if ((enabled & B_PIE) && length) {
		u64 tick = rtc->period_start + (rtc->periods + 1) * length;

		if (!next || tick < next)
			next = tick;
	}

	/* While the interrupt is pending, the line cannot change until register C is read. */
	if (next && !(rtc->cmos[REG_C] & C_IRQF))
		timer_set(&rtc->timer, next);
	else
		timer_cancel(&rtc->timer);
}

static void expired(void *arg)
{
	struct rtc *rtc = arg;

	note(rtc);
	schedule(rtc);
}

/* ---- what programs do --------------------------------------------------- */

static u8 read_a(const struct rtc *rtc)
{
	u8 value = rtc->cmos[REG_A];

	if (!(rtc->cmos[REG_B] & B_SET) &&
	    clock_wall() % NSEC_PER_SEC >= NSEC_PER_SEC - UPDATE_TIME)
		value |= A_UIP;
	return value;
}

static u8 read_c(struct rtc *rtc)
{
	u8 value;

	note(rtc);
	value = rtc->cmos[REG_C];
	rtc->cmos[REG_C] = 0;
	irq_set(&rtc->irq, false);
	schedule(rtc);
	return value;
}

static void write_a(struct rtc *rtc, u8 value)
{
	note(rtc);
	if ((value ^ rtc->cmos[REG_A]) & (A_RATE | A_DIVIDER)) {
		rtc->period_start = clock_now();
		rtc->periods = 0;
	}
	rtc->cmos[REG_A] = value & ~A_UIP;
	schedule(rtc);
}

static void write_b(struct rtc *rtc, u8 value)
{
	s64 second;

	note(rtc);
	second = now(rtc);
	if (value & B_SET) {
		/* SET stops updates, and clears UIE. */
		rtc->frozen = shown(rtc);
		rtc->cmos[REG_B] = value & ~B_UIE;
	} else {
		rtc->cmos[REG_B] = value;
		second = plausible(second);
		rtc->offset += second - now(rtc);
		rtc->second = second;
	}
	note(rtc);
	schedule(rtc);
}

static u32 rtc_read(void *dev, u32 offset, unsigned int width)
{
	struct rtc *rtc = dev;
	u8 value;

	(void)width;
	if (offset == 0)	/* the index register is write-only */
		return 0xff;

	if (read_time(rtc, rtc->index, &value))
		return value;
	switch (rtc->index) {
	case REG_A:
		return read_a(rtc);
	case REG_C:
		return read_c(rtc);
	}
	return rtc->cmos[rtc->index];
}

static void rtc_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct rtc *rtc = dev;

	(void)width;
	if (offset == 0) {
		rtc->index = value & INDEX_MASK;
		return;
	}

	switch (rtc->index) {
	case REG_A:
		write_a(rtc, value);
		break;
	case REG_B:
		write_b(rtc, value);
		break;
	case REG_C:
	case REG_D:
		break;
	default:
		note(rtc);
		if (!write_time(rtc, rtc->index, value))
			rtc->cmos[rtc->index] = value;
		schedule(rtc);
		break;
	}
}

static const struct bus_ops rtc_ops = {
	.read = rtc_read,
	.write = rtc_write,
	.widths = 1,
};

static void store(struct rtc *rtc, u8 reg, u64 value, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < bytes; i++)
		rtc->cmos[reg + i] = value >> (8 * i);
}

static u64 at_most(u64 value, u64 limit)
{
	return value < limit ? value : limit;
}

int rtc_init(struct rtc *rtc, struct bus *bus, struct loop *loop,
	     struct irq_line irq, u64 low_mem, u64 high_mem)
{
	const struct bus_range range = { RTC_PORT, 2, &rtc_ops, rtc, "RTC" };
	u64 extended = low_mem > MIB(1) ? low_mem - MIB(1) : 0;
	u64 above16 = low_mem > MIB(16) ? low_mem - MIB(16) : 0;
	int err;

	memset(rtc, 0, sizeof(*rtc));
	rtc->irq = irq;
	rtc->cmos[REG_A] = A_DEFAULT;
	rtc->cmos[REG_B] = B_24H;
	rtc->cmos[REG_D] = D_VALID;
	rtc->second = now(rtc);
	rtc->period_start = clock_now();

	store(rtc, BASE_LOW, 640, 2);
	store(rtc, EXT_LOW, at_most(extended, MIB(63)) / KIB(1), 2);
	store(rtc, EXT2_LOW, at_most(extended, MIB(63)) / KIB(1), 2);
	store(rtc, MEM16_LOW, at_most(above16 / KIB(64), 0xffff), 2);
	store(rtc, MEM4G_LOW, at_most(high_mem / KIB(64), 0xffffff), 3);

	err = bus_add(bus, &range);
	if (err)
		return err;
	return timer_init(&rtc->timer, loop, expired, rtc);
}
