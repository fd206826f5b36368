# The second stage of a Debian base system, run inside its root: what debootstrap does there after `--foreign`. All packages are unpacked, none is known to dpkg;
# the files of packages lie where apt keeps them. First come, one by one, those whose maintainer scripts the others' need (debootstrap's x_core_install).
set -e
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C TZ=UTC
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd /var/cache/apt/archives

ln -sf mawk /usr/bin/awk
ln -sf /usr/share/zoneinfo/UTC /etc/localtime
version=$(dpkg-deb -f dpkg_*.deb Version)
printf 'Package: dpkg\nVersion: %s\nMaintainer: unknown\nStatus: install ok installed\n' "$version" >/var/lib/dpkg/status

for package in base-passwd base-files dpkg libc6 perl-base mawk debconf; do
  dpkg --force-depends --install "$package"_*.deb
done
dpkg --force-depends --unpack ./*.deb
dpkg --configure --pending --force-configure-any --force-depends
dpkg --configure -a
rm ./*.deb
