#!/bin/busybox sh
# Process 1 of the emulated host. It loads the modules, shows the root of the outer machine under a layer of memory, so
# that nothing is written there, and runs what the test left in the checkout. LAB_CHECKOUT comes from the kernel's
# command line: the folder of the checkout, which is written to.
export PATH=/bin
b=/bin/busybox
fail() { echo "kvm-host: $1 failed"; $b poweroff -f; }

$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in /modules/*; do
    $b insmod "$module" || fail "loading $module"
done

share=trans=virtio,version=9p2000.L,msize=524288
# Nothing changes in the files of the outer machine that the lab reads here, so what was read stays valid.
$b mount -t 9p -o "$share,cache=loose,ro" root /lower || fail "mounting the root of the outer machine"
$b mount -t tmpfs -o mode=755 layer /layer
$b mkdir /layer/upper /layer/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/layer/upper,workdir=/layer/work root /root || fail "mounting the layer"
$b mount -t proc proc /root/proc
$b mount -t sysfs sys /root/sys
$b mount -t devtmpfs dev /root/dev
$b mount -t 9p -o "$share" checkout "/root$LAB_CHECKOUT" || fail "mounting the checkout"

$b chroot /root /bin/sh "$LAB_CHECKOUT/said/commands.sh"
$b sync
$b poweroff -f
