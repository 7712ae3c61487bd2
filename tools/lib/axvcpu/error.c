// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Error texts and names.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* The last failure of each thread. */
static __thread char error_text[512];

const char *axv_error(void)
{
	return error_text;
}

int axv_fail(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error_text, sizeof(error_text), fmt, args);
	va_end(args);
	return -err;
}

int axv_fail_call(const char *hint, const char *fmt, ...)
{
	int err = errno;
	char what[256];
	char name[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return axv_fail(err, "%s: %s%s%s", what,
			strerror_r(err, name, sizeof(name)),
			hint ? "; " : "", hint ? hint : "");
}

static const char *const exit_names[] = {
	[AXV_EXIT_NONE]			= "None",
	[AXV_EXIT_HYPERCALL]		= "Hypercall",
	[AXV_EXIT_MMIO_READ]		= "MmioRead",
	[AXV_EXIT_MMIO_WRITE]		= "MmioWrite",
	[AXV_EXIT_SYSREG_READ]		= "SysRegRead",
	[AXV_EXIT_SYSREG_WRITE]		= "SysRegWrite",
	[AXV_EXIT_IO_READ]		= "IoRead",
	[AXV_EXIT_IO_WRITE]		= "IoWrite",
	[AXV_EXIT_EXTERNAL_INTERRUPT]	= "ExternalInterrupt",
	[AXV_EXIT_NESTED_PAGE_FAULT]	= "NestedPageFault",
	[AXV_EXIT_HALT]			= "Halt",
	[AXV_EXIT_CPU_UP]		= "CpuUp",
	[AXV_EXIT_CPU_DOWN]		= "CpuDown",
	[AXV_EXIT_SYSTEM_DOWN]		= "SystemDown",
	[AXV_EXIT_NOTHING]		= "Nothing",
	[AXV_EXIT_FAIL_ENTRY]		= "FailEntry",
	[AXV_EXIT_SEND_IPI]		= "SendIPI",
	[AXV_EXIT_KICKED]		= "Kicked",
	[AXV_EXIT_WRONG_CPU]		= "WrongCpu",
	[AXV_EXIT_SHUTDOWN]		= "Shutdown",
	[AXV_EXIT_EXCEPTION]		= "Exception",
	[AXV_EXIT_IRQ_WINDOW]		= "IrqWindow",
	[AXV_EXIT_CR8]			= "Cr8",
	[AXV_EXIT_IO_STRING]		= "IoString",
	[AXV_EXIT_MSW]			= "Msw",
	[AXV_EXIT_TASK_SWITCH]		= "TaskSwitch",
	[AXV_EXIT_EOI]			= "Eoi",
	[AXV_EXIT_TIMER]		= "Timer",
	[AXV_EXIT_DEBUG]		= "Debug",
};

static const char *const state_names[] = {
	[AXV_STATE_INVALID]	= "Invalid",
	[AXV_STATE_CREATED]	= "Created",
	[AXV_STATE_FREE]	= "Free",
	[AXV_STATE_READY]	= "Ready",
	[AXV_STATE_RUNNING]	= "Running",
	[AXV_STATE_BLOCKED]	= "Blocked",
};

static const char *const backend_names[] = {
	[AXV_BACKEND_FAKE]	= "fake",
	[AXV_BACKEND_SVM]	= "SVM",
	[AXV_BACKEND_VMX]	= "VMX",
	[AXV_BACKEND_EL2]	= "EL2",
};

static const char *name_of(const char *const *names, size_t count, __u64 n)
{
	return n < count && names[n] ? names[n] : "?";
}

const char *axv_exit_name(__u32 reason)
{
	return name_of(exit_names, ARRAY_SIZE(exit_names), reason);
}

const char *axv_state_name(__u32 state)
{
	return name_of(state_names, ARRAY_SIZE(state_names), state);
}

const char *axv_backend_name(__u64 backend)
{
	return name_of(backend_names, ARRAY_SIZE(backend_names), backend);
}
