// SPDX-License-Identifier: GPL-2.0
/* The options of axvmm run that give a guest devices. */
#include <errno.h>
#include <stdio.h>
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

/* Parse ADDRESS as parse_mac(), up to the end of @text, for one device alone. */
static int parse_device_mac(const char *text, u8 *mac)
{
	const char *end = parse_mac(text, mac);

	if (!end || *end) {
		log_error("--net: mac=%s: give an address such as mac=52:54:00:12:34:56", text);
		return -EINVAL;
	}
	if (mac[0] & 1) {
		log_error("--net: mac=%s: this is the address of a group; its first byte is odd",
			  text);
		return -EINVAL;
	}
	return 0;
}

/* Parse tap=NAME[,mac=ADDRESS]. */
static int add_tap(struct machine_config *config, const char *text)
{
	struct vhost_config *device = add_device(config, VHOST_NET, "--net");
	const char *comma = strchrnul(text, ',');
	struct vhost_tap tap = { 0 };

	if (!device)
		return -E2BIG;
	tap.has_mac = *comma;
	if (comma == text || comma - text >= IFNAMSIZ ||
	    (tap.has_mac && strncmp(comma, ",mac=", 5))) {
		log_error("--net tap=%s: give an interface, and behind it ,mac= if need be", text);
		return -EINVAL;
	}
	if (tap.has_mac && parse_device_mac(comma + 5, tap.mac))
		return -EINVAL;
	tap.name = strndup(text, comma - text);
	if (!tap.name) {
		log_error("out of memory");
		return -ENOMEM;
	}
	device->tap = tap;
	return 0;
}

/* Parse a port's number.  Returns what follows it, or NULL. */
static const char *skip_port(const char *text)
{
	unsigned long port = 0;
	unsigned int i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 5; i++)
		port = port * 10 + (text[i] - '0');
	return port && port <= 65535 ? text + i : NULL;
}

/*
 * Parse [ADDRESS/]PORT[:GUEST_PORT].  Without an address only the host itself reaches the port,
 * not its network.
 */
static int add_port(struct daemon_net *net, const char *option, const char *text)
{
	const char *slash = strchr(text, '/');
	const char *end = skip_port(slash ? slash + 1 : text);
	char *port;

	if (end && *end == ':')
		end = skip_port(end + 1);
	if (!end || *end || slash == text ||
	    (slash && text + strspn(text, "0123456789abcdefABCDEF.:") != slash)) {
		log_error("--net: \"%s\" is no port: give one such as 8080:80, or 0.0.0.0/8080:80",
			  text);
		return -EINVAL;
	}
	if (net->nr == DAEMON_PORTS) {
		log_error("--net: a network leads at most %u ports to the guest", DAEMON_PORTS);
		return -E2BIG;
	}
	if (asprintf(&port, "%s%s", slash ? "" : "127.0.0.1/", text) < 0) {
		log_error("out of memory");
		return -ENOMEM;
	}
	net->options[net->nr] = option;
	net->ports[net->nr++] = port;
	return 0;
}

static int add_user_key(struct usernet_config *net, const char *key)
{
	if (!strncmp(key, "tcp=", 4))
		return add_port(&net->forward, "-t", key + 4);
	if (!strncmp(key, "udp=", 4))
		return add_port(&net->forward, "-u", key + 4);
	if (!strncmp(key, "mac=", 4)) {
		net->has_mac = true;
		return parse_device_mac(key + 4, net->mac);
	}
	log_error("--net user: \"%s\" is none of tcp=, udp=, mac= and socket=", key);
	return -EINVAL;
}

/* Parse [,mac=ADDRESS][,tcp=PORT]...[,udp=PORT]... or [,mac=ADDRESS],socket=PATH. */
static int add_user(struct machine_config *config, const char *text)
{
	struct usernet_config *net = &config->usernets[config->nr_usernets];
	char *copy, *key, *rest;
	int err = 0;

	if (config->nr_usernets == USERNETS) {
		log_error("--net: a guest has at most %u networks by passt", USERNETS);
		return -E2BIG;
	}
	copy = strdup(text);
	if (!copy) {
		log_error("out of memory");
		return -ENOMEM;
	}
	net->socket = cut_value(copy, ",socket=");
	rest = *copy ? copy + 1 : NULL;
	while (!err && (key = strsep(&rest, ",")))
		err = add_user_key(net, key);
	if (!err && net->socket && (!*net->socket || net->forward.nr)) {
		log_error("--net user: give ports to the passt that listens, not here");
		err = -EINVAL;
	}
	/* The path is in the copy. */
	if (err || !net->socket)
		free(copy);
	if (!err)
		config->nr_usernets++;
	return err;
}

int devices_add_net(struct machine_config *config, const char *text)
{
	if (!strncmp(text, "tap=", 4))
		return add_tap(config, text + 4);
	if (!strcmp(text, "user") || !strncmp(text, "user,", 5))
		return add_user(config, text + 4);
	log_error("--net %s: give user, for a network by passt, or an interface: tap=tap0", text);
	return -EINVAL;
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
