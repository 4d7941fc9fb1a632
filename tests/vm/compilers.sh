#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What other compilers made of the programs passes this kernel's verifier too:
# those in build/compilers/, of each object and entry point the dearest ways.
# VM_COMPILERS has the versions of clang that are meant, or else it is all there are.
. tests/ktap.sh

folders=()
for folder in build/compilers/bpf-*/bpf; do
	version=${folder#*/bpf-} version=${version%/bpf}
	[[ " ${VM_COMPILERS-$version} " == *" $version "* ]] || continue
	[ -e "$folder/meter_wide_module.bpf.o" ] && folders+=("$folder")
done
[ ${#folders[@]} -gt 0 ] || ktap_skip_all "no other clang is installed"
exec build/tests/bpf/verifier_test -d "${folders[@]}"
