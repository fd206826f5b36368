# The second stage of a Debian base system, run inside its root: all packages are unpacked, none is configured. First come, one
# by one, those whose maintainer scripts the others' need (debootstrap's x_core_install).
set -e
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C TZ=UTC
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

ln -sf mawk /usr/bin/awk
ln -sf dash /usr/bin/sh
# What dpkg does before it unpacks a package: base-passwd makes /etc/passwd there.
for script in /var/lib/dpkg/info/base-passwd.preinst /var/lib/dpkg/info/*.preinst; do
  package=${script##*/}
  package=${package%.preinst}
  echo "Preparing $package"
  DPKG_MAINTSCRIPT_PACKAGE=${package%:*} DPKG_MAINTSCRIPT_ARCH=armhf DPKG_MAINTSCRIPT_NAME=preinst "$script" install
done
for package in base-passwd base-files dpkg libc6 perl-base mawk debconf; do
  dpkg --force-depends --configure "$package"
done
dpkg --configure -a
