#!/bin/sh
# Run by mmdebstrap when the packages are installed: $1 is the new system, the folder of this file holds what is laid
# over it. Leaves a system that has never booted: no machine id, no host keys, no logs.
set -eu
root=$1
recipe=$(dirname "$(realpath "$0")")
inside() { chroot "$root" "$@"; }

cp -R "$recipe/rootfs/." "$root/"
chown -R 0:0 "$root/etc/apt" "$root/etc/cloud" "$root/etc/default/grub" "$root/etc/fstab" "$root/etc/hostname" "$root/etc/hosts"
# mmdebstrap's own list; ours is debian.sources.
rm -f "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*.list
rm -f "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap

# The first boot's menu. update-grub writes the full one whenever a kernel is installed or removed; it cannot run here,
# where there is no disk for it to look at.
kernel=$(cd "$root/boot" && ls -d vmlinuz-* | sort -V | tail -n 1)
mkdir -p "$root/boot/grub"
cat >"$root/boot/grub/grub.cfg" <<GRUB
# First boot only: replaced by update-grub.
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=0
menuentry 'Debian GNU/Linux' {
  linux /boot/$kernel root=UUID=64656269-0000-4000-8013-000000000001 ro console=tty0 console=ttyS0,115200
  initrd /boot/initrd.img-${kernel#vmlinuz-}
}
GRUB
# Where grub's modules live, so that the boot loader can be reinstalled and rescued.
mkdir -p "$root/boot/grub/i386-pc"
cp "$root"/usr/lib/grub/i386-pc/*.mod "$root"/usr/lib/grub/i386-pc/*.lst "$root/boot/grub/i386-pc/"
inside grub-editenv /boot/grub/grubenv create

inside systemctl enable systemd-networkd systemd-resolved ssh serial-getty@ttyS0.service >/dev/null 2>&1
inside systemctl enable cloud-init-local cloud-init-network cloud-config cloud-final cloud-init-main >/dev/null 2>&1 || :
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
inside passwd --lock root >/dev/null 2>&1

: >"$root/etc/machine-id"
rm -f "$root"/var/lib/dbus/machine-id "$root"/etc/ssh/ssh_host_* "$root"/var/lib/systemd/random-seed
rm -f "$root"/var/cache/ldconfig/aux-cache "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old
rm -f "$root"/etc/passwd- "$root"/etc/group- "$root"/etc/shadow- "$root"/etc/gshadow- "$root"/etc/subuid- "$root"/etc/subgid-
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/man/* "$root"/var/lib/cloud/* "$root"/tmp/* "$root"/var/tmp/*
find "$root/var/log" -type f -delete
inside dpkg-query -W -f '${Package} ${Version}\n' >"$root/packages.txt"
