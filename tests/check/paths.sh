#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nothing in the tree names one machine's directories or a package registry's
# host: it builds wherever it lies, from what the system's own sources list.
. tests/ktap.sh

# Written so that this file does not match itself.
MACHINE_PATHS='(^|[^[:alnum:]_.-])/(w''ork|h''ome|r''oot|U''sers|mnt/d''ata)/'
REGISTRY_HOSTS='(deb|security|ftp)\.deb''ian\.org|py''pi\.org|npm''js\.org|crates\.i''o|proxy\.go''lang\.org|index\.cr''ates|artif''actory|ppa\.laun''chpad'

named() {
	tree_files '*' | xargs -r grep -InE "$1" -- /dev/null
}
machine_paths() { named "$MACHINE_PATHS"; }
registry_hosts() { named "$REGISTRY_HOSTS"; }

ktap_print_header
rule_holds "no path of a machine" machine_paths
rule_holds "no host of a registry" registry_hosts
rule_catches "a home directory" machine_paths tests/bad.sh <<<'cd /h''ome/me/x'
rule_catches "a mirror" registry_hosts tests/bad.sh <<<'curl http://deb.deb''ian.org/x'
ktap_finished
