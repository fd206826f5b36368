#!/bin/bash
# binfmt.sh ROOT PROGRAM [ARGUMENT ...]: runs a program of an armhf root by qemu-arm-static with binfmt_misc, as the oracle of
# whole systems. To be run as root. The registration is made in a user namespace of its own (each has its own binfmt_misc since
# Linux 6.7) and is gone with it; users and groups keep their numbers.
set -euo pipefail
go=$(mktemp -u)
mkfifo "$go"
exec 8<&0
unshare --user --mount bash -c '
  read -r _ <"$1"
  shift
  exec setpriv --reuid 0 --regid 0 --clear-groups unshare --mount --pid --fork --kill-child bash "$@"
' binfmt "$go" -c '
  set -e
  mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  bash "$1"
  shift
  root=$1
  shift
  mount --rbind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  exec chroot "$root" "$@"
' binfmt "$(dirname "$0")/register-qemu.sh" "$@" <&8 &
child=$!
own=$(readlink /proc/self/ns/user)
until [ "$(readlink "/proc/$child/ns/user")" != "$own" ]; do sleep 0.02; done
echo '0 0 65536' >"/proc/$child/uid_map"
echo '0 0 65536' >"/proc/$child/gid_map"
echo go >"$go"
rm "$go"
wait "$child"
