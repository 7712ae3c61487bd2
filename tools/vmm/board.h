/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The functions that each architecture implements: its board (memory map, devices,
 * booting) and its part of a vCPU.  Unless its comment says otherwise, each function
 * returns 0, or a negative errno after printing the error.
 */
#ifndef AXVMM_BOARD_H
#define AXVMM_BOARD_H

#include "machine.h"

/**
 * board_irqchip() - decide which interrupt controller the kernel module emulates
 * @machine:	the machine, with the device open
 * @config:	what the machine is to be
 * @irqchip:	where to store AXV_IRQCHIP_*
 */
int board_irqchip(struct machine *machine, const struct machine_config *config,
		  __u32 *irqchip);

/**
 * board_memory() - decide where memory is
 * @mem:	the memory, empty
 * @config:	what the machine is to be
 */
void board_memory(struct memory *mem, const struct machine_config *config);

/**
 * board_create() - make the devices, and connect the console to a serial port
 * @machine:	the machine, with its VM and its memory
 * @config:	what the machine is to be
 */
int board_create(struct machine *machine, const struct machine_config *config);

/**
 * board_pci() - get the root of PCI, and the operations for its message-signalled interrupts
 * @machine:	the machine, with its devices
 * @msi:	where to store the operations
 *
 * Return: the root; NULL: the board has none; no error has been printed.
 */
struct pci *board_pci(struct machine *machine, const struct msi_ops **msi);

/**
 * board_load() - put what is to be booted into memory
 * @machine:	the machine, with its devices and vCPUs
 * @config:	what to boot
 */
int board_load(struct machine *machine, const struct machine_config *config);

/**
 * board_press_button() - press the power button
 *
 * Context: with the machine's lock held.
 * Return: whether the guest's software waits for the button.
 */
bool board_press_button(struct machine *machine);

/** board_hw_id() - get the id that the guest knows a vCPU by: its APIC id, its MPIDR */
u64 board_hw_id(unsigned int id);

/** board_vcpu_create() - finish a vCPU that has just been created */
int board_vcpu_create(struct vcpu *vcpu);

/*
 * Unless it says otherwise, each function below is called in the vCPU's thread, with the
 * machine's lock held, while the vCPU does not run.
 */

/** board_vcpu_up() - set up a vCPU in state Created that has been switched on */
int board_vcpu_up(struct vcpu *vcpu);

/** board_vcpu_down() - bring a vCPU that has been switched off back to state Created */
int board_vcpu_down(struct vcpu *vcpu);

/** board_vcpu_enter() - do what has to be done before each run, such as inject interrupts */
int board_vcpu_enter(struct vcpu *vcpu);

/** board_ports() - get the bus of I/O ports; NULL: the architecture has none */
struct bus *board_ports(struct machine *machine);

/** board_vcpu_exit() - answer an exit that the common code does not answer */
int board_vcpu_exit(struct vcpu *vcpu);

/**
 * board_vcpu_exit_unlocked() - answer an exit without the machine's lock
 *
 * For exits that come with every interrupt: no vCPU waits for another one's exit then.
 *
 * Context: the vCPU's thread, without the machine's lock.
 * Return: whether the exit is answered; if not, board_vcpu_exit() is called.
 */
bool board_vcpu_exit_unlocked(struct vcpu *vcpu);

/** board_vcpu_show() - print the registers that tell where the guest is, for debugging */
void board_vcpu_show(struct vcpu *vcpu);

#endif /* AXVMM_BOARD_H */
