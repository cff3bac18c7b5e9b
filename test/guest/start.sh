#!/bin/sh
# What the guest's unit runs: the host's Node with the libraries that Debian's tree lacks, then the steps.
#   sh start.sh PARTS
set -eu
parts=$1
if [ -n "$(ls -A "$parts/lib")" ]; then
  echo "$parts/lib" >/etc/ld.so.conf.d/crib-guest.conf
  ldconfig
fi
mkdir -p /var/cache/crib-test
for name in tools debian; do ln -sfn "$parts/$name" "/var/cache/crib-test/$name"; done
# What crib's own time limits are for is loading once what a machine in use has loaded: not with an emulated processor.
modprobe -a bridge veth nf_tables nft_chain_nat nft_masq nft_ct xt_comment xt_MASQUERADE ip_tables iptable_nat || true
nft list ruleset
exec node dist/test/guest/inside.js "$parts"
