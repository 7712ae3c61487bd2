// SPDX-License-Identifier: GPL-2.0
/*
 * A network device whose packets the kernel's vhost-net passes to and from a tap interface of
 * the host.
 *
 * It has one queue for each direction, and no control queue: the kernel passes all packets of
 * the tap interface, so the driver need not say which ones it wants.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "log.h"
#include "vhost-kinds.h"

#define NET_CLASS	0x02000000	/* a controller of Ethernet */
#define NET_QUEUES	2		/* one receives, one sends */
#define NET_CONFIG	offsetof(struct virtio_net_config, speed)

/* What the tap interface can do with a packet that the guest sends, or receives. */
#define SEND_FEATURES	(1ull << VIRTIO_NET_F_CSUM | 1ull << VIRTIO_NET_F_HOST_TSO4 |	\
			 1ull << VIRTIO_NET_F_HOST_TSO6 | 1ull << VIRTIO_NET_F_HOST_ECN)
#define RECEIVE_FEATURES (1ull << VIRTIO_NET_F_GUEST_CSUM | 1ull << VIRTIO_NET_F_GUEST_TSO4 | \
			  1ull << VIRTIO_NET_F_GUEST_TSO6 | 1ull << VIRTIO_NET_F_GUEST_ECN)
#define CONFIG_FEATURES	(1ull << VIRTIO_NET_F_MAC | 1ull << VIRTIO_NET_F_STATUS |	\
			 1ull << VIRTIO_NET_F_MTU)

#define TUN		"/dev/net/tun"

/* ---- the tap interface --------------------------------------------------- */

static int cannot_use(const char *name)
{
	int err = -errno;

	if (err == -EBUSY)
		log_error("--net: %s is another program's already", name);
	else if (err == -EPERM)
		log_error("--net: %s is another user's; "
			  "make one: ip tuntap add dev NAME mode tap user USER", name);
	else if (err == -EINVAL)
		log_error("--net: %s is no tap interface", name);
	else
		log_error("--net: cannot use %s: %s", name, strerror(-err));
	return err;
}

/* Packets have virtio's header in front of them, as of virtio 1. */
static int set_header(int fd)
{
	int size = sizeof(struct virtio_net_hdr_v1), little = 1;

	return ioctl(fd, TUNSETVNETHDRSZ, &size) || ioctl(fd, TUNSETVNETLE, &little);
}

/*
 * The kernel lets several programs attach to an interface for several queues, each with a queue
 * of its own.  Returns whether there is another one: then each would get some of the packets.
 */
static bool is_shared(const char *name)
{
	char path[sizeof("/sys/class/net//queues/rx-1") + IFNAMSIZ];

	snprintf(path, sizeof(path), "/sys/class/net/%s/queues/rx-1", name);
	return !access(path, F_OK);
}

static int open_tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd, err;

	fd = open(TUN, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		err = -errno;
		log_error("--net: cannot open " TUN ": %s%s", strerror(-err),
			  err == -ENOENT || err == -ENODEV ?
			  "; load the module: modprobe tun" : "");
		return err;
	}
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	err = ioctl(fd, TUNSETIFF, &request);
	if (err && errno == EINVAL) {
		/* An interface that was made for several queues has to be opened so. */
		request.ifr_flags |= IFF_MULTI_QUEUE;
		err = ioctl(fd, TUNSETIFF, &request);
		if (!err && is_shared(request.ifr_name)) {
			errno = EBUSY;
			err = -1;
		}
	}
	if (!err)
		err = set_header(fd);
	if (!err)
		return fd;
	err = cannot_use(name);
	close(fd);
	return err;
}

/*
 * Ask for the interface's MTU and its own address.  TUNSETIFF would make an interface that is not
 * there, without an address, and down; so this comes first.
 */
static int ask_interface(const char *name, u16 *mtu, u8 *mac)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };
	int err;

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	err = fd < 0 || ioctl(fd, SIOCGIFMTU, &request) ? -errno : 0;
	*mtu = request.ifr_mtu;
	if (!err && ioctl(fd, SIOCGIFHWADDR, &request))
		err = -errno;
	memcpy(mac, request.ifr_hwaddr.sa_data, VHOST_MAC);
	if (fd >= 0)
		close(fd);
	if (err == -ENODEV)
		log_error("--net: there is no network interface %s; "
			  "make it first: ip tuntap add dev %s mode tap", name, name);
	else if (err)
		log_error("--net: cannot ask for the MTU and the address of %s: %s", name,
			  strerror(-err));
	return err;
}

/* ---- the device's address ------------------------------------------------ */

/*
 * Make an address that stays the same when the guest starts again, and differs from those of
 * other interfaces here, and on other hosts: from the interface's name and its own address,
 * which are no secrets, by the hash function FNV-1a.
 */
static void make_mac(u8 *mac, const char *name, const u8 *interface)
{
	u64 hash = 0xcbf29ce484222325;
	unsigned int i;

	for (i = 0; i < VHOST_MAC; i++)
		hash = (hash ^ interface[i]) * 0x100000001b3;
	for (; *name; name++)
		hash = (hash ^ (u8)*name) * 0x100000001b3;
	memcpy(mac, &hash, VHOST_MAC);
	/* Of one device, not a group; and administered locally, not by a manufacturer. */
	mac[0] = (mac[0] & ~1) | 2;
}

/* ---- the transport ------------------------------------------------------- */

/* What the interface may leave undone in packets for the guest, as the driver has accepted. */
static unsigned int offloads(u64 features)
{
	unsigned int flags = 0;

	/* The kernel refuses the other offloads without checksums. */
	if (!(features & 1ull << VIRTIO_NET_F_GUEST_CSUM))
		return 0;
	if (features & 1ull << VIRTIO_NET_F_GUEST_TSO4)
		flags |= TUN_F_TSO4;
	if (features & 1ull << VIRTIO_NET_F_GUEST_TSO6)
		flags |= TUN_F_TSO6;
	if (flags && (features & 1ull << VIRTIO_NET_F_GUEST_ECN))
		flags |= TUN_F_TSO_ECN;
	return flags | TUN_F_CSUM;
}

static int attach(struct vhost_kernel *k, u64 features, const struct vhost_ring *rings,
		  unsigned int nr, bool on)
{
	struct vhost_vring_file file = { .fd = on ? k->backend : VHOST_FILE_UNBIND };
	unsigned int i;

	if (on && ioctl(k->backend, TUNSETOFFLOAD, (unsigned long)offloads(features)))
		return -errno;
	for (i = 0; i < nr; i++) {
		file.index = rings[i].queue;
		if (ioctl(k->fd, VHOST_NET_SET_BACKEND, &file))
			return -errno;
	}
	return 0;
}

int vhost_net_connect(struct vhost *d, const struct vhost_config *config, struct virtio_id *id,
		      void *space)
{
	const struct vhost_tap *tap = &config->tap;
	struct virtio_net_config *net = space;
	struct vhost_kernel *k = &d->kernel;
	u8 mac[VHOST_MAC];
	u16 mtu;
	int err;

	d->name = tap->name;
	*k = (struct vhost_kernel){
		.fd = -1, .name = tap->name, .queues = NET_QUEUES, .backend = -1,
		.attach = attach,
	};
	err = ask_interface(tap->name, &mtu, mac);
	if (err)
		return err;
	*net = (struct virtio_net_config){ .status = VIRTIO_NET_S_LINK_UP, .mtu = mtu };
	k->backend = open_tap(tap->name);
	if (k->backend < 0)
		return k->backend;
	err = vhost_kernel_open(k, "/dev/vhost-net", "vhost_net");
	if (err)
		return err;
	if (tap->has_mac)
		memcpy(net->mac, tap->mac, VHOST_MAC);
	else
		make_mac(net->mac, tap->name, mac);

	*id = (struct virtio_id){
		.type = VIRTIO_ID_NET,
		.class = NET_CLASS,
		.features = (k->features & (VHOST_FEATURES | 1ull << VIRTIO_NET_F_MRG_RXBUF)) |
			    SEND_FEATURES | RECEIVE_FEATURES | CONFIG_FEATURES,
		.queues = NET_QUEUES,
		.config = net,
		.config_size = NET_CONFIG,
	};
	return 0;
}
