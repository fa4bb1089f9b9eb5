#!/bin/sh
# Cuts the mini image out of the unpacked Debian packages it runs in. /recipe is this folder, /out receives disk.raw and
# packages.txt. Everything that could differ between two runs (times, owners, order, identifiers) is fixed here.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C TZ=UTC TMPDIR=/out/tmp
recipe=/recipe
work=/out/work
root=$work/root
initramfs=$work/initramfs
rm -rf "$work" /out/tmp
mkdir -p "$root" "$initramfs" /out/tmp

kernel=$(basename /usr/lib/modules/*)
SOURCE_DATE_EPOCH=$(stat -c %Y "/boot/vmlinuz-$kernel")
export SOURCE_DATE_EPOCH

lines() { sed 's/#.*//; /^[[:space:]]*$/d' "$1"; }

# Names the workshop's file $1, and the libraries it loads, in $work/copied; copies them to the same place.
take() {
  path=$(realpath "$1")
  grep -qxF "$path" "$work/copied" && return 0
  echo "$path" >>"$work/copied"
  mkdir -p "$root$(dirname "$path")"
  cp -p "$path" "$root$path"
  if [ "$1" != "$path" ]; then
    # The name it goes by (libfoo.so.1) beside the file it is (libfoo.so.1.2.3).
    name=$(realpath -s "$(dirname "$1")")
    name=$(realpath "$name")/$(basename "$1")
    [ "$name" = "$path" ] || ln -sfr "$root$path" "$root$name"
  fi
}
: >"$work/copied"

echo "step: programs"
for folder in bin sbin lib lib64; do
  mkdir -p "$root/usr/$folder"
  ln -s "usr/$folder" "$root/$folder"
done
for program in $(lines $recipe/programs.txt); do
  take "$program"
  # A static program has nothing to list (1); a plugin is listed like a program (2).
  linked=0
  /lib64/ld-linux-x86-64.so.2 --verify "$program" || linked=$?
  [ "$linked" != 1 ] || continue
  /lib64/ld-linux-x86-64.so.2 --list "$program" | sed -n 's,^[^/]*\(/[^ ]*\) (.*,\1,p' >"$work/libraries"
  while read -r library; do take "$library"; done <"$work/libraries"
done
ln -sf nc.openbsd "$root/usr/bin/nc"
# Not busybox's: there, its own small ip, ping and nc come before the real ones, whatever PATH says. Our boot scripts,
# which want just that, name it.
ln -sf bash "$root/usr/bin/sh"
for name in mkfs.ext2 mkfs.ext3 mkfs.ext4; do ln -sf mke2fs "$root/usr/sbin/$name"; done
ln -sf e2fsck "$root/usr/sbin/fsck.ext4"
ln -sf openssh/sftp-server "$root/usr/lib/sftp-server"
mkdir -p "$root/etc"
cp -p /etc/mke2fs.conf "$root/etc/"
cp -p /usr/lib/os-release "$root/usr/lib/os-release"
echo /usr/lib/os-release >>"$work/copied"
echo /etc/mke2fs.conf >>"$work/copied"
ln -s ../usr/lib/os-release "$root/etc/os-release"

echo "step: kernel modules"
depmod -b / "$kernel"
modules=$root/usr/lib/modules/$kernel
# The path of module $1 and of all it depends on, dependencies first.
closure() {
  modprobe --dirname=/ --set-version="$kernel" --show-depends --ignore-install "$1" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
}
for module in $(lines $recipe/modules.txt); do
  for file in $(closure "$module"); do
    file=$(realpath "$file")
    grep -qxF "$file" "$work/copied" && continue
    echo "$file" >>"$work/copied"
    target=$root${file%.xz}
    mkdir -p "$(dirname "$target")"
    xz -dc "$file" >"$target"
  done
done
cp -p "/usr/lib/modules/$kernel/modules.builtin" "/usr/lib/modules/$kernel/modules.builtin.modinfo" "$modules/"
: >"$modules/modules.order"
depmod -b "$root" "$kernel"
rm -f "$modules"/modules.*.bin "$modules/modules.builtin.modinfo" "$modules/modules.order" "$modules/modules.softdep" \
  "$modules/modules.weakdep" "$modules/modules.devname" "$modules/modules.symbols"

echo "step: root file system"
cp -R $recipe/rootfs/. "$root/"
/usr/bin/busybox --list-full | while read -r applet; do
  case $applet in sbin/* | bin/*) applet=usr/$applet ;; linuxrc) continue ;; esac
  base=$(basename "$applet")
  # A real program wins over the applet of its name, wherever either lives.
  [ ! -e "$root/usr/bin/$base" ] && [ ! -e "$root/usr/sbin/$base" ] || continue
  ln -s /usr/bin/busybox "$root/$applet"
done
for action in poweroff reboot halt; do ln -sf ../lib/mini/shutdown "$root/usr/sbin/$action"; done
rm -f "$root/usr/bin/poweroff" "$root/usr/bin/reboot" "$root/usr/bin/halt"
for folder in dev proc sys run tmp root home mnt boot var/lib/mini var/log var/tmp; do mkdir -p "$root/$folder"; done
ln -s ../run "$root/var/run"
printf '' >"$root/etc/resolv.conf"

# The packages whose files are in the image, with their copyright files.
echo /boot/vmlinuz-"$kernel" >>"$work/copied"
sed 's,^/,,' "$work/copied" | sort -u >"$work/paths"
mawk 'NR == FNR { wanted[$0] = 1; next } { path = $2; sub(/^(usr\/)?/, "usr/", path); if (wanted[$2] || wanted[path]) print $1 }' \
  "$work/paths" /owners.txt | sort -u >"$work/package-names"
mawk 'NR == FNR { wanted[$1] = 1; next } wanted[$1]' "$work/package-names" /packages.txt >/out/packages.txt
while read -r package; do
  mkdir -p "$root/usr/share/doc/$package"
  if [ -e "/usr/share/doc/$package/copyright" ]; then
    xz -9 -T1 -c "/usr/share/doc/$package/copyright" >"$root/usr/share/doc/$package/copyright.xz"
  fi
done <"$work/package-names"
mkdir -p "$root/usr/share/mini"
cp /out/packages.txt "$root/usr/share/mini/packages.txt"

find "$root" -type d -exec chmod 0755 {} +
find "$root/etc" "$root/usr/share" -type f -exec chmod 0644 {} +
chmod 1777 "$root/tmp" "$root/var/tmp"
chmod 0700 "$root/root" "$root/var/lib/mini"
chmod 0600 "$root/etc/shadow"
chmod 0440 "$root/etc/sudoers"
chmod 0755 "$root/etc/acpi/PWRF/00000080" "$root"/usr/lib/mini/*
chmod 4755 "$root/usr/bin/sudo"
tar --create --file "$work/root.tar" --directory "$root" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner \
  --mtime="@$SOURCE_DATE_EPOCH" .

echo "step: initramfs"
mkdir -p "$initramfs/bin" "$initramfs/modules" "$initramfs/dev" "$initramfs/proc" "$initramfs/sys" "$initramfs/root"
cp /usr/bin/busybox "$initramfs/bin/"
for applet in sh mount insmod dd blockdev usleep switch_root setsid cttyhack; do ln -s busybox "$initramfs/bin/$applet"; done
cp $recipe/initramfs/init "$initramfs/init"
chmod 0755 "$initramfs/init"
for module in $(lines $recipe/initramfs-modules.txt); do
  for file in $(closure "$module"); do
    name=$(basename "$file" .ko.xz)
    xz -dc "$file" >"$initramfs/modules/$name.ko"
    echo "$name" | tr - _ | while read -r plain; do
      [ "$plain" = "$name" ] || mv "$initramfs/modules/$name.ko" "$initramfs/modules/$plain.ko"
      echo "$plain" >>"$initramfs/modules/$module.list"
    done
  done
done
find "$initramfs" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$initramfs" && find . | sort | cpio --quiet --create --format=newc --reproducible --owner=0:0) |
  zstd -q -19 -T1 >"$work/initrd"

echo "step: boot file system"
# FAT, because the boot loader can be installed on it without mounting it.
boot_sectors=$(((24 << 20) / 512))
mkfs.fat -F 16 -i 6d696e69 -n MINI-BOOT -h 2048 -s 8 --invariant -C "$work/boot.fat" $((boot_sectors / 2)) >/dev/null
sed "s|@APPEND@|$(lines $recipe/kernel-command-line.txt | tr '\n' ' ' | sed 's/ $//')|" $recipe/syslinux.cfg >"$work/syslinux.cfg"
cp "/boot/vmlinuz-$kernel" "$work/vmlinuz"
touch -d "@$SOURCE_DATE_EPOCH" "$work/vmlinuz" "$work/initrd" "$work/syslinux.cfg"
syslinux --install "$work/boot.fat"
mcopy -m -i "$work/boot.fat" "$work/vmlinuz" ::vmlinuz
mcopy -m -i "$work/boot.fat" "$work/initrd" ::initrd
mcopy -m -i "$work/boot.fat" "$work/syslinux.cfg" ::syslinux.cfg

echo "step: disk"
root_start=$((2048 + boot_sectors))
disk_sectors=$(((256 << 20) / 512))
root_sectors=$((disk_sectors - root_start))
mke2fs -q -t ext4 -d "$work/root.tar" -L mini-root -U 6d696e69-0000-4000-8000-000000000001 \
  -E hash_seed=6d696e69-0000-4000-8000-000000000002,resize=268435456,root_owner=0:0 -b 4096 -i 8192 -m 1 \
  -O '^metadata_csum_seed,^orphan_file' "$work/root.ext4" $((root_sectors / 8 * 4))k
truncate -s $((disk_sectors * 512)) /out/disk.raw
sfdisk --quiet --no-reread --no-tell-kernel /out/disk.raw <<TABLE
label: dos
label-id: 0x6d696e69
start=2048, size=$boot_sectors, type=e, bootable
start=$root_start, size=$root_sectors, type=83
TABLE
dd if=/usr/lib/syslinux/mbr/mbr.bin of=/out/disk.raw bs=440 count=1 conv=notrunc status=none
dd if="$work/boot.fat" of=/out/disk.raw bs=512 seek=2048 conv=notrunc,sparse status=none
dd if="$work/root.ext4" of=/out/disk.raw bs=512 seek=$root_start conv=notrunc,sparse status=none
ls -l "$work/vmlinuz" "$work/initrd" "$work/root.tar"
rm -rf /out/tmp
