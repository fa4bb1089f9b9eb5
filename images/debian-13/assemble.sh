#!/bin/sh
# Makes the disk out of the system's tar archive: runs among the tools' unpacked packages. /recipe is this folder, /out
# has root.tar and receives disk.raw, boot.img and core.img (the caller joins the last two to the disk).
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TZ=UTC
disk_sectors=$(((3 << 30) / 512))
loader_start=2048
loader_sectors=2048
root_start=4096
# The second partition table of GPT takes the last 33 sectors.
root_sectors=$(((disk_sectors - root_start - 34) / 2048 * 2048))

echo "step: root file system"
mke2fs -q -t ext4 -d /out/root.tar -L debian-root -U 64656269-0000-4000-8013-000000000001 -b 4096 -m 1 \
  -E hash_seed=64656269-0000-4000-8013-000000000002,resize=1073741824,root_owner=0:0 \
  -O '^orphan_file,^metadata_csum_seed' /out/root.ext4 $((root_sectors / 8 * 4))k

echo "step: boot loader"
grub-mkimage --directory=/usr/lib/grub/i386-pc --format=i386-pc --output=/out/core.img --compression=auto \
  --prefix='(,gpt1)/boot/grub' biosdisk part_gpt ext2
cp /usr/lib/grub/i386-pc/boot.img /out/boot.img

echo "step: disk"
truncate -s $((disk_sectors * 512)) /out/disk.raw
sfdisk --quiet --no-reread --no-tell-kernel /out/disk.raw <<TABLE
label: gpt
label-id: 64656269-0000-4000-8013-000000000003
1: start=$root_start, size=$root_sectors, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=64656269-0000-4000-8013-000000000004
14: start=$loader_start, size=$loader_sectors, type=21686148-6449-6E6F-744E-656564454649, uuid=64656269-0000-4000-8013-000000000005
TABLE
dd if=/out/root.ext4 of=/out/disk.raw bs=1M seek=$((root_start / 2048)) conv=notrunc,sparse status=none
rm -f /out/root.ext4
