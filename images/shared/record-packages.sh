#!/bin/sh
# mmdebstrap's extract hook: writes down, in the new root ($1), each package with its version (packages.txt) and each file
# with its package (owners.txt). With packages only unpacked, there is no dpkg database that would know.
set -eu
for file in "$1"/var/cache/apt/archives/*.deb; do
  name=$(dpkg-deb -f "$file" Package)
  printf '%s %s\n' "$name" "$(dpkg-deb -f "$file" Version)" >>"$1/packages.txt"
  dpkg-deb --ctrl-tarfile "$file" | tar -xO ./md5sums 2>/dev/null | sed "s/^[^ ]*  /$name /" >>"$1/owners.txt" || :
done
