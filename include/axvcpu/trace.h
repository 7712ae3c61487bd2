/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: /sys/kernel/tracing/events/axvcpu.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM axvcpu

#if !defined(_AXVCPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _AXVCPU_TRACE_H

#include <linux/tracepoint.h>

#include <axvcpu/arch.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

/* The architecture's axv_show_hw_reason(). */
#include <hw_reason.h>

/*
 * Tools that read the events from outside (trace-cmd, perf) know no enumerators of
 * ours; the kernel tells them the number of each that is named here.
 */
TRACE_DEFINE_ENUM(AXV_STATE_INVALID);
TRACE_DEFINE_ENUM(AXV_STATE_CREATED);
TRACE_DEFINE_ENUM(AXV_STATE_FREE);
TRACE_DEFINE_ENUM(AXV_STATE_READY);
TRACE_DEFINE_ENUM(AXV_STATE_RUNNING);
TRACE_DEFINE_ENUM(AXV_STATE_BLOCKED);
TRACE_DEFINE_ENUM(AXV_INJECT_EXTINT);
TRACE_DEFINE_ENUM(AXV_INJECT_NMI);
TRACE_DEFINE_ENUM(AXV_INJECT_EXCEPTION);
TRACE_DEFINE_ENUM(AXV_INJECT_MSI);
TRACE_DEFINE_ENUM(AXV_INJECT_WIRED);
TRACE_DEFINE_ENUM(AXV_INJECT_PPI);
TRACE_DEFINE_ENUM(AXV_FAULT_RESOLVED);
TRACE_DEFINE_ENUM(AXV_FAULT_MMIO);
TRACE_DEFINE_ENUM(AXV_FAULT_PROTECTED);
TRACE_DEFINE_ENUM(AXV_FAULT_FAILED);
TRACE_DEFINE_ENUM(AXV_FAULT_AGAIN);
TRACE_DEFINE_ENUM(AXV_BACKEND_VMX);

#define axv_show_state(state)				\
	__print_symbolic(state,				\
		{ AXV_STATE_INVALID, "Invalid" },	\
		{ AXV_STATE_CREATED, "Created" },	\
		{ AXV_STATE_FREE, "Free" },		\
		{ AXV_STATE_READY, "Ready" },		\
		{ AXV_STATE_RUNNING, "Running" },	\
		{ AXV_STATE_BLOCKED, "Blocked" })

#define axv_show_inject(type)				\
	__print_symbolic(type,				\
		{ AXV_INJECT_EXTINT, "EXTINT" },	\
		{ AXV_INJECT_NMI, "NMI" },		\
		{ AXV_INJECT_EXCEPTION, "EXCEPTION" },	\
		{ AXV_INJECT_MSI, "MSI" },		\
		{ AXV_INJECT_WIRED, "WIRED" },		\
		{ AXV_INJECT_PPI, "PPI" })

#define axv_show_fault(result)				\
	__print_symbolic(result,			\
		{ AXV_FAULT_RESOLVED, "resolved" },	\
		{ AXV_FAULT_MMIO, "mmio" },		\
		{ AXV_FAULT_PROTECTED, "protected" },	\
		{ AXV_FAULT_FAILED, "failed" },		\
		{ AXV_FAULT_AGAIN, "again" })

/* The hardware is about to enter the guest. */
TRACE_EVENT(axv_entry,
	TP_PROTO(struct axv_vcpu *vcpu, u64 ip),
	TP_ARGS(vcpu, ip),

	TP_STRUCT__entry(
		__field(u32, vm_id)
		__field(u32, vcpu_id)
		__field(u64, ip)
	),

	TP_fast_assign(
		__entry->vm_id = vcpu->vm->id;
		__entry->vcpu_id = vcpu->id;
		__entry->ip = ip;
	),

	TP_printk("vm %u vcpu %u ip 0x%llx",
		  __entry->vm_id, __entry->vcpu_id, __entry->ip)
);

/* The hardware has left the guest, for a reason in the hardware's own code. */
TRACE_EVENT(axv_exit,
	TP_PROTO(struct axv_vcpu *vcpu, u64 ip, u64 hw_reason, u64 info1,
		 u64 info2),
	TP_ARGS(vcpu, ip, hw_reason, info1, info2),

	TP_STRUCT__entry(
		__field(u32, vm_id)
		__field(u32, vcpu_id)
		__field(u64, ip)
		__field(u32, backend)
		__field(u64, hw_reason)
		__field(u64, info1)
		__field(u64, info2)
	),

	TP_fast_assign(
		__entry->vm_id = vcpu->vm->id;
		__entry->vcpu_id = vcpu->id;
		__entry->ip = ip;
		__entry->backend = vcpu->ops->backend;
		__entry->hw_reason = hw_reason;
		__entry->info1 = info1;
		__entry->info2 = info2;
	),

	TP_printk("vm %u vcpu %u ip 0x%llx reason %s (0x%llx) info 0x%llx 0x%llx",
		  __entry->vm_id, __entry->vcpu_id, __entry->ip,
		  axv_show_hw_reason(__entry->backend, __entry->hw_reason,
				     __entry->info1),
		  __entry->hw_reason, __entry->info1, __entry->info2)
);

DECLARE_EVENT_CLASS(axv_two_states,
	TP_PROTO(struct axv_vcpu *vcpu, u8 first, u8 second),
	TP_ARGS(vcpu, first, second),

	TP_STRUCT__entry(
		__field(u32, vm_id)
		__field(u32, vcpu_id)
		__field(u8, first)
		__field(u8, second)
	),

	TP_fast_assign(
		__entry->vm_id = vcpu->vm->id;
		__entry->vcpu_id = vcpu->id;
		__entry->first = first;
		__entry->second = second;
	),

	TP_printk("vm %u vcpu %u %s -> %s",
		  __entry->vm_id, __entry->vcpu_id,
		  axv_show_state(__entry->first), axv_show_state(__entry->second))
);

DEFINE_EVENT(axv_two_states, axv_transition,
	TP_PROTO(struct axv_vcpu *vcpu, u8 from, u8 to),
	TP_ARGS(vcpu, from, to)
);

/* An operation was asked for in the wrong state, and makes the vCPU Invalid. */
DEFINE_EVENT_PRINT(axv_two_states, axv_bad_state,
	TP_PROTO(struct axv_vcpu *vcpu, u8 found, u8 expected),
	TP_ARGS(vcpu, found, expected),
	TP_printk("vm %u vcpu %u is %s, not %s",
		  __entry->vm_id, __entry->vcpu_id,
		  axv_show_state(__entry->first), axv_show_state(__entry->second))
);

/* The hardware refused to enter the guest, or left for an unexpected reason. */
TRACE_EVENT(axv_fail_entry,
	TP_PROTO(struct axv_vcpu *vcpu, u64 reason, u64 qualification),
	TP_ARGS(vcpu, reason, qualification),

	TP_STRUCT__entry(
		__field(u32, vm_id)
		__field(u32, vcpu_id)
		__field(u64, reason)
		__field(u64, qualification)
	),

	TP_fast_assign(
		__entry->vm_id = vcpu->vm->id;
		__entry->vcpu_id = vcpu->id;
		__entry->reason = reason;
		__entry->qualification = qualification;
	),

	TP_printk("vm %u vcpu %u reason 0x%llx qualification 0x%llx",
		  __entry->vm_id, __entry->vcpu_id, __entry->reason,
		  __entry->qualification)
);

/* A second-stage fault and what became of it (enum axv_fault_result). */
TRACE_EVENT(axv_fault,
	TP_PROTO(struct axv_vm *vm, u64 gpa, u32 access, u32 result),
	TP_ARGS(vm, gpa, access, result),

	TP_STRUCT__entry(
		__field(u32, vm_id)
		__field(u64, gpa)
		__field(u32, access)
		__field(u32, result)
	),

	TP_fast_assign(
		__entry->vm_id = vm->id;
		__entry->gpa = gpa;
		__entry->access = access;
		__entry->result = result;
	),

	TP_printk("vm %u gpa 0x%llx access %s%s%s%s: %s",
		  __entry->vm_id, __entry->gpa,
		  __entry->access & AXV_ACCESS_READ ? "r" : "-",
		  __entry->access & AXV_ACCESS_WRITE ? "w" : "-",
		  __entry->access & AXV_ACCESS_FETCH ? "x" : "-",
		  __entry->access & AXV_ACCESS_PAGE_TABLE ? "t" : "-",
		  axv_show_fault(__entry->result))
);

/* An event was queued for the guest, or refused. */
TRACE_EVENT(axv_inject,
	TP_PROTO(struct axv_vcpu *vcpu, u32 type, u32 vector, int error),
	TP_ARGS(vcpu, type, vector, error),

	TP_STRUCT__entry(
		__field(u32, vm_id)
		__field(u32, vcpu_id)
		__field(u32, type)
		__field(u32, vector)
		__field(int, error)
	),

	TP_fast_assign(
		__entry->vm_id = vcpu->vm->id;
		__entry->vcpu_id = vcpu->id;
		__entry->type = type;
		__entry->vector = vector;
		__entry->error = error;
	),

	TP_printk("vm %u vcpu %u %s vector %u error %d",
		  __entry->vm_id, __entry->vcpu_id,
		  axv_show_inject(__entry->type), __entry->vector,
		  __entry->error)
);

#endif /* _AXVCPU_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
/* Found from the module's own include directory, as all of <axvcpu/...>. */
#define TRACE_INCLUDE_PATH axvcpu
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
