/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an architecture brings: its board, with memory map, devices and the way
 * to boot, and what is its own of a vCPU.  Each function returns 0 or a negative
 * errno unless it says otherwise, and then has printed the error.
 */
#ifndef AXVMM_BOARD_H
#define AXVMM_BOARD_H

#include "machine.h"

/**
 * board_irqchip() - decide which interrupt controller the kernel module is to have
 * @machine:	the machine, with the device open
 * @config:	what it is to be
 * @irqchip:	where to store it
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
 * board_create() - make the devices, and the console on one of them
 * @machine:	the machine, with its VM and its memory
 * @config:	what it is to be
 */
int board_create(struct machine *machine, const struct machine_config *config);

/**
 * board_pci() - the root of PCI, and what makes interrupts of messages
 * @machine:	the machine, with its devices
 * @msi:	where to store the latter
 *
 * Return: the root; NULL: there is none, and no error has been printed.
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
 * Return: whether the guest's software listens to it.
 */
bool board_press_button(struct machine *machine);

/** board_hw_id() - what a vCPU is to the guest: its APIC id, its MPIDR */
u64 board_hw_id(unsigned int id);

/** board_vcpu_create() - finish a vCPU that has just been created */
int board_vcpu_create(struct vcpu *vcpu);

/*
 * What follows is called in the vCPU's thread, with the machine's lock held,
 * while the vCPU does not run.
 */

/** board_vcpu_up() - set up a vCPU that has been switched on, from Created */
int board_vcpu_up(struct vcpu *vcpu);

/** board_vcpu_down() - bring a vCPU that has been switched off back to Created */
int board_vcpu_down(struct vcpu *vcpu);

/** board_vcpu_enter() - what has to be done before each run */
int board_vcpu_enter(struct vcpu *vcpu);

/** board_ports() - I/O ports; NULL: the architecture has none */
struct bus *board_ports(struct machine *machine);

/** board_vcpu_exit() - answer an exit that is the architecture's */
int board_vcpu_exit(struct vcpu *vcpu);

/**
 * board_vcpu_exit_unlocked() - answer an exit without the machine's lock
 *
 * For what is on the path of an interrupt: no vCPU waits for another one there.
 *
 * Context: the vCPU's thread, without the machine's lock.
 * Return: whether it is answered.
 */
bool board_vcpu_exit_unlocked(struct vcpu *vcpu);

/** board_vcpu_show() - print where the guest is, for who has to find out why */
void board_vcpu_show(struct vcpu *vcpu);

#endif /* AXVMM_BOARD_H */
