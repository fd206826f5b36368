#!/bin/bash
# Registers qemu-arm-static for 32-bit ARM programs with the binfmt_misc that is mounted in this namespace. F: the kernel opens it
# now, so that it need not be in a root; P: argv[0] is kept.
set -e
magic='\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
echo ":qemu-arm:M::$magic:$mask:$(command -v qemu-arm-static):FP" >/proc/sys/fs/binfmt_misc/register
