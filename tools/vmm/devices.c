// SPDX-License-Identifier: GPL-2.0
/* The options of axvmm run that give a guest devices. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <net/if.h>

#include "devices.h"
#include "log.h"

/* Add a device, for an option.  Returns NULL if there are VHOST_DEVICES already. */
static struct vhost_config *add_device(struct machine_config *config, enum vhost_type type,
				       const char *option)
{
	struct vhost_config *device = &config->vhost[config->nr_vhost];

	if (config->nr_vhost == VHOST_DEVICES) {
		log_error("%s: a guest has at most %u devices", option, VHOST_DEVICES);
		return NULL;
	}
	config->nr_vhost++;
	device->type = type;
	return device;
}

/* Cut @end off the end of @text.  Returns whether @text ended so. */
static bool cut(char *text, const char *end)
{
	size_t length = strlen(text), n = strlen(end);

	if (length < n || strcmp(text + length - n, end))
		return false;
	text[length - n] = '\0';
	return true;
}

/* Parse FILE[,ro][,format=raw|qcow2]; other commas belong to the file's name. */
int devices_add_disk(struct machine_config *config, const char *text)
{
	struct vhost_config *vhost = add_device(config, VHOST_BLK, "--disk");
	struct daemon_disk disk = { .format = "raw" };
	const char *comma;
	char *file;

	if (!vhost)
		return -E2BIG;
	file = strdup(text);
	if (!file) {
		log_error("out of memory");
		return -ENOMEM;
	}
	for (;;) {
		if (cut(file, ",ro"))
			disk.readonly = true;
		else if (cut(file, ",format=raw"))
			disk.format = "raw";
		else if (cut(file, ",format=qcow2"))
			disk.format = "qcow2";
		else
			break;
	}
	comma = strrchr(file, ',');
	if (!*file || (comma && !strncmp(comma, ",format=", 8))) {
		log_error("--disk %s: give a file, and behind it ,ro or ,format=qcow2 if need be",
			  text);
		free(file);
		return -EINVAL;
	}
	disk.file = file;
	vhost->disk = disk;
	return 0;
}

/* Parse pty, attach, socket=PATH or file=PATH; the path is the whole rest, commas included. */
int devices_add_console(struct machine_config *config, const char *text)
{
	static const struct {
		const char *name;
		enum console_kind kind;
		bool path;
	} kinds[] = {
		{ "pty", CONSOLE_PTY, false }, { "attach", CONSOLE_ATTACH, false },
		{ "socket=", CONSOLE_SOCKET, true }, { "file=", CONSOLE_FILE, true },
	};
	unsigned int i;

	if (config->nr_consoles == VCONSOLES) {
		log_error("--console: a guest has at most %u virtio consoles", VCONSOLES);
		return -E2BIG;
	}
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const size_t length = strlen(kinds[i].name);

		if (strncmp(text, kinds[i].name, length) || kinds[i].path != !!text[length])
			continue;
		config->consoles[config->nr_consoles++] = (struct console_config){
			.kind = kinds[i].kind, .path = text + length,
		};
		return 0;
	}
	log_error("--console %s: give pty, socket=/a, file=/b, or attach, for axvmm console",
		  text);
	return -EINVAL;
}

/* Parse six bytes such as 52:54:00:12:34:56.  Returns what follows them, or NULL. */
static const char *parse_mac(const char *text, u8 *mac)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	unsigned int i;

	for (i = 0; i < 2 * VHOST_MAC; i++) {
		const char *digit = *text ? strchr(digits, *text++) : NULL;

		if (!digit)
			return NULL;
		mac[i / 2] = mac[i / 2] << 4 | (digit - digits < 16 ? digit - digits :
								      digit - digits - 6);
		if (i % 2 && i / 2 < VHOST_MAC - 1 && *text++ != ':')
			return NULL;
	}
	return text;
}

/* Parse tap=NAME[,mac=ADDRESS]. */
int devices_add_net(struct machine_config *config, const char *text)
{
	struct vhost_config *device = add_device(config, VHOST_NET, "--net");
	struct vhost_tap tap = { 0 };
	const char *comma, *end;

	if (!device)
		return -E2BIG;
	comma = strchrnul(text, ',');
	if (strncmp(text, "tap=", 4) || comma == text + 4 || comma - text >= 4 + IFNAMSIZ) {
		log_error("--net %s: give a tap interface, such as tap=tap0", text);
		return -EINVAL;
	}
	tap.has_mac = *comma;
	end = tap.has_mac && !strncmp(comma, ",mac=", 5) ? parse_mac(comma + 5, tap.mac) : NULL;
	if (tap.has_mac && (!end || *end)) {
		log_error("--net %s: give an address such as mac=52:54:00:12:34:56", text);
		return -EINVAL;
	}
	if (tap.mac[0] & 1) {
		log_error("--net %s: this is the address of a group; the first byte has to be even",
			  text);
		return -EINVAL;
	}
	tap.name = strndup(text + 4, comma - text - 4);
	if (!tap.name) {
		log_error("out of memory");
		return -ENOMEM;
	}
	device->tap = tap;
	return 0;
}

/*
 * Check a shared directory's tag, of which there can be only one.  Returns 0, or a negative errno
 * after a message.
 */
static int check_tag(const struct machine_config *config, const char *option, const char *tag)
{
	unsigned int i;

	if (!*tag || strlen(tag) > VHOST_TAG) {
		log_error("%s: \"%s\" is no tag: that has 1 to %u characters", option, tag,
			  VHOST_TAG);
		return -EINVAL;
	}
	for (i = 0; i < config->nr_vhost; i++) {
		const char *other = config->vhost[i].share.tag;

		if (!other || strcmp(other, tag))
			continue;
		log_error("%s: two directories have the tag \"%s\"; give one another, by ,tag=",
			  option, tag);
		return -EEXIST;
	}
	return 0;
}

/* Cut off what follows the last @key in @text.  Returns that, or NULL if @key is not there. */
static char *cut_value(char *text, const char *key)
{
	char *at, *last = NULL;

	for (at = text; (at = strstr(at, key)); at++)
		last = at;
	if (!last)
		return NULL;
	*last = '\0';
	return last + strlen(key);
}

/* Parse DIRECTORY[,tag=TAG]; without a tag it is the last part of the directory's path. */
int devices_add_share(struct machine_config *config, const char *text)
{
	struct vhost_config *device = add_device(config, VHOST_FS, "--share");
	char *directory, *tag;
	int err;

	if (!device)
		return -E2BIG;
	directory = strdup(text);
	if (!directory) {
		log_error("out of memory");
		return -ENOMEM;
	}
	tag = cut_value(directory, ",tag=");
	if (!*directory) {
		log_error("--share %s: give a directory, such as /srv/files", text);
		free(directory);
		return -EINVAL;
	}
	if (!tag) {
		while (directory[1] && cut(directory, "/"))
			;
		tag = strrchr(directory, '/') ? strrchr(directory, '/') + 1 : directory;
	}
	err = check_tag(config, "--share", tag);
	if (err) {
		free(directory);
		return err;
	}
	device->share = (struct daemon_share){ .directory = directory, .tag = tag };
	return 0;
}

/* Parse blk,socket=PATH or fs,tag=TAG,socket=PATH; the path is the whole rest, commas included. */
int devices_add_vhost_user(struct machine_config *config, const char *text)
{
	static const char option[] = "--vhost-user";
	const char *socket = strstr(text, ",socket=");
	const bool blk = !strncmp(text, "blk,socket=", 11), fs = !strncmp(text, "fs,tag=", 7);
	struct vhost_config *device;
	char *tag;
	int err;

	if ((!blk && !fs) || !socket || !socket[8]) {
		log_error("%s %s: give a type and a socket: blk,socket=/a or fs,tag=b,socket=/c",
			  option, text);
		return -EINVAL;
	}
	device = add_device(config, fs ? VHOST_FS : VHOST_BLK, option);
	if (!device)
		return -E2BIG;
	device->socket = socket + 8;
	if (!fs)
		return 0;
	tag = strndup(text + 7, socket - text - 7);
	if (!tag) {
		log_error("out of memory");
		return -ENOMEM;
	}
	err = check_tag(config, option, tag);
	if (err)
		free(tag);
	else
		device->share.tag = tag;
	return err;
}

/*
 * Parse the guest's number. 0 to 2 are the hypervisor's and the host's numbers, and ~0 stands for
 * any.
 */
int devices_add_vsock(struct machine_config *config, const char *text)
{
	struct vhost_config *device;
	unsigned int i;
	u64 cid = 0;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && cid < ~0u; i++)
		cid = cid * 10 + (text[i] - '0');
	if (text[i] || cid < 3 || cid >= ~0u) {
		log_error("--vsock %s: give a number for the guest, 3 to %u", text, ~0u - 1);
		return -EINVAL;
	}
	for (i = 0; i < config->nr_vhost; i++) {
		if (config->vhost[i].type != VHOST_VSOCK)
			continue;
		log_error("--vsock %s: a guest has one number only", text);
		return -EEXIST;
	}
	device = add_device(config, VHOST_VSOCK, "--vsock");
	if (!device)
		return -E2BIG;
	device->cid = cid;
	return 0;
}
