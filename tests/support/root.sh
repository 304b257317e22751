#!/bin/bash
# Enters a Debian of its own over a tree that many share, as the lab's root, and stays there.
#
# By pivot_root and not by chroot: a program whose root is not its namespace's may make no user namespaces.
set -euo pipefail
tree=$1 lab=$2 user=$3 uid=$4 gid=$5
home=$user/home
root=$lab/root

mkdir -p "$root" "$lab/changes"
# What is changed is forgotten with the lab.
mount -t tmpfs -o mode=755 changes "$lab/changes"
mkdir "$lab/changes/upper" "$lab/changes/work"
mount -t overlay -o "lowerdir=$tree,upperdir=$lab/changes/upper,workdir=$lab/changes/work,userxattr" root "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
for shared in "$user" "$lab" /tmp/.X11-unix; do
    mkdir -p "$root$shared"
    mount --bind "$shared" "$root$shared"
done
echo "ann:x:$uid:$gid:Ann:$home:/bin/bash" >>"$root/etc/passwd"
grep -q "^[^:]*:[^:]*:$gid:" "$root/etc/group" || echo "ann:x:$gid:" >>"$root/etc/group"
mkdir -p "$root/mnt/old"
cd "$root"
pivot_root . mnt/old
umount --lazy /mnt/old
rmdir /mnt/old
echo entered
exec sleep infinity
